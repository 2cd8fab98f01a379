"""What the tests of sessions share: a model that counts, hooks that record or fail, children."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import tensorflow.compat.v1 as tf
import warm_python
from places import ROOT

import tfhooks

both = pytest.mark.parametrize('kind', [tfhooks.MonitoredSession, tfhooks.SingularMonitoredSession])


def count(by=1):
    """An operation that adds to the global step and gives the step after that."""
    return tf.assign_add(tf.train.get_or_create_global_step(), by, name='count')


def lost(text='the session is lost'):
    return tf.errors.AbortedError(None, None, text)


class Recorder(tfhooks.SessionRunHook):
    """Writes down its calls; raises `error` in the method `fail_in`, always or `times` times."""

    def __init__(self, calls, name='hook', fail_in=None, error=None, times=-1):
        self.calls = calls
        self.name = name
        self.fail_in = fail_in
        self.error = error or ValueError('boom')
        self.times = times

    def _called(self, method):
        self.calls.append(f'{self.name}.{method}')
        if method == self.fail_in and self.times:
            self.times -= 1
            raise self.error

    def begin(self):
        self._called('begin')

    def after_create_session(self, session, coord):
        self.session, self.coord = session, coord
        self._called('after_create_session')

    def before_run(self, run_context):
        self._called('before_run')

    def after_run(self, run_context, run_values):
        self._called('after_run')

    def end(self, session):
        self._called('end')

    def on_error(self, session, error):
        self.calls.append(f'{self.name}.on_error({type(error).__name__})')


class Fails(tf.train.SessionRunHook):
    """Raises a new error in the runs of the given numbers, from 1: before the run or after it."""

    def __init__(self, *runs, before=False, error=lost):
        self.runs = 0
        self._fails = runs
        self._before = before
        self._error = error

    def before_run(self, run_context):
        self.runs += 1
        if self._before and self.runs in self._fails:
            raise self._error()

    def after_run(self, run_context, run_values):
        if not self._before and self.runs in self._fails:
            raise self._error()


class Sessions(tf.train.SessionCreator):
    """Makes sessions as a ChiefSessionCreator does, and keeps them; fails first as it is told."""

    def __init__(self, *failures, **arguments):
        self.failures = list(failures)
        self.made = []
        self.tries = 0
        self._creator = tf.train.ChiefSessionCreator(**arguments)

    def create_session(self):
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        self.made.append(self._creator.create_session())
        return self.made[-1]


def is_open(session):
    """Whether a raw session can still run."""
    try:
        session.run(tf.no_op() if not session.graph.finalized else [])
    except RuntimeError:
        return False
    return True


def latest_step(directory):
    """The global step in the newest checkpoint, read from its file."""
    path = tf.train.latest_checkpoint(str(directory))
    return int(tf.train.load_checkpoint(path).get_tensor('global_step'))


class Child:
    """A program in a process of its own, which says where it is and waits to be told to go on."""

    def __init__(self, tmp_path, program, *arguments):
        script = tmp_path / 'program.py'
        script.write_text(_PRELUDE + program)
        self.process = warm_python.Popen(
            [sys.executable, str(script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, 'PYTHONPATH': str(ROOT), 'TF_CPP_MIN_LOG_LEVEL': '3'},
        )
        self.said = []

    def until(self, text):
        """Reads what the program prints until a line has `text` in it."""
        return self._read(self.process.stdout, text)

    def until_logged(self, text):
        """Reads what the program logs until a line has `text` in it."""
        return self._read(self.process.stderr, text)

    def _read(self, stream, text):
        for line in stream:
            self.said.append(line)
            if text in line:
                return line
        raise AssertionError(f'{text!r} did not come:\n{"".join(self.said)}{self.rest()}')

    def kill(self, number):
        os.kill(self.process.pid, number)

    def go_on(self):
        self.process.stdin.write('go on\n')
        self.process.stdin.flush()

    def rest(self):
        """Waits for the end: the exit code, what was printed and what was logged since."""
        try:
            out, err = self.process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


_PRELUDE = """
import os, signal, sys, threading
import tensorflow.compat.v1 as tf
tf.disable_eager_execution()
import tfhooks

def say(*words):
    print(*words, flush=True)

def wait():
    sys.stdin.readline()

def count():
    return tf.assign_add(tf.train.get_or_create_global_step(), 1)

directory = sys.argv[1] if len(sys.argv) > 1 else None
"""
