"""A TPUEstimator that trains where there is no TPU: on the CPU, with the same program.

python tpu_estimator.py --model_dir=/tmp/tpu --train_steps=60
"""

import numpy as np
import tensorflow as tf
from tensorflow.contrib.tpu.python.tpu import tpu_config, tpu_estimator, tpu_optimizer

flags = tf.flags
flags.DEFINE_bool('use_tpu', False, 'Use TPUs rather than plain CPUs.')
flags.DEFINE_string('model_dir', None, 'Where checkpoints go.')
flags.DEFINE_integer('train_steps', 60, 'Number of training steps.')
flags.DEFINE_integer('iterations', 10, 'Iterations per loop of a TPU.')
flags.DEFINE_float('learning_rate', 0.1, 'Learning rate.')
FLAGS = flags.FLAGS


def stripes(count, seed):
    """Small pictures of stripes, and whether they are upright."""
    random = np.random.RandomState(seed)
    upright = random.randint(2, size=count)
    wave = np.sin(np.arange(8) * np.pi / 2 + random.uniform(0, 2, [count, 1]))
    images = np.tile(wave[:, np.newaxis, :], [1, 8, 1])
    images = np.where(upright[:, np.newaxis, np.newaxis], images, images.transpose([0, 2, 1]))
    images = images + random.normal(0, 0.2, images.shape)
    return images.reshape([count, 64]).astype(np.float32), upright.astype(np.int32)


def make_input_fn(count, seed, repeat):
    def input_fn(params):
        dataset = tf.data.Dataset.from_tensor_slices(stripes(count, seed))
        if repeat:
            dataset = dataset.repeat()
        return dataset.batch(params['batch_size'], drop_remainder=True)

    return input_fn


def metric_fn(labels, logits):
    predictions = tf.argmax(logits, axis=1)
    return {'accuracy': tf.metrics.accuracy(labels, predictions)}


def model_fn(features, labels, mode, params):
    random = np.random.RandomState(1)
    first = random.normal(0, 0.1, [64, 10]).astype(np.float32)
    last = random.normal(0, 0.1, [10, 2]).astype(np.float32)
    with tf.variable_scope('model'):
        hidden = tf.nn.relu(tf.matmul(features, tf.get_variable('first', initializer=first)))
        logits = tf.matmul(hidden, tf.get_variable('last', initializer=last))
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.contrib.tpu.TPUEstimatorSpec(
            mode=mode, predictions={'probabilities': tf.nn.softmax(logits)}
        )
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.contrib.tpu.TPUEstimatorSpec(
            mode=mode, loss=loss, eval_metrics=(metric_fn, [labels, logits])
        )
    optimizer = tf.train.GradientDescentOptimizer(params['learning_rate'])
    if FLAGS.use_tpu:
        optimizer = tpu_optimizer.CrossShardOptimizer(optimizer)
    train_op = optimizer.minimize(loss, global_step=tf.train.get_global_step())
    return tpu_estimator.TPUEstimatorSpec(mode=mode, loss=loss, train_op=train_op)


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    run_config = tpu_config.RunConfig(
        model_dir=FLAGS.model_dir,
        save_checkpoints_steps=20,
        session_config=tf.ConfigProto(allow_soft_placement=True, log_device_placement=False),
        tpu_config=tf.contrib.tpu.TPUConfig(FLAGS.iterations, num_shards=8),
    )
    estimator = tf.contrib.tpu.TPUEstimator(
        model_fn=model_fn,
        use_tpu=FLAGS.use_tpu,
        train_batch_size=32,
        eval_batch_size=16,
        predict_batch_size=4,
        params={'learning_rate': FLAGS.learning_rate},
        config=run_config,
    )
    estimator.train(input_fn=make_input_fn(256, 1, True), max_steps=FLAGS.train_steps)
    result = estimator.evaluate(input_fn=make_input_fn(64, 2, False), steps=4)
    print('step %(global_step)d: loss = %(loss).3f, accuracy = %(accuracy).3f' % result)
    for each in estimator.predict(input_fn=make_input_fn(4, 3, False)):
        print('upright: %.2f' % each['probabilities'][1])


if __name__ == '__main__':
    flags.mark_flag_as_required('model_dir')
    tf.app.run()
