"""A training whose variables and operations are on the GPU, with the stock hooks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow

import tfhooks

tf = tensorflow.compat.v1

pytestmark = pytest.mark.gpu


def model():
    """A regression on the GPU: the train operation, the loss and the weights."""
    tf.train.get_or_create_global_step()
    with tf.device('/GPU:0'):
        x = tf.random.stateless_uniform([32, 4], seed=[1, 2])
        weights = tf.get_variable('weights', [4, 1], use_resource=True)
        loss = tf.reduce_mean(tf.square(tf.matmul(x, weights) - tf.reduce_sum(x, 1, True)))
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    train = optimizer.minimize(loss, global_step=tf.train.get_global_step())
    tf.summary.scalar('loss', loss)
    return train, loss, weights


def placed_on_gpu(session, fetch):
    """The names of the operations that a run of `fetch` executed on a GPU."""
    metadata = tf.RunMetadata()
    session.run(
        fetch,
        options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE),
        run_metadata=metadata,
    )
    devices = [d for d in metadata.step_stats.dev_stats if '/device:GPU:' in d.device]
    return {node.node_name for device in devices for node in device.node_stats}


def test_stock_hooks_train_save_and_stop(tmp_path):
    with tf.Graph().as_default():
        train, loss, weights = model()
        hooks = [
            tfhooks.StopAtStepHook(last_step=30),
            tfhooks.NanTensorHook(loss),
            tfhooks.LoggingTensorHook({'loss': loss}, every_n_iter=10),
        ]
        losses = []
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), save_checkpoint_steps=10, hooks=hooks
        ) as session:
            assert any('MatMul' in name for name in placed_on_gpu(session.raw_session(), loss))
            while not session.should_stop():
                losses.append(session.run([train, loss])[1])
            saved = session.run_without_hooks(weights)
    assert len(losses) == 30
    assert losses[-1] < losses[0]
    reader = tf.train.load_checkpoint(str(tmp_path))
    assert reader.get_tensor('global_step') == 30
    np.testing.assert_array_equal(reader.get_tensor('weights'), saved)


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float32', 'int64'])
def test_planned_run_gives_what_an_unplanned_one_gives(dtype):
    with tf.Graph().as_default():
        with tf.device('/GPU:0'):
            x = tf.placeholder(dtype, [None, 3], name='x')
            doubled, total = x + x, tf.reduce_sum(x)
        label = tf.constant('on the host')
        feed = {x: np.arange(6).reshape(2, 3)}
        fetches = {'doubled': doubled, 'rest': [total, label]}
        with tfhooks.MonitoredSession() as planned:
            with tfhooks.MonitoredSession(run_plans=False) as unplanned:
                for _ in range(3):
                    ours, theirs = planned.run(fetches, feed), unplanned.run(fetches, feed)
            assert tfhooks.run_plans(planned).counters.served > 0
    np.testing.assert_array_equal(ours['doubled'], theirs['doubled'])
    assert ours['doubled'].dtype == theirs['doubled'].dtype
    assert ours['rest'] == theirs['rest']
    assert [type(v) for v in ours['rest']] == [type(v) for v in theirs['rest']]


def test_background_save_copies_from_the_device(tmp_path):
    with tf.Graph().as_default():
        train, _, weights = model()
        saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=5, asynchronous=True)
        with tfhooks.MonitoredSession(hooks=[saver, tfhooks.StopAtStepHook(5)]) as session:
            while not session.should_stop():
                session.run(train)
            expected = session.run_without_hooks(weights)
    reader = tf.train.load_checkpoint(str(tmp_path / 'model.ckpt-5'))
    np.testing.assert_array_equal(reader.get_tensor('weights'), expected)


def test_nan_on_the_device_is_found_before_it_is_saved(tmp_path):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        with tf.device('/GPU:0'):
            weights = tf.get_variable('weights', initializer=1.0, use_resource=True)
            loss = tf.math.log(weights)
            # 1, then log(1) - 1 = -1, then log(-1) - 1, which is not a number.
            poison = weights.assign(loss - 1.0)
        train = tf.group(poison, step.assign_add(1))
        saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1)
        nan = tfhooks.NanTensorHook(loss)
        with tfhooks.MonitoredSession(hooks=[saver, nan]) as session:
            session.run(train)
            with pytest.raises(tfhooks.NanLossDuringTrainingError):
                session.run(train)
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('weights') == -1.0
