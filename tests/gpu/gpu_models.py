"""What the tests on a GPU share: a model on the device, and what a run tells of where it ran."""

from __future__ import annotations

import re
from typing import NamedTuple

import tensorflow.compat.v1 as tf

import tfhooks


def config():
    """Nothing is moved silently; memory is left to others; two CPU devices, see conftest.py."""
    return tf.ConfigProto(
        allow_soft_placement=False,
        device_count={'CPU': 2},
        gpu_options=tf.GPUOptions(allow_growth=True),
    )


def session_with(hooks=(), **arguments):
    """A monitored session that begins from the initial values."""
    return tfhooks.MonitoredSession(
        tf.train.ChiefSessionCreator(config=config()), list(hooks), **arguments
    )


def training(directory, hooks=(), **arguments):
    """A session of a training that restores from, and saves to, `directory`."""
    arguments.setdefault('save_checkpoint_secs', None)
    arguments.setdefault('log_step_count_steps', None)
    return tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(directory), hooks=list(hooks), config=config(), **arguments
    )


class Model(NamedTuple):
    train: tf.Operation
    loss: tf.Tensor
    weights: tf.Variable


def model(device, learning_rate=0.2):
    """A regression on the device; the global step is on the host, as int64 has few GPU kernels."""
    with tf.device('/CPU:0'):
        step = tf.train.get_or_create_global_step()
    with tf.device(device):
        x = tf.random.stateless_uniform([32, 4], seed=[1, 2])
        weights = tf.get_variable(
            'weights', [4, 1], initializer=tf.zeros_initializer(), use_resource=True
        )
        product = tf.matmul(x, weights, name='product')
        loss = tf.reduce_mean(tf.square(product - tf.reduce_sum(x, 1, True)), name='loss')
        update = weights.assign_sub(
            learning_rate * tf.gradients(loss, [weights])[0], read_value=False
        )
    with tf.control_dependencies([update]), tf.device('/CPU:0'):
        train = step.assign_add(1, read_value=False)
    return Model(train, loss, weights)


def adam_model(device):
    """The same by Adam and its slots, whose operations TensorFlow places."""
    made = model(device)
    with tf.device(device):
        optimizer = tf.train.AdamOptimizer(0.1)
        update = optimizer.minimize(made.loss, var_list=[made.weights])
    with tf.control_dependencies([update]), tf.device('/CPU:0'):
        train = tf.train.get_global_step().assign_add(1, read_value=False)
    return made._replace(train=train)


def traced(run, fetches, feed_dict=None):
    """The metadata of a run, with statistics of each step and the graphs that each device got."""
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
    metadata = tf.RunMetadata()
    run(fetches, feed_dict, options=options, run_metadata=metadata)
    return metadata


def is_on(name, device):
    """Whether the full name of a device is that of `device`, such as '/GPU:0'."""
    return name.endswith(f'/device:{device.lstrip("/")}')


def placed(metadata, device):
    """The operations that a run placed on a device: name to type."""
    return {
        node.name: node.op
        for graph in metadata.partition_graphs
        for node in graph.node
        if is_on(node.device, device)
    }


def executed(metadata, device):
    """The names of the operations that a run executed on a device."""
    return {
        node.node_name
        for stats in metadata.step_stats.dev_stats
        if is_on(stats.device, device)
        for node in stats.node_stats
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


class LoseSession(tf.train.SessionRunHook):
    """Loses the session once, before the run after a number of runs; counts the raw sessions."""

    def __init__(self, after_runs):
        self._left = after_runs
        self.sessions = []

    def after_create_session(self, session, coord):
        self.sessions.append(session)

    def before_run(self, run_context):
        self._left -= 1
        if self._left == -1:
            raise tf.errors.AbortedError(None, None, 'the session is lost')
