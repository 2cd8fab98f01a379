"""Checkpoints cross between the device and the host, and background saves copy from the device."""

from __future__ import annotations

import gpu_models
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import tfhooks

pytestmark = pytest.mark.gpu


def all_variables(session):
    return session.run_without_hooks({v.op.name: v for v in tf.global_variables()})


def train(directory, device, steps):
    """Trains from the last checkpoint on; returns all variables before and after."""
    with tf.Graph().as_default():
        model = gpu_models.adam_model(device)
        with gpu_models.session_with((), directory, save_checkpoint_steps=1000) as session:
            before = all_variables(session)
            for _ in range(steps):
                session.run(model.train)
            after = all_variables(session)
            where = gpu_models.traced(session.raw_session().run, model.loss)
    assert 'product' in gpu_models.executed(where, device)
    return before, after


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def test_from_the_device_to_the_host_and_back(device, tmp_path):
    _, saved = train(tmp_path, device, 5)
    assert saved['global_step'] == 5
    assert np.any(saved['weights/Adam'])
    for where in ('/CPU:0', device, '/CPU:0', device):
        restored, after = train(tmp_path, where, 2)
        assert_same(restored, saved)
        assert after['global_step'] == saved['global_step'] + 2
        saved = after
    reader = tf.train.load_checkpoint(str(tmp_path))
    assert_same({name: reader.get_tensor(name) for name in saved}, saved)


# More than is copied by a fetch where variables are on the host.
LARGE = 1 << 18


def test_a_background_save_holds_what_its_own_step_has(device, tmp_path):
    with tf.Graph().as_default():
        model = gpu_models.model(device)
        with tf.device(device):
            counts = tf.get_variable(
                'counts', [LARGE], initializer=tf.zeros_initializer(), use_resource=True
            )
            # Not every type that a GPU holds has a kernel there for each operation.
            for dtype in ('bool', 'complex64', 'int64'):
                tf.get_variable(dtype, [4 * LARGE], dtype, tf.ones_initializer(), use_resource=True)
            count = counts.assign_add(tf.ones([LARGE]), read_value=False)
        train = tf.group(model.train, count)
        saver = tfhooks.CheckpointSaverHook(
            str(tmp_path), save_steps=3, asynchronous=True, saver=tf.train.Saver(max_to_keep=None)
        )
        at = {}
        with gpu_models.session_with([saver]) as session:
            for step in range(1, 16):
                session.run(train)
                at[step] = session.run_without_hooks(model.weights)
    steps = sorted(int(path.stem.split('-')[1]) for path in tmp_path.glob('model.ckpt-*.index'))
    assert steps[0] == 0
    assert steps[-1] == 15
    assert len(steps) > 2
    for step in steps[1:]:
        reader = tf.train.load_checkpoint(str(tmp_path / f'model.ckpt-{step}'))
        assert reader.get_tensor('global_step') == step
        np.testing.assert_array_equal(reader.get_tensor('weights'), at[step])
        assert np.all(reader.get_tensor('counts') == step)
        assert np.all(reader.get_tensor('bool'))


def test_part_of_a_checkpoint_is_restored_onto_the_device(device, tmp_path):
    _, saved = train(tmp_path / 'first', '/CPU:0', 3)
    with tf.Graph().as_default():
        model = gpu_models.model(device)
        restore = tfhooks.RestoreHook(str(tmp_path / 'first'), include='^weights$')
        with gpu_models.session_with([restore]) as session:
            found = all_variables(session)
            where = gpu_models.traced(session.raw_session().run, model.loss)
    np.testing.assert_array_equal(found['weights'], saved['weights'])
    assert found['global_step'] == 0
    assert 'product' in gpu_models.executed(where, device)


def test_the_best_checkpoint_is_kept(device, tmp_path):
    with tf.Graph().as_default():
        model = gpu_models.model(device)
        loss = tf.identity(model.loss, name='metric')
        best = tfhooks.BestCheckpoints(loss, mode='min', n=1)
        saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=5, keep_best=best)
        with gpu_models.session_with([saver]) as session:
            for _ in range(10):
                session.run(model.train)
            weights = session.run_without_hooks(model.weights)
    (kept,) = best.checkpoints
    reader = tf.train.load_checkpoint(kept.path)
    assert reader.get_tensor('global_step') == 10
    np.testing.assert_array_equal(reader.get_tensor('weights'), weights)
