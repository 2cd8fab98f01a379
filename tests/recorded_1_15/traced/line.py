"""A small program of 2018: a line fitted to points, with hooks, checkpoints and summaries.

python line.py --train_dir=/tmp/line
"""

import numpy as np
import tensorflow as tf

FLAGS = tf.app.flags.FLAGS
tf.app.flags.DEFINE_string('train_dir', '/tmp/line', 'Where checkpoints and events go.')
tf.app.flags.DEFINE_float('learning_rate', 0.1, 'How far a step goes.')


class FedLoss(tf.train.SessionRunHook):
    """Feeds the points, and keeps the loss."""

    def __init__(self, x, y, loss):
        self._x, self._y = x, y
        self._loss = loss
        self.losses = []

    def before_run(self, run_context):
        step = len(self.losses)
        x = np.linspace(-1.0, 1.0, 16).astype(np.float32) + np.float32(0.01 * step)
        feed_dict = {self._x: x, self._y: 3.0 * x + 1.0}
        return tf.train.SessionRunArgs({'loss': self._loss}, feed_dict=feed_dict)

    def after_run(self, run_context, run_values):
        self.losses.append(run_values.results['loss'])

    def end(self, session):
        print(f'losses: {len(self.losses)}, the last one {self.losses[-1]:.4f}')


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    x = tf.placeholder(tf.float32, [None], name='x')
    y = tf.placeholder(tf.float32, [None], name='y')
    slope = tf.get_variable('slope', initializer=0.0)
    intercept = tf.get_variable('intercept', initializer=0.0)
    loss = tf.reduce_mean(tf.square(slope * x + intercept - y), name='loss')
    tf.summary.scalar('loss', loss)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.MomentumOptimizer(FLAGS.learning_rate, 0.5)
    train_op = optimizer.minimize(loss, global_step=step)
    fed = FedLoss(x, y, loss)
    hooks = [
        fed,
        tf.train.StopAtStepHook(last_step=12),
        tf.train.LoggingTensorHook({'loss': 'loss:0'}, every_n_iter=5),
    ]
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=FLAGS.train_dir,
        hooks=hooks,
        save_checkpoint_secs=None,
        save_checkpoint_steps=5,
        save_summaries_steps=4,
        log_step_count_steps=None,
    ) as session:
        while not session.should_stop():
            session.run([train_op, loss])


if __name__ == '__main__':
    tf.app.run()
