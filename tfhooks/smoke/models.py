"""Models to check a device with, and functions to read from a run where it ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import tfhooks
from tfhooks._tensorflow import tf


def session_with(hooks: Iterable[Any] = (), directory: Any = None, **arguments: Any) -> Any:
    """Makes a session with these hooks and no others, in which no operation is moved silently.

    It leaves GPU memory to others, and has two CPU devices: without a GPU, checks can be tried on
    the second one.

    Args:
      hooks: The hooks.
      directory: Where a training restores from and saves to; None to begin from the initial values.
      **arguments: As for MonitoredTrainingSession.
    """
    config = tf.ConfigProto(
        allow_soft_placement=False,
        device_count={'CPU': 2},
        gpu_options=tf.GPUOptions(allow_growth=True),
    )
    arguments = {'save_checkpoint_secs': None, 'log_step_count_steps': None, **arguments}
    where = None if directory is None else str(directory)
    return tfhooks.MonitoredTrainingSession(
        checkpoint_dir=where, hooks=list(hooks), config=config, **arguments
    )


class Model(NamedTuple):
    """The operations and the variable of a model.

    Attributes:
      train: The operation that makes a step, and counts it.
      loss: The loss, a float32 scalar.
      weights: The variable that is trained.
    """

    train: Any
    loss: Any
    weights: Any


def counted(update: Any) -> Any:
    """Returns an operation that counts a step after `update`, on the host."""
    with tf.device('/CPU:0'):
        step = tf.train.get_or_create_global_step()
        with tf.control_dependencies([update]):
            return step.assign_add(1, read_value=False)


def regression(device: str, learning_rate: float = 0.2) -> Model:
    """Builds a regression by gradient descent whose variables are on the device."""
    with tf.device(device):
        x = tf.random.stateless_uniform([32, 4], seed=[1, 2])
        weights = tf.get_variable(
            'weights', [4, 1], initializer=tf.zeros_initializer(), use_resource=True
        )
        product = tf.matmul(x, weights, name='product')
        loss = tf.reduce_mean(tf.square(product - tf.reduce_sum(x, 1, True)), name='loss')
        gradient = tf.gradients(loss, [weights])[0]
        update = weights.assign_sub(learning_rate * gradient, read_value=False)
    return Model(counted(update), loss, weights)


def traced(run: Callable[..., Any], fetches: Any, feed_dict: Any = None) -> Any:
    """Returns the RunMetadata of a run, with statistics of each node and each device's graph."""
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
    metadata = tf.RunMetadata()
    run(fetches, feed_dict, options=options, run_metadata=metadata)
    return metadata


def is_on(name: str, device: str) -> bool:
    """True if the full name of a device is that of `device`, such as '/GPU:0'."""
    return name.endswith(f'/device:{device.lstrip("/")}')


def executed(metadata: Any) -> dict[str, set[str]]:
    """Returns the names of the operations that a run executed, by the full names of the devices."""
    return {
        stats.device: {node.node_name for node in stats.node_stats}
        for stats in metadata.step_stats.dev_stats
    }


def timeline(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Groups the events of a timeline that have a duration by the name of their process."""
    names = {
        event['pid']: event['args']['name']
        for event in events
        if event.get('name') == 'process_name'
    }
    busy: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event.get('ph') == 'X':
            busy.setdefault(names.get(event['pid'], ''), []).append(event)
    return busy


def kernels(busy: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the events of a `timeline` that are kernels, which a GPU itself recorded."""
    return [event for name in busy if '/stream:all' in name for event in busy[name]]
