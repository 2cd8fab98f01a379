"""What the tests on a GPU share: sessions, models on the device, and where a run made what."""

from __future__ import annotations

import re

import pytest
import tensorflow.compat.v1 as tf

from tfhooks.smoke.models import Model, counted, is_on, kernels, session_with, timeline, traced
from tfhooks.smoke.models import executed as by_device
from tfhooks.smoke.models import regression as model
from tfhooks.smoke.reasons import why_no_kernels

__all__ = [
    'adam_model',
    'copies_to_host',
    'diverging',
    'executed',
    'is_on',
    'kernels',
    'model',
    'need_kernels',
    'placed',
    'sent_from',
    'session_with',
    'timeline',
    'traced',
]


def executed(metadata, device):
    """Returns the names of the operations that a run executed on a device."""
    return set().union(*(ran for name, ran in by_device(metadata).items() if is_on(name, device)))


def diverging(device):
    """Returns a weight that is 1, then -1, then NaN; the loss is its logarithm."""
    with tf.device(device):
        weight = tf.get_variable('weight', initializer=1.0, use_resource=True)
        loss = tf.math.log(weight, name='loss')
        update = weight.assign(loss - 1.0, read_value=False)
    return Model(counted(update), loss, weight)


def adam_model(device):
    """The same by Adam and its slots, whose operations TensorFlow places."""
    made = model(device)
    with tf.device(device):
        optimizer = tf.train.AdamOptimizer(0.1)
        update = optimizer.minimize(made.loss, var_list=[made.weights])
    with tf.control_dependencies([update]), tf.device('/CPU:0'):
        train = tf.train.get_global_step().assign_add(1, read_value=False)
    return made._replace(train=train)


def placed(metadata, device):
    """The operations that a run placed on a device: name to type."""
    return {
        node.name: node.op
        for graph in metadata.partition_graphs
        for node in graph.node
        if is_on(node.device, device)
    }


def sent_from(metadata, device):
    """The operations whose results a run sent from a device to another one.

    What only tells that an operation has run is empty, and is left out.
    """
    types = placed(metadata, device)
    return [
        node.input[0].split(':')[0]
        for graph in metadata.partition_graphs
        for node in graph.node
        if node.op in ('_Send', '_HostSend')
        and is_on(node.attr['send_device'].s.decode(), device)
        and not is_on(node.attr['recv_device'].s.decode(), device)
        and types.get(node.input[0].split(':')[0]) != 'Const'
    ]


_TO_HOST = re.compile(r'd(evice)?\s?(to|2)\s?h(ost)?', re.IGNORECASE)


def copies_to_host(metadata):
    """How many copies from a GPU's memory to the host's the GPU itself recorded in a run."""
    return sum(
        bool(_TO_HOST.search(f'{node.node_name} {node.timeline_label}'))
        for stats in metadata.step_stats.dev_stats
        if '/memcpy' in stats.device
        for node in stats.node_stats
    )


def need_kernels(found, seen):
    """Fails unless the GPU has recorded something; skips where this machine keeps it from that."""
    if not found:
        reason = why_no_kernels()
        if reason:
            pytest.skip(reason)
    assert found, f'CUPTI works, and yet there is nothing of the GPU: {seen}'
