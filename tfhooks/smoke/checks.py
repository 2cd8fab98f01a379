"""The checks: placement, training, recovery and traces on a device.

Each check takes the device, such as '/GPU:0', and an empty directory; it returns a description of
the result, and raises an error if that is wrong.
"""

from __future__ import annotations

import glob
import json
from typing import Any

import numpy as np

import tfhooks
from tfhooks._tensorflow import tf
from tfhooks.smoke import models, reasons
from tfhooks.smoke.models import session_with

_OTHER_CAUSE = 'CUPTI works, so the cause is another one: TF_CPP_MIN_LOG_LEVEL=0 tells more'


class CheckFailed(Exception):
    """A check had another result than it should."""


def require(holds: Any, otherwise: str) -> None:
    """Raises CheckFailed with `otherwise` unless `holds`."""
    if not holds:
        raise CheckFailed(otherwise)


def require_executed(session: Any, fetches: Any, device: str, feed_dict: Any = None) -> str:
    """Returns the full name of the device if it computes `product`, by a bare run's own account."""
    metadata = models.traced(session.raw_session().run, fetches, feed_dict)
    where = [name for name, ran in models.executed(metadata).items() if 'product' in ran]
    found = [name for name in where if models.is_on(name, device)]
    require(found, f'MatMul was executed on {where}, not on {device}')
    return found[0]


def placement(device: str, directory: str) -> str:
    """Checks that the device computes a product, the same by a run plan as in TensorFlow's run."""
    with tf.Graph().as_default():
        # A feed keeps the product from being computed in advance, on another device.
        fed = tf.placeholder(tf.float32, [None, 3])
        with tf.device(device):
            product = tf.matmul(fed, fed, transpose_b=True, name='product')
        with tf.device('/CPU:0'):
            fetches = [product, tf.constant('on the host')]
        feeds = {fed: np.arange(6).reshape(2, 3)}
        with session_with() as session:
            ours = [session.run(fetches, feeds) for _ in range(2)][-1]
            theirs = tf.Session.run(session.raw_session(), fetches, feeds)
            where = require_executed(session, product, device, feeds)
            plans = tfhooks.run_plans(session)
            require(plans is None or plans.counters.served, 'no run was served by a plan')
    np.testing.assert_equal(ours, theirs)
    np.testing.assert_equal(ours, [[[5, 14], [14, 50]], b'on the host'])
    return f'MatMul executed on {where}'


def training(device: str, directory: str) -> str:
    """Checks that a training learns, saves in the background, and goes on on either device."""
    at: dict[int, Any] = {}
    losses: list[float] = []
    with tf.Graph().as_default():
        train_op, loss, weights = models.regression(device)
        hooks = [
            tfhooks.StopAtStepHook(last_step=30),
            tfhooks.NanTensorHook(loss),
            tfhooks.LoggingTensorHook({'loss': loss}, every_n_iter=10),
            tfhooks.CheckpointSaverHook(directory, save_steps=10, asynchronous=True),
        ]
        with session_with(hooks) as session:
            require_executed(session, loss, device)
            while not session.should_stop():
                at[len(losses)] = session.run_without_hooks(weights)
                losses.append(float(session.run([train_op, loss])[1]))
            at[len(losses)] = session.run_without_hooks(weights)
    require(len(losses) == 30, f'{len(losses)} steps instead of 30')
    require(losses[-1] < losses[0] / 2, f'the loss went from {losses[0]} to {losses[-1]}')

    paths = tf.train.get_checkpoint_state(directory).all_model_checkpoint_paths
    steps = [int(path.rpartition('-')[2]) for path in paths]
    require(len(steps) > 2 and steps[-1] == 30, f'saved at steps {steps}')
    for path, step in zip(paths, steps, strict=True):
        saved = tf.train.load_checkpoint(path).get_tensor('weights')
        require(np.array_equal(saved, at[step]), f'{path} holds the weights of another step')
    for where in ('/CPU:0', device):
        with tf.Graph().as_default():
            weights = models.regression(where).weights
            with session_with((), directory) as session:
                restored, step = session.run_without_hooks([weights, tf.train.get_global_step()])
        require(np.array_equal(restored, at[30]), f'restored on {where}, the weights differ')
        require(step == 30, f'restored on {where}, the global step is {step}, not 30')
    return (
        f'30 steps, loss {losses[0]:.3f} to {losses[-1]:.3f}; saved at steps '
        f'{", ".join(map(str, steps))}; restored on /CPU:0 and {device}, equal'
    )


def recovery(device: str, directory: str) -> str:
    """Checks that a lost session is made again from a checkpoint, its variables on the device."""
    sessions: list[Any] = []

    def lose(run_context: Any) -> None:
        if run_context.session not in sessions:
            sessions.append(run_context.session)
        if run_context._tfhooks_runs == 3 and len(sessions) == 1:
            raise tf.errors.AbortedError(None, None, 'lost for the sake of a check')

    with tf.Graph().as_default():
        train_op, loss, _ = models.regression(device)
        hook: Any = tfhooks.hook(before_run=lose)
        with session_with([hook], directory, save_checkpoint_steps=2) as session:
            for _ in range(5):
                session.run(train_op)
            step = int(session.run_without_hooks(tf.train.get_global_step()))
            require_executed(session, loss, device)
    require(len(sessions) == 2, f'{len(sessions)} sessions were made instead of 2')
    # Steps 1 to 3, of which 2 was saved; then 3 and 4 after it.
    require(step in (4, 5), f'the global step is {step}')
    return f'lost after step 3, at step {step} two runs later, again on {device}'


def trace(device: str, directory: str) -> str:
    """Checks that a trace of a step shows the device's operations."""
    with tf.Graph().as_default():
        train_op = models.regression(device).train
        profiler = tfhooks.ProfilerHook(save_steps=2, output_dir=directory, max_traces=1)
        with session_with([profiler]) as session:
            for _ in range(4):
                session.run(train_op)
    paths = glob.glob(f'{glob.escape(directory)}/timeline-*.json')
    require(len(paths) == 1, f'{len(paths)} timelines instead of one')
    with open(paths[0], encoding='utf-8') as file:
        busy = models.timeline(json.load(file)['traceEvents'])
    wanted = f'/device:{device.lstrip("/")}'
    count = sum(len(events) for name, events in busy.items() if wanted in name)
    require(count, f'nothing of {wanted} is in the timeline, but {sorted(busy)}')
    seen = f'{count} of {sum(map(len, busy.values()))} events of a step on {wanted}'
    if 'GPU' not in device:
        return seen
    # Training works without them, so the check says so and does not fail.
    kernels = len(models.kernels(busy))
    why = '' if kernels else f': {reasons.why_no_kernels() or _OTHER_CAUSE}'
    return f'{seen}, {kernels} kernels{why}'


CHECKS = [(each.__name__, each) for each in (placement, training, recovery, trace)]
