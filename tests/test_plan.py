"""Run plans serve requests as `Session.run` does, or leave them to it."""

from __future__ import annotations

import collections
import functools
import gc
import threading
import traceback
import weakref

import numpy as np
import pytest
import tensorflow
from tensorflow.python.client import session as client_session
from tensorflow.python.training import monitored_session

import tfhooks
from tfhooks import _tensorflow as door
from tfhooks.plan import RunPlans, plans_enabled, run_plans

tf = tensorflow.compat.v1


class Model:
    """A small graph with feeds, variables of both kinds, strings, an op that can fail."""

    def __init__(self):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.x = tf.placeholder(tf.float32, [None, 2], name='x')
            self.n = tf.placeholder(tf.int32, [], name='n')
            self.word = tf.placeholder(tf.string, name='word')
            self.flag = tf.placeholder(tf.bool, [], name='flag')
            self.double = tf.multiply(self.x, 2.0, name='double')
            self.next = tf.add(self.n, 1, name='next')
            self.step = tf.train.create_global_step()
            self.count = tf.assign_add(self.step, 1)
            self.resource = tf.get_variable('resource', initializer=[1.0, 2.0], use_resource=True)
            self.reference = tf.get_variable(
                'reference', initializer=[3.0, 4.0], use_resource=False
            )
            self.grow = self.reference.assign_add([1.0, 1.0])
            self.constant = tf.constant([5.0, 6.0], name='constant')
            self.checked = tf.debugging.check_numerics(self.x, 'not a number', name='checked')
            self.text = tf.constant(['a', 'b'], name='text')
            self.init = tf.global_variables_initializer()


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def session(model):
    with tf.Session(graph=model.graph) as session:
        session.run(model.init)
        yield session


@pytest.fixture
def plans(session):
    return RunPlans(session)


def raised(call, *arguments):
    """What a call raises, in the parts that a program or a person can see."""
    try:
        value = call(*arguments)
    except Exception as error:
        return (
            type(error),
            str(error),
            error.args,
            getattr(error, 'op', None),
            getattr(error, 'node_def', None),
            getattr(error, 'error_code', None),
        )
    pytest.fail(f'nothing was raised, the value is {value!r}')


def test_a_request_is_analysed_once(model, plans):
    assert plans.find(model.count) is None
    plan = plans.compile(model.count)
    assert plans.find(model.count) is plan
    assert [plan.run() for _ in range(3)] == [1, 2, 3]
    assert plan.times == 3
    assert plans.counters.served == 3
    assert plans.counters.compiled == 1
    assert plans.counters.fallbacks == {}


def test_run_stands_for_session_run(model, session, plans):
    feeds = {model.x: [[1.0, 2.0]], model.n: 4}
    for _ in range(3):
        result = plans.run({'a': [model.double, model.next], 'b': model.count.op}, feeds)
        np.testing.assert_array_equal(result['a'][0], [[2.0, 4.0]])
        assert result['a'][1] == 5
        assert type(result['a'][1]) is np.int32
        assert result['b'] is None
    assert session.run(model.step) == 3
    assert plans.counters.served == 3


def test_an_installed_planner_serves_eval_and_operations_and_callables(model, session, plans):
    plans.install()
    assert session.run.__self__ is plans
    assert model.next.eval({model.n: 1}) == 2
    model.count.op.run()
    assert session.make_callable(model.next, [model.n])(7) == 8
    assert plans.counters.served == 3
    plans.uninstall()
    assert 'run' not in vars(session)
    assert session.run(model.step) == 1
    assert plans.counters.served == 3


@pytest.mark.parametrize('name', ['constant', 'resource', 'reference', 'text'])
def test_results_are_the_callers_own(model, plans, name):
    fetch = getattr(model, name)
    first = plans.run(fetch)
    expected = first.copy()
    assert first.flags.writeable
    first[:] = first[::-1].copy()
    np.testing.assert_array_equal(plans.run(fetch), expected)


def test_a_result_does_not_follow_the_variable(model, plans):
    before = plans.run(model.reference)
    plans.run(model.grow)
    np.testing.assert_array_equal(before, [3.0, 4.0])
    np.testing.assert_array_equal(plans.run(model.reference), [4.0, 5.0])


def test_a_tensor_fetched_twice_is_one_object(model, plans):
    first, second = plans.run([model.constant, {'again': model.constant}])
    assert first is second['again']


def test_a_fed_tensor_that_is_fetched_gives_the_fed_value(model, plans):
    value = np.ones((1, 2), np.float32)
    fetched, double = plans.run([model.x, model.double], {model.x: value})
    assert fetched is value
    np.testing.assert_array_equal(double, 2 * value)
    assert plans.run(model.double, {model.double: [[7.0, 7.0]]}).dtype == np.float32


def test_nothing_but_fed_values_needs_no_run(model, plans):
    assert plans.run([]) == []
    assert plans.run({}, {model.n: 3}) == {}
    assert plans.run([model.n], {model.n: 3}) == [3]
    assert plans.counters.served == 3


def test_names_and_variables_may_be_fetched_and_names_fed(model, plans):
    result = plans.run(['next:0', model.resource, model.reference, 'init'], {'n:0': 2})
    assert result[0] == 3
    np.testing.assert_array_equal(result[1], [1.0, 2.0])
    np.testing.assert_array_equal(result[2], [3.0, 4.0])
    assert result[3] is None
    assert plans.counters.served == 1


def test_sparse_results_come_as_sparse_values(plans, model):
    with model.graph.as_default():
        sparse = tf.SparseTensor([[0, 1]], [2.0], [3, 3])
        slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]))
    result = plans.run([sparse, slices, model.step])
    assert isinstance(result[0], tf.SparseTensorValue)
    assert type(result[1]).__name__ == 'IndexedSlicesValue'
    np.testing.assert_array_equal(result[0].dense_shape, [3, 3])
    assert result[2] == 0
    assert plans.counters.served == 1


def test_a_changed_list_is_another_request(model, plans):
    fetches = [model.step]
    assert len(plans.run(fetches)) == 1
    fetches.append(model.constant)
    assert len(plans.run(fetches)) == 2
    assert plans.counters.compiled == 2


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('n', 3),
        ('n', np.int32(3)),
        ('n', np.float64(3.7)),
        ('n', 3.7),
        ('n', True),
        ('n', np.array(3, np.int64)),
        ('x', [[1, 2]]),
        ('x', ((1.5, 2.5), (3, 4))),
        ('x', np.arange(4).reshape(2, 2)),
        ('x', np.asfortranarray(np.arange(4, dtype=np.float32).reshape(2, 2))),
        ('x', np.arange(8, dtype=np.float32).reshape(4, 2)[::2]),
        ('x', np.zeros((0, 2))),
        ('x', [[None, 1.0]]),
        ('word', 'a'),
        ('word', b'a'),
        ('word', ['a', b'b', 'é']),
        ('word', np.array(['a', 'bc'])),
        ('word', [['a'], ['b']]),
        ('flag', False),
        ('flag', np.bool_(True)),
        ('flag', 1),
    ],
)
def test_values_are_converted_as_tensorflow_does(model, session, plans, key, value):
    placeholder = getattr(model, key)
    with model.graph.as_default():
        fetches = [placeholder, tf.identity(placeholder)]
    for planned, own in zip(
        plans.run(fetches, {placeholder: value}),
        session.run(fetches, {placeholder: value}),
        strict=True,
    ):
        assert type(planned) is type(own)
        np.testing.assert_array_equal(planned, own)
        assert getattr(planned, 'dtype', None) == getattr(own, 'dtype', None)
    assert plans.counters.served == 1
    assert plans.counters.fallbacks == {}


BAD_VALUES = [
    ('n', None),
    ('n', 2**40),
    ('n', -(2**31) - 1),
    ('n', 'word'),
    ('n', [1, 2]),
    ('n', object()),
    ('x', [1.0, 2.0]),
    ('x', np.zeros((2, 3), np.float32)),
    ('x', 3),
    ('x', [[1.0, 2.0], [3.0]]),
    ('x', 'word'),
    ('word', 3),
    ('word', [1, 2]),
    ('word', [None]),
    ('flag', 2),
    ('flag', [True]),
]


@pytest.mark.parametrize(('key', 'value'), BAD_VALUES)
def test_bad_values_raise_as_tensorflow_does(model, session, plans, key, value):
    placeholder = getattr(model, key)
    with model.graph.as_default():
        fetch = tf.identity(placeholder)
    feeds = {placeholder: value}
    expected = raised(session.run, fetch, feeds)
    assert raised(plans.run, fetch, feeds) == expected
    # Once more with the plan made.
    assert raised(plans.run, fetch, feeds) == expected


def test_a_tensor_as_a_value_raises_as_tensorflow_does(model, session, plans):
    arguments = model.next, {model.n: model.constant}
    expected = raised(session.run, *arguments)
    assert expected[0] is TypeError
    assert raised(plans.run, *arguments) == expected


BAD_REQUESTS = [
    lambda m: (None, None),
    lambda m: ([m.step, None], None),
    lambda m: (3, None),
    lambda m: ([m.step, 3.5], None),
    lambda m: ({'a': object}, None),
    lambda m: ('nothing', None),
    lambda m: ('nothing:0', None),
    lambda m: ('next:5', None),
    lambda m: ('a:b:c', None),
    lambda m: (m.next, {'nothing:0': 1}),
    lambda m: (m.next, {'n': 1}),
    lambda m: (m.next, {m.count.op: 1}),
    lambda m: (m.next, {3: 1}),
    lambda m: (m.next, {None: 1}),
    lambda m: (m.next, [m.n]),
    lambda m: (m.next, 'n'),
    lambda m: (m.next, {m.n: 'bad', 'nothing:0': 1}),
    lambda m: ('nothing', {m.n: 'bad'}),
    lambda m: (m.next, {(m.n, m.x): (1,)}),
    lambda m: (m.next, None),
    lambda m: ([m.checked, m.step], {m.x: [[np.nan, 1.0]]}),
]


@pytest.mark.parametrize('request_of', BAD_REQUESTS)
def test_bad_requests_raise_as_tensorflow_does(model, session, plans, request_of):
    # Errors print objects by address: both must get the same ones.
    arguments = request_of(model)
    expected = raised(session.run, *arguments)
    assert raised(plans.run, *arguments) == expected
    assert raised(plans.run, *arguments) == expected


def test_elements_of_another_graph_raise_as_tensorflow_does(session, plans):
    other = Model()
    for arguments in ((other.next, None), (other.count.op, None), ([], {other.n: 1})):
        assert raised(plans.run, *arguments) == raised(session.run, *arguments)


def test_an_error_of_the_graph_names_the_operation(model, plans):
    feeds = {model.x: [[np.nan, 1.0]]}
    with pytest.raises(tf.errors.InvalidArgumentError, match='not a number') as caught:
        plans.run(model.checked, feeds)
    assert caught.value.op is model.checked.op
    assert caught.value.node_def.name == 'checked'
    assert 'defined at' in caught.value.message


def test_compile_raises_what_run_raises(model, session, plans):
    for arguments in ((model.next, {'nothing:0': 1}), ('nothing', None)):
        assert raised(plans.compile, *arguments) == raised(session.run, *arguments)
    assert plans.counters.compiled == 0


def test_elements_closed_to_the_session_raise_as_tensorflow_does(model, session, plans):
    with model.graph.as_default():
        hidden = tf.identity(model.n)
    assert plans.run(hidden, {model.n: 1}) == 1
    model.graph.prevent_fetching(hidden.op)
    model.graph.prevent_feeding(model.n)
    with model.graph.as_default():
        tf.no_op()
    for arguments in ((hidden, None), (model.next, {model.n: 1}), (hidden, {model.n: 1})):
        assert raised(plans.run, *arguments) == raised(session.run, *arguments)


def test_a_closed_session_raises_as_tensorflow_does(model, session, plans):
    plans.run(model.step)
    session.close()
    expected = raised(session.run, model.step)
    assert expected[:2] == (RuntimeError, 'Attempted to use a closed Session.')
    assert raised(plans.run, model.step) == expected
    assert raised(plans.run, model.constant) == expected
    assert raised(plans.run, 'nothing', {3: 3}) == expected
    assert len(plans) == 0


def test_an_empty_graph_raises_as_tensorflow_does():
    with tf.Session(graph=tf.Graph()) as session:
        expected = raised(session.run, [])
        assert raised(RunPlans(session).run, []) == expected


def test_the_graph_may_grow_between_runs(model, plans):
    assert plans.run(model.step) == 0
    with model.graph.as_default():
        later = model.next + 1
    assert plans.run(model.step) == 0
    assert plans.run(later, {model.n: 1}) == 3
    assert plans.counters.compiled == 2


def test_options_and_metadata_go_to_tensorflow(model, session, plans):
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    assert plans.run(model.step, options=options, run_metadata=metadata) == 0
    assert metadata.step_stats.dev_stats
    assert plans.counters.fallbacks == {'run options': 1}


def test_requests_of_other_kinds_go_to_tensorflow_and_are_counted(model, session, plans):
    with model.graph.as_default():
        sparse = tf.sparse_placeholder(tf.float32)
        dense = tf.sparse_tensor_to_dense(sparse)
        handle = tf.get_session_handle(model.constant)
        holder, from_handle = tf.get_session_tensor(session.run(handle).handle, tf.float32)
    value = tf.SparseTensorValue([[0]], [1.0], [1])
    np.testing.assert_array_equal(plans.run(dense, {sparse: value}), [1.0])
    np.testing.assert_array_equal(
        plans.run(model.resource.handle), session.run(model.resource.handle)
    )
    kept = plans.run(handle)
    np.testing.assert_array_equal(plans.run(from_handle, {holder: kept.handle}), [5.0, 6.0])
    assert plans.run([model.n], {(model.n,): (3,)}) == [3]
    assert plans.run(model.next, {model.n: 1, 'n:0': 2}) == 3
    assert plans.counters.fallbacks == {
        'feed key of type SparseTensor': 1,
        'fetch of dtype resource': 1,
        'fetch of a tensor handle': 1,
        'feed key of type tuple': 1,
        'two feed keys for one tensor': 1,
    }


def test_a_registered_conversion_goes_to_tensorflow(model, plans):
    class Squared:
        def __init__(self, tensor):
            self.tensor = tensor

    session_module = pytest.importorskip('tensorflow.python.client.session')
    expansions = session_module._REGISTERED_EXPANSIONS
    before = list(expansions)
    assert plans.run(model.next, {'n:0': 2}) == 3
    try:
        session_module.register_session_run_conversion_functions(
            Squared, lambda s: ([s.tensor], lambda v: v[0] ** 2), lambda s, v: [(s.tensor, v)]
        )
        assert plans.run(Squared(model.next), {model.n: 2}) == 9
        assert plans.run(model.next, {Squared(model.n): 2}) == 3
        session_module.register_session_run_conversion_functions(
            tf.Tensor, lambda t: ([t], lambda v: ('converted', v[0]))
        )
        assert plans.run(model.next, {'n:0': 2}) == ('converted', 3)
    finally:
        expansions[:] = before
    assert plans.run(model.step) == 0


def test_the_least_recently_used_plan_leaves(model, session):
    plans = RunPlans(session, limit=2)
    with model.graph.as_default():
        fetches = [tf.constant(n) for n in range(4)]
    assert [plans.run(fetch) for fetch in fetches] == [0, 1, 2, 3]
    assert len(plans) == 2
    assert plans.find(fetches[0]) is None
    assert plans.find(fetches[3]) is not None
    assert plans.counters.evicted == 2
    assert plans.counters.served == 4


def test_a_plan_in_use_survives_those_that_come_once(model, session):
    plans = RunPlans(session, limit=4)
    kept = plans.compile(model.step)
    with model.graph.as_default():
        passing = [tf.constant(n) for n in range(20)]
    for number, fetch in enumerate(passing):
        assert plans.run(fetch) == number
        assert plans.run(model.step) == 0
    assert plans.find(model.step) is kept
    assert kept.times == 20


def test_an_evicted_plan_can_still_run(model, session):
    plans = RunPlans(session, limit=1)
    plan = plans.compile(model.count)
    plans.compile(model.step)
    assert plan.run() == 1
    assert plans.find(model.count) is None
    assert plans.counters.served == 1
    plans.clear()
    assert plan.run() == 2
    assert plans.counters.served == 2


def test_an_often_used_plan_gets_its_own_executor_after_the_table_overflowed(
    model, session, monkeypatch
):
    plans = RunPlans(session, limit=1)
    built = []
    direct_call = door.direct_call
    monkeypatch.setattr(door, 'direct_call', lambda *args: built.append(1) or direct_call(*args))
    for fetch in (model.step, model.constant, model.count):
        plans.run(fetch)
    assert len(built) == 1
    assert [plans.run(model.count) for _ in range(20)] == list(range(2, 22))
    assert len(built) == 2


@pytest.mark.parametrize('shape', [[None], [40_000]])
def test_large_results_are_not_copied_without_need(model, session, plans, monkeypatch, shape):
    shared = []
    shared_call = door.shared_call
    monkeypatch.setattr(door, 'shared_call', lambda *args: shared.append(1) or shared_call(*args))
    with model.graph.as_default():
        size = tf.placeholder(tf.int32, [])
        large = tf.fill([size], 1.5)
        large.set_shape(shape)
    for _ in range(3):
        np.testing.assert_array_equal(
            plans.run(large, {size: 40_000}), np.full(40_000, 1.5, np.float32)
        )
    assert plans.run(model.step) == 0
    assert len(shared) == 1


def test_the_table_does_not_grow(model, session):
    with model.graph.as_default():
        fetches = [[tf.constant(n), model.step] for n in range(50)]
    plans = RunPlans(session, limit=16)

    def turn():
        for fetch in fetches:
            plans.run(list(fetch))
        gc.collect()
        return collections.Counter(type(o).__name__ for o in gc.get_objects())

    turn()
    before = turn()
    after = turn()
    for name in ('Plan', '_Callable', 'function', 'Feed', 'list', 'dict', 'tuple', 'cell'):
        assert after[name] <= before[name] + 5, name
    assert after['Plan'] <= 17
    assert after['_Callable'] <= 17
    assert len(plans) == 16


def test_a_session_left_behind_is_collected():
    model = Model()
    session = tf.Session(graph=model.graph)
    plans = RunPlans(session)
    plans.install()
    session.run(model.init)
    found = weakref.ref(session)
    plans.uninstall()
    del plans, session
    gc.collect()
    assert found() is None


def test_threads_get_their_own_results(model, session):
    plans = RunPlans(session, limit=4)
    plans.install()
    with model.graph.as_default():
        fetches = [tf.add(model.n, 1000 * number) for number in range(8)]
    barrier = threading.Barrier(8)
    errors = []

    def work(number):
        try:
            barrier.wait()
            for turn in range(100):
                other = fetches[(number + turn) % 8]
                request = {
                    'mine': fetches[number],
                    'fed': model.n,
                    'others': [other, model.count.op],
                }
                result = session.run(request, {model.n: turn})
                assert result == {
                    'mine': turn + 1000 * number,
                    'fed': turn,
                    'others': [turn + 1000 * ((number + turn) % 8), None],
                }
        except BaseException:
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert session.run(model.step) == 800
    assert len(plans) <= 4


def test_threads_that_ask_at_once_share_one_plan(model, session, plans):
    barrier = threading.Barrier(8)
    found = []

    def work():
        barrier.wait()
        found.append(plans.find(model.count) or plans.compile(model.count))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1
    assert plans.counters.compiled == 1


def test_an_interrupt_during_a_run_arrives(model, session, plans, monkeypatch):
    plan = plans.compile(model.count)

    def interrupted(arrays):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(plan, '_call', interrupted)
        with pytest.raises(KeyboardInterrupt):
            plan.run()
    assert plan.run() == 1


def test_a_session_whose_run_is_overridden_is_left_alone(model):
    class Logged(tf.Session):
        def run(self, *args, **kwargs):
            return 'logged'

    class Closer(tf.Session):
        def close(self):
            super().close()

    with Logged(graph=model.graph) as session:
        assert not RunPlans.serves(session)
        plans = RunPlans(session)
        plans.install()
        assert 'run' not in vars(session)
        assert plans.find(model.step) is None
        assert plans.run(model.step) == 'logged'
        assert plans.counters.fallbacks == {'session of another kind': 1}
    with Closer(graph=model.graph) as session:
        assert RunPlans.serves(session)
    with tf.Session(graph=model.graph) as session:
        assert RunPlans.serves(session)
        session.run = lambda *args: 'patched'
        assert not RunPlans.serves(session)
    assert not RunPlans.serves(object())


@pytest.mark.parametrize('name', ['run', '_run', '_do_run', '_call_tf_sessionrun', '_do_call'])
def test_a_class_of_sessions_that_is_patched_is_left_alone(model, session, monkeypatch, name):
    original = getattr(client_session.BaseSession, name)

    @functools.wraps(original)
    def watched(self, *args, **kwargs):
        return original(self, *args, **kwargs)

    assert RunPlans.serves(session)
    monkeypatch.setattr(client_session.BaseSession, name, watched)
    assert not RunPlans.serves(session)


@pytest.mark.parametrize('owner', [None, tf.Session, client_session.BaseSession])
def test_who_watches_runs_sees_each_one_from_then_on(owner, monkeypatch):
    seen = []

    class Asker(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return tf.train.SessionRunArgs(step)

        def after_run(self, run_context, run_values):
            run_context.session.run(step)

    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        count = tf.assign_add(step, 1)
        with tfhooks.MonitoredSession(hooks=[Asker()]) as monitored:
            assert [monitored.run(count) for _ in range(3)] == [1, 2, 3]
            watched = monitored.raw_session() if owner is None else owner
            original = watched.run

            def run(*args, **kwargs):
                seen.append('run')
                return original(*args, **kwargs)

            with monkeypatch.context() as patch:
                patch.setattr(watched, 'run', run)
                assert [monitored.run(count) for _ in range(3)] == [4, 5, 6]
            # Each run, and what the hook runs itself.
            assert len(seen) == 6
            plans = run_plans(monitored)
            served = plans.counters.served
            assert monitored.run(count) == 7
            assert len(seen) == 6
            if owner is not tf.Session:  # There monkeypatch leaves what it found by inheritance.
                assert plans.counters.served > served


def test_an_interactive_session_is_served(model):
    session = tf.InteractiveSession(graph=model.graph)
    try:
        plans = RunPlans(session)
        plans.install()
        session.run(model.init)
        assert model.next.eval({model.n: 1}) == 2
        assert plans.counters.served == 2
    finally:
        session.close()


def test_a_server_session_is_served_without_a_callable(model, monkeypatch):
    server = tf.train.Server.create_local_server()
    monkeypatch.setattr(door, 'direct_call', None)
    with tf.Session(server.target, graph=model.graph) as session:
        plans = RunPlans(session)
        plans.run(model.init)
        feeds = {model.x: [[np.nan, 1.0]], model.n: 1}
        for _ in range(10):
            result = plans.run([model.next, model.double, model.count], feeds)
        assert result[0] == 2
        assert result[2] == 10
        assert plans.counters.served == 11
        expected = raised(session.run, model.checked, feeds)
        ours = raised(plans.run, model.checked, feeds)
        assert ours[0] is expected[0]
        # The rest of what a server says differs from call to call.
        assert 'not a number : Tensor had NaN values' in ours[1]
        assert 'not a number : Tensor had NaN values' in expected[1]


def test_without_the_private_parts_tensorflow_runs_everything(model, session, monkeypatch):
    monkeypatch.setattr(door, 'session_parts', lambda: None)
    assert not RunPlans.serves(session)
    plans = RunPlans(session)
    plans.install()
    assert 'run' not in vars(session)
    assert plans.find(model.count) is None
    assert plans.compile(model.count) is None
    assert [plans.run(model.count) for _ in range(2)] == [1, 2]
    assert plans.counters.served == 0
    assert plans.counters.fallbacks == {'session of another kind': 3}


def test_run_plans_finds_the_plans_of_a_session(model, session, plans, monkeypatch):
    assert run_plans(session) is plans

    class Monitored:
        def raw_session(self):
            return session

    assert run_plans(Monitored()) is plans
    with tf.Session(graph=model.graph) as other:
        assert run_plans(other) is None
    monkeypatch.setattr(Monitored, 'raw_session', lambda self: None)
    assert run_plans(Monitored()) is None


def test_the_plans_can_be_read(model, plans):
    for _ in range(2):
        plans.run([model.next, model.init], {model.n: 1})
    plans.run('next:0', {(model.n,): (1,)})
    lines = repr(plans).splitlines()
    assert lines[0].startswith('RunPlans(limit=128, ')
    assert "fallbacks={'feed key of type tuple': 1}" in lines[0]
    assert lines[1] == "Plan(fetches=['next:0', 'init'], feeds=['n:0'], times=2)"


def test_a_limit_below_one_is_refused(session):
    with pytest.raises(ValueError, match='limit=0'):
        RunPlans(session, limit=0)


def test_plans_are_on_unless_switched_off(monkeypatch):
    monkeypatch.delenv('TFHOOKS_RUN_PLANS', raising=False)
    assert plans_enabled()
    assert not plans_enabled(False)
    monkeypatch.setenv('TFHOOKS_RUN_PLANS', '0')
    assert not plans_enabled()
    assert plans_enabled(True)
    monkeypatch.setenv('TFHOOKS_RUN_PLANS', '1')
    assert plans_enabled(None)


@pytest.mark.parametrize('name', ['_MonitoredSession', '_HookedSession', '_CoordinatedSession'])
def test_private_classes_of_tensorflows_session_are_not_used(name, monkeypatch):
    seen = []
    kind = getattr(monitored_session, name)
    for method in ('__init__', 'run'):
        monkeypatch.setattr(kind, method, lambda *args, **kwargs: seen.append(args))
    with tf.Graph().as_default():
        one = tf.constant(1)
        with tfhooks.MonitoredSession() as session:
            assert session.run(one) == 1
    assert seen == []
