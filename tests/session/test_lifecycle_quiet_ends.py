"""What ends without an error, or loses steps, says so: empty data, Ctrl-C, closing elsewhere."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import threading

import pytest
import tensorflow.compat.v1 as tf
from session_models import Recorder, both, count, lost

import tfhooks
from tfhooks._base.errors import SessionClosedError

WAIT = 30  # Seconds, for what comes at once.


def dataset(size):
    return tf.data.make_one_shot_iterator(tf.data.Dataset.range(size)).get_next()


@both
@pytest.mark.parametrize(('size', 'warns'), [(0, True), (2, False)])
def test_data_that_ends_before_the_first_run_returned(kind, size, warns, lines):
    x = dataset(size)
    with kind() as session:
        while not session.should_stop():
            session.run(x)
    warned = [
        line for level, line in lines() if level == 'WARNING' and 'nothing was trained' in line
    ]
    assert bool(warned) == warns
    assert not warns or 'end of data of IteratorGetNext' in warned[0]


@pytest.mark.parametrize('way', ['run_step_fn', 'run_without_hooks'])
def test_data_that_ends_later_in_another_kind_of_run(way, lines):
    x = dataset(1)
    call = {
        'run_step_fn': lambda s: s.run_step_fn(lambda step_context: step_context.session.run(x)),
        'run_without_hooks': lambda s: s.run_without_hooks(x),
    }[way]
    with tfhooks.MonitoredSession() as session:
        call(session)
        session.run(x)
    assert not any('nothing was trained' in line for _, line in lines())


@pytest.mark.parametrize('saves', ['not at all', 'on error', 'at the last step', 'never'])
def test_ctrl_c_says_how_many_steps_are_lost(saves, tmp_path, lines):
    train = count()
    arguments = {
        'checkpoint_dir': None if saves == 'never' else str(tmp_path),
        'save_checkpoint_steps': 5 if saves == 'at the last step' else 3,
        'save_on_error': saves == 'on error',
        'save_summaries_steps': None,
    }
    with (
        pytest.raises(KeyboardInterrupt),
        tfhooks.MonitoredTrainingSession(**arguments) as session,
    ):
        for _ in range(5):
            session.run(train)
        raise KeyboardInterrupt
    told = [line for _, line in lines() if 'are lost' in line]
    if saves == 'not at all':
        assert len(told) == 1
        assert told[0].startswith('2 steps since the checkpoint of global step 3 are lost. ')
    else:
        assert told == []


class Blocks(tfhooks.ChiefSessionCreator):
    """Makes its second session only when it is told to go on."""

    def __init__(self):
        super().__init__()
        self.calls, self.inside, self.goes_on = 0, threading.Event(), threading.Event()

    def create_session(self):
        self.calls += 1
        if self.calls == 2:
            self.inside.set()
            assert self.goes_on.wait(WAIT)
        return super().create_session()


def in_a_thread(call):
    """Starts `call` in a thread, and gives a function that waits for it and for its error."""
    raised = []

    def work():
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()

    def end():
        thread.join(WAIT)
        assert not thread.is_alive()
        return raised[0] if raised else None

    return end


def test_closing_while_another_thread_recovers():
    """Hooks that have been ended are told of no session again."""
    train, calls = count(), []
    creator, recorder = Blocks(), Recorder(calls, fail_in='after_run', error=lost(), times=0)
    watchdog = tfhooks.StallWatchdogHook(60)
    session = tfhooks.MonitoredSession(creator, [recorder, watchdog])
    session.run(train)
    recorder.times = 1
    end = in_a_thread(lambda: session.run(train))
    assert creator.inside.wait(WAIT)
    session.close()
    told = len(calls)
    assert calls[-1] == 'hook.on_error(AbortedError)'
    creator.goes_on.set()
    assert isinstance(end(), SessionClosedError)
    assert len(calls) == told
    assert watchdog._thread is None
    assert session.raw_session() is None


def test_closing_while_hooks_are_told_of_a_session_waits_for_them():
    train, calls = count(), []
    inside, goes_on = threading.Event(), threading.Event()

    class Slow(tf.train.SessionRunHook):
        made = 0

        def after_create_session(self, session, coord):
            self.made += 1
            if self.made == 2:
                inside.set()
                assert goes_on.wait(WAIT)
                calls.append('told')

    recorder = Recorder(calls, fail_in='after_run', error=lost(), times=0)
    session = tfhooks.MonitoredSession(hooks=[Slow(), recorder])
    session.run(train)
    recorder.times = 1
    end = in_a_thread(lambda: session.run(train))
    assert inside.wait(WAIT)
    close = in_a_thread(session.close)
    goes_on.set()
    assert close() is None
    end()
    assert calls.index('told') < calls.index('hook.end')
    assert calls[-1] == 'hook.end' or calls[-2:] == ['hook.end', 'hook.before_run']


@pytest.mark.parametrize('when', ['before the run', 'in the run'])
def test_a_thread_that_runs_while_another_closes(when):
    train = count()
    ending, goes_on, started = threading.Event(), threading.Event(), threading.Event()
    queue = tf.FIFOQueue(1, tf.int64)
    waits = queue.dequeue()

    class Ends(tf.train.SessionRunHook):
        def end(self, session):
            ending.set()
            assert goes_on.wait(WAIT)

    class Starts(tf.train.SessionRunHook):
        def before_run(self, run_context):
            if run_context.original_args.fetches is waits:
                started.set()

    session = tfhooks.MonitoredSession(hooks=[Ends(), Starts()])
    session.run(train)
    if when == 'in the run':
        run = in_a_thread(lambda: session.run(waits))
        assert started.wait(WAIT)
        goes_on.set()
        assert in_a_thread(session.close)() is None
    else:
        close = in_a_thread(session.close)
        assert ending.wait(WAIT)
        run = in_a_thread(lambda: session.run(train))
        error = run()
        assert isinstance(error, SessionClosedError), error
        goes_on.set()
        close()
    assert isinstance(run(), SessionClosedError)


def test_a_thread_whose_run_was_made_again_when_another_closes():
    """The run is a second try, on a session that was made again."""
    train, saving, goes_on = count(), threading.Event(), threading.Event()

    class Saves(tf.train.SessionRunHook):
        recovered = False

        def after_run(self, run_context, run_values):
            if not self.recovered:
                self.recovered = True
                raise lost()
            saving.set()
            assert goes_on.wait(WAIT)
            run_context.session.run(train)

    session = tfhooks.MonitoredSession(hooks=[Saves()])
    run = in_a_thread(lambda: session.run(train))
    assert saving.wait(WAIT)
    session.close()
    goes_on.set()
    assert isinstance(run(), SessionClosedError)
