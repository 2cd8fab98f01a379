"""StopAtStepHook stops at the last step, whoever counts the steps."""

import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, LoseSession, OtherWorker, calls_of, starting_at, train_op

import tfhooks
from tfhooks import StopAtStepHook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        (
            {},
            ValueError,
            'StopAtStepHook: One of num_steps or last_step .*; num_steps=None, last_step=None',
        ),
        (
            {'num_steps': 1, 'last_step': 2},
            ValueError,
            'StopAtStepHook: Only one of num_steps .*; num_steps=1, last_step=2',
        ),
        ({'num_steps': -1}, ValueError, 'num_steps must be 0 or greater; invalid num_steps=-1'),
        ({'last_step': -5}, ValueError, 'last_step must be 0 or greater; invalid last_step=-5'),
        ({'last_step': '5'}, TypeError, "last_step must be a number; last_step='5'"),
        ({'num_steps': True}, TypeError, 'num_steps must be a number; num_steps=True'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        StopAtStepHook(**arguments)


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    hook = StopAtStepHook(last_step=1e3)
    assert isinstance(hook, tf.train.StopAtStepHook)
    assert isinstance(hook, tfhooks.SessionRunHook)


def test_begin_needs_a_global_step():
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match='Global step should be'):
        StopAtStepHook(last_step=1).begin()


def trained(make, hook, start=0, by=1, racing=False, other=(), lose=None):
    """The global steps at which a session starts and ends, and the number of its runs."""
    with tf.Graph().as_default():
        train = train_op(by, racing)
        hooks = [OtherWorker(other), hook] + ([LoseSession(lose)] if lose else [])
        starts = start if isinstance(start, list) else [start]
        runs = 0
        with make(session_creator=starting_at(*starts), hooks=hooks) as session:
            while not session.should_stop():
                session.run(train)
                runs += 1
                assert runs < 1000
            last = session.run_step_fn(
                lambda step_context: step_context.session.run(tf.train.get_global_step())
            )
    return int(last), runs


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_stops_at_the_last_step(make, racing):
    assert trained(make, StopAtStepHook(last_step=200), racing=racing) == (200, 200)
    assert trained(make, StopAtStepHook(num_steps=5), start=7, racing=racing) == (12, 5)


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('last', [1, 3, 4, 6, 7, 9, 99, 100])
def test_stops_in_the_run_that_passes_the_last_step(make, last):
    runs = (last + 2) // 3
    assert trained(make, StopAtStepHook(last_step=last), by=3, racing=True) == (runs * 3, runs)


@pytest.mark.parametrize('make', SESSIONS)
def test_counts_the_steps_of_other_workers(make):
    assert trained(make, StopAtStepHook(last_step=50), other=[2] * 99) == (51, 17)


@pytest.mark.parametrize('start', [10, 11])
def test_finished_training_trains_no_step_more(start):
    make = tfhooks.MonitoredSession
    assert trained(make, StopAtStepHook(last_step=10), start=start) == (start, 0)
    assert trained(make, StopAtStepHook(num_steps=0), start=start) == (start, 0)


@pytest.mark.parametrize(('arguments', 'runs'), [({'last_step': 10}, 0), ({'num_steps': 3}, 3)])
def test_a_step_that_a_later_hook_restores_counts(arguments, runs):
    class Restores(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            step = tf.train.get_global_step(session.graph)
            step.load(10, session)

    with tf.Graph().as_default():
        train = train_op()
        hooks = [StopAtStepHook(**arguments), Restores()]
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            found = 0
            while not session.should_stop():
                session.run(train)
                found += 1
    assert found == runs


@pytest.mark.parametrize('make', SESSIONS)
def test_begin_counts_anew(make):
    hook = StopAtStepHook(num_steps=3)
    assert trained(make, hook) == (3, 3)
    assert trained(make, hook, start=3) == (6, 3)
    hook = StopAtStepHook(last_step=4)
    assert trained(make, hook) == (4, 4)
    assert trained(make, hook) == (4, 4)


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovered_session_does_not_count_anew(make):
    # Run 4 is made again in the new session, which starts at 2.
    assert trained(make, StopAtStepHook(num_steps=10), start=[0, 2], lose=4) == (10, 11)


def test_sleeps_until_the_last_step_is_near():
    hook = StopAtStepHook(last_step=300)
    calls = calls_of(hook, 'after_run')
    assert trained(tfhooks.MonitoredSession, hook) == (300, 300)
    assert len(calls) < 10


@pytest.mark.parametrize(('every', 'said'), [(0, 1), (99, 0)])
def test_a_step_that_nobody_increases_is_said_once(every, said, log):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        counts, idles = tf.assign_add(step, 1), tf.constant(0)
        with tfhooks.MonitoredSession(hooks=[StopAtStepHook(last_step=9)]) as session:
            for run in range(1, 250):
                session.run(counts if every and run % every == 0 else idles)
    found = log('StopAtStepHook: 100 runs in a row have left the global step at 0')
    assert len(found) == said
    assert all('training does not stop at 9' in line for line in found)
