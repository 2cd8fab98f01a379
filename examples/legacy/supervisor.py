"""Fits a curve under a Supervisor, which saves, writes summaries and goes on where it was.

python supervisor.py --logdir=/tmp/curve --steps=60
python supervisor.py --logdir=/tmp/curve --steps=90
"""

from __future__ import division, print_function

import numpy as np
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_string('logdir', '/tmp/curve', 'Directory of the model and its events.')
flags.DEFINE_integer('steps', 60, 'The global step at which to stop.')
flags.DEFINE_integer('summary_every', 20, 'Steps between summaries.')
FLAGS = flags.FLAGS


class Curve(object):
    """A polynomial and its fit."""

    def __init__(self, degree=3):
        self.x = tf.placeholder(tf.float32, [None], 'x')
        self.y = tf.placeholder(tf.float32, [None], 'y')
        powers = tf.stack([self.x**n for n in range(degree + 1)], axis=1)
        self.coefficients = tf.Variable(tf.zeros([degree + 1, 1]), name='coefficients')
        error = tf.matmul(powers, self.coefficients)[:, 0] - self.y
        self.loss = tf.reduce_mean(tf.square(error), name='loss')
        self.global_step = tf.Variable(0, trainable=False, name='global_step')
        optimizer = tf.train.AdagradOptimizer(0.5)
        self.train_op = optimizer.minimize(self.loss, global_step=self.global_step)
        tf.summary.scalar('loss', self.loss)
        tf.summary.histogram('coefficients', self.coefficients)
        self.summary_op = tf.summary.merge_all()


def batch(step):
    random = np.random.RandomState(step)
    x = random.uniform(-1, 1, 40)
    return x, 1 - 2 * x + 3 * x**3 + random.normal(0, 0.05, 40)


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    model = Curve()

    def say_ready(sess):
        print('initialized: step = %d' % sess.run(model.global_step))

    sv = tf.train.Supervisor(
        logdir=FLAGS.logdir,
        init_fn=say_ready,
        summary_op=None,  # Written by hand, since the summaries need what is fed.
        global_step=model.global_step,
        saver=tf.train.Saver(max_to_keep=2),
        save_model_secs=0,
        save_summaries_secs=0,
    )
    losses = []
    with sv.managed_session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
        step = sess.run(model.global_step)
        print('session ready: step = %d' % step)
        while not sv.should_stop():
            x, y = batch(step)
            feed_dict = {model.x: x, model.y: y}
            _, loss, step = sess.run([model.train_op, model.loss, model.global_step], feed_dict)
            losses.append(loss)
            if step % FLAGS.summary_every == 0:
                sv.summary_computed(sess, sess.run(model.summary_op, feed_dict))
                sv.saver.save(sess, sv.save_path, global_step=model.global_step)
                print('step %d: loss %.3f' % (step, loss))
            if step >= FLAGS.steps:
                sv.saver.save(sess, sv.save_path, global_step=model.global_step)
                sv.request_stop()
        coefficients = sess.run(model.coefficients)[:, 0]
    sv.stop()
    print('coefficients: %s' % ' '.join('%.2f' % value for value in coefficients))
    print('done: runs = %d, loss fell: %s' % (len(losses), losses[-1] < losses[0]))


if __name__ == '__main__':
    tf.app.run()
