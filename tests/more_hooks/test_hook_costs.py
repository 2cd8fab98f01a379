"""HookCostHook measures the time that each hook takes."""

import json
import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from pages import run_page
from stock_models import train_op

import tfhooks
from tfhooks import testing
from tfhooks._more_hooks.hook_costs import HookCost, HookCostHook, hook_costs
from tfhooks._more_hooks.wrappers import every
from tfhooks.testing import _driving


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'trace_path': 5}, TypeError, 'trace_path must be a path; trace_path=5'),
        ({'most_events': 0}, ValueError, 'most_events must be at least 1; invalid most_events=0'),
        ({'most_events': None}, TypeError, 'most_events must be a whole number; most_events=None'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        HookCostHook(**arguments)


class Takes(tf.train.SessionRunHook):
    """Takes so many seconds in its methods, and fetches something."""

    def __init__(self, clock, before=0.0, after=0.0, fetches=None):
        self._clock, self._before, self._after = clock, before, after
        self._fetches = fetches

    def before_run(self, run_context):
        self._clock.now += self._before
        return None if self._fetches is None else tf.train.SessionRunArgs(self._fetches)

    def after_run(self, run_context, run_values):
        self._clock.now += self._after


class Other(Takes):
    pass


class After(tf.train.SessionRunHook):
    def __init__(self, clock):
        self._clock = clock

    def after_run(self, run_context, run_values):
        self._clock.now += 5


def run(hooks, clock, runs=4, secs=100.0):
    """The costs that a session tells after some runs, each of which takes some seconds."""
    with tf.Graph().as_default():
        train = train_op()
        tf.identity(np.zeros([3, 5], np.float32), name='matrix')
        tf.constant(['ab', 'cde'], name='strings')
        tf.constant(7, tf.int64, name='number')

        def step():
            clock.now += secs
            return 0

        takes_time = tf.py_func(step, [], tf.int64, stateful=True)
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            for _ in range(runs):
                session.run([train, takes_time])
    return hook_costs(session)


@pytest.mark.parametrize('place', [0, 1, 3])
def test_tells_what_each_hook_costs(place, clock):
    hooks = [Takes(clock, 1, 2), After(clock), Other(clock, 3, 4)]
    hooks.insert(place, HookCostHook())
    costs = run(hooks, clock)
    assert costs.runs == 4
    assert costs.run_us == 100e6
    assert costs.hooks == {
        'Other': HookCost(3e6, 4e6, 4, 0, 0),
        'After': HookCost(0, 5e6, 4, 0, 0),
        'Takes': HookCost(1e6, 2e6, 4, 0, 0),
    }
    assert list(costs.hooks) == ['Other', 'After', 'Takes']


def test_tells_what_is_fetched(clock):
    fetches = {'a': 'matrix:0', 'b': ['strings:0', 'strings'], 'c': 'number:0'}
    costs = run([HookCostHook(), Takes(clock, fetches=fetches), Takes(clock)], clock)
    # float32 [3, 5], five characters, an int64; an operation gives no value.
    assert costs.hooks['Takes[1]'] == HookCost(0, 0, 4, 3, 60 + 5 + 8)
    assert costs.hooks['Takes[2]'].fetched_values == 0


def test_a_hook_that_sleeps_costs_what_it_was_called_for(clock):
    hooks = [HookCostHook(), every(Takes(clock, 1, 2), at=[20])]
    cost = run(hooks, clock, runs=40).hooks['every(Takes)']
    assert cost.before_run_us * 40 == pytest.approx(1e6)
    assert cost.after_run_us * 40 == pytest.approx(2e6)
    assert 1 <= cost.calls < 20


def test_figures_while_the_session_is_open(clock):
    hook = HookCostHook()
    with tf.Graph().as_default():
        train = train_op()
        with tfhooks.MonitoredSession(hooks=[Takes(clock, 1, 2), hook]) as session:
            assert hook_costs(session) == (0, 0.0, {'Takes': HookCost(0, 0, 0, 0, 0)})
            session.run(train)
            assert hook_costs(session).hooks == {'Takes': HookCost(1e6, 2e6, 1, 0, 0)}
            assert hook_costs(session) == hook.costs()


def test_logs_a_table_at_the_end(clock, caplog, log):
    caplog.set_level('INFO', logger='tfhooks')
    hooks = [HookCostHook(), Takes(clock, 1e-6, 2e-6, 'matrix:0'), Other(clock, 5e-5)]
    run(hooks, clock, secs=1e-3)
    (table,) = log('HookCostHook: ')
    assert table.splitlines() == [
        'HookCostHook: 4 runs; microseconds per step: 1000.0 for the run.',
        '  Other: before_run=50.0 us, after_run=0.0 us, called in 4 runs, fetches 0.0 values of '
        '0.0 bytes',
        '  Takes: before_run=1.0 us, after_run=2.0 us, called in 4 runs, fetches 1.0 values of '
        '60.0 bytes',
    ]


def test_logs_the_table_when_the_session_ends_by_an_error(clock, caplog, log):
    caplog.set_level('INFO', logger='tfhooks')

    def fail():
        with tfhooks.MonitoredSession(hooks=[HookCostHook(), Takes(clock)]):
            raise ValueError('mine')

    with tf.Graph().as_default(), pytest.raises(ValueError, match='mine'):
        fail()
    assert len(log('HookCostHook: 0 runs')) == 1


def test_begin_measures_anew(clock):
    hook = HookCostHook()
    assert run([hook, Takes(clock, 1)], clock).hooks['Takes'].before_run_us == 1e6
    costs = run([hook, Other(clock, 2)], clock, runs=2)
    assert costs.runs == 2
    assert costs.hooks == {'Other': HookCost(2e6, 0, 2, 0, 0)}


def test_a_run_that_raised_is_not_counted(clock):
    costs = run([HookCostHook(), Takes(clock, 1, 2), _driving.LoseSession(3)], clock)
    # The lost run is made again, and its hooks have been called twice.
    assert costs.runs == 4
    assert costs.hooks['Takes'].calls == 5


@pytest.mark.parametrize(('most', 'expected'), [(100_000, 20), (7, 7)])
def test_a_chrome_trace(most, expected, clock, tmp_path):
    path = tmp_path / 'trace.json'
    hooks = [HookCostHook(path, most_events=most), Takes(clock, 1, 2), Other(clock, 3, 4)]
    run(hooks, clock)
    trace = json.loads(path.read_text())['traceEvents']
    (thread,) = [event for event in trace if event['ph'] == 'M']
    assert thread['args'] == {'name': 'MainThread'}
    events = [event for event in trace if event['ph'] == 'X']
    assert len(events) == expected
    last = [(event['name'], event['cat'], event['dur'] / 1e6) for event in events[-5:]]
    assert last == [
        ('Takes.before_run', 'hook', 1),
        ('Other.before_run', 'hook', 3),
        ('run', 'run', 100),
        ('Takes.after_run', 'hook', 2),
        ('Other.after_run', 'hook', 4),
    ]
    # One after the other, from 0 on.
    starts = [event['ts'] for event in events]
    assert starts == sorted(starts)
    assert starts[0] == 0
    ends = [event['ts'] + event['dur'] for event in events]
    assert starts[1:] == pytest.approx(ends[:-1])
    assert {event['tid'] for event in events} == {thread['tid']}


def test_the_trace_comes_into_a_new_directory_and_fails_no_training(clock, tmp_path, log):
    path = tmp_path / 'a' / 'b' / 'trace.json'
    run([HookCostHook(path), Takes(clock)], clock)
    assert json.loads(path.read_text())['traceEvents']
    run([HookCostHook(path / 'no_directory.json'), Takes(clock)], clock)
    assert len(log('the trace could not be written')) == 1


def test_threads(clock):
    with tf.Graph().as_default():
        train = train_op()
        hooks = [HookCostHook(), Takes(clock)]
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            threads = [
                threading.Thread(target=lambda: [session.run(train) for _ in range(50)])
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            costs = hook_costs(session)
    assert costs.runs == costs.hooks['Takes'].calls == 200


def test_the_hooks_stay_what_they_are(clock, tmp_path):
    """A session that measures knows its hooks by kind and object."""
    takes = Takes(clock, 1)
    with tf.Graph().as_default():
        train = train_op()
        loss = tf.placeholder_with_default(float('nan'), [])
        saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1)
        nan = tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)
        hooks = [saver, takes, nan, HookCostHook()]
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            session.run(train, {loss: 1.0}, skip_hooks=[takes])
            session.run(train, {loss: 1.0}, skip_hooks=[Takes])
            assert hook_costs(session).hooks['Takes'].calls == 0
            session.run(train)
            assert session.should_stop()
            assert session.stop_reason.who == 'NanTensorHook'
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-2')


def test_errors_name_the_hook(clock):
    class Fails(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            raise ValueError('mine')

    with pytest.raises(ValueError, match='mine') as caught:
        run([HookCostHook(), Fails()], clock)
    assert caught.value.raised_in == 'Fails.after_run'


def test_a_session_that_does_not_measure_calls_the_hooks_themselves(clock):
    from tfhooks._run.members import make_members

    hooks = [Takes(clock), Other(clock)]
    assert [member.call_target for member in make_members(hooks)] == hooks


def test_what_has_no_costs(clock):
    with tf.Graph().as_default():
        train_op()
        with tfhooks.MonitoredSession(hooks=[Takes(clock)]) as session:
            with pytest.raises(ValueError, match=r"must have a HookCostHook.*hooks=\['Takes'\]"):
                hook_costs(session)
            with pytest.raises(TypeError, match='must be a monitored session of tfhooks; session='):
                hook_costs(session.raw_session())


def test_in_a_session_of_tensorflows_it_says_that_it_does_nothing(clock, log):
    hook = HookCostHook()
    run([hook, Takes(clock)], clock)
    with tf.Graph().as_default():
        train = train_op()
        with tf.train.MonitoredSession(hooks=[hook, Takes(clock)]) as session:
            session.run(train)
    assert hook.costs().hooks == {}
    assert len(log('HookCostHook: there is nothing to measure')) == 1


def test_keeps_the_contract():
    testing.check_hook(HookCostHook)


def test_page(tmp_path):
    output = run_page('costs', tmp_path)
    assert 'SlowHook takes most of the time' in output
    assert 'HookCostHook: 100 runs; microseconds per step: ' in output
    assert '  SlowHook: before_run=' in output
    names = {
        event['name'] for event in json.loads((tmp_path / 'trace.json').read_text())['traceEvents']
    }
    assert {'run', 'SlowHook.after_run', 'LoggingTensorHook.before_run'} <= names
