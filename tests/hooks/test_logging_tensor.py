"""LoggingTensorHook logs values every n runs or seconds, and at the end."""

import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, LoseSession, OtherWorker, starting_at, train_op

import tfhooks
from tfhooks import LoggingTensorHook
from tfhooks._hooks import logging_tensor


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        (
            {},
            ValueError,
            'LoggingTensorHook: either .*; every_n_iter=None, every_n_secs=None, at_end=False',
        ),
        ({'every_n_iter': 1, 'every_n_secs': 1}, ValueError, 'exactly one of every_n_iter'),
        ({'every_n_iter': 0}, ValueError, 'LoggingTensorHook: invalid every_n_iter=0'),
        ({'every_n_iter': -2}, ValueError, 'every_n_iter must be 0 or greater; invalid every_n_it'),
        ({'every_n_iter': '1'}, TypeError, "every_n_iter must be a number; every_n_iter='1'"),
        ({'every_n_secs': -1}, ValueError, 'every_n_secs must be 0 or greater'),
        ({'tensors': 'loss', 'at_end': True}, TypeError, "or an iterable of them; tensors='loss'"),
        ({'tensors': 3, 'at_end': True}, TypeError, 'or an iterable of them; tensors=3'),
        ({'at_end': True, 'formatter': '%s'}, TypeError, "formatter must be a function.*'%s'"),
        ({'at_end': True, 'formatter': lambda: ''}, TypeError, 'formatter must take .values. or'),
        ({'at_end': True, 'formatter': lambda a, b: ''}, TypeError, 'formatter must take .values'),
        ({'at_end': True, 'by_global_step': True}, ValueError, 'by_global_step needs every_n_iter'),
        ({'at_end': True, 'array_threshold': -1}, ValueError, 'array_threshold must be at least 0'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        LoggingTensorHook(**{'tensors': ['loss:0'], **arguments})


def test_a_single_tensor_is_no_list_of_tensors():
    with tf.Graph().as_default(), pytest.raises(TypeError, match='an iterable of them'):
        LoggingTensorHook(tf.constant([1.0, 2.0]), every_n_iter=1)


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    hook = LoggingTensorHook({}, every_n_iter=1)
    assert isinstance(hook, tf.train.LoggingTensorHook)
    assert isinstance(hook, tfhooks.SessionRunHook)


def run(make, runs, hook=LoggingTensorHook, *, start=(0,), lose=None, by=1, other=(), **arguments):
    """Trains with a hook that logs `runs`, the number of the run of this session."""
    with tf.Graph().as_default():
        train = train_op(by, racing=True)
        tf.placeholder_with_default(0, [], name='runs')
        hook = hook({'runs': 'runs:0'}, **arguments)
        hooks = [OtherWorker(other), hook] + ([LoseSession(lose)] if lose else [])
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for number in range(1, runs + 1):
                session.run(train, {'runs:0': number})


def numbers(messages):
    return [int(m.split()[2]) for m in messages]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('hook', [tf.train.LoggingTensorHook, LoggingTensorHook])
def test_counts_runs_beginning_with_the_first(make, hook, log):
    run(make, 10, hook, every_n_iter=3)
    assert numbers(log('runs =')) == [1, 4, 7, 10]
    assert log('runs =')[0] == 'runs = 1'
    assert log('runs =')[1].startswith('runs = 4 (')
    assert log('runs =')[1].endswith(' sec)')


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, clock, log):
    class Clock(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            clock.now += 1

    with tf.Graph().as_default():
        x = tf.placeholder(tf.int32, [])
        hook = LoggingTensorHook({'x': x}, every_n_secs=10)
        with make(hooks=[hook, Clock()]) as session:
            for number in range(25):
                session.run(x, {x: number})
    assert log('x = ') == ['x = 0', 'x = 10 (10.000 sec)', 'x = 20 (10.000 sec)']


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('at_end_too', [False, True])
def test_at_the_end(make, at_end_too, log):
    run(make, 5, at_end=True, every_n_iter=3 if at_end_too else None)
    assert numbers(log('runs =')) == ([1, 4, 0] if at_end_too else [0])


@pytest.mark.parametrize('make', SESSIONS)
def test_by_global_step(make, log):
    run(make, 30, every_n_iter=10, by_global_step=True, start=(100,))
    assert numbers(log('runs =')) == [1, 11, 21]
    run(make, 20, every_n_iter=10, by_global_step=True, by=3)
    assert numbers(log('runs =')[3:]) == [1, 5, 9, 13, 17]
    run(make, 20, every_n_iter=10, by_global_step=True, other=[4] * 99)
    assert numbers(log('runs =')[8:]) == list(range(1, 21, 2))


@pytest.mark.parametrize('make', SESSIONS)
def test_by_global_step_after_a_recovery(make, log):
    run(make, 40, every_n_iter=10, by_global_step=True, start=(0, 18), lose=25)
    # The caller's run 25 is the one made again; it ends at step 19.
    assert numbers(log('runs =')) == [1, 11, 21, 27, 37]


def test_by_global_step_needs_one():
    hook = LoggingTensorHook([], every_n_iter=1, by_global_step=True)
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match='global step should be'):
        hook.begin()


def test_by_global_step_sleeps():
    calls = []

    class Counted(LoggingTensorHook):
        # It sleeps like the hook it counts the calls of.
        next_due = LoggingTensorHook.next_due

        def before_run(self, run_context):
            calls.append(1)
            return super().before_run(run_context)

    run(tfhooks.MonitoredSession, 250, Counted, every_n_iter=100, by_global_step=True)
    assert 3 <= len(calls) < 20


@pytest.mark.parametrize('make', SESSIONS)
def test_a_formatter_may_take_step_and_seconds(make, clock, log):
    def formatter(values, step, elapsed_secs):
        clock.now += 7
        return f'got {values["runs"]} {step} {elapsed_secs}'

    run(make, 4, every_n_iter=2, formatter=formatter, start=(50,), at_end=True)
    assert log('got') == ['got 1 51 None', 'got 3 53 7.0', 'got 0 54 7.0']


@pytest.mark.parametrize(
    'formatter',
    [
        lambda values: f'got {len(values)}',
        lambda values, digits=3, sep=',': f'got {len(values)}' + ('' if digits == 3 else '!'),
        lambda *values: f'got {len(values)}',
        lambda values, **more: f'got {len(values)}',
    ],
)
def test_a_formatter_written_for_tensorflow_gets_the_values_alone(formatter, log):
    run(tfhooks.MonitoredSession, 1, every_n_iter=1, formatter=formatter)
    assert log('got') == ['got 1']


def test_a_builtin_may_be_a_formatter(log):
    run(tfhooks.MonitoredSession, 1, every_n_iter=1, formatter=repr)
    assert len(log("{'runs'")) == 1


def test_without_a_global_step_the_formatter_gets_none(log):
    with tf.Graph().as_default():
        x = tf.constant(1)
        hook = LoggingTensorHook([x], every_n_iter=1, formatter=lambda v, step, secs: f'at {step}')
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run(x)
    assert log('at ') == ['at None']


@pytest.mark.parametrize('make', SESSIONS)
def test_print_options_are_restored_when_a_formatter_raises(make):
    def formatter(values):
        raise KeyError('no such value')

    before = np.get_printoptions()
    with pytest.raises(KeyError, match='no such value'):
        run(make, 1, every_n_iter=1, formatter=formatter)
    assert np.get_printoptions() == before


@pytest.mark.parametrize(
    ('arguments', 'bounded'),
    [({}, True), ({'array_threshold': 5000}, False), ({'array_threshold': 10}, True)],
)
def test_long_arrays_are_logged_in_part(arguments, bounded, log):
    with tf.Graph().as_default():
        hook = LoggingTensorHook({'x': tf.range(2000)}, every_n_iter=1, **arguments)
        with np.printoptions(threshold=10**9):
            with tfhooks.MonitoredSession(hooks=[hook]) as session:
                session.run('range:0')
            assert np.get_printoptions()['threshold'] == 10**9
    (message,) = log('x = ')
    assert ('...' in message) == bounded
    assert (len(message) < 100) == bounded


def test_small_numbers_are_not_written_with_exponents(log):
    with tf.Graph().as_default():
        hook = LoggingTensorHook({'x': tf.constant([1e-6, 1.0])}, every_n_iter=1)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run('Const:0')
    assert log('x = ') == ['x = [0.000001 1.      ]']


@pytest.mark.parametrize('make', SESSIONS)
def test_a_generator_of_tensors(make, log):
    with tf.Graph().as_default():
        tensors = [tf.constant(1, name='a'), tf.constant(2, name='b')]
        hook = LoggingTensorHook((t.name for t in tensors), every_n_iter=1)
        with make(hooks=[hook]) as session:
            session.run(tensors)
    assert log('a:0') == ['a:0 = 1, b:0 = 2']


@pytest.mark.parametrize('make', SESSIONS)
def test_begin_begins_anew(make, log):
    with tf.Graph().as_default():
        x = tf.constant(1)
        hook = LoggingTensorHook({'x': x}, every_n_iter=3)
        for _ in range(2):
            with make(hooks=[hook]) as session:
                for _ in range(5):
                    session.run(x)
    assert [m[:7] for m in log('x = ')] == ['x = 1', 'x = 1 ('] * 2


def test_a_subclass_may_log_in_its_own_way():
    logged = []

    class Mine(LoggingTensorHook):
        def _log_tensors(self, tensor_values):
            logged.append((self._iter_count, tensor_values))

    run(tfhooks.MonitoredSession, 3, Mine, every_n_iter=2)
    # As with TensorFlow's: the method that it overrides is what tells the timer.
    assert logged == [(0, {'runs': 1}), (1, {'runs': 2}), (2, {'runs': 3})]


def test_threads_that_share_a_session_log_each_due_value_once(log):
    with tf.Graph().as_default():
        x = tf.constant(1)
        hook = LoggingTensorHook({'x': x}, every_n_iter=25)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:

            def work():
                for _ in range(100):
                    session.run(x)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(log('x = ')) == 16


def test_in_two_open_sessions_it_counts_the_runs_of_each(log):
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        hook = LoggingTensorHook(
            {'step': train}, every_n_iter=2, formatter=lambda values: f'got {values["step"]}'
        )
        with tfhooks.MonitoredSession(hooks=[hook]) as first:
            for _ in range(2):
                first.run(train)
            with tfhooks.MonitoredSession(hooks=[hook]) as second:
                for _ in range(3):
                    second.run(train)
            for _ in range(3):
                first.run(train)
    assert log('got') == ['got 1', 'got 1', 'got 3', 'got 5']


def test_it_warns_once_that_info_is_hidden(caplog, monkeypatch):
    monkeypatch.setattr(logging_tensor, '_warned_that_info_is_hidden', False)
    verbosity = tf.logging.get_verbosity()
    try:
        tf.logging.set_verbosity(tf.logging.INFO)
        run(tfhooks.MonitoredSession, 1, every_n_iter=1)
        assert [m for m in caplog.messages if 'hidden' in m] == []
        tf.logging.set_verbosity(tf.logging.WARN)
        run(tfhooks.MonitoredSession, 1, every_n_iter=1)
        run(tfhooks.MonitoredSession, 1, every_n_iter=1)
    finally:
        tf.logging.set_verbosity(verbosity)
    (message,) = [m for m in caplog.messages if 'hidden' in m]
    assert 'set_verbosity(tf.compat.v1.logging.INFO)' in message
