"""One session for requests that are refused, and the table that they stand in."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow

import tfhooks

tf = tensorflow.compat.v1

Args = tfhooks.SessionRunArgs


@dataclasses.dataclass
class Losses:
    left: Any
    right: Any


class Bad(tfhooks.SessionRunHook):
    """Asks for what is in the table."""

    request: Any = None

    def before_run(self, run_context):
        return self.request


class Case:
    """One graph and one session for all rows, and another graph to take things from."""

    def __init__(self):
        with tf.Graph().as_default():
            self.foreign = tf.constant(1.0, name='one')
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.one = tf.constant(1.0, name='one')
            self.two = tf.constant(2.0, name='two')
            for name in DTYPES:
                dtype = tf.as_dtype(name)
                tf.identity(tf.placeholder(dtype, name=name), name=f'{name}_out')
            self.x = tf.placeholder(tf.float32, [], name='x')
            self.next = tf.add(self.x, 1.0, name='next')
            tf.placeholder(tf.float32, [2], name='pair')
            tf.placeholder(tf.float32, [None, 2], name='rows')
            self.sparse = tf.sparse_placeholder(tf.float32, [2], name='sparse')
            self.unfeedable = tf.constant(3.0, name='unfeedable')
            self.graph.prevent_feeding(self.unfeedable)
            self.unfetchable = tf.constant(4.0, name='unfetchable')
            self.graph.prevent_fetching(self.unfetchable.op)
            self.variable = tf.get_variable('variable', initializer=1.0)
            self.hook = Bad()
            self.session = tfhooks.MonitoredSession(hooks=[self.hook])


DTYPES = [
    'bool',
    'int8',
    'uint8',
    'int16',
    'int32',
    'int64',
    'uint64',
    'float16',
    'bfloat16',
    'float32',
    'float64',
    'complex64',
    'string',
]


class Table(dict[str, tuple[Any, tuple[str, ...], dict[str, Any]]]):
    """Rows by their names.

    Each is what is asked for (made from the case, which has the graph), the words that its error
    must have beside the hook's name, and what the caller asks for in the same run.
    """

    def row(self, name, make, *words, **caller):
        assert name not in self
        self[name] = (make, words, caller)


def label(value):
    """A value in the name of its row, the same whatever the release of numpy."""
    if isinstance(value, np.generic):
        return f'{type(value).__name__} {value}'
    return 'object' if type(value) is object else repr(value)[:40]
