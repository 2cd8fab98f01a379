"""A model of many kinds of elements, and errors to compare."""

from __future__ import annotations

import pytest
import tensorflow

tf = tensorflow.compat.v1


class Model:
    """A small graph with feeds, variables of both kinds, strings, an op that can fail."""

    def __init__(self):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.x = tf.placeholder(tf.float32, [None, 2], name='x')
            self.n = tf.placeholder(tf.int32, [], name='n')
            self.word = tf.placeholder(tf.string, name='word')
            self.flag = tf.placeholder(tf.bool, [], name='flag')
            self.double = tf.multiply(self.x, 2.0, name='double')
            self.next = tf.add(self.n, 1, name='next')
            self.step = tf.train.create_global_step()
            self.count = tf.assign_add(self.step, 1)
            self.resource = tf.get_variable('resource', initializer=[1.0, 2.0], use_resource=True)
            self.reference = tf.get_variable(
                'reference', initializer=[3.0, 4.0], use_resource=False
            )
            self.grow = self.reference.assign_add([1.0, 1.0])
            self.constant = tf.constant([5.0, 6.0], name='constant')
            self.checked = tf.debugging.check_numerics(self.x, 'not a number', name='checked')
            self.text = tf.constant(['a', 'b'], name='text')
            self.init = tf.global_variables_initializer()


def raised(call, *arguments):
    """What a call raises, in the parts that a program or a person can see."""
    try:
        value = call(*arguments)
    except Exception as error:
        return (
            type(error),
            str(error),
            error.args,
            getattr(error, 'op', None),
            getattr(error, 'node_def', None),
            getattr(error, 'error_code', None),
        )
    pytest.fail(f'nothing was raised, the value is {value!r}')
