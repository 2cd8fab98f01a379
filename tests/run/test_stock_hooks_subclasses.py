"""What programs do to stock hooks: subclass them, override their parts, copy and pickle them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import tfhooks

RUNS = 12


def hook_of(base, directory):
    """Arguments with which a stock hook is never due after its first run."""
    return {
        tfhooks.CheckpointSaverHook: ((str(directory),), {'save_steps': 1000}),
        tfhooks.GlobalStepWaiterHook: ((0,), {}),
        tfhooks.LoggingTensorHook: ((['loss:0'],), {'every_n_iter': 1000}),
        tfhooks.NanTensorHook: (('loss:0',), {}),
        tfhooks.ProfilerHook: ((), {'save_steps': 1000, 'output_dir': str(directory)}),
        tfhooks.StepCounterHook: ((1000,), {'output_dir': str(directory)}),
        tfhooks.StopAtStepHook: ((), {'last_step': 1000}),
        tfhooks.SummarySaverHook: (
            (),
            {'save_steps': 1000, 'output_dir': str(directory), 'summary_op': 'summary:0'},
        ),
    }[base]


HOOKS = [
    tfhooks.CheckpointSaverHook,
    tfhooks.GlobalStepWaiterHook,
    tfhooks.LoggingTensorHook,
    tfhooks.NanTensorHook,
    tfhooks.ProfilerHook,
    tfhooks.StepCounterHook,
    tfhooks.StopAtStepHook,
    tfhooks.SummarySaverHook,
]


@pytest.fixture(autouse=True)
def train():
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        tf.identity(1.0, name='loss')
        tf.identity(tf.summary.scalar('x', 1.0), name='summary')
        yield tf.assign_add(step, 1)


@pytest.mark.parametrize('base', HOOKS)
def test_methods_of_a_subclass_are_called_in_every_run(base, tmp_path, train):
    calls = []

    class Mine(base):
        def before_run(self, run_context):
            calls.append('before_run')
            return super().before_run(run_context)

        def after_run(self, run_context, run_values):
            calls.append('after_run')
            super().after_run(run_context, run_values)

    arguments, keywords = hook_of(base, tmp_path)
    with tfhooks.MonitoredSession(hooks=[Mine(*arguments, **keywords)]) as session:
        for _ in range(RUNS):
            session.run(train)
    assert calls == ['before_run', 'after_run'] * RUNS


def test_a_subclass_may_feed_in_every_run(train):
    rate = tf.placeholder(tf.float32, [])

    class FeedsRate(tfhooks.StopAtStepHook):
        def before_run(self, run_context):
            return tfhooks.SessionRunArgs(self._global_step_tensor, {rate: 0.5})

    fetched = [train, rate * 1.0]
    with tfhooks.MonitoredSession(hooks=[FeedsRate(last_step=5)]) as session:
        rates = []
        while not session.should_stop():
            rates.append(session.run(fetched)[1])
    assert rates == [0.5] * 5


def test_save_may_be_overridden_with_tensorflows_arguments(tmp_path, train):
    saved = []

    class Mine(tfhooks.CheckpointSaverHook):
        def _save(self, session, step):
            saved.append(step)
            return super()._save(session, step)

    with tfhooks.MonitoredSession(hooks=[Mine(str(tmp_path), save_steps=3)]) as session:
        for _ in range(4):
            session.run(train)
    assert saved == [0, 3, 4]
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('global_step') == 4


def test_save_may_be_replaced_by_one_of_tensorflows_fields(tmp_path, train):
    saved = []

    class Mine(tfhooks.CheckpointSaverHook):
        def _save(self, session, step):
            saved.append(int(step))
            self._get_saver().save(session, self._save_path, global_step=step)
            log = tf.SessionLog(status=tf.SessionLog.CHECKPOINT, checkpoint_path=self._save_path)
            self._summary_writer.add_session_log(log, step)
            return step == 6

    saver = Mine(str(tmp_path), save_steps=3, saver=tf.train.Saver([tf.train.get_global_step()]))
    with tfhooks.MonitoredSession(hooks=[saver]) as session:
        while not session.should_stop():
            session.run(train)
    assert saved == [0, 3, 6]
    (path,) = tmp_path.glob('events.*')
    events = tf.train.summary_iterator(str(path))
    mark = tf.SessionLog.CHECKPOINT
    assert [event.step for event in events if event.session_log.status == mark] == [0, 3, 6]


def test_listeners_get_the_step_as_tensorflow_gives_it(tmp_path, train):
    kinds = set()

    class Listener(tf.train.CheckpointSaverListener):
        def before_save(self, session, global_step_value):
            kinds.add(type(global_step_value))

        def after_save(self, session, global_step_value):
            kinds.add(type(global_step_value))

        def end(self, session, global_step_value):
            kinds.add(type(global_step_value))

    saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1, listeners=[Listener()])
    with tfhooks.MonitoredSession(hooks=[saver]) as session:
        for _ in range(2):
            session.run(train)
    assert kinds == {np.int64}


@pytest.mark.parametrize('base', HOOKS)
@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_hook_can_be_copied_and_pickled(base, duplicate, tmp_path, train):
    arguments, keywords = hook_of(base, tmp_path)
    hook = duplicate(base(*arguments, **keywords))
    with tfhooks.MonitoredSession(hooks=[hook]) as session:
        assert session.run(train) == 1


def test_a_directory_may_have_the_characters_of_a_pattern(tmp_path, train):
    directory = tmp_path / 'rate=[0.1]'
    saver = tfhooks.CheckpointSaverHook(str(directory), save_steps=2)
    with tfhooks.MonitoredSession(hooks=[saver]) as session:
        for _ in range(3):
            session.run(train)
    assert (directory / 'model.ckpt-3.index').exists()


class OwnLines(tfhooks.LoggingTensorHook):
    """Takes the logging over, by the fields that TensorFlow's class has."""

    def __init__(self, **period):
        super().__init__({'step': 'step_read:0'}, at_end=True, **period)
        self.lines = []

    def after_run(self, run_context, run_values):
        if self._should_trigger:
            self._write(run_values.results)
        self._iter_count += 1

    def end(self, session):
        if self._log_at_end:
            self._write(session.run(self._current_tensors))

    def _write(self, values):
        self._timer.update_last_triggered_step(self._iter_count)
        self.lines.append((self._iter_count, [int(values[tag]) for tag in self._tag_order]))


class OwnRequest(tfhooks.LoggingTensorHook):
    """Asks for more than the tensors that are logged."""

    def __init__(self, **period):
        super().__init__(['step_read:0'], formatter=self._format, **period)
        self.lines = []

    def before_run(self, run_context):
        self._should_trigger = self._timer.should_trigger_for_step(self._iter_count)
        if self._should_trigger:
            return tfhooks.SessionRunArgs(dict(self._current_tensors, loss='loss:0'))
        return None

    def _format(self, values):
        self.lines.append((self._iter_count, [int(values['step_read:0'])]))
        return str(values)


@pytest.mark.parametrize('session_class', [tfhooks.MonitoredSession, tf.train.MonitoredSession])
def test_logging_may_be_taken_over_by_tensorflows_fields(train, session_class):
    with tf.control_dependencies([train]):
        tf.identity(tf.train.get_global_step().read_value(), name='step_read')
    takes_over, asks = OwnLines(every_n_iter=3), OwnRequest(every_n_iter=3)
    with session_class(hooks=[takes_over, asks]) as session:
        for _ in range(8):
            session.run(train)
    expected = [(0, [1]), (3, [4]), (6, [7])]
    assert asks.lines == expected
    # The end runs the tensors once more.
    assert takes_over.lines == [*expected, (8, [9])]
