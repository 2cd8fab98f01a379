"""A graph of named elements for requests."""

from __future__ import annotations

import pytest
import tensorflow

tf = tensorflow.compat.v1


@pytest.fixture
def graph(graph):
    for value, name in enumerate(['zero', 'one', 'two', 'three']):
        tf.constant(float(value), name=name)
    tf.placeholder(tf.float32, [], name='x')
    tf.placeholder(tf.float32, [2], name='v')
    tf.add(graph.get_tensor_by_name('x:0'), 1.0, name='next')
    tf.identity(graph.get_tensor_by_name('v:0'), name='w')
    tf.group(name='nothing')
    return graph


@pytest.fixture(params=[True, False], ids=['plans', 'no plans'])
def run_plans(request):
    return request.param
