"""Making a monitored session, and what is left of one whose making failed: nothing."""

from __future__ import annotations

import threading

import pytest
import tensorflow.compat.v1 as tf
from session_models import Recorder, Sessions, both, count, is_open, latest_step, lost

import tfhooks
from tfhooks._base.errors import NotAHookError
from tfhooks._session import recovery_policy
from tfhooks._session.recovery_policy import RecoveryPolicy


class TensorFlowHook(tf.train.SessionRunHook):
    """Has an `on_error` that means something else, as a hook of somebody's may."""

    def __init__(self, calls):
        self.calls = calls

    def begin(self):
        self.calls.append('tf.begin')

    def end(self, session):
        self.calls.append('tf.end')

    def on_error(self):
        self.calls.append('tf.on_error')


@both
def test_when_begin_fails_the_hooks_that_began_are_told(kind, graph):
    train, calls = count(), []
    hooks = [
        Recorder(calls, 'a'),
        TensorFlowHook(calls),
        Recorder(calls, 'b', fail_in='begin'),
        Recorder(calls, 'c'),
    ]
    with pytest.raises(ValueError, match='boom') as caught:
        kind(hooks=hooks)
    assert calls == ['a.begin', 'tf.begin', 'b.begin', 'a.on_error(ValueError)', 'tf.end']
    assert caught.value.raised_in == 'Recorder[2].begin'
    assert not graph.finalized
    with kind(hooks=[Recorder(calls)]) as session:
        assert session.run(train) == 1


@both
def test_when_after_create_session_fails_all_is_closed_and_a_retry_works(kind, graph):
    train, calls = count(), []
    first = Recorder(calls, 'a')
    fails = Recorder(calls, 'b', fail_in='after_create_session', times=1)
    hooks = [first, fails, TensorFlowHook(calls)]
    with pytest.raises(ValueError, match='boom'):
        kind(hooks=hooks)
    assert calls == [
        *('a.begin', 'b.begin', 'tf.begin', 'a.after_create_session', 'b.after_create_session'),
        *('a.on_error(ValueError)', 'b.on_error(ValueError)', 'tf.end'),
    ]
    assert not is_open(first.session)
    assert first.coord.should_stop()
    assert not graph.finalized
    with kind(hooks=hooks) as session:
        assert session.run(train) == 1


def test_no_session_and_no_thread_stays_when_making_fails(graph):
    with tf.device('/cpu:0'):
        batch = tf.train.batch([tf.constant(1)], batch_size=1)
    creator = Sessions()
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match='boom'):
        tfhooks.MonitoredSession(creator, [Recorder([], fail_in='after_create_session')])
    assert [is_open(session) for session in creator.made] == [False]
    assert not [t for t in threading.enumerate() if t not in before and t.is_alive()]
    with tfhooks.MonitoredSession(creator) as session:
        assert session.run(batch) == [1]


@both
def test_a_graph_that_was_finalized_stays_so_when_making_fails(kind, graph):
    count()
    with kind():
        pass
    graph.finalize()
    with pytest.raises(ValueError, match='boom'):
        kind(hooks=[Recorder([], fail_in='after_create_session')])
    assert graph.finalized


def test_when_restoring_fails_nothing_is_left(tmp_path, graph):
    train = count()
    (tmp_path / 'checkpoint').write_text('model_checkpoint_path: "model.ckpt-5"\n')
    (tmp_path / 'model.ckpt-5.index').write_text('no index')
    calls = []
    with pytest.raises((tf.errors.OpError, ValueError)):
        tfhooks.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), hooks=[Recorder(calls)], log_step_count_steps=None
        )
    assert calls[0] == 'hook.begin'
    assert calls[1].startswith('hook.on_error')
    assert not graph.finalized
    for left in tmp_path.iterdir():
        if left.is_file():
            left.unlink()
    with tfhooks.MonitoredTrainingSession(checkpoint_dir=str(tmp_path)) as session:
        assert session.run(train) == 1
    assert latest_step(tmp_path) == 1


def test_an_interrupt_while_making_leaves_nothing(graph):
    calls = []
    fails = Recorder(calls, fail_in='after_create_session', error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        tfhooks.MonitoredSession(hooks=[fails])
    assert calls[-1] == 'hook.on_error(KeyboardInterrupt)'
    assert not is_open(fails.session)
    assert not graph.finalized


def test_what_a_hook_raises_when_told_is_attached(graph):
    class Breaks(tfhooks.SessionRunHook):
        def on_error(self, session, error):
            raise OSError('in on_error')

    with pytest.raises(ValueError, match='boom') as caught:
        tfhooks.MonitoredSession(hooks=[Breaks(), Recorder([], fail_in='begin')])
    assert [str(error) for error in caught.value.other_errors] == ['in on_error']


@both
def test_wrong_hooks_are_refused_before_any_begins(kind):
    calls = []
    with pytest.raises(NotAHookError):
        kind(hooks=[Recorder(calls), 'no hook'])
    assert calls == []


@both
def test_any_iterable_of_hooks_is_taken_once(kind):
    train, calls = count(), []
    with kind(hooks=(Recorder(calls, name) for name in 'ab')) as session:
        session.run(train)
    assert calls.count('a.after_run') == calls.count('b.after_run') == 1


def test_a_session_that_cannot_be_made_is_given_up_after_a_bounded_number_of_tries(
    graph, waits, caplog
):
    gone = tf.errors.UnavailableError(None, None, 'nobody there')
    creator = Sessions(*[gone] * 100)
    calls = []
    with pytest.raises(tf.errors.UnavailableError, match='nobody there') as caught:
        tfhooks.MonitoredSession(creator, [Recorder(calls)], recovery=RecoveryPolicy(tries=4))
    assert caught.value is gone
    assert creator.tries == 4
    assert len(waits) == 3
    assert calls == ['hook.begin', 'hook.on_error(UnavailableError)']
    lines = [r.getMessage() for r in caplog.records if r.name == 'tfhooks']
    assert [line[:43] for line in lines] == [
        *(f'Attempt {number} of 4 to create a session failed: ' for number in (1, 2, 3)),
        'Gave up to create a session after 4 of 4 at',
    ]
    assert not graph.finalized
    creator.failures.clear()
    with tfhooks.MonitoredSession(creator):
        pass


def test_making_goes_on_as_soon_as_it_works():
    train, calls = count(), []
    creator = Sessions(lost(), lost())
    with tfhooks.MonitoredSession(creator, [Recorder(calls)]) as session:
        assert session.run(train) == 1
    assert calls.count('hook.after_create_session') == 1


def test_a_loss_in_after_create_session_makes_another_session():
    train, calls = count(), []
    creator = Sessions()
    hooks = [Recorder(calls, 'a'), Recorder(calls, 'b', 'after_create_session', lost(), times=1)]
    with tfhooks.MonitoredSession(creator, hooks) as session:
        assert session.run(train) == 1
    assert [is_open(session) for session in creator.made] == [False, False]
    assert calls.count('a.after_create_session') == 2
    assert not recovery_policy.is_recovery(hooks[0].coord)


def test_a_singular_session_is_tried_once():
    calls = []
    fails = Recorder(calls, fail_in='after_create_session', error=lost())
    with pytest.raises(tf.errors.AbortedError):
        tfhooks.SingularMonitoredSession(hooks=[fails])
    assert calls.count('hook.after_create_session') == 1
    assert not is_open(fails.session)


def test_ctrl_c_in_on_error_leaves_nothing_undone(graph):
    train, calls = count(), []
    hooks = [
        Recorder(calls, 'a', fail_in='on_error', error=KeyboardInterrupt()),
        Recorder(calls, 'b'),
    ]
    session = tfhooks.MonitoredSession(hooks=hooks)
    raw = session.raw_session()

    def body():
        with session:
            session.run(train)
            raise ValueError('body')

    with pytest.raises(ValueError, match='body'):
        body()
    assert calls[-1] == 'b.on_error(ValueError)'
    assert not is_open(raw)
