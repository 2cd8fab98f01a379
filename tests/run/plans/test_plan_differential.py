"""Random programs through a planned and an unplanned session: equal results, types, errors."""

from __future__ import annotations

import collections

import attrs
import hypothesis
import numpy as np
import tensorflow
from hypothesis import strategies as st

from tfhooks._run.plan_cache import PlanCache
from tfhooks._run.structures import leaves as leaves_of

tf = tensorflow.compat.v1

Pair = collections.namedtuple('Pair', ['left', 'right'])


@attrs.define
class Box:
    left: object
    right: object


DTYPES = [
    tf.float16,
    tf.bfloat16,
    tf.float32,
    tf.float64,
    tf.int8,
    tf.uint8,
    tf.int16,
    tf.uint16,
    tf.int32,
    tf.uint32,
    tf.int64,
    tf.uint64,
    tf.bool,
    tf.complex64,
    tf.complex128,
    tf.string,
    tf.quint8,
    tensorflow.dtypes.experimental.float8_e5m2,
    tensorflow.dtypes.experimental.float8_e4m3fn,
]
SHAPES = [None, [], [None], [2], [None, 2], [2, 2], [0]]


class Program:
    """One graph that both sessions run; each has variables of its own."""

    def __init__(self):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.placeholders = [tf.placeholder(t, shape) for t in DTYPES for shape in SHAPES]
            self.copies = [tf.identity(p) for p in self.placeholders]
            reference = tf.get_variable('reference', initializer=[1.0, 2.0], use_resource=False)
            resource = tf.get_variable('resource', initializer=[3, 4], use_resource=True)
            step = tf.train.create_global_step()
            sparse = tf.sparse.from_dense([[0.0, 1.0], [2.0, 0.0]])
            floats = tf.placeholder(tf.float32, [None], name='floats')
            total = tf.placeholder_with_default(np.float32(3), [], name='total')
            self.placeholders += [floats, total]
            self.others = [
                reference,
                resource,
                step,
                sparse,
                tf.IndexedSlices(floats, tf.range(tf.size(floats)), tf.shape(floats)),
                tf.RaggedTensor.from_row_splits([1, 2, 3], [0, 2, 3]),
                tf.reduce_sum(floats) / total,
                tf.debugging.check_numerics(floats, 'not finite'),
                tf.Assert(tf.reduce_all(floats < 100.0), [floats]),
                tf.assign_add(step, 1),
                reference.assign_add([1.0, 1.0]).op,
                resource.assign_add([1, 1]).op,
                reference.assign_add([0.5, 0.5]),
                tf.no_op('nothing'),
                tf.constant(['a', 'bc']),
                tf.constant([[1.5, 2.5]]),
                tf.zeros([0, 3]),
                tf.strings.as_string(tf.constant(3)),
                tf.split(tf.constant([1, 2, 3, 4]), 2)[1],
                tf.while_loop(lambda n: n < 5, lambda n: n + 1, [tf.constant(0)]),
                tf.cond(total > 2.0, lambda: tf.constant(1), lambda: tf.constant(2)),
                'nothing',
                'floats:0',
                b'total:0',
                'missing',
                'missing:0',
                None,
                3,
                reference.initializer,
                tf.random.uniform([2], seed=1),
            ]
            self.init = tf.global_variables_initializer()
        self.graph.finalize()


_program: list[Program] = []


def program() -> Program:
    if not _program:
        _program.append(Program())
    return _program[0]


def leaf_indices():
    total = len(DTYPES) * len(SHAPES)
    others = 30
    return st.one_of(
        st.integers(0, others - 1).map(lambda n: ('other', n)),
        st.integers(0, others - 1).map(lambda n: ('other', n)),
        st.integers(0, total - 1).map(lambda n: ('copy', n)),
        st.integers(0, total + 1).map(lambda n: ('placeholder', n)),
    )


def containers(children):
    names = st.one_of(st.sampled_from(['a', 'b', 'c']), st.integers(0, 2), st.just((1, 2)))
    return st.one_of(
        st.lists(children, max_size=4),
        st.lists(children, max_size=4).map(tuple),
        st.tuples(children, children).map(lambda pair: Pair(*pair)),
        st.tuples(children, children).map(lambda pair: Box(*pair)),
        st.dictionaries(names, children, max_size=3),
        st.dictionaries(names, children, max_size=3).map(collections.OrderedDict),
        st.dictionaries(names, children, max_size=3).map(
            lambda items: collections.defaultdict(list, items)
        ),
    )


class Leaf:
    def __init__(self, place):
        self.place = place

    def __repr__(self):
        return f'Leaf{self.place}'


structures = st.recursive(leaf_indices().map(Leaf), containers, max_leaves=6)


def resolved(structure, program):
    """The structure with graph elements for its leaves, in new containers."""
    kind = type(structure)
    if kind is Leaf:
        where, number = structure.place
        return {
            'other': program.others,
            'copy': program.copies,
            'placeholder': program.placeholders,
        }[where][number]
    if kind in (list, tuple):
        return kind(resolved(child, program) for child in structure)
    if kind is Pair:
        return Pair(*(resolved(child, program) for child in structure))
    if kind is Box:
        return Box(resolved(structure.left, program), resolved(structure.right, program))
    items = [(name, resolved(child, program)) for name, child in structure.items()]
    return collections.defaultdict(list, items) if kind is collections.defaultdict else kind(items)


numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**70), 2**70),
    st.floats(width=32),
    st.booleans(),
    st.complex_numbers(max_magnitude=10),
)
words = st.one_of(st.text(max_size=3), st.binary(max_size=3))
arrays = st.builds(
    lambda dtype, shape, fill: np.full(shape, fill).astype(dtype),
    st.sampled_from(['f2', 'f4', 'f8', 'i1', 'u1', 'i4', 'i8', 'u8', '?', 'c8', 'S2', 'U2', 'O']),
    st.sampled_from([(), (1,), (2,), (0,), (1, 2), (2, 2), (3, 2)]),
    st.integers(0, 5),
)
values = st.one_of(
    arrays,
    arrays,
    numbers,
    words,
    st.lists(numbers, max_size=3),
    st.lists(words, max_size=3),
    st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=2), max_size=3).map(tuple),
    st.none(),
    st.sampled_from([np.float32(1.5), np.int64(3), np.bool_(True), np.str_('s'), np.bytes_(b's')]),
    st.just(Leaf(('other', 0))),
)
feeds = st.lists(
    st.tuples(
        st.one_of(
            st.integers(0, len(DTYPES) * len(SHAPES) + 1).map(lambda n: ('placeholder', n)),
            st.integers(0, 29).map(lambda n: ('other', n)),
        ),
        values,
    ),
    max_size=3,
)
steps = st.lists(st.tuples(structures, feeds), min_size=1, max_size=3)


def described(value):
    """A value in all that a program can see of it, comparable by `==`."""
    if isinstance(value, np.ndarray):
        flags = (value.flags.writeable, value.flags.c_contiguous)
        contents = list(map(described, value.ravel())) if value.dtype == object else value.tobytes()
        return ('array', value.dtype, value.shape, flags, contents)
    if isinstance(value, np.generic):
        return ('scalar', type(value), value.dtype, value.tobytes())
    if isinstance(value, dict):
        factory = getattr(value, 'default_factory', None)
        return (type(value), factory, [(key, described(item)) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value), [described(item) for item in value])
    if isinstance(value, Box):
        return (Box, described(value.left), described(value.right))
    if type(value).__name__ == 'RaggedTensorValue':
        return ('ragged', described(value.values), described(value.row_splits))
    return (type(value), value)


def outcome(run, fetches, feed_dict):
    try:
        return ('result', described(run(fetches, feed_dict)))
    except Exception as error:
        return (
            'error',
            type(error),
            str(error),
            getattr(error, 'op', None),
            getattr(error, 'node_def', None),
            getattr(error, 'error_code', None),
        )


@hypothesis.given(steps)
@hypothesis.settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
def test_planned_and_unplanned_runs_are_equal(requests):
    model = program()
    with tf.Session(graph=model.graph) as own, tf.Session(graph=model.graph) as planned:
        own.run(model.init)
        plans = PlanCache(planned, limit=2)
        plans.install()
        planned.run(model.init)
        for _ in range(2):
            for structure, fed in requests:
                fetches = resolved(structure, model)
                feed_dict = {
                    resolved(Leaf(key), model): resolved(value, model)
                    if type(value) is Leaf
                    else value
                    for key, value in fed
                    if key[1] != 3 or key[0] != 'other'
                }
                expected = outcome(own.run, fetches, feed_dict)
                found = outcome(planned.run, fetches, feed_dict)
                if expected[0] == 'error' and issubclass(expected[1], tf.errors.OpError):
                    # Of several operations that fail, and of those that assign, any may come first.
                    if found != expected:
                        alone = [outcome(own.run, leaf, feed_dict) for leaf in leaves_of(fetches)]
                        assert found in alone
                    return
                assert found == expected
        state = [model.others[0], model.others[1], model.others[2]]
        assert outcome(planned.run, state, None) == outcome(own.run, state, None)
