"""Trains and evaluates by an Experiment of tf.contrib.learn, with a model function and HParams.

python learn_experiment.py --model_dir=/tmp/learn_experiment --train_steps=60
"""

from __future__ import absolute_import, division, print_function

import numpy as np
import tensorflow as tf
from tensorflow.contrib import learn
from tensorflow.contrib.learn.python.learn import learn_runner
from tensorflow.contrib.training import HParams

tf.flags.DEFINE_string('model_dir', '/tmp/learn_experiment', 'Where checkpoints go.')
tf.flags.DEFINE_integer('train_steps', 60, 'The number of training steps.')
tf.flags.DEFINE_string('hparams', 'hidden=[12,8],learning_rate=0.05', 'Changes of them.')

FLAGS = tf.flags.FLAGS


def input_fn(seed):
    """Points, of the class of the ring that they are in."""

    def points():
        random = np.random.RandomState(seed)
        inputs = random.uniform(-1, 1, [120, 2]).astype(np.float32)
        rings = np.sqrt((inputs**2).sum(1)) // 0.4
        labels = tf.constant(np.minimum(rings, 2).astype(np.int64))
        return {'points': tf.constant(inputs)}, labels

    return points


def model_fn(features, labels, mode, params):
    initializer = tf.random_uniform_initializer(-0.7, 0.7, seed=11)
    net = features['points']
    with tf.contrib.framework.arg_scope(
        [tf.contrib.layers.fully_connected], weights_initializer=initializer
    ):
        net = tf.contrib.layers.stack(
            net, tf.contrib.layers.fully_connected, params.hidden, activation_fn=tf.tanh
        )
        logits = tf.contrib.layers.linear(net, 3, weights_initializer=initializer)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    train = None
    if mode == learn.ModeKeys.TRAIN:
        train = tf.contrib.layers.optimize_loss(
            loss, tf.contrib.framework.get_global_step(), params.learning_rate, 'Adagrad'
        )
    return learn.ModelFnOps(mode, {'classes': tf.argmax(logits, 1)}, loss, train)


def experiment_fn(run_config, hparams):
    estimator = learn.Estimator(model_fn=model_fn, config=run_config, params=hparams)
    accuracy = learn.MetricSpec(tf.contrib.metrics.streaming_accuracy, prediction_key='classes')
    return learn.Experiment(
        estimator,
        train_input_fn=input_fn(1),
        eval_input_fn=input_fn(2),
        train_steps=FLAGS.train_steps,
        eval_steps=1,
        eval_metrics={'accuracy': accuracy},
        min_eval_frequency=30,
    )


def main(_):
    hparams = HParams(hidden=[4], learning_rate=0.1).parse(FLAGS.hparams)
    config = learn.RunConfig(
        model_dir=FLAGS.model_dir,
        save_checkpoints_steps=30,
        save_checkpoints_secs=None,
        log_step_count_steps=30,
    )
    metrics, exported = learn_runner.run(
        experiment_fn, run_config=config, schedule='train_and_evaluate', hparams=hparams
    )
    print('accuracy %.3f loss %.3f' % (metrics['accuracy'], metrics['loss']))
    print('at step', metrics['global_step'], 'exported', exported)


if __name__ == '__main__':
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.app.run()
