"""Programs with a stock hook, run with TensorFlow's classes and with tfhooks', and compared."""

from __future__ import annotations

import glob
import os
from types import SimpleNamespace

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._tensorflow import global_step_read, originals

RUNS = 24
KINDS = ('stop', 'nan', 'summary', 'counter', 'logging', 'profiler')
CLASSES = {
    'stop': 'StopAtStepHook',
    'nan': 'NanTensorHook',
    'summary': 'SummarySaverHook',
    'counter': 'StepCounterHook',
    'logging': 'LoggingTensorHook',
    'profiler': 'ProfilerHook',
}
# Those with a timer, by the argument for its period.
PERIODS = {
    'summary': 'save_steps',
    'counter': 'every_n_steps',
    'logging': 'every_n_iter',
    'profiler': 'save_steps',
}
TENSORFLOW = SimpleNamespace(
    MonitoredSession=tf.train.MonitoredSession,
    SecondOrStepTimer=originals.SecondOrStepTimer,
    **{name: getattr(originals, name) for name in CLASSES.values()},
)


class Program:
    """A hook of one kind in a training of `RUNS` runs, and what can be seen of it."""

    def __init__(self, train, kind, directory):
        self.train = train
        self.kind = kind
        self.base = getattr(train, CLASSES[kind])
        self.directory = str(directory)
        self.logged = []
        self.step = tf.train.get_or_create_global_step()
        # TensorFlow's hooks fetch the step beside the train op: here always the one before it.
        with tf.control_dependencies([global_step_read()]):
            self.train_op = tf.assign_add(self.step, 1)
        self.loss = tf.where(self.train_op < 15, 1.0, float('nan'), name='loss')
        tf.identity(2.0, name='good')
        self.summary_op = tf.summary.scalar('x', 1.0)

    def arguments(self, period=1000):
        if self.kind == 'stop':
            return (None, 19), {}
        if self.kind == 'nan':
            return (self.loss,), {}
        if self.kind == 'logging':
            return (['global_step:0'],), {'every_n_iter': period, 'formatter': self.format}
        keywords = {'output_dir': self.directory, PERIODS[self.kind]: period}
        if self.kind == 'summary':
            keywords['summary_op'] = self.summary_op
        return (), keywords

    def format(self, values):
        self.logged.append((self.run, sorted(values)))
        return 'logged'

    def make(self, kind=None, period=1000):
        arguments, keywords = self.arguments(period)
        return (kind or self.base)(*arguments, **keywords)

    def watch(self, hook):
        """Keeps what a StepCounterHook measures: its event file has no times to compare."""
        if self.kind == 'counter':
            vars(hook)['_log_and_record'] = lambda steps, secs, step: self.logged.append(int(step))

    def go(self, hook, during=lambda run: None, observer=None):
        self.run = 0
        ended = 'all runs'
        hooks = [hook] if observer is None else [hook, observer]
        try:
            with self.train.MonitoredSession(hooks=hooks) as session:
                while not session.should_stop() and self.run < RUNS:
                    during(self.run)
                    session.run(self.train_op)
                    self.run += 1
        except RuntimeError as error:
            ended = isinstance(error, originals.NanLossDuringTrainingError)
        return ended, self.run, self.logged, self.written()

    def written(self):
        steps = []
        if glob.glob(os.path.join(self.directory, 'events.*')):
            tf.summary.FileWriterCache.get(self.directory).flush()
        for path in sorted(glob.glob(os.path.join(self.directory, 'events.*'))):
            for event in tf.train.summary_iterator(path):
                tags = [v.tag for v in event.summary.value if v.tag == 'x']
                if event.session_log.status == tf.SessionLog.START:
                    tags.append('start')
                steps += [(event.step, tag) for tag in tags]
        traces = sorted(os.path.basename(f) for f in glob.glob(f'{self.directory}/*.json'))
        return steps, traces


def compare(kind, tmp_path, program):
    """Runs a program with both, and returns what came of it if that is the same."""
    seen = []
    for train in (TENSORFLOW, tfhooks):
        directory = tmp_path / ('tensorflow' if train is TENSORFLOW else 'tfhooks')
        directory.mkdir()
        with tf.Graph().as_default():
            seen.append(program(Program(train, kind, directory)))
    assert seen[1] == seen[0]
    return seen[1]


def run_on(session, train_op):
    with session:
        while True:
            session.run(train_op)


every_kind = pytest.mark.parametrize('kind', KINDS)
with_timer = pytest.mark.parametrize('kind', PERIODS)
