"""Every hook of tfhooks in one training on the device, and traces of what it does."""

from __future__ import annotations

import inspect
import json
import logging

import gpu_models
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import tfhooks

pytestmark = pytest.mark.gpu

STEPS = 12

# Without a place in a training of their own.
NOT_STOCK = {'SessionRunHook'}


def hooks_of(directory, model, fed, pretrained):
    """One of each kind, by the name of its class."""
    path = str(directory)
    evaluation = tfhooks.EvalHook(
        every_n_steps=4, fetches={'loss': model.loss}, feeds={fed: 2.0}, output_dir=path
    )
    metrics = tfhooks.MetricsWriterHook(
        [tfhooks.JsonLinesWriter(str(directory / 'metrics.jsonl'))],
        {'loss': model.loss},
        every_n_steps=3,
    )
    with tf.device('/CPU:0'):
        summary = tf.summary.scalar('training/loss', model.loss)
    hooks = [
        tfhooks.RestoreHook(pretrained, include='^weights$'),
        tfhooks.GlobalStepWaiterHook(wait_until_step=0),
        tfhooks.StopAtStepHook(last_step=STEPS),
        tfhooks.TimeLimitHook(secs=10**6),
        tfhooks.EarlyStoppingHook(evaluation.result('loss'), patience=100),
        tfhooks.FeedFnHook(lambda: {fed: 3.0}),
        tfhooks.StallWatchdogHook(timeout_secs=10**5),
        tfhooks.NanTensorHook(model.loss),
        tfhooks.CheckpointSaverHook(path, save_steps=5),
        tfhooks.SummarySaverHook(save_steps=4, output_dir=path, summary_op=summary),
        metrics,
        evaluation,
        tfhooks.FinalOpsHook([model.loss, model.weights]),
        tfhooks.StepCounterHook(5, output_dir=path),
        tfhooks.LoggingTensorHook({'loss': model.loss}, every_n_iter=6),
        tfhooks.ProgressHook(STEPS, {'loss': model.loss}),
        tfhooks.ProfilerHook(6, output_dir=path, max_traces=1),
        tfhooks.HookCostHook(str(directory / 'costs.json')),
    ]
    return {type(hook).__name__: hook for hook in hooks}


def save_weights(directory):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('weights', initializer=np.full((4, 1), 0.25, np.float32))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(directory / 'pretrained' / 'model'))


def events(directory):
    return [
        (event.step, value.tag)
        for path in sorted(directory.rglob('events.out.tfevents.*'))
        for event in tf.train.summary_iterator(str(path))
        for value in event.summary.value
    ]


def test_every_hook_in_one_training(device, tmp_path, caplog):
    (tmp_path / 'pretrained').mkdir()
    pretrained = save_weights(tmp_path)
    with tf.Graph().as_default():
        model = gpu_models.model(device, learning_rate=0.1)
        fed = tf.placeholder(tf.float32, [], name='fed')
        with tf.device(device):
            tripled = tf.multiply(fed, 3.0, name='tripled')
        hooks = hooks_of(tmp_path, model, fed, pretrained)
        with (
            caplog.at_level(logging.INFO, logger='tensorflow'),
            gpu_models.session_with(hooks.values()) as session,
        ):
            restored = session.run_without_hooks(model.weights)
            values, losses = [], []
            while not session.should_stop():
                _, value, loss = session.run([model.train, tripled, model.loss])
                values.append(float(value))
                losses.append(float(loss))
            weights = session.run_without_hooks(model.weights)
            metadata = gpu_models.traced(session.raw_session().run, model.loss)
    assert len(losses) == STEPS
    assert set(values) == {9.0}
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(restored, np.full((4, 1), 0.25, np.float32))
    assert 'product' in gpu_models.executed(metadata, device)

    reader = tf.train.load_checkpoint(str(tmp_path))
    assert reader.get_tensor('global_step') == STEPS
    np.testing.assert_array_equal(reader.get_tensor('weights'), weights)
    final_loss, final_weights = hooks['FinalOpsHook'].final_ops_values
    assert np.isfinite(final_loss)
    np.testing.assert_array_equal(final_weights, weights)

    written = events(tmp_path)
    assert [step for step, tag in written if tag == 'training/loss'] == [1, 5, 9]
    assert [step for step, tag in written if tag == 'global_step/sec'] == [6, 11]
    assert [step for step, tag in written if tag == 'loss'] == [4, 8, 12]
    lines = (tmp_path / 'metrics.jsonl').read_text().splitlines()
    assert [json.loads(line)['step'] for line in lines] == [3, 6, 9, 12]
    assert hooks['EvalHook'].latest.step == STEPS
    logged = [m for m in caplog.messages if m.startswith('loss = ')]
    assert len(logged) == 2
    for name in ('costs.json', next(tmp_path.glob('timeline-*.json')).name):
        assert json.loads((tmp_path / name).read_text())['traceEvents']
    assert 'StopAtStepHook' in str(session.stop_reason)


def test_no_hook_is_forgotten(tmp_path):
    with tf.Graph().as_default():
        model = gpu_models.model('/CPU:0')
        fed = tf.placeholder(tf.float32, [])
        made = hooks_of(tmp_path, model, fed, str(tmp_path))
    public = {
        name
        for name in tfhooks.__all__
        if inspect.isclass(getattr(tfhooks, name))
        and issubclass(getattr(tfhooks, name), tf.train.SessionRunHook)
    }
    assert set(made) == public - NOT_STOCK


def test_a_training_session_with_its_own_hooks(device, tmp_path):
    with tf.Graph().as_default():
        model = gpu_models.adam_model(device)
        with tf.device('/CPU:0'):
            tf.summary.scalar('training/loss', model.loss)
        hooks = [tfhooks.StopAtStepHook(last_step=30), tfhooks.NanTensorHook(model.loss)]
        with gpu_models.session_with(
            hooks,
            tmp_path,
            save_checkpoint_steps=10,
            save_summaries_steps=10,
            log_step_count_steps=10,
        ) as session:
            while not session.should_stop():
                session.run(model.train)
    assert [step for step, tag in events(tmp_path) if tag == 'training/loss'] == [1, 11, 21]
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('global_step') == 30


def trace_of(directory, device):
    """The processes of a trace of one step, each with its events."""
    with tf.Graph().as_default():
        model = gpu_models.model(device)
        profiler = tfhooks.ProfilerHook(2, output_dir=str(directory), max_traces=1)
        with gpu_models.session_with([profiler]) as session:
            for _ in range(4):
                session.run(model.train)
    (path,) = directory.glob('timeline-*.json')
    return gpu_models.timeline(json.loads(path.read_text())['traceEvents'])


def test_a_trace_shows_what_the_device_did(device, tmp_path):
    busy = trace_of(tmp_path, device)
    wanted = [name for name in busy if f'/device:{device.lstrip("/")}' in name]
    assert any('MatMul' in event['name'] for name in wanted for event in busy[name]), list(busy)


def test_a_trace_has_the_kernels_of_the_gpu(gpu, tmp_path):
    busy = trace_of(tmp_path, gpu)
    kernels = gpu_models.kernels(busy)
    gpu_models.need_kernels(kernels, list(busy))
    assert all(event['dur'] >= 0 for event in kernels)
    assert any(event['dur'] > 0 for event in kernels)
