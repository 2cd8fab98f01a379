"""StallWatchdogHook tells of a step that does not return."""

import gc
import logging
import os
import signal
import subprocess
import sys
import threading

import pytest
import tensorflow.compat.v1 as tf
import warm_python
from pages import run_page
from stock_models import SESSIONS, LoseSession, train_op

import tfhooks
from tfhooks import testing
from tfhooks._more_hooks import watchdog
from tfhooks._more_hooks.watchdog import StallWatchdogHook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'timeout_secs': 0}, ValueError, 'timeout_secs must be greater than 0 seconds'),
        ({'timeout_secs': None}, TypeError, 'timeout_secs must be a number .*timeout_secs=None'),
        ({'timeout_secs': 'x'}, TypeError, "timeout_secs must be a number .*timeout_secs='x'"),
        ({'abort': 1}, TypeError, 'abort must be True or False; abort=1'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        StallWatchdogHook(**{'timeout_secs': 1, **arguments})


class Release(logging.Handler):
    """Lets a blocked step go on when the watchdog has spoken."""

    def __init__(self, text='has not returned'):
        super().__init__()
        self.event = threading.Event()
        self._text = text

    def emit(self, record):
        if self._text in record.getMessage():
            self.event.set()


@pytest.fixture
def release():
    handler = Release()
    logging.getLogger('tfhooks').addHandler(handler)
    yield handler.event
    handler.event.set()
    logging.getLogger('tfhooks').removeHandler(handler)


def look(hook):
    """Lets the watchdog look now, as it does in its own thread, and gives how long it will wait."""
    waits = []
    thread = threading.Thread(target=lambda: waits.append(hook._look()))
    thread.start()
    thread.join()
    return waits[0]


def watchdog_threads():
    return [thread for thread in threading.enumerate() if thread.name == 'StallWatchdogHook']


def blocking_op(event, clock):
    """An operation that returns when `event` is set, or, if the test fails, after a minute.

    Time passes in it alone, so that nothing else is ever reported, however slow the machine is.
    """

    def stuck_in_the_input_pipeline():
        clock.now += 1000
        return event.wait(60)

    return tf.py_func(stuck_in_the_input_pipeline, [], tf.bool)


@pytest.mark.parametrize('make', SESSIONS)
def test_logs_the_stacks_of_a_step_that_does_not_return(make, release, log, clock):
    hook = StallWatchdogHook(0.05)
    with tf.Graph().as_default():
        train = train_op()
        blocked = blocking_op(release, clock)
        with make(hooks=[hook]) as session:
            session.run(train)
            assert session.run(blocked)
            session.run(train)
    (message,) = log('has not returned')
    assert 'for 1000.0 seconds; timeout_secs=0.05, thread=MainThread' in message
    assert 'PyFunc' in message
    # Where the step hangs, and who called it.
    assert 'in stuck_in_the_input_pipeline' in message
    assert 'in test_logs_the_stacks_of_a_step_that_does_not_return' in message
    assert 'assert session.run(blocked)' in message
    (returned,) = log('returned after all')
    assert 'the step returned after all, after 1000.0 seconds' in returned
    assert watchdog_threads() == []


@pytest.mark.parametrize('make', SESSIONS)
def test_speaks_once_per_stall_and_when_it_is_time(make, log, clock):
    hook = StallWatchdogHook(1000)
    counts = []

    def takes_long():
        for secs in (999, 0.75, 0.25, 0, 5000):
            clock.now += secs
            wait = look(hook)
            counts.append((wait, len(log('has not returned'))))
        return 0

    with tf.Graph().as_default():
        slow = tf.py_func(takes_long, [], tf.int64)
        with make(hooks=[hook]) as session:
            session.run(slow)
            clock.now += 9000
            look(hook)
            session.run(slow)
    once = [(1, 0), (0.25, 0), (1000, 1), (1000, 1), (1000, 1)]
    assert counts == once + [(wait, count + 1) for wait, count in once]
    assert (
        log('returned after all')
        == ['StallWatchdogHook: the step returned after all, after 6000.0 seconds.'] * 2
    )


@pytest.mark.parametrize('make', SESSIONS)
def test_a_run_that_raised_is_over(make, log, clock):
    """What the caller does after an error, however long, is no step."""
    hook = StallWatchdogHook(1000)
    with tf.Graph().as_default():
        x = tf.placeholder_with_default(float('nan'), [])
        checked = tf.check_numerics(x, 'bad')
        with make(hooks=[hook]) as session:
            try:
                session.run(checked)
            except tf.errors.InvalidArgumentError as error:
                kept = error
                clock.now += 5000
                assert look(hook) == 1000
            assert len(hook._runs) == 1
            clock.now += 5000
            assert look(hook) == 1000
            session.run(checked, {x: 1.0})
            assert 'bad' in str(kept)
    assert log('has not returned') == []


@pytest.mark.parametrize('make', SESSIONS)
def test_watches_every_thread(make, release, log, clock):
    hook = StallWatchdogHook(0.05)
    with tf.Graph().as_default():
        train = train_op()
        blocked = blocking_op(release, clock)
        with make(hooks=[hook]) as session:
            session.run(train)
            thread = threading.Thread(target=session.run, args=(blocked,), name='actor 7')
            thread.start()
            thread.join()
    (message,) = log('has not returned')
    assert 'thread=actor 7 (' in message


@pytest.mark.parametrize('make', SESSIONS)
def test_watches_again_after_a_recovery_and_in_another_session(make, release, log, clock):
    hook = StallWatchdogHook(0.05)
    with tf.Graph().as_default():
        train = train_op()
        with make(hooks=[hook, LoseSession(2)]) as session:
            for _ in range(4):
                session.run(train)
            assert len(watchdog_threads()) == 1
    assert watchdog_threads() == []
    with tf.Graph().as_default():
        blocked = blocking_op(release, clock)
        with make(hooks=[hook]) as session:
            session.run(blocked)
    assert len(log('has not returned')) == 1


def test_stops_watching_when_the_session_ends_by_an_error():
    def fail():
        with tfhooks.MonitoredSession(hooks=[StallWatchdogHook(60)]):
            assert len(watchdog_threads()) == 1
            raise ValueError('mine')

    with tf.Graph().as_default(), pytest.raises(ValueError, match='mine'):
        fail()
    assert watchdog_threads() == []


def test_stops_watching_when_the_hook_is_gone():
    """TensorFlow's own sessions do not tell a hook of an error."""
    hook = StallWatchdogHook(60)
    hook.begin()
    (thread,) = watchdog_threads()
    del hook
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize('enabled', [True, False])
def test_no_garbage_is_collected_while_python_lists_the_frames(enabled, monkeypatch):
    """Python 3.11 waits for itself for ever if a threading.local is freed just then."""
    frames = sys._current_frames
    seen = []
    monkeypatch.setattr(sys, '_current_frames', lambda: seen.append(gc.isenabled()) or frames())
    try:
        if not enabled:
            gc.disable()
        assert threading.get_ident() in watchdog._frames()
        assert gc.isenabled() == enabled
    finally:
        gc.enable()
    assert seen == [False]


_ABORTS = """
import threading
import tensorflow.compat.v1 as tf
from tfhooks._more_hooks.watchdog import StallWatchdogHook
import tfhooks

def hangs():
    print('the step hangs')
    threading.Event().wait(60)
    return 0

with tf.Graph().as_default():
    op = tf.py_func(hangs, [], tf.int64)
    with tfhooks.MonitoredSession(hooks=[StallWatchdogHook(0.2, abort=True)]) as session:
        session.run(op)
print('not reached')
"""


@pytest.mark.skipif(os.name != 'posix', reason='needs signals')
def test_abort_ends_the_process_by_sigabrt():
    done = warm_python.run(
        [sys.executable, '-c', _ABORTS], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == -signal.SIGABRT
    # What was printed is not lost either.
    assert done.stdout == 'the step hangs\n'
    assert 'in hangs' in done.stderr
    assert 'StallWatchdogHook: abort=True' in done.stderr


_FORKS = """
import os
import signal
import sys
from tfhooks._more_hooks import watchdog

watchdog._dump.schedule(3600)
child = os.fork()
signal.alarm(60)
if not child:
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
watchdog._dump.schedule(3600)
"""


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs forks')
def test_a_fork_ends():
    done = warm_python.run([sys.executable, '-c', _FORKS], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ('7\n', 0), done.stderr


_HOLDS_THE_LOCK = """
import ctypes
import tensorflow.compat.v1 as tf
import tfhooks
from tfhooks._more_hooks import watchdog

watchdog._LATE_SECS = 0.2
library = ctypes.PyDLL(None)  # Whose calls do not let go of the lock.

def between():
    library.usleep(700_000)

def hangs():
    library.pause()  # Until a signal comes.

with tf.Graph().as_default():
    with tfhooks.MonitoredSession(hooks=[tfhooks.StallWatchdogHook(0.2)]):
        pass
between()  # Nobody watches.
with tf.Graph().as_default():
    op = tf.py_func(hangs, [], [])
    with tfhooks.MonitoredSession(hooks=[tfhooks.StallWatchdogHook(0.2)]) as session:
        session.run(op)
"""


@pytest.mark.skipif(os.name != 'posix', reason='needs signals')
def test_sees_a_step_that_holds_pythons_lock():
    process = warm_python.Popen(
        [sys.executable, '-c', _HOLDS_THE_LOCK], stderr=subprocess.PIPE, text=True
    )
    try:
        lines = (line.rpartition(' in ')[2].strip() for line in process.stderr)
        assert next(name for name in lines if name in ('between', 'hangs')) == 'hangs'
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('where', ['initializer', 'another hook'])
def test_watches_the_making_of_a_session(make, where, clock):
    """An initializer that waits for a queue would wait for ever, and say nothing."""
    spoken, handler = threading.Event(), logging.getLogger('tfhooks')

    class Speaks(logging.Handler):
        def emit(self, record):
            if 'the session has not been made for' in record.getMessage():
                assert '_wait_for_it' in record.getMessage()
                spoken.set()

    def _wait_for_it():
        clock.now += 1000  # Time passes here alone.
        assert spoken.wait(60)
        return True

    class Waits(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            _wait_for_it()

    hook = StallWatchdogHook(0.05, abort=True)
    speaks = Speaks()
    handler.addHandler(speaks)
    try:
        with tf.Graph().as_default():
            hooks = [hook]
            if where == 'initializer':
                tf.add_to_collection(
                    tf.GraphKeys.LOCAL_INIT_OP, tf.group(tf.py_func(_wait_for_it, [], tf.bool))
                )
            else:
                hooks.append(Waits())
            with make(hooks=hooks):
                assert spoken.is_set()
    finally:
        handler.removeHandler(speaks)
    assert hook._thread is None


@pytest.mark.parametrize('make', SESSIONS)
def test_the_making_of_a_session_ends_with_it(make, log, clock):
    """What the caller does before the first step, however long, is neither step nor making."""
    hook = StallWatchdogHook(1000)

    class Looks(tf.train.SessionRunHook):
        def begin(self):
            assert look(hook) == 1000

    with tf.Graph().as_default():
        train_op()
        with make(hooks=[hook]) as session:
            clock.now += 5000
            assert session.run_step_fn(lambda step_context: look(hook)) == 1000
            with make(hooks=[Looks()]):
                pass
    assert log('has not been made') == []


def test_keeps_the_contract():
    testing.check_hook(lambda: StallWatchdogHook(60))


def test_page(tmp_path):
    output = run_page('watchdog', tmp_path)
    assert 'StallWatchdogHook: a step has not returned for ' in output
    assert 'in read_from_a_slow_disk' in output
    assert 'the step returned after all' in output
