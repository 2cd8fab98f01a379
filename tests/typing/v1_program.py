"""A program for `import tfhooks.v1 as tf`. What pyright alone finds, which reads TensorFlow's own
sources, says `P`.
"""

# ruff: noqa: B018
from __future__ import annotations

from typing import Any

import tfhooks.v1 as tf


class Show(tf.train.SessionRunHook):
    def before_run(self, run_context: tf.train.SessionRunContext) -> tf.train.SessionRunArgs:
        return tf.train.SessionRunArgs('loss:0')

    def after_run(self, run_context: Any, run_values: Any) -> None:
        print(run_values.results)


FLAGS = tf.app.flags.FLAGS
tf.flags.DEFINE_integer('steps', 9, 'How many.')
images = tf.placeholder(tf.float32, [None, 4])
logits = tf.layers.dense(images, 2)
cell = tf.nn.rnn_cell.LSTMCell(4)
optimizer = tf.train.AdamOptimizer(0.1)
train_op = optimizer.minimize(tf.reduce_mean(logits), tf.train.get_or_create_global_step())
tf.contrib.slim.fully_connected(images, 2)
tf.estimator.Estimator
tf.compat.v1.placeholder(tf.int32)
tf.python.client

tf.plaecholder(tf.float32)  # P
tf.nn.softmx(logits)  # P
tf.train.AdamOptimiser(0.1)  # P
optimizer.minimise(logits)  # P
tf.train.EvalHook  # P
tf.compat.v1.plaecholder(tf.int32)  # P

hooks = [Show(), tf.train.StopAtStepHook(last_step=9)]
with tf.train.MonitoredTrainingSession(hooks=hooks) as session:
    while not session.should_stop():
        session.run(train_op)
    session.runs(train_op)  # E: attr-defined

tf.train.MonitoredTrainingSession(hooks=[Show])  # E: list-item
tf.train.MonitoredTrainingSession(checkpoint_directory='run')  # E: call-arg
