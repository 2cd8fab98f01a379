"""Trains a classifier, keeps every checkpoint, and evaluates them with tf.contrib.training.

python contrib_evaluation.py --logdir=/tmp/rings --steps=90
"""

import argparse
import os

import numpy as np
import tensorflow as tf

BATCH = 25


def rings(count, seed):
    """Points of the plane, and whether each is in the inner ring."""
    random = np.random.RandomState(seed)
    labels = random.randint(2, size=count)
    radius = 1.0 + labels + random.normal(0, 0.2, count)
    angle = random.uniform(0, 2 * np.pi, count)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype(np.float32), labels.astype(np.int64)


def input_fn(points, labels, repeat):
    dataset = tf.data.Dataset.from_tensor_slices((points, labels))
    dataset = dataset.repeat() if repeat else dataset
    return dataset.batch(BATCH).make_one_shot_iterator().get_next()


def network(points):
    with tf.variable_scope('network'):
        random = np.random.RandomState(5)
        w1 = tf.get_variable('w1', initializer=random.normal(0, 1, [2, 12]).astype(np.float32))
        b1 = tf.get_variable('b1', initializer=random.normal(0, 1, [12]).astype(np.float32))
        w2 = tf.get_variable('w2', initializer=random.normal(0, 0.3, [12, 2]).astype(np.float32))
        b2 = tf.get_variable('b2', [2], initializer=tf.zeros_initializer())
        return tf.matmul(tf.nn.relu(tf.matmul(points, w1) + b1), w2) + b2


def train(logdir, steps):
    with tf.Graph().as_default():
        tf.train.get_or_create_global_step()
        points, labels = input_fn(*rings(500, seed=1), repeat=True)
        tf.losses.sparse_softmax_cross_entropy(labels, network(points))
        loss = tf.losses.get_total_loss()
        train_op = tf.contrib.training.create_train_op(
            loss,
            tf.train.MomentumOptimizer(0.1, 0.9),
            transform_grads_fn=tf.contrib.training.clip_gradient_norms_fn(5.0),
        )
        last = tf.contrib.training.train(
            train_op,
            logdir,
            hooks=[
                tf.train.StopAtStepHook(num_steps=steps),
                tf.train.CheckpointSaverHook(
                    logdir, save_steps=30, saver=tf.train.Saver(max_to_keep=9)
                ),
                tf.train.LoggingTensorHook({'loss': loss}, every_n_iter=30),
            ],
            save_checkpoint_secs=None,
            save_summaries_steps=None,
        )
    print('trained: loss = %.4f' % last)


class PrintFinalOps(tf.train.SessionRunHook):
    """Prints the metrics at the end of each evaluation, with how many batches went into it."""

    def __init__(self, metrics):
        self._metrics = metrics

    def after_create_session(self, session, coord):
        self._runs = 0

    def after_run(self, run_context, run_values):
        self._runs += 1

    def end(self, session):
        values = session.run([self._metrics, tf.train.get_global_step()])
        print(
            'evaluated: step = %d, batches = %d, accuracy = %.3f, loss = %.3f'
            % (values[1], self._runs, values[0]['accuracy'], values[0]['loss'])
        )


def evaluation_graph():
    """The network on the test data, with its metrics, in the default graph."""
    tf.train.get_or_create_global_step()
    points, labels = input_fn(*rings(200, seed=2), repeat=False)
    logits = network(points)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    accuracy, update_accuracy = tf.metrics.accuracy(labels, tf.argmax(logits, 1))
    mean_loss, update_loss = tf.metrics.mean(losses)
    tf.summary.scalar('accuracy', accuracy)
    tf.summary.scalar('mean_loss', mean_loss)
    return {'accuracy': accuracy, 'loss': mean_loss}, tf.group(update_accuracy, update_loss)


def evaluate_newest(checkpoint_path):
    with tf.Graph().as_default():
        metrics, update_op = evaluation_graph()
        result = tf.contrib.training.evaluate_once(
            checkpoint_path=checkpoint_path,
            eval_ops=update_op,
            final_ops=metrics,
            hooks=[tf.contrib.training.StopAfterNEvalsHook(200 // BATCH)],
        )
    print('evaluate_once: accuracy = %.3f, loss = %.3f' % (result['accuracy'], result['loss']))
    return result['accuracy']


def evaluate_as_they_come(logdir):
    with tf.Graph().as_default():
        metrics, update_op = evaluation_graph()
        tf.contrib.training.evaluate_repeatedly(
            logdir,
            eval_ops=update_op,
            hooks=[
                tf.contrib.training.StopAfterNEvalsHook(200 // BATCH),
                tf.contrib.training.SummaryAtEndHook(os.path.join(logdir, 'eval')),
                PrintFinalOps(metrics),
            ],
            eval_interval_secs=0,
            max_number_of_evaluations=1,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--logdir', default='/tmp/rings')
    parser.add_argument('--steps', type=int, default=90)
    args = parser.parse_args()
    tf.logging.set_verbosity(tf.logging.INFO)
    train(args.logdir, args.steps)
    for path in tf.contrib.training.checkpoints_iterator(args.logdir, timeout=0):
        print('newest: %s' % os.path.basename(path))
    for path in tf.train.get_checkpoint_state(args.logdir).all_model_checkpoint_paths:
        accuracy = evaluate_newest(path)
    evaluate_as_they_come(args.logdir)
    print('done: steps = %d, accuracy = %.3f' % (args.steps, accuracy))


if __name__ == '__main__':
    main()
