"""What the tests of the checkpoint saver share: a model that counts, and looks at directories."""

from __future__ import annotations

import contextlib
import glob
import os
import pathlib
import re
import time

import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook, CheckpointSaverListener

SESSIONS = [tf.train.MonitoredSession, tfhooks.MonitoredSession]


def model(size=3):
    """A variable that counts the steps in each of its elements. Returns the train op."""
    step = tf.train.get_or_create_global_step()
    weights = tf.get_variable('weights', shape=[size], initializer=tf.zeros_initializer())
    return tf.group(step.assign_add(1), weights.assign_add(tf.ones([size])))


@contextlib.contextmanager
def training(directory, hooks, session_class=tf.train.MonitoredSession, size=3, **scaffold):
    """A session that trains in a graph of its own. Gives a function that runs one step."""
    with tf.Graph().as_default():
        op = model(size)
        creator = tfhooks.ChiefSessionCreator(
            tf.train.Scaffold(**scaffold), checkpoint_dir=str(directory)
        )
        for hook in hooks:
            if isinstance(hook, tf.train.CheckpointSaverHook) and hook._saver is None:
                vars(hook)['_scaffold'] = creator._scaffold
        with session_class(creator, hooks) as session:

            def run(times=1, fetches=op):
                for _ in range(times):
                    session.run(fetches)

            run.session = session
            yield run


def saver(directory, save_steps=2, **arguments):
    return CheckpointSaverHook(str(directory), save_steps=save_steps, **arguments)


def steps_in(directory, basename='model.ckpt'):
    """The global steps of the checkpoints whose files are complete, in order."""
    found = []
    for path in glob.glob(os.path.join(str(directory), f'{basename}-*.index')):
        prefix = path[: -len('.index')]
        reader = tf.train.load_checkpoint(prefix)
        step = int(reader.get_tensor('global_step'))
        assert step == int(prefix.rpartition('-')[2])
        # Every step adds one, so a checkpoint that mixes two steps would show.
        assert set(reader.get_tensor('weights')) == {float(step)}
        found.append(step)
    return sorted(found)


def latest_step(directory):
    latest = tf.train.latest_checkpoint(str(directory))
    return None if latest is None else int(latest.rpartition('-')[2])


def leftovers(directory):
    """Files that a completed save does not leave."""
    finished = re.compile(
        r'checkpoint|\.tfhooks_saver|graph\.pbtxt|events\.out\..*|best|'
        r'model\.ckpt-\d+\.(index|meta|data-\d{5}-of-\d{5})'
    )
    return [name for name in sorted(os.listdir(str(directory))) if not finished.fullmatch(name)]


def make_old(directory, but=None):
    """Makes all files but one look as if written an hour ago; returns when that was."""
    then = time.time() - 3600
    for path in sorted(pathlib.Path(directory).rglob('*'), reverse=True):
        if but is None or path != pathlib.Path(directory, but):
            os.utime(path, (then, then))
    return then


def events(directory):
    """What the event files of a directory hold: (what, step) pairs in order."""
    found = []
    for path in sorted(glob.glob(os.path.join(str(directory), 'events.out.tfevents.*'))):
        for event in tf.train.summary_iterator(path):
            found.append((event.WhichOneof('what'), event.step))
    return found


class Told(CheckpointSaverListener):
    """Writes down what it is told, and raises or asks to stop where it is told to."""

    def __init__(self, stop_at=None, fail_in=None, fail_at=None, times=1):
        self.calls = []
        self._stop_at, self._fail_in, self._fail_at = stop_at, fail_in, fail_at
        self._times = times

    def _note(self, method, step):
        self.calls.append((method, step))
        if (method, step) == (self._fail_in, self._fail_at) and self._times:
            self._times -= 1
            raise ArithmeticError('the listener fails')

    def begin(self):
        self.calls.append(('begin', None))

    def before_save(self, session, global_step_value):
        self._note('before_save', global_step_value)

    def after_save(self, session, global_step_value):
        self._note('after_save', global_step_value)
        return global_step_value == self._stop_at

    def end(self, session, global_step_value):
        self._note('end', global_step_value)
