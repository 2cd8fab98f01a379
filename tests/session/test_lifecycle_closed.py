"""What is left of a session that is closed, and what its hooks may still do while it closes."""

from __future__ import annotations

import gc
import os
import weakref

import pytest
import tensorflow
from session_models import Fails, count

import tfhooks
from tfhooks._session.hook_group import HookGroup
from tfhooks.testing import RecordingHook

tf = tensorflow.compat.v1


class Evaluates(tfhooks.SessionRunHook):
    """Runs the monitored session, not the raw one, in its `end`."""

    def __init__(self, fetch, stops=False):
        self.session = None
        self.fetch = fetch
        self.stops = stops
        self.seen = []

    def after_run(self, run_context, run_values):
        self.seen.append('after_run')
        if self.stops:
            run_context.request_stop()

    def end(self, session):
        self.seen.append(self.session.should_stop())
        self.seen.append(int(self.session.run(self.fetch)))


def test_the_raw_session_is_freed_while_the_monitored_one_and_its_hooks_are_kept(tmp_path):
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        train = tf.assign_add(step, 1)
        number = tf.placeholder(tf.float32, [])
        tf.summary.scalar('number', number)
        loss = tf.constant(1.0)
        hooks = [
            tfhooks.StopAtStepHook(last_step=4),
            tfhooks.LoggingTensorHook([step], every_n_iter=2),
            tfhooks.NanTensorHook(loss),
        ]
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=os.fspath(tmp_path), hooks=hooks, save_checkpoint_steps=2
        ) as session:
            raw = weakref.ref(session.raw_session())
            while not session.should_stop():
                session.run([train, loss], {number: 1.0})
        gc.collect()
        assert raw() is None
        assert session.stop_reason.step == 4


def test_a_hook_may_run_the_monitored_session_in_its_end():
    with tf.Graph().as_default():
        hook = Evaluates(tf.constant(3))
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            hook.session = session
            session.run(hook.fetch)
    assert hook.seen == ['after_run', False, 'after_run', 3]


def test_a_hook_may_not_run_in_its_end_once_a_stop_was_requested():
    with tf.Graph().as_default():
        hook = Evaluates(tf.constant(3), stops=True)
        session = tfhooks.MonitoredSession(hooks=[hook])
        hook.session = session
        session.run(hook.fetch)
        with pytest.raises(RuntimeError, match='Run called even after should_stop requested'):
            session.close()
    assert hook.seen == ['after_run', True]


def test_a_loop_in_end_stops_when_a_hook_asks():
    class Counts(tfhooks.SessionRunHook):
        def __init__(self):
            self.runs = 0

        def after_run(self, run_context, run_values):
            self.runs += 1
            if self.runs == 3:
                run_context.request_stop()

        def end(self, session):
            while not monitored.should_stop():
                monitored.run(one)

    with tf.Graph().as_default():
        one = tf.constant(1)
        hook = Counts()
        with tfhooks.MonitoredSession(hooks=[hook]) as monitored:
            monitored.run(one)
    assert hook.runs == 3


def test_an_interrupt_while_the_last_step_is_read_ends_the_hooks_nevertheless(monkeypatch):
    with tf.Graph().as_default():
        hook = RecordingHook()
        session = tfhooks.MonitoredSession(hooks=[hook])

        def interrupted(self, session=None):
            raise KeyboardInterrupt

        monkeypatch.setattr(HookGroup, 'step', interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.close()
        assert hook.methods[-1] == 'end'
        assert session.raw_session() is None


def test_hooks_are_told_of_an_error_where_making_a_new_session_was_interrupted():
    class Creator(tfhooks.ChiefSessionCreator):
        interrupts = False

        def create_session(self):
            if self.interrupts:
                raise KeyboardInterrupt
            return super().create_session()

    def lose(step_context):
        creator.interrupts = True
        raise tf.errors.AbortedError(None, None, 'gone')

    with tf.Graph().as_default():
        hook = RecordingHook()
        creator = Creator()
        session = tfhooks.MonitoredSession(creator, hooks=[hook])
        with session, pytest.raises(KeyboardInterrupt):
            session.run_step_fn(lose)
        assert hook.methods == ['begin', 'after_create_session', 'on_error']


@pytest.mark.parametrize('loses', [False, True])
def test_a_closed_session_is_freed_without_a_collection_of_garbage(loses):
    """It holds the memory of the variables."""
    train, raw = count(), []
    gc.collect()
    gc.disable()
    try:
        fails = Fails(2) if loses else Fails()
        with tfhooks.MonitoredSession(hooks=[fails]) as session:
            for _ in range(3):
                session.run(train)
                raw.append(weakref.ref(session.raw_session()))
        assert [made() for made in raw] == [None] * 3
    finally:
        gc.enable()
