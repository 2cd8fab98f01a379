"""Replacements for removed names of Python, NumPy and SciPy.

Those modules are not changed: `tfhooks._legacy.rewriting` makes single files look here.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tfhooks._legacy.old_names.of_python_and_numpy import METHODS, REMOVED


class ArgSpec(NamedTuple):
    """The result of `inspect.getargspec`."""

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple[Any, ...] | None


sctypes = {
    'int': [np.int8, np.int16, np.int32, np.int64],
    'uint': [np.uint8, np.uint16, np.uint32, np.uint64],
    'float': [np.float16, np.float32, np.float64, np.longdouble],
    'complex': [np.complex64, np.complex128, np.clongdouble],
    'others': [bool, object, bytes, str, np.void],
}

# NumPy renamed it in 2.0.
trapz = getattr(np, 'trapezoid', None) or np.trapz  # type: ignore[attr-defined,unused-ignore]


def get(value: Any, name: str) -> Any:
    """Returns `value.name`, or a replacement for it if the name was removed.

    Raises:
      AttributeError: It has no such attribute, and none is known that was removed.
    """
    full = f'{value.__name__}.{name}' if isinstance(value, ModuleType) else ''
    # By vars() and not `getattr`, since NumPy raises for a removed name, or warns.
    if full not in REMOVED or (name in vars(value) and not REMOVED[full].startswith(__name__)):
        if isinstance(value, np.ndarray | np.generic) and name in METHODS:
            name = METHODS[name]
        return getattr(value, name)
    return pkgutil.resolve_name(REMOVED[full])


def getargspec(function: Callable[..., Any]) -> ArgSpec:
    """Stands for `inspect.getargspec`: the names and defaults of a function's arguments.

    Raises:
      ValueError: It has keyword-only arguments or annotations, as in Python 3.10.
      TypeError: It is no function of Python's.
    """
    spec = inspect.getfullargspec(function)
    if spec.kwonlyargs or spec.annotations:
        raise ValueError(
            'Function has keyword-only parameters or annotations, use inspect.signature() API '
            'which can support them'
        )
    return ArgSpec(*spec[:4])


def asscalar(a: Any) -> Any:
    """Stands for `numpy.asscalar`: the value of an array of one element."""
    return a.item()


def fromstring(string: Any, dtype: Any = float, count: int = -1, *, sep: str = '') -> Any:
    """Stands for `numpy.fromstring`, which reads text only today; it read bytes where `sep` is ''.

    Raises:
      ValueError: The bytes are no whole number of elements.
    """
    if sep:
        return np.fromstring(string, dtype, count, sep=sep)
    data = string.encode('latin-1') if isinstance(string, str) else string
    return np.frombuffer(data, dtype, count).copy()
