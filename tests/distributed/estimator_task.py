"""A task of a cluster that runs an Estimator's `train_and_evaluate`, whatever TF_CONFIG makes it.

The arguments are the directory of the model and the last step.
"""

import json
import os
import sys

import tfhooks.v1 as tf
from tfhooks.v1 import estimator


def model_fn(features, labels, mode):
    weight = tf.get_variable('weight', [1, 1], initializer=tf.zeros_initializer())
    loss = tf.losses.mean_squared_error(labels, tf.matmul(features, weight))
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    train_op = optimizer.minimize(loss, tf.train.get_global_step())
    tf.logging.info('weight is on %s', weight.device)
    return estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)


def input_fn():
    return tf.data.Dataset.from_tensors(([[1.0], [2.0]], [[2.0], [4.0]])).repeat()


def main(directory, last_step):
    # The evaluator is no part of the cluster that trains.
    config = json.loads(os.environ['TF_CONFIG'])
    del config['cluster']['evaluator']
    os.environ['TF_CONFIG'] = json.dumps(config)
    tf.logging.set_verbosity(tf.logging.INFO)
    model = estimator.Estimator(
        model_fn,
        directory,
        estimator.RunConfig(save_checkpoints_steps=50, experimental_max_worker_delay_secs=0),
    )
    print('serving', flush=True)
    estimator.train_and_evaluate(
        model,
        estimator.TrainSpec(input_fn, max_steps=last_step),
        estimator.EvalSpec(input_fn, steps=1, start_delay_secs=0, throttle_secs=0),
    )
    print('ended as', model.config.task_type, flush=True)


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]))
