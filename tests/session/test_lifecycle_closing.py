"""A monitored session is closed, once, and nothing that was raised on the way is lost."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import warnings

import pytest
import tensorflow.compat.v1 as tf
from session_models import Recorder, both, count, is_open, latest_step

import tfhooks
from tfhooks._base.errors import SessionClosedError
from tfhooks._session import signals


@both
def test_closing_twice_is_quiet_and_ends_the_hooks_once(kind):
    calls = []
    session = kind(hooks=[Recorder(calls)])
    raw = session.raw_session()
    session.close()
    session.close()
    assert calls.count('hook.end') == 1
    assert not is_open(raw)
    assert session.should_stop()
    assert session.stop_reason.kind == 'closed'


@both
def test_closing_inside_with_is_quiet(kind):
    train, calls = count(), []
    with kind(hooks=[Recorder(calls)]) as session:
        session.run(train)
        session.close()
    assert calls.count('hook.end') == 1


@both
def test_closing_inside_with_does_not_hide_the_body_s_exception(kind):
    calls = []
    with pytest.raises(KeyError, match='body'), kind(hooks=[Recorder(calls)]) as session:
        session.close()
        raise KeyError('body')
    assert calls[-1] == 'hook.end'


@both
def test_a_hook_may_close_the_session_in_its_end(kind):
    class Closes(tf.train.SessionRunHook):
        def end(self, session):
            monitored.close()

    calls = []
    monitored = kind(hooks=[Closes(), Recorder(calls)])
    monitored.close()
    assert calls[-1] == 'hook.end'
    assert monitored.raw_session() is None


@both
def test_everything_says_that_the_session_is_closed(kind):
    train = count()
    session = kind()
    session.close()
    for use in (
        lambda: session.run(train),
        lambda: session.run_without_hooks(train),
        lambda: session.run_step_fn(lambda step_context: None),
        session.__enter__,
    ):
        with pytest.raises(SessionClosedError, match='The session is closed: the session was') as e:
            use()
        assert isinstance(e.value, RuntimeError)


@both
def test_closing_does_not_hide_the_body_s_exception(kind):
    class Breaks(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            self.coord = coord

        def on_error(self, session, error):
            self.coord.request_stop(ValueError('in a thread'))
            raise OSError('in on_error')

    with pytest.raises(KeyError, match='body') as caught, kind(hooks=[Breaks()]) as session:
        raise KeyError('body')
    others = [str(error) for error in caught.value.other_errors]
    assert others == ['in on_error', 'in a thread']
    assert session.raw_session() is None


@both
def test_every_hook_ends_though_one_raises_and_a_thread_reports_an_error(kind):
    calls = []
    hooks = [Recorder(calls, 'a', 'end'), Recorder(calls, 'b', 'end', KeyError('second'))]
    session = kind(hooks=[*hooks, Recorder(calls, 'c')])
    raw = session.raw_session()
    hooks[0].coord.request_stop(OSError('third'))
    with pytest.raises(ValueError, match='boom') as caught:
        session.close()
    assert calls[-3:] == ['a.end', 'b.end', 'c.end']
    assert [type(error) for error in caught.value.other_errors] == [KeyError, OSError]
    assert not is_open(raw)
    session.close()


@both
def test_the_final_checkpoint_is_written_though_a_hook_before_it_fails_to_end(kind, tmp_path):
    train = count()
    saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=100)
    with (
        pytest.raises(ValueError, match='boom'),
        kind(hooks=[Recorder([], fail_in='end'), saver]) as session,
    ):
        for _ in range(5):
            session.run(train)
    assert latest_step(tmp_path) == 5


def test_many_threads_that_close_end_the_hooks_once():
    calls = []
    session = tfhooks.MonitoredSession(hooks=[Recorder(calls)])
    together = threading.Barrier(8)

    def close():
        together.wait()
        session.close()

    threads = [threading.Thread(target=close) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls.count('hook.end') == 1


@both
def test_the_graph_is_finalized_while_the_session_is_open_and_as_before_after_it(kind, graph):
    train = count()
    with kind() as session:
        session.run(train)
        assert graph.finalized
    assert not graph.finalized
    # So a second session can be made on it.
    with kind() as session:
        assert session.run(train) == 1
    graph.finalize()
    with kind():
        pass
    assert graph.finalized


def test_an_unclosed_session_is_collected_without_a_word(recwarn):
    # It leaves handlers behind that do nothing; other tests are to find their own.
    watched = {number: signal.getsignal(number) for number in signals.WATCHED}
    train = count()
    session = tfhooks.MonitoredSession(save_on_preemption=True)
    session.run(train)
    del session
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        gc.collect()
    for number, handler in watched.items():
        signal.signal(number, handler)
    assert not [w for w in recwarn if 'tfhooks' in str(w.message)]


@both
def test_closing_by_contextlib(kind):
    train = count()
    with contextlib.closing(kind()) as session:
        session.run(train)
    assert session.raw_session() is None


@both
def test_the_end_reads_the_global_step_once_and_runs_nothing_else(kind, monkeypatch):
    train = count()
    session = kind()
    session.run(train)
    runs, run = [], session.raw_session().run
    monkeypatch.setattr(session.raw_session(), 'run', lambda *args: runs.append(args) or run(*args))
    session.close()
    assert runs == [(tf.train.get_global_step(),)]
