"""Random requests of a caller and several hooks: what is accepted is as a raw session has it."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import hypothesis
import numpy as np
import pytest
import tensorflow
from hypothesis import strategies as st
from merging_models import Box, Pair

import tfhooks
from tfhooks._base import errors
from tfhooks._run import feeding, options

tf = tensorflow.compat.v1


@dataclasses.dataclass
class Data:
    left: Any
    right: Any


class Asks(tfhooks.SessionRunHook):
    request = got = None

    def before_run(self, run_context):
        return self.request

    def after_run(self, run_context, run_values):
        self.got = run_values.results


DTYPES = [
    tf.bool,
    tf.int8,
    tf.uint8,
    tf.int32,
    tf.int64,
    tf.uint64,
    tf.float16,
    tf.bfloat16,
    tf.float32,
    tf.float64,
    tf.complex64,
    tf.string,
]
SHAPES = [None, [], [2], [None, 2]]


class Program:
    """One graph with a monitored session of three hooks, and a raw session beside it."""

    def __init__(self):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.constants = [tf.constant(float(n), name=f'c{n}') for n in range(4)]
            self.placeholders = [tf.placeholder(t, shape) for t in DTYPES for shape in SHAPES]
            self.copies = [tf.identity(p) for p in self.placeholders]
            self.sparse = tf.sparse.from_dense([0.0, 5.0])
            variable = tf.get_variable('variable', initializer=[1.0, 2.0])
            nothing = tf.no_op(name='nothing')
            self.good = [
                *self.constants,
                *['c0:0', b'c1:0', 'nothing', 'c2'],
                *[variable, nothing, self.sparse],
            ]
            self.bad = [None, 5, 'nowhere:0', 'c0:3', object(), tf.Graph]
            self.hooks = [Asks(), Asks(), Asks()]
            self.session = tfhooks.MonitoredSession(hooks=self.hooks)
            self.raw = tf.Session()
            self.raw.run(variable.initializer)


@pytest.fixture(scope='module')
def program():
    program = Program()
    yield program
    for hook in program.hooks:
        hook.request = None
    program.session.close()
    program.raw.close()


def same(one, other):
    """Whether two results are equal in types, dtypes, shapes and values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (Box, Data)):
        return same(one.left, other.left) and same(one.right, other.right)
    if isinstance(one, (np.ndarray, np.generic)):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        return bool(np.all((one == other) | ((one != one) & (other != other))))
    return one == other


def structures(leaves):
    """Fetch structures over `leaves`, without dataclasses."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from('abc'), inner, max_size=3),
            st.builds(Pair, inner, inner),
            st.builds(Box, inner, inner),
            st.dictionaries(st.sampled_from('abc'), inner).map(collections.OrderedDict),
        ),
        max_leaves=6,
    )


SETTINGS = hypothesis.settings(
    max_examples=150, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
)


@SETTINGS
@hypothesis.given(data=st.data())
def test_accepted_fetches_are_those_of_a_raw_session(program, data):
    leaves = st.sampled_from(program.good + program.bad[: data.draw(st.sampled_from([0, 0, 6]))])
    asked = [data.draw(structures(leaves)) for _ in range(4)]
    for hook, fetches in zip(program.hooks, asked[1:], strict=True):
        hook.request = tfhooks.SessionRunArgs(fetches)
    expected = []
    for place, fetches in enumerate(asked):
        try:
            # A hook that fetches None fetches nothing.
            skip = place > 0 and fetches is None
            expected.append(None if skip else program.raw.run(fetches))
        except (TypeError, ValueError) as error:
            expected.append(error)
    if not any(isinstance(value, Exception) for value in expected):
        for _ in range(2):
            own = program.session.run(asked[0])
            assert same(own, expected[0])
            for hook, value in zip(program.hooks, expected[1:], strict=True):
                assert same(hook.got, value)
        return
    with pytest.raises((TypeError, ValueError)) as caught:
        program.session.run(asked[0])
    of_hooks = {
        f'Asks[{place}].before_run'
        for place, value in enumerate(expected[1:])
        if isinstance(value, Exception)
    }
    if not of_hooks and not isinstance(caught.value, errors.RequestError):
        assert type(caught.value) is type(expected[0])
        return
    owner = {problem.owner for problem in caught.value.problems}
    assert owner == of_hooks | ({'the caller'} if isinstance(expected[0], Exception) else set())
    # A request with several mistakes shows TensorFlow's first one among its own.
    assert all(isinstance(caught.value, type(e)) for e in expected if isinstance(e, Exception))


@SETTINGS
@hypothesis.given(data=st.data())
def test_dataclasses_come_back_as_what_a_tuple_of_them_gives(program, data):
    leaves = st.sampled_from(program.good)
    left, right = data.draw(structures(leaves)), data.draw(structures(leaves))
    shapes = st.sampled_from(
        [
            lambda x, y: Data(x, y),
            lambda x, y: [Data(x, y)],
            lambda x, y: {'a': Data(x, y)},
            lambda x, y: Pair(Data(x, y), Box(1, Data(x, y))),
            lambda x, y: Data(Data(x, y), (Data(y, x),)),
        ]
    )
    shape = data.draw(shapes)
    asked = shape(left, right)
    if isinstance(asked, Pair):
        asked.right.left = 'c0:0'
    for hook in program.hooks:
        hook.request = None
    program.hooks[1].request = tfhooks.SessionRunArgs(asked)
    program.session.run('c0:0')
    expected = shape(program.raw.run(left), program.raw.run(right))
    if isinstance(expected, Pair):
        expected.right.left = np.float32(0)
    assert same(program.hooks[1].got, expected)


NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-300, 300),
    st.sampled_from([2**31, -(2**31) - 1, 2**63, 2**64, 2**70, 65505, 10**39]),
    st.floats(width=16),
    st.sampled_from([0.5, 1e5, 1e39, 1e300, 1j, 1 + 0j, 'a', b'b', '1', object()]),
    st.sampled_from([np.float64(1.5), np.int64(7), np.uint8(200), np.float16(3)]),
)
VALUES = st.one_of(
    NUMBERS,
    st.lists(NUMBERS, max_size=3),
    st.lists(st.lists(st.integers(-5, 5), min_size=2, max_size=2), max_size=2),
    st.builds(
        lambda value, kind: np.array(value).astype(kind),
        st.lists(st.integers(0, 100), min_size=2, max_size=2),
        st.sampled_from(['int8', 'int64', 'float32', 'float64', 'complex64', 'bool']),
    ),
)
# All that TensorFlow raises for a value of a feed.
REFUSALS = (TypeError, ValueError, OverflowError, tf.errors.InternalError)


@SETTINGS
@hypothesis.given(data=st.data())
@pytest.mark.filterwarnings('ignore')
def test_accepted_feeds_are_those_of_a_raw_session(program, data):
    place = data.draw(st.integers(0, len(program.placeholders) - 1))
    tensor, copy = program.placeholders[place], program.copies[place]
    value = data.draw(VALUES)
    key = data.draw(st.sampled_from([tensor, tensor.name]))
    for hook in program.hooks:
        hook.request = None
    program.hooks[2].request = tfhooks.SessionRunArgs(copy, {key: value})
    try:
        expected = program.raw.run(copy, {key: value})
    except REFUSALS as error:
        expected = error
    refused = None
    try:
        for _ in range(2):
            program.session.run('c0:0')
    except errors.RequestError as error:
        refused = error
    if refused is not None:
        assert str(refused).startswith('Asks[2].before_run: feed_dict[')
        if isinstance(expected, Exception):
            assert isinstance(refused, type(expected))
        else:
            # The listed ones: None, and what would be changed on the way.
            assert value is None or not keeps(value, expected)
    else:
        assert same(program.hooks[2].got, expected)
        assert keeps(value, expected)

    # Fed by the caller, all is as in TensorFlow but for None.
    program.hooks[2].request = None
    if value is None:
        with pytest.raises(TypeError, match='None cannot be fed'):
            program.session.run(copy, {key: value})
    elif isinstance(expected, Exception):
        with pytest.raises(type(expected)) as caught:
            program.session.run(copy, {key: value})
        assert type(caught.value) is type(expected)
    else:
        assert same(program.session.run(copy, {key: value}), expected)


def keeps(value, fed):
    """Whether what was fed says what the value said, up to rounding; told apart from feeding.py."""
    for one, other in zip(flat(value), np.asarray(fed).ravel().tolist(), strict=True):
        if isinstance(other, (str, bytes)) or isinstance(one, (str, bytes)):
            if isinstance(other, bool):
                return False
            continue
        if one is None:
            return False
        if isinstance(other, (bool, int)):
            if one != other:
                return False
        elif not close(complex(min(one, 10**300) if type(one) is int else one), complex(other)):
            return False
    return True


def close(one, other):
    for a, b in [(one.real, other.real), (one.imag, other.imag)]:
        if np.isfinite(a) != np.isfinite(b):
            return False
        if np.isfinite(a) and abs(a - b) > max(abs(a) * 0.01, 1e-7):
            return False
    return True


def flat(value):
    if isinstance(value, np.ndarray):
        return value.ravel().tolist()
    if isinstance(value, np.generic):
        return [value.item()]
    if isinstance(value, list):
        return [leaf for item in value for leaf in flat(item)]
    return [value]


@SETTINGS
@hypothesis.given(data=st.data())
def test_same_tensor_is_fed_once_or_refused(program, data):
    floats = [p for p in program.placeholders if p.dtype == tf.float32 and p.shape.rank == 0]
    (tensor,) = floats
    copy = program.copies[program.placeholders.index(tensor)]
    spelled = st.sampled_from([None, tensor, tensor.name, tensor.name.encode()])
    keys = [data.draw(spelled) for _ in range(4)]
    for hook, key in zip(program.hooks, keys[1:], strict=True):
        hook.request = tfhooks.SessionRunArgs(None, None if key is None else {key: 1.0})
    caller = None if keys[0] is None else {keys[0]: 1.0}
    given = [key for key in keys if key is not None]
    if len(given) == 1:
        assert program.session.run(copy, caller) == 1.0
    elif given:
        with pytest.raises(errors.ConflictError, match='Same tensor is fed by') as caught:
            program.session.run(copy, caller)
        assert len(caught.value.problems) == len(given) - 1


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        'timeout_in_ms': st.integers(0, 5),
        'trace_level': st.integers(0, 3),
        'inter_op_thread_pool': st.integers(-1, 2),
        'output_partition_graphs': st.booleans(),
        'report_tensor_allocations_upon_oom': st.booleans(),
        'experimental': st.fixed_dictionaries(
            {},
            optional={
                'collective_graph_key': st.integers(0, 2),
                'use_run_handler_pool': st.booleans(),
            },
        ),
    },
)


@SETTINGS
@hypothesis.given(given=st.lists(FIELDS, max_size=4))
def test_options_are_merged_by_their_rules_whatever_the_order(given):
    protos = [tf.RunOptions(**fields) for fields in given]
    before = [proto.SerializeToString() for proto in protos]
    merged, problems = options.merge_options([(f'{n}', p) for n, p in enumerate(protos)])
    assert [proto.SerializeToString() for proto in protos] == before
    if not given:
        assert merged is None
        return

    pools = {fields.get('inter_op_thread_pool', 0) for fields in given} - {0}
    inner = [fields.get('experimental', {}) for fields in given]
    keys = {fields.get('collective_graph_key', 0) for fields in inner} - {0}
    assert bool(problems) == (len(pools) > 1 or len(keys) > 1)
    if problems:
        return
    timeouts = {fields.get('timeout_in_ms', 0) for fields in given} - {0}
    assert merged.timeout_in_ms == min(timeouts, default=0)
    assert merged.trace_level == max(fields.get('trace_level', 0) for fields in given)
    assert merged.inter_op_thread_pool == (pools.pop() if pools else 0)
    assert merged.experimental.collective_graph_key == (keys.pop() if keys else 0)
    for flag in ('output_partition_graphs', 'report_tensor_allocations_upon_oom'):
        assert getattr(merged, flag) == any(fields.get(flag) for fields in given)
    pool = any(fields.get('use_run_handler_pool') for fields in inner)
    assert merged.experimental.use_run_handler_pool == pool
    backwards, _ = options.merge_options([('', proto) for proto in reversed(protos)])
    assert backwards == merged


@SETTINGS
@hypothesis.given(data=st.data())
@pytest.mark.filterwarnings('ignore')
def test_quick_look_at_a_feed_never_passes_what_the_close_one_refuses(program, data):
    tensor = data.draw(st.sampled_from(program.placeholders))
    value = data.draw(VALUES)
    if feeding.surely_good(tensor, value):
        feed = feeding.Feed('A', 'key', tensor, value)
        problem = feeding.value_problem(program.graph, feed, exact=True)
        assert problem is None or 'must be compatible' in problem.text
