"""What the tests of stock hooks share: small models with a global step, and what was written."""

from __future__ import annotations

import glob
import os

import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._run.stock_hooks import fast_way

# Every hook must do the same in both.
SESSIONS = [tf.train.MonitoredSession, tfhooks.MonitoredSession]


def train_op(by=1, racing=False):
    """An operation that increments the global step: after a computation, or racing with reads."""
    step = tf.train.get_or_create_global_step()
    if racing:
        return tf.assign_add(step, by).op
    with tf.control_dependencies([tf.train.get_global_step().read_value()]):
        return tf.assign_add(step, by).op


def starting_at(*steps):
    """A session creator whose sessions start at these global steps, one after another."""
    steps = list(steps)
    step = tf.train.get_or_create_global_step()
    scaffold = tf.train.Scaffold(
        init_op=tf.global_variables_initializer(),
        init_fn=lambda _, session: step.load(steps.pop(0), session),
    )
    return tf.train.ChiefSessionCreator(scaffold)


class LoseSession(tf.train.SessionRunHook):
    """Loses the session once at each of these numbers of runs: after the run, or before the next.

    Attributes:
      sessions: The raw sessions so far.
    """

    def __init__(self, *after_runs, before_next=False):
        self._at = set(after_runs)
        self._before_next = before_next
        self._runs = 0
        self.sessions = []

    def after_create_session(self, session, coord):
        self.sessions.append(session)

    def before_run(self, run_context):
        if self._before_next:
            self._lose()

    def after_run(self, run_context, run_values):
        self._runs += 1
        if not self._before_next:
            self._lose()

    def _lose(self):
        if self._runs in self._at:
            self._at.remove(self._runs)
            raise tf.errors.AbortedError(None, None, 'the session is lost')


class OtherWorker(tf.train.SessionRunHook):
    """Adds to the global step between the runs of the session, as another worker would."""

    def __init__(self, by):
        self._by = iter(by)

    def begin(self):
        self._add = tf.placeholder(tf.int64, [])
        self._op = tf.assign_add(tf.train.get_or_create_global_step(), self._add).op

    def before_run(self, run_context):
        run_context.session.run(self._op, {self._add: next(self._by, 0)})


def events(directory):
    """All events of a directory, file by file."""
    found = []
    for path in sorted(glob.glob(os.path.join(str(directory), 'events.out.tfevents.*'))):
        found += tf.train.summary_iterator(path)
    return found


def summary_steps(directory, tag):
    """The global steps of the values of one tag, in the order written."""
    return [
        event.step
        for event in events(directory)
        for value in event.summary.value
        if value.tag == tag
    ]


def starts(directory):
    """The global steps of the START marks, in the order written."""
    return [
        event.step for event in events(directory) if event.session_log.status == tf.SessionLog.START
    ]


def calls_of(hook, method):
    """A list that grows by one with each call of a method of a hook that goes the fast way."""
    fast, calls = fast_way(hook), []
    theirs = getattr(fast, method)

    def counted(*args):
        calls.append(method)
        return theirs(*args)

    setattr(fast, method, counted)
    return calls
