"""A hook of one's own: keeps the curve of a loss, typed, and draws it when training ends."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf

import tfhooks


class Losses(NamedTuple):
    """What the hook asks for before a run and gets, as values, after it."""

    loss: Any
    penalty: Any


class LossCurve(tfhooks.SessionRunHook[Losses]):
    def begin(self) -> None:
        graph = tf.get_default_graph()
        self.fetches = Losses(*(graph.get_tensor_by_name(f'{name}:0') for name in Losses._fields))
        self.curve: list[float] = []

    def before_run(self, run_context: Any) -> tfhooks.SessionRunArgs[Losses]:
        return tfhooks.SessionRunArgs(self.fetches)

    def after_run(self, run_context: Any, run_values: tfhooks.SessionRunValues[Losses]) -> None:
        self.curve.append(float(run_values.results.loss + run_values.results.penalty))

    def end(self, session: Any) -> None:
        for run, value in enumerate(self.curve, start=1):
            print(f'run {run:2}  {value:6.3f}  ' + '#' * round(12 * value))


with tf.Graph().as_default():
    weight = tf.get_variable('weight', initializer=2.0, use_resource=True)
    loss = tf.square(weight - 0.5, name='loss')
    penalty = tf.multiply(0.1, tf.square(weight), name='penalty')
    train_op = tf.train.GradientDescentOptimizer(0.1).minimize(loss + penalty)
    with tfhooks.MonitoredSession(hooks=[LossCurve()]) as session:
        for _ in range(10):
            session.run(train_op)
