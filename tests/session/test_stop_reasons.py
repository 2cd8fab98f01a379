"""Why a session stopped: kept, logged once, and true."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import copy
import logging
import pickle

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from session_models import Fails, Recorder, both, count

import tfhooks
from tfhooks._session.stop_reasons import StopReason


@pytest.fixture
def stops(caplog):
    """A function that gives the lines logged so far that say why training stops."""
    caplog.set_level(logging.INFO, 'tfhooks')
    return lambda: [
        (r.levelname, r.getMessage())
        for r in caplog.records
        if 'The session stops' in r.getMessage()
    ]


def parts(reason):
    return reason.kind, reason.who, reason.step


def test_a_reason_is_a_string_with_parts():
    reason = StopReason('hook', 'StopAtStepHook asked for a stop', 'StopAtStepHook', 5)
    assert reason == 'StopAtStepHook asked for a stop at global step 5'
    assert parts(reason) == ('hook', 'StopAtStepHook', 5)
    assert StopReason('closed', 'the session was closed') == 'the session was closed'
    for same in (pickle.loads(pickle.dumps(reason)), copy.deepcopy(reason)):
        assert same == reason
        assert parts(same) == parts(reason)


@both
def test_none_while_it_runs(kind):
    train = count()
    with kind() as session:
        session.run(train)
        assert session.stop_reason is None
        assert not session.should_stop()
        assert session.stop_reason is None


@both
def test_a_hook_and_the_step(kind, stops):
    train = count()
    hook = tfhooks.StopAtStepHook(last_step=5)
    with kind(hooks=[hook]) as session:
        while not session.should_stop():
            session.run(train)
        assert parts(session.stop_reason) == ('hook', 'StopAtStepHook', 5)
    sentence = 'StopAtStepHook asked for a stop at global step 5'
    assert session.stop_reason == sentence
    assert stops() == [('INFO', f'The session stops: {sentence}.')]


def test_the_hook_that_asked_first_and_which_of_several_of_a_class():
    class Stops(tf.train.SessionRunHook):
        def __init__(self, method):
            self._method = method

        def before_run(self, run_context):
            if self._method == 'before_run':
                run_context.request_stop()

        def after_run(self, run_context, run_values):
            run_context.request_stop()

    train = count()
    hooks = [Stops('after_run'), Stops('before_run'), Recorder([])]
    with tfhooks.MonitoredSession(hooks=hooks) as session:
        session.run(train)
    assert parts(session.stop_reason) == ('hook', 'Stops[1]', 1)


@both
def test_end_of_data_and_the_operation_that_ran_out(kind, stops):
    batch = tf.data.make_one_shot_iterator(tf.data.Dataset.range(3)).get_next('batch')
    with tf.control_dependencies([batch]):
        train = count()
    calls = []
    with kind(hooks=[Recorder(calls)]) as session:
        while not session.should_stop():
            session.run(train)
    assert parts(session.stop_reason) == ('end of data', 'batch', 3)
    assert session.stop_reason == 'end of data of batch at global step 3'
    assert stops() == [('INFO', 'The session stops: end of data of batch at global step 3.')]
    assert calls[-1] == 'hook.end'


@both
def test_end_of_data_of_an_iterator_in_python(kind):
    x = tf.placeholder(tf.int64, [])
    train = tf.assign_add(tf.train.get_or_create_global_step(), x)
    batches = iter([1, 2, 3])
    calls = []
    with kind(hooks=[Recorder(calls)]) as session:
        while not session.should_stop():
            session.run(train, {x: next(batches)})
    assert session.stop_reason == 'end of data (StopIteration) at global step 6'
    assert calls[-1] == 'hook.end'


@both
@pytest.mark.parametrize(
    'error', [StopIteration, lambda: tf.errors.OutOfRangeError(None, None, 'no more')]
)
def test_end_of_data_of_a_hook_that_feeds(kind, error):
    x = tf.placeholder(tf.int64, [])
    train = tf.assign_add(tf.train.get_or_create_global_step(), x)
    feeds = [{x: 4}, {x: 5}]

    def feed():
        if not feeds:
            raise error()
        return feeds.pop()

    calls = []
    with kind(hooks=[tfhooks.FeedFnHook(feed), Recorder(calls)]) as session:
        while not session.should_stop():
            session.run(train)
    assert parts(session.stop_reason) == ('end of data', 'FeedFnHook.before_run', 9)
    assert calls[-1] == 'hook.end'


@both
@pytest.mark.parametrize('method', ['after_run', 'after_create_session', 'end', 'begin'])
@pytest.mark.parametrize(
    'error', [StopIteration('boom'), tf.errors.OutOfRangeError(None, None, 'boom')], ids=type
)
def test_what_a_hook_raises_elsewhere_is_an_error_of_whatever_type(kind, method, error):
    train = count()
    calls = []

    def use():
        with kind(hooks=[Recorder(calls, fail_in=method, error=error)]) as session:
            session.run(train)

    with pytest.raises(type(error)) as caught:
        use()
    assert caught.value is error
    error.raised_in = None


def test_end_of_data_in_after_create_session_of_a_recovered_session_is_an_error():
    class Fails2(tf.train.SessionRunHook):
        sessions = 0

        def after_create_session(self, session, coord):
            self.sessions += 1
            if self.sessions == 2:
                raise tf.errors.OutOfRangeError(None, None, 'no more')

    train = count()
    with (
        pytest.raises(tf.errors.OutOfRangeError),
        tfhooks.MonitoredSession(hooks=[Fails2(), Fails(1)]) as session,
    ):
        session.run(train)
    assert session.stop_reason.kind == 'error'


def test_a_write_that_fails_with_out_of_range_is_an_error(tmp_path):
    class Full(tf.train.Saver):
        saves = 0

        def save(self, *arguments, **named):
            self.saves += 1
            if self.saves > 1:
                raise tf.errors.OutOfRangeError(None, None, 'File too large')
            return super().save(*arguments, **named)

    train = count()
    hook = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=2, saver=Full())
    with (
        pytest.raises(tf.errors.OutOfRangeError, match='File too large'),
        tfhooks.MonitoredSession(hooks=[hook]) as session,
    ):
        while not session.should_stop():
            session.run(train)
    assert session.stop_reason.kind == 'error'


@both
def test_an_error_and_where(kind, stops):
    train = count()
    hook = Fails(2, error=lambda: KeyError('two\nlines'))
    with pytest.raises(KeyError), kind(hooks=[hook]) as session:
        session.run(train)
        session.run(train)
    sentence = "error in Fails.after_run: KeyError: 'two\\nlines' at global step 2"
    assert session.stop_reason == sentence
    assert parts(session.stop_reason) == ('error', 'KeyError', 2)
    assert stops() == [('INFO', f'The session stops: {sentence}.')]


@both
@pytest.mark.parametrize('error', [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_is_an_error_too(kind, error):
    train, calls = count(), []
    with pytest.raises(error), kind(hooks=[Recorder(calls)]) as session:
        session.run(train)
        raise error()
    assert parts(session.stop_reason) == ('error', error.__name__, 1)
    assert calls[-1] == f'hook.on_error({error.__name__})'


def test_an_error_after_a_stop_was_requested_is_the_reason():
    with pytest.raises(ValueError, match='boom'), tfhooks.MonitoredSession() as session:
        session.request_stop()
        raise ValueError('boom')
    assert session.stop_reason.kind == 'error'


def test_a_reason_that_was_given_first_stays(stops):
    with tfhooks.MonitoredSession() as session:
        session.request_stop('first')
        session.request_stop('second')
        assert session.should_stop()
        assert session.should_stop()
    assert session.stop_reason == 'stop requested: first'
    assert len(stops()) == 1


@both
def test_closed(kind, stops):
    train = count()
    session = kind()
    session.run(train)
    session.close()
    assert parts(session.stop_reason) == ('closed', None, 1)
    assert stops() == [('INFO', 'The session stops: the session was closed at global step 1.')]


def test_a_model_without_a_global_step():
    x = tf.constant(1.0)
    with tfhooks.MonitoredSession() as session:
        assert session.run(x) == np.float32(1)
        session.request_stop('done')
    assert session.stop_reason == 'stop requested: done'
    assert session.stop_reason.step is None


# on_error.


def test_on_error_is_called_once_instead_of_end_with_the_session_and_the_error():
    told = []

    class Told(tfhooks.SessionRunHook):
        def on_error(self, session, error):
            told.append((session.run(step), error))

        def end(self, session):
            told.append('end')

    train = count()
    step = tf.train.get_global_step()
    error = ValueError('boom')
    with pytest.raises(ValueError, match='boom'), tfhooks.MonitoredSession(hooks=[Told()]) as s:
        s.run(train)
        raise error
    s.close()
    assert told == [(1, error)]


@both
def test_on_error_is_not_called_at_a_quiet_end(kind):
    train, calls = count(), []
    for end in (StopIteration(), tf.errors.OutOfRangeError(None, None, ''), None):
        with tf.Graph().as_default():
            train = count()
            with kind(hooks=[Recorder(calls)]) as session:
                session.run(train)
                if end is not None:
                    raise end
    assert calls.count('hook.end') == 3
    assert not [call for call in calls if 'on_error' in call]


def test_every_hook_is_told_though_one_raises():
    class Breaks(tfhooks.SessionRunHook):
        def on_error(self, session, error):
            raise OSError('in on_error')

    calls = []
    with (
        pytest.raises(ValueError, match='boom') as caught,
        tfhooks.MonitoredSession(hooks=[Breaks(), Recorder(calls)]),
    ):
        raise ValueError('boom')
    assert calls[-1] == 'hook.on_error(ValueError)'
    assert [str(error) for error in caught.value.other_errors] == ['in on_error']
    assert any('Breaks.on_error' in note for note in caught.value.__notes__)


def test_a_hook_of_tensorflow_is_not_told():
    class Foreign(tf.train.SessionRunHook):
        def on_error(self):
            raise AssertionError('called')

    with pytest.raises(ValueError, match='boom') as caught:  # noqa: SIM117
        with tfhooks.MonitoredSession(hooks=[Foreign()]):
            raise ValueError('boom')
    assert not hasattr(caught.value, 'other_errors')
