"""Hooks of either side that do what a test says, and a step to run."""

from __future__ import annotations

import tensorflow as tensorflow_2

tf = tensorflow_2.compat.v1


def make_hook(kinds, **methods):
    """A hook of the kind under test that has the functions in `methods` as its methods.

    `hook.calls` lists the names of all methods called, in order.
    """

    def recording(name):
        def method(self, *args):
            self.calls.append(name)
            return methods[name](*args) if name in methods else None

        return method

    names = ('begin', 'after_create_session', 'before_run', 'after_run', 'end')
    base = kinds.hooks.SessionRunHook
    hook = type('Recorded', (base,), {name: recording(name) for name in names})()
    hook.calls = []
    return hook


def count():
    """An operation that adds 1 to the global step; its value is the new step."""
    return tf.assign_add(tf.train.get_or_create_global_step(), 1)


def raising(error, times=1):
    """A function of any arguments that raises `error` in its first `times` calls."""
    left = [error] * times

    def function(*_):
        if left:
            raise left.pop()

    return function


def lost():
    return tf.errors.AbortedError(None, None, 'the session is lost')
