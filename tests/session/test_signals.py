"""SIGTERM and SIGINT to training processes."""

from __future__ import annotations

import signal
import socket
import sys
import threading

import pytest
import tensorflow.compat.v1 as tf
import warm_python
from session_models import Child, count, latest_step

import tfhooks
from tfhooks._session import signals
from tfhooks._session.signals import SignalWatch

TERM, INT = signal.SIGTERM, signal.SIGINT
both = pytest.mark.parametrize('number', [TERM, INT], ids=['SIGTERM', 'SIGINT'])

LOOP = """
train = count()
with tfhooks.MonitoredTrainingSession(
    checkpoint_dir=directory, save_checkpoint_steps=10**6, save_checkpoint_secs=None,
    log_step_count_steps=None, save_on_preemption=True,
) as session:
    before = signal.getsignal(signal.SIGTERM)
    while not session.should_stop():
        step = session.run(train)
        if step == 3:
            say('step 3')
            wait()
say('ended at', step)
say('reason:', session.stop_reason.kind, session.stop_reason.who, session.stop_reason.step)
say('restored:', signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
    signal.getsignal(signal.SIGINT) is signal.default_int_handler, before is signal.SIG_DFL)
say('wakeup fd:', signal.set_wakeup_fd(-1))
"""


@both
def test_a_signal_ends_the_loop_normally_and_saves(tmp_path, number):
    with Child(tmp_path, LOOP, tmp_path / 'model') as child:
        child.until('step 3')
        child.kill(number)
        child.until_logged(f'{number.name} received: stopping after this step')
        child.go_on()
        code, out, err = child.rest()
    assert code == 0, err
    assert 'ended at 3\n' in out
    assert f'reason: signal {number.name} 3\n' in out
    assert 'restored: True True False\n' in out
    assert 'wakeup fd: -1\n' in out
    assert latest_step(tmp_path / 'model') == 3


def test_without_the_option_signals_do_what_they_did(tmp_path):
    program = LOOP.replace('save_on_preemption=True', 'save_on_preemption=False')
    with Child(tmp_path, program, tmp_path / 'model') as child:
        child.until('step 3')
        child.kill(TERM)
        assert child.rest()[0] == -TERM
    assert latest_step(tmp_path / 'model') == 0


FOR_LOOP = """
train = count()
with tfhooks.MonitoredTrainingSession(
    checkpoint_dir=directory, save_checkpoint_steps=10**6, save_checkpoint_secs=None,
    save_on_preemption=True,
) as session:
    for number in range(100000):
        step = session.run(train)
        if step == 3:
            say('step 3')
            wait()
    say('not stopped')
say('ended at', step, session.stop_reason)
"""


def test_a_loop_that_does_not_ask_should_stop_ends_normally_too(tmp_path):
    with Child(tmp_path, FOR_LOOP, tmp_path / 'model') as child:
        child.until('step 3')
        child.kill(TERM)
        child.until_logged('SIGTERM received')
        child.go_on()
        code, out, err = child.rest()
    assert code == 0, err
    assert out == 'ended at 3 signal SIGTERM at global step 3\n'
    assert latest_step(tmp_path / 'model') == 3


BLOCKED = """
def block(step):
    if step == 3:
        say('blocked')
        wait()
    return step

with tf.control_dependencies([tf.py_func(block, [count()], tf.int64)]):
    train = tf.train.get_global_step().read_value()
with tfhooks.MonitoredTrainingSession(
    checkpoint_dir=directory, save_checkpoint_steps=10**6, save_checkpoint_secs=None,
    save_on_preemption=True,
) as session:
    while not session.should_stop():
        step = session.run(train)
say('ended at', step)
"""


@both
def test_a_signal_that_comes_while_a_step_blocks(tmp_path, number):
    with Child(tmp_path, BLOCKED, tmp_path / 'model') as child:
        child.until('blocked')
        child.kill(number)
        # It is heard of before the step ends.
        child.until_logged(f'{number.name} received')
        child.go_on()
        code, out, err = child.rest()
    assert (code, out) == (0, 'ended at 3\n'), err
    assert latest_step(tmp_path / 'model') == 3


@pytest.mark.parametrize('second', [TERM, INT], ids=['SIGTERM', 'SIGINT'])
def test_a_second_signal_kills_while_a_step_blocks(tmp_path, second):
    with Child(tmp_path, BLOCKED, tmp_path / 'model') as child:
        child.until('blocked')
        child.kill(TERM)
        child.until_logged('SIGTERM received')
        child.kill(second)
        assert child.rest()[0] == 128 + second
    assert latest_step(tmp_path / 'model') == 0


SLOW_END = """
class SlowEnd(tfhooks.SessionRunHook):
    def end(self, session):
        say('ending')
        wait()

train = count()
with tfhooks.MonitoredSession(hooks=[SlowEnd()], save_on_preemption=True) as session:
    while not session.should_stop():
        if session.run(train) == 3:
            say('step 3')
            wait()
say('ended')
"""


@both
def test_a_second_signal_kills_while_the_session_ends(tmp_path, number):
    with Child(tmp_path, SLOW_END) as child:
        child.until('step 3')
        child.kill(number)
        child.until_logged(f'{number.name} received')
        child.go_on()
        child.until('ending')
        child.kill(number)
        code, out, err = child.rest()
    assert out == ''
    if number is TERM:
        assert code == -TERM
    else:
        # What the handler before ours makes of it.
        assert code != 0
        assert 'KeyboardInterrupt' in err


LOCKED = """
import logging

class Locking(logging.Handler):
    # A handler of logs with a lock that its own thread cannot take twice.
    held = threading.Lock()

    def emit(self, record):
        with self.held:
            pass

logging.getLogger().addHandler(Locking())
logging.getLogger().setLevel(logging.INFO)
train = count()
with tfhooks.MonitoredSession(save_on_preemption=True) as session:
    while not session.should_stop():
        step = session.run(train)
        if step == 3:
            with Locking.held:
                os.kill(os.getpid(), signal.SIGTERM)
                for _ in range(1000):
                    stopping = session.stop_reason
say('ended at', step, stopping)
"""


def test_the_handler_waits_for_no_lock_that_the_interrupted_code_holds(tmp_path):
    with Child(tmp_path, LOCKED) as child:
        code, out, err = child.rest()
    assert (code, out) == (0, 'ended at 3 signal SIGTERM\n'), err


FORK = """
train = count()
with tfhooks.MonitoredSession(save_on_preemption=True) as session:
    session.run(train)
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(7)
    say('child:', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    say('stops:', session.should_stop())
"""


def test_a_forked_process_keeps_its_own_signals(tmp_path):
    with Child(tmp_path, FORK) as child:
        code, out, err = child.rest()
    assert (code, out) == (0, 'child: -15\nstops: False\n'), err


IN_A_THREAD = """
def train():
    with tf.Graph().as_default():
        op = count()
        with tfhooks.MonitoredSession(save_on_preemption=True) as session:
            session.run(op)
        say('closed', session.stop_reason)

thread = threading.Thread(target=train)
thread.start()
thread.join()
say(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""


def test_a_session_of_another_thread_warns_that_signals_are_not_watched(tmp_path):
    with Child(tmp_path, IN_A_THREAD) as child:
        code, out, err = child.rest()
    assert (code, out) == (0, 'closed the session was closed at global step 1\nTrue\n'), err
    assert 'no signals are watched' in err


@pytest.fixture
def handlers():
    """The handlers before the test, which must be there again after it."""
    before = {number: signal.getsignal(number) for number in signals.WATCHED}
    yield before
    after = {number: signal.getsignal(number) for number in signals.WATCHED}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after == before


class Listener:
    def __init__(self):
        self.heard = []

    def on_signal(self, name):
        self.heard.append(name)


def test_two_sessions_may_be_closed_in_any_order(handlers):
    first, second = Listener(), Listener()
    watches = [SignalWatch(first.on_signal), SignalWatch(second.on_signal)]
    watches[0].stop()
    signal.raise_signal(TERM)
    assert not first.heard
    assert set(second.heard) == {'SIGTERM'}
    watches[1].stop()


def test_handlers_that_were_replaced_are_installed_again_for_the_next_session(handlers):
    first, second = Listener(), Listener()
    watch = SignalWatch(first.on_signal)
    others = []
    signal.signal(TERM, lambda number, frame: others.append(number))
    another = SignalWatch(second.on_signal)
    signal.raise_signal(TERM)
    assert set(second.heard) == {'SIGTERM'}
    # The second one does what it did before.
    signal.raise_signal(TERM)
    assert others == [TERM]
    another.stop()
    watch.stop()
    signal.signal(TERM, handlers[TERM])


def test_a_signal_of_an_ended_session_is_not_told_to_the_next(handlers, monkeypatch):
    go_on = threading.Event()

    class Late:
        def __init__(self, receiver):
            self._receiver = receiver

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._receiver.close()

        def recv(self, size):
            numbers = self._receiver.recv(size)
            assert go_on.wait(60)
            return numbers

    pairs = socket.socketpair

    def with_a_late_receiver():
        receiver, sender = pairs()
        return Late(receiver), sender

    first, second = Listener(), Listener()
    before = set(threading.enumerate())
    monkeypatch.setattr(signals.socket, 'socketpair', with_a_late_receiver)
    watch = SignalWatch(first.on_signal)
    monkeypatch.undo()
    (listening,) = set(threading.enumerate()) - before
    signal.raise_signal(TERM)
    watch.stop()
    another = SignalWatch(second.on_signal)
    go_on.set()
    listening.join(60)
    assert not listening.is_alive()
    assert first.heard == ['SIGTERM']
    assert not second.heard
    another.stop()


def test_one_signal_stops_all_sessions(handlers):
    with tf.Graph().as_default():
        train = count()
        with (
            tfhooks.MonitoredSession(save_on_preemption=True) as outer,
            tfhooks.MonitoredSession(save_on_preemption=True) as inner,
        ):
            inner.run(train)
            signal.raise_signal(INT)
            assert inner.should_stop()
            assert outer.should_stop()
            assert {number: signal.getsignal(number) for number in handlers} == handlers


def test_a_handler_installed_meanwhile_stays(handlers):
    listener = Listener()
    watch = SignalWatch(listener.on_signal)

    def own(number, frame):
        pass

    signal.signal(TERM, own)
    watch.stop()
    assert signal.getsignal(TERM) is own
    signal.signal(TERM, handlers[TERM])


def test_a_session_that_is_gone_does_not_swallow_a_signal(handlers):
    heard = []
    signal.signal(TERM, lambda number, frame: heard.append(number))
    own = signal.getsignal(TERM)
    listener = Listener()
    watch = SignalWatch(listener.on_signal)
    del listener
    signal.raise_signal(TERM)
    assert heard == [TERM]
    assert signal.getsignal(TERM) is own
    watch.stop()
    signal.signal(TERM, handlers[TERM])


def test_a_session_closed_in_another_thread_leaves_signals_as_they_were(handlers):
    heard = []
    signal.signal(TERM, lambda number, frame: heard.append(number))
    watch = SignalWatch(Listener().on_signal)
    thread = threading.Thread(target=watch.stop)
    thread.start()
    thread.join()
    signal.raise_signal(TERM)
    assert heard == [TERM]
    signal.signal(TERM, handlers[TERM])


def test_the_wakeup_fd_of_an_event_loop_stays(handlers):
    theirs, other = socket.socketpair()
    theirs.setblocking(False)
    previous = signal.set_wakeup_fd(theirs.fileno())
    try:
        listener = Listener()
        watch = SignalWatch(listener.on_signal)
        signal.raise_signal(TERM)
        watch.stop()
        assert listener.heard == ['SIGTERM']
        assert signal.set_wakeup_fd(previous) == theirs.fileno()
    finally:
        signal.set_wakeup_fd(previous)
        theirs.close()
        other.close()


def test_nothing_is_printed_when_an_unclosed_session_is_collected(tmp_path):
    program = (
        'import gc, tensorflow.compat.v1 as tf, tfhooks\n'
        'tf.disable_eager_execution()\n'
        'op = tf.assign_add(tf.train.get_or_create_global_step(), 1)\n'
        'session = tfhooks.MonitoredSession(save_on_preemption=True)\n'
        'session.run(op)\n'
        'del session\n'
        'gc.collect()\n'
    )
    done = warm_python.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=120, check=True
    )
    assert 'Error' not in done.stderr
    assert 'Traceback' not in done.stderr
