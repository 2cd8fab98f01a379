"""GlobalStepWaiterHook waits until the global step has come far enough."""

import threading

import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, calls_of, starting_at, train_op

import tfhooks
from tfhooks import GlobalStepWaiterHook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'wait_until_step': 'x'}, TypeError, "wait_until_step must be a whole number.*='x'"),
        ({'wait_until_step': None}, TypeError, 'wait_until_step must be a whole number.*=None'),
        ({'timeout_secs': 0}, ValueError, 'timeout_secs must be greater than 0 seconds'),
        ({'timeout_secs': 'x'}, TypeError, "timeout_secs must be a number of seconds.*='x'"),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        GlobalStepWaiterHook(**{'wait_until_step': 1, **arguments})


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    assert isinstance(GlobalStepWaiterHook(-3), tf.train.GlobalStepWaiterHook)
    assert isinstance(GlobalStepWaiterHook(-3), tfhooks.SessionRunHook)


def test_begin_needs_a_global_step():
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match='Global step should be'):
        GlobalStepWaiterHook(1).begin()


class Waits(tf.train.Coordinator):
    """A coordinator on which waiting takes no time; something else happens meanwhile."""

    meanwhile = None
    count = 0

    def wait_for_stop(self, timeout=None):
        assert timeout == 0.5
        self.count += 1
        self.meanwhile(self)
        return self.should_stop()


class Coordinated(tf.train.SessionRunHook):
    """Gives the waiter another coordinator than the session's own."""

    def __init__(self, waiter, meanwhile):
        self._waiter = waiter
        self.coord = Waits()
        self.coord.meanwhile = meanwhile

    def after_create_session(self, session, coord):
        self.session = session
        self._waiter.after_create_session(session, self.coord)


def wait(make, hook, meanwhile, start=0, runs=1):
    """Runs with a waiter; `meanwhile(session, coord)` is called each time it waits."""
    with tf.Graph().as_default():
        train = train_op()
        other = Coordinated(hook, lambda coord: meanwhile(other.session, coord))
        with make(session_creator=starting_at(start), hooks=[hook, other]) as session:
            for _ in range(runs):
                session.run(train)
            stopped = session.should_stop()
    return other.coord.count, stopped


def advance(by):
    def meanwhile(session, coord):
        step = tf.train.get_global_step(session.graph)
        step.load(int(session.run(step)) + by, session)

    return meanwhile


@pytest.mark.parametrize('make', SESSIONS)
def test_waits_until_others_have_trained(make, log):
    assert wait(make, GlobalStepWaiterHook(5000), advance(600), runs=3) == (9, False)
    assert log('Waiting for') == [
        'Waiting for global step 5000 before starting training.',
        'Waiting for global step 5000 before starting training. Current step is 1200.',
        'Waiting for global step 5000 before starting training. Current step is 2400.',
        'Waiting for global step 5000 before starting training. Current step is 3600.',
        'Waiting for global step 5000 before starting training. Current step is 4800.',
    ]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('until', [0, -1])
def test_no_wait(make, until, log):
    assert wait(make, GlobalStepWaiterHook(until), None, runs=2) == (0, False)
    assert log('Waiting for') == []


@pytest.mark.parametrize('make', SESSIONS)
def test_heeds_a_stop(make):
    def meanwhile(session, coord):
        coord.request_stop()

    assert wait(make, GlobalStepWaiterHook(5000), meanwhile) == (1, True)


@pytest.mark.parametrize('make', SESSIONS)
def test_a_stop_of_the_sessions_own_coordinator_ends_the_wait(make):
    class Stop(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            threading.Timer(0.01, coord.request_stop).start()

    with tf.Graph().as_default():
        train = train_op()
        with make(hooks=[GlobalStepWaiterHook(5000), Stop()]) as session:
            session.run(train)
            assert session.should_stop()


@pytest.mark.parametrize('make', SESSIONS)
def test_a_time_limit(make, clock):
    def meanwhile(session, coord):
        clock.now += 20

    hook = GlobalStepWaiterHook(5000, timeout_secs=60)
    with pytest.raises(
        tf.errors.DeadlineExceededError,
        match='wait_until_step=5000, timeout_secs=60, global_step=7',
    ):
        wait(make, hook, meanwhile, start=7)
    # Counted anew in another session.
    with pytest.raises(tf.errors.DeadlineExceededError):
        wait(make, hook, meanwhile)
    assert wait(make, hook, advance(2500)) == (2, False)


@pytest.mark.parametrize('make', SESSIONS)
def test_begin_waits_anew(make):
    hook = GlobalStepWaiterHook(10)
    assert wait(make, hook, advance(5)) == (2, False)
    assert wait(make, hook, advance(5)) == (2, False)


def test_sleeps_once_training_has_started():
    hook = GlobalStepWaiterHook(10)
    calls = calls_of(hook, 'before_run')
    wait(tfhooks.MonitoredSession, hook, advance(10), runs=50)
    assert len(calls) < 5


def test_a_stop_that_the_session_is_asked_for_ends_the_wait(monkeypatch):
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        session = tfhooks.MonitoredSession(hooks=[GlobalStepWaiterHook(100)])
        looks = []

        def wait_for_stop(self, timeout=None):
            looks.append(timeout)
            session.request_stop('the queue is closing')
            return False

        monkeypatch.setattr(tf.train.Coordinator, 'wait_for_stop', wait_for_stop)
        with session:
            session.run(train)
    assert len(looks) == 1
    assert session.stop_reason.who == 'the queue is closing'
