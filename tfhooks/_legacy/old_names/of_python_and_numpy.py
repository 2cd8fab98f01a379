"""Names that Python, NumPy and SciPy had when programs of TensorFlow 1 were written."""

from __future__ import annotations

_CONTAINERS = (
    'AsyncGenerator AsyncIterable AsyncIterator Awaitable ByteString Callable Collection Container '
    'Coroutine Generator Hashable ItemsView Iterable Iterator KeysView Mapping MappingView '
    'MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView'
)
_OURS = 'tfhooks._legacy.python_and_numpy'
_OF_NUMPY = (
    'Inf=numpy.inf Infinity=numpy.inf NAN=numpy.nan NaN=numpy.nan PINF=numpy.inf '
    f'alltrue=numpy.all asscalar={_OURS}.asscalar bool=builtins.bool '
    'cfloat=numpy.complex128 complex=builtins.complex complex_=numpy.complex128 '
    'cumproduct=numpy.cumprod float=builtins.float float_=numpy.float64 '
    f'fromstring={_OURS}.fromstring in1d=numpy.isin infty=numpy.inf int=builtins.int '
    'long=builtins.int mat=numpy.asmatrix object=builtins.object product=numpy.prod '
    f'rank=numpy.ndim round_=numpy.round row_stack=numpy.vstack sctypes={_OURS}.sctypes '
    'singlecomplex=numpy.complex64 sometrue=numpy.any str=builtins.str '
    f'string_=numpy.bytes_ trapz={_OURS}.trapz unicode=builtins.str unicode_=numpy.str_'
)

REMOVED = {
    **{f'collections.{name}': f'collections.abc.{name}' for name in _CONTAINERS.split()},
    **{f'numpy.{old}': new for old, _, new in (n.partition('=') for n in _OF_NUMPY.split())},
    'fractions.gcd': 'math.gcd',
    'inspect.getargspec': f'{_OURS}.getargspec',
    'scipy.misc': 'tfhooks._legacy.scipy_misc',
    'time.clock': 'time.process_time',
}
"""By dotted name: what serves in its place, as a dotted name."""

METHODS = {'tostring': 'tobytes'}
"""Of NumPy's arrays: each with what it is called now."""

MODULES = frozenset(name.rpartition('.')[0] for name in REMOVED)
"""The modules whose names are in question."""

ATTRIBUTES = frozenset(name.rpartition('.')[2] for name in REMOVED) | frozenset(METHODS)
"""Without their modules, as an attribute is written."""
