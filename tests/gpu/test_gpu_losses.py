"""What goes wrong on the device: NaN, errors, and a session that is lost."""

from __future__ import annotations

import gpu_models
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from stock_models import LoseSession

import tfhooks

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('asynchronous', [False, True])
def test_a_nan_on_the_device_is_found_before_it_is_saved(device, tmp_path, asynchronous):
    with tf.Graph().as_default():
        train, loss, _ = gpu_models.diverging(device)
        saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1, asynchronous=asynchronous)
        nan = tfhooks.NanTensorHook(loss)
        assert gpu_models.is_on(loss.device, device)
        with gpu_models.session_with([saver, nan]) as session:
            session.run(train)
            with pytest.raises(tfhooks.NanLossDuringTrainingError, match=r'loss:0 is nan .*step 2'):
                session.run(train)
    reader = tf.train.load_checkpoint(str(tmp_path))
    assert reader.get_tensor('weight') == -1.0
    assert reader.get_tensor('global_step') == 1


def test_a_nan_that_stops_leaves_the_sound_checkpoint_the_newest(device, tmp_path):
    with tf.Graph().as_default():
        train, loss, _ = gpu_models.diverging(device)
        nan = tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)
        with gpu_models.session_with([nan], tmp_path, save_checkpoint_steps=1) as session:
            while not session.should_stop():
                session.run(train)
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('weight') == -1.0


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float32', 'float64'])
def test_each_type_of_loss_is_looked_at(device, dtype):
    with tf.Graph().as_default():
        x = tf.placeholder(dtype, [2], name='x')
        with tf.device(device):
            loss = tf.identity(x + x, name='loss')
        hooks = [tfhooks.NanTensorHook(loss, check_inf=True)]
        with gpu_models.session_with(hooks) as session:
            session.run(loss, {x: [1.0, 2.0]})
            for bad in (np.nan, np.inf):
                with pytest.raises(
                    tfhooks.NanLossDuringTrainingError, match=r'loss:0 is \w+ at index \[1\]'
                ):
                    session.run(loss, {x: [1.0, bad]})


def test_a_lost_session_is_made_again_on_the_device(device, tmp_path):
    with tf.Graph().as_default():
        model = gpu_models.adam_model(device)
        loses = LoseSession(5, before_next=True)
        steps, weights = [], {}
        with gpu_models.session_with(
            [loses], tmp_path, save_checkpoint_steps=2, save_summaries_steps=None
        ) as session:
            for _ in range(7):
                session.run(model.train)
                step, value = session.run_without_hooks([tf.train.get_global_step(), model.weights])
                steps.append(int(step))
                if step in weights:
                    # A replayed step comes to the same weights, as the slots were restored too.
                    np.testing.assert_allclose(value, weights[step], rtol=1e-4, atol=1e-6)
                weights[int(step)] = value
            raw = session.raw_session()
            metadata = gpu_models.traced(session.run, model.train)
    saved_last = steps[5] - 1
    assert steps == [1, 2, 3, 4, 5, *range(saved_last + 1, saved_last + 3)]
    assert saved_last < 5
    assert loses.sessions[0] is not loses.sessions[1]
    assert loses.sessions[1] is raw
    assert 'product' in gpu_models.executed(metadata, device)
    assert gpu_models.placed(metadata, device)['weights'] == 'VarHandleOp'


def test_an_error_on_the_device_names_the_operation_and_loses_nothing(device, tmp_path):
    with tf.Graph().as_default():
        model = gpu_models.model(device)
        left = tf.placeholder(tf.float32, [None, None])
        with tf.device(device):
            product = tf.matmul(left, model.weights, name='misfit')
        with gpu_models.session_with((), tmp_path, save_checkpoint_steps=1000) as session:
            for _ in range(3):
                session.run(model.train)
            with pytest.raises(tf.errors.InvalidArgumentError, match='misfit'):
                session.run(product, {left: np.zeros((2, 3), np.float32)})
            session.run(model.train)
            weights = session.run_without_hooks(model.weights)
    reader = tf.train.load_checkpoint(str(tmp_path))
    assert reader.get_tensor('global_step') == 4
    np.testing.assert_array_equal(reader.get_tensor('weights'), weights)
