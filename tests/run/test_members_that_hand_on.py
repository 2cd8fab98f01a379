"""Hooks that answer to names they do not define: wrappers of other people, and mocks."""

from __future__ import annotations

from unittest import mock

import tensorflow

import tfhooks
from tfhooks.testing import RecordingHook

tf = tensorflow.compat.v1


class Around(tfhooks.SessionRunHook):
    """A wrapper that has some methods of its own and hands on every other name."""

    def __init__(self, hook):
        self.hook = hook
        self.calls = []

    def __getattr__(self, name):
        if name == 'hook':
            raise AttributeError(name)
        return getattr(self.hook, name)

    def before_run(self, run_context):
        self.calls.append('before_run')
        return self.hook.before_run(run_context)

    def after_run(self, run_context, run_values):
        self.calls.append('after_run')
        self.hook.after_run(run_context, run_values)


class HandOn:
    """A wrapper that hands on every name, and is of no class of hooks."""

    def __init__(self, hook):
        self.hook = hook

    def __getattr__(self, name):
        if name == 'hook':
            raise AttributeError(name)
        return getattr(self.hook, name)


def test_a_wrapper_that_hands_on_names_is_asked_before_each_run():
    with tf.Graph().as_default():
        loss = tf.constant(1.0)
        hook = Around(tfhooks.NanTensorHook(loss))
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run(loss)
            session.run(loss)
    assert hook.calls == ['before_run', 'after_run'] * 2


def test_methods_that_are_handed_on_are_called():
    with tf.Graph().as_default():
        one = tf.constant(1)
        inner = RecordingHook()
        with tfhooks.MonitoredSession(hooks=[HandOn(inner)]) as session:
            session.run(one)
    assert inner.methods == ['begin', 'after_create_session', 'before_run', 'after_run', 'end']


def test_a_mock_serves_as_a_hook():
    hook = mock.MagicMock()
    hook.before_run.return_value = None
    with tf.Graph().as_default():
        one = tf.constant(1)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run(one)
    called = [name for name, _, _ in hook.method_calls]
    assert [name for name in called if name in dir(tfhooks.SessionRunHook)] == [
        'begin',
        'after_create_session',
        'before_run',
        'after_run',
        'end',
    ]
