"""A monitored session is asked to stop, by a hook, a thread or the caller."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from session_models import Recorder, both, count

import tfhooks
from tfhooks._session.coordinator import Coordinator
from tfhooks._session.stop_reasons import StopRequestedError


class StopsIn(tf.train.SessionRunHook):
    def __init__(self, method):
        self._method = method

    def before_run(self, run_context):
        if self._method == 'before_run':
            run_context.request_stop()

    def after_run(self, run_context, run_values):
        if self._method == 'after_run':
            run_context.request_stop()


@both
@pytest.mark.parametrize('method', ['before_run', 'after_run'])
def test_a_stop_that_a_hook_asked_for_survives_a_failing_run(kind, method):
    train, calls = count(), []
    hooks = [StopsIn(method), Recorder(calls, fail_in='after_run')]
    session = kind(hooks=hooks)
    with pytest.raises(ValueError, match='boom'):
        session.run(train)
    assert session.should_stop()
    assert session.stop_reason == 'StopsIn asked for a stop at global step 1'
    session.close()


@both
def test_all_hooks_get_their_after_run_though_one_raises(kind):
    train, calls = count(), []
    hooks = [Recorder(calls, 'a', 'after_run'), Recorder(calls, 'b', 'after_run', KeyError('x'))]
    session = kind(hooks=[*hooks, Recorder(calls, 'c')])
    with pytest.raises(ValueError, match='boom') as caught:
        session.run(train)
    assert calls[-3:] == ['a.after_run', 'b.after_run', 'c.after_run']
    assert [type(error) for error in caught.value.other_errors] == [KeyError]
    session.close()


@both
def test_run_after_a_hooks_stop_raises_what_tensorflow_raises(kind):
    train = count()
    with (
        pytest.raises(StopRequestedError, match=r'Run called even after.*StopsIn asked') as caught,
        kind(hooks=[StopsIn('after_run')]) as session,
    ):
        session.run(train)
        session.run(train)
    assert isinstance(caught.value, RuntimeError)
    assert session.stop_reason.kind == 'hook'


@both
def test_request_stop_stops_and_ends_the_hooks(kind):
    train, calls = count(), []
    with kind(hooks=[Recorder(calls)]) as session:
        while not session.should_stop():
            if session.run(train) == 3:
                session.request_stop('the loss is small')
    assert calls[-1] == 'hook.end'
    assert session.stop_reason == 'stop requested: the loss is small at global step 3'
    reason = session.stop_reason
    assert (reason.kind, reason.who, reason.step) == ('requested', 'the loss is small', 3)


@both
def test_request_stop_ends_a_loop_that_never_asks(kind):
    train, calls = count(), []
    with kind(hooks=[Recorder(calls)]) as session:
        for step in range(100):
            session.run(train)
            if step == 3:
                session.request_stop()
    assert calls.count('hook.after_run') == 4
    assert calls[-1] == 'hook.end'


def test_the_coordinator_stops_the_loop_but_not_run():
    train = count()

    class Stops(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            coord.request_stop()

    with tfhooks.MonitoredSession(hooks=[Stops()]) as session:
        assert session.should_stop()
        assert session.run(train) == 1
    reason = session.stop_reason
    assert (reason.kind, reason.who, reason.step) == ('coordinator', 'Stops', 0)


def test_an_exception_that_a_thread_reports_comes_out_of_close():
    train, calls = count(), []
    hook = Recorder(calls)
    with (
        pytest.raises(ValueError, match='in a thread'),
        tfhooks.MonitoredSession(hooks=[hook]) as session,
    ):
        # Outside of an `except`, where TensorFlow's coordinator raises a TypeError.
        hook.coord.request_stop(ValueError('in a thread'))
        assert session.should_stop()
        assert session.run(train) == 1
    assert calls[-1] == 'hook.end'
    assert session.stop_reason == 'error: ValueError: in a thread at global step 0'


def test_a_singular_session_raises_what_a_thread_reports_when_asked():
    hook = Recorder([])
    session = tfhooks.SingularMonitoredSession(hooks=[hook])
    hook.coord.request_stop(ValueError('in a thread'))
    with pytest.raises(ValueError, match='in a thread'):
        session.should_stop()
    with pytest.raises(ValueError, match='in a thread'):
        session.close()


def test_an_exception_reported_inside_its_except_is_kept_with_its_traceback():
    hook = Recorder([])
    session = tfhooks.MonitoredSession(hooks=[hook])
    error = KeyError('kept')
    try:
        raise error
    except KeyError as caught:
        hook.coord.request_stop(caught)
    with pytest.raises(KeyError) as raised:
        session.close()
    assert raised.value is error


def test_request_stop_of_the_coordinator_takes_exc_info_too():
    coord = Coordinator()
    error = ValueError('boom')
    coord.request_stop((ValueError, error, None))
    with pytest.raises(ValueError, match='boom') as raised:
        coord.join()
    assert raised.value is error
    # And after it was joined.
    with pytest.raises(KeyError):
        coord.request_stop(KeyError('late'))
