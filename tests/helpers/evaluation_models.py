"""A model to evaluate, and an evaluation that notes at which steps it came."""

import tensorflow.compat.v1 as tf
from stock_models import (
    starting_at,
    train_op,
)


def train(make, hooks, runs, *, by=1, racing=False, start=(0,), clock=None, secs=1.0):
    """Runs a model whose `weight` is ten times the step."""
    with tf.Graph().as_default():
        step = train_op(by, racing)
        tf.multiply(tf.train.get_global_step(), 10, name='weight')
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs):
                if session.should_stop():
                    break
                session.run(step)
                if clock is not None:
                    clock.now += secs


class Noting:
    def __init__(self):
        self.steps = []

    def __call__(self, session):
        weight = session.run('weight:0')
        self.steps.append(int(weight) // 10)
        return {'weight': weight, 'half': weight / 2}
