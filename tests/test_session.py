"""A monitored session in use: run, run without hooks or with some of them, stop, close."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import contextlib
import functools
import gc
import signal
import threading
import warnings
import weakref

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from session_models import Fails, Recorder, Sessions, count, is_open, latest_step, lost

import tfhooks
from tfhooks import preemption
from tfhooks.coordinator import Coordinator
from tfhooks.errors import SessionClosedError
from tfhooks.reasons import StopRequestedError

BOTH = [tfhooks.MonitoredSession, tfhooks.SingularMonitoredSession]
both = pytest.mark.parametrize('kind', BOTH)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


# Running.


@both
def test_run_without_hooks_calls_no_hook(kind):
    train, calls = count(), []
    with kind(hooks=[Recorder(calls)]) as session:
        del calls[:]
        assert session.run_without_hooks(train) == 1
        x = tf.train.get_global_step()
        assert session.run_without_hooks([x], feed_dict={x: 7}) == [7]
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        assert session.run_without_hooks(train, options=options, run_metadata=metadata) == 2
        assert metadata.HasField('step_stats')
        assert not calls
        assert session.run(train) == 3
        assert calls == ['hook.before_run', 'hook.after_run']


def test_run_without_hooks_goes_on_after_a_stop():
    train = count()
    with tfhooks.MonitoredSession() as session:
        session.request_stop()
        assert session.run_without_hooks(train) == 1


@both
def test_skip_hooks_leaves_out_what_it_names(kind):
    class Other(Recorder):
        pass

    train, calls = count(), []
    first, second, other = Recorder(calls, '1'), Recorder(calls, '2'), Other(calls, 'o')
    with kind(hooks=[first, other, second]) as session:

        def called(skip):
            del calls[:]
            session.run(train, skip_hooks=skip)
            return calls

        assert called([second]) == ['1.before_run', 'o.before_run', '1.after_run', 'o.after_run']
        assert called([Other]) == ['1.before_run', '2.before_run', '1.after_run', '2.after_run']
        assert called(hook for hook in [first, Other]) == ['2.before_run', '2.after_run']
        assert called([tf.train.SessionRunHook]) == []
        assert len(called([])) == 6
        with pytest.raises(ValueError, match='skip_hooks must name hooks of this session'):
            session.run(train, skip_hooks=[Recorder(calls)])
        with pytest.raises(ValueError, match='skip_hooks must name hooks of this session'):
            session.run(train, skip_hooks=[tf.train.StopAtStepHook])


def test_skipped_hooks_are_skipped_in_the_run_again_too():
    train, calls = count(), []
    hook = Recorder(calls)
    with tfhooks.MonitoredSession(hooks=[hook, Fails(2)]) as session:
        session.run(train)
        del calls[:]
        session.run(train, skip_hooks=[hook])
        assert calls == ['hook.after_create_session']


@both
def test_raw_session_is_the_session_in_use_and_none_after_close(kind, graph):
    with kind() as session:
        assert isinstance(session.raw_session(), tf.Session)
        assert session.raw_session().graph is graph
        assert session.graph is graph
    assert session.raw_session() is None
    assert session.graph is None


def test_raw_session_is_the_new_one_after_a_recovery():
    train = count()
    creator = Sessions()
    with tfhooks.MonitoredSession(creator, hooks=[Fails(1)]) as session:
        assert session.raw_session() is creator.made[0]
        session.run(train)
        assert session.raw_session() is creator.made[1]
        assert not is_open(creator.made[0])


# Step functions.


def test_a_step_function_uses_the_recovered_session():
    train = count()
    creator = Sessions()
    used = []

    def step_fn(step_context):
        used.append(step_context.session)
        return step_context.session.run(train), step_context.run_with_hooks(train)

    with tfhooks.MonitoredSession(creator, hooks=[Fails(1)]) as session:
        assert session.run_step_fn(step_fn) == (1, 2)
        assert session.run_step_fn(step_fn) == (3, 4)
    assert used == [creator.made[0], creator.made[1], creator.made[1]]


def test_a_loss_in_a_step_function_itself_is_recovered_from():
    train = count()
    creator = Sessions()

    def step_fn(step_context):
        if len(creator.made) == 1:
            raise lost()
        return step_context.run_with_hooks(train)

    with tfhooks.MonitoredSession(creator) as session:
        assert session.run_step_fn(step_fn) == 1
    assert len(creator.made) == 2


@both
def test_a_step_function_that_stops_ends_the_loop(kind):
    train, calls = count(), []

    def step_fn(step_context):
        if step_context.run_with_hooks(train) == 2:
            step_context.request_stop()

    with kind(hooks=[Recorder(calls)]) as session:
        while not session.should_stop():
            session.run_step_fn(step_fn)
    assert calls[-1] == 'hook.end'
    assert session.stop_reason == 'step_fn asked for a stop at global step 2'
    assert session.stop_reason.kind == 'requested'


class Model:
    def method(self, step_context):
        return step_context.session.run(tf.train.get_global_step())

    def two(self, step_context, other):
        pass


@both
def test_what_a_step_function_may_take(kind):
    count()
    with kind() as session:
        assert session.run_step_fn(Model().method) == 0
        assert session.run_step_fn(functools.partial(Model.method, Model())) == 0
        assert session.run_step_fn(lambda step_context, *args, **kwargs: 5) == 5
        for wrong in (lambda: None, lambda context: None, Model().two):
            with pytest.raises(ValueError, match='may either have one `step_context` argument'):
                session.run_step_fn(wrong)


def test_run_with_hooks_refuses_after_a_stop_as_run_does():
    train = count()

    def step_fn(step_context):
        return step_context.run_with_hooks(train)

    with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(num_steps=1)]) as session:
        session.run_step_fn(step_fn)
        assert session.should_stop()
        with pytest.raises(RuntimeError, match='Run called even after should_stop requested'):
            session.run_step_fn(step_fn)


# Stopping.


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


# Closing.


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
    watched = {number: signal.getsignal(number) for number in preemption.WATCHED}
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


def test_names_of_tensorflow_that_programs_use_though_they_are_private():
    hook = tf.train.SessionRunHook()
    step = tf.train.get_or_create_global_step()
    session = tfhooks.MonitoredSession(hooks=[hook])
    raw = session.raw_session()
    found = session
    # The loop of many a program of the time.
    while type(found).__name__ != 'Session':
        found = found._sess
    assert found is raw
    for layer in (session._sess, session._sess._sess, session._sess._sess._sess):
        assert layer.graph is raw.graph
        assert layer.run(step) == 0
        assert not layer.should_stop()
    assert session._tf_sess() is raw
    assert session._hooks == [hook]
    assert session._coordinated_creator.tf_sess is raw
    assert isinstance(session._coordinated_creator.coord, tf.train.Coordinator)
    assert not session._is_closed()
    session.close()
    assert session._is_closed()


@both
def test_closing_by_contextlib(kind):
    train = count()
    with contextlib.closing(kind()) as session:
        session.run(train)
    assert session.raw_session() is None


@pytest.mark.parametrize('fetch', ['a tensor', 'an operation'])
def test_an_error_that_is_gone_takes_the_values_of_its_run_along(fetch):
    # Without that they stay until the garbage collector comes: on a large model, gigabytes.
    class Fed(np.ndarray):
        """An array that weak references may point to."""

    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2])
        wrong = tf.debugging.assert_positive(x)
        if fetch == 'a tensor':
            with tf.control_dependencies([wrong]):
                wrong = tf.identity(x)
        with tfhooks.MonitoredSession() as session:
            gc.collect()
            gc.disable()
            try:
                for _ in range(3):  # As known and unknown requests.
                    fed = np.zeros([2], np.float32).view(Fed)
                    gone = weakref.ref(fed)
                    try:
                        session.run(wrong, {x: fed})
                    except tf.errors.InvalidArgumentError:
                        pass
                    else:
                        pytest.fail('it was to fail')
                    del fed
                    assert gone() is None
            finally:
                gc.enable()
