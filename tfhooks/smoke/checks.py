"""The checks: placement, training, checkpoints, plans, NaN, recovery and traces on a device.

Each check takes the device, such as '/GPU:0', and an empty directory; it returns a description of
the result, and raises CheckFailed if that is wrong.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

import tfhooks
from tfhooks._run.plan_cache import plans_enabled
from tfhooks._tensorflow import tf
from tfhooks.smoke import models, probing
from tfhooks.smoke.models import session_with

_OTHER_CAUSE = 'CUPTI works, so the cause is another one: TF_CPP_MIN_LOG_LEVEL=0 tells more'


class CheckFailed(Exception):
    """A check had another result than it should."""


def require(holds: Any, otherwise: str) -> None:
    """Raises CheckFailed with `otherwise` unless `holds`."""
    if not holds:
        raise CheckFailed(otherwise)


def require_executed(session: Any, fetches: Any, device: str, feed_dict: Any = None) -> str:
    """Returns the full name of the device if it computes `product`, by the run's own account.

    The run is made without hooks.

    Raises:
      CheckFailed: Another device computes it.
    """
    metadata = models.traced(session.raw_session().run, fetches, feed_dict)
    where = [name for name, ran in models.executed(metadata).items() if 'product' in ran]
    found = [name for name in where if models.is_on(name, device)]
    require(found, f'MatMul was executed on {where}, not on {device}')
    return found[0]


def placement(device: str, directory: str) -> str:
    """Checks that a product is computed on the device, and right."""
    left = np.arange(12, dtype=np.float32).reshape(3, 4)
    with tf.Graph().as_default():
        # A feed keeps the product from being computed in advance, on another device.
        fed = tf.placeholder(tf.float32, [3, 4])
        with tf.device(device):
            product = tf.matmul(fed, fed, transpose_b=True, name='product')
        with session_with() as session:
            value = session.run(product, {fed: left})
            where = require_executed(session, product, device, {fed: left})
    require(np.array_equal(value, left @ left.T), f'the product is {value.tolist()}')
    return f'MatMul executed on {where}'


def training(device: str, directory: str) -> str:
    """Checks that a training with the stock hooks stops at its step, and learns."""
    with tf.Graph().as_default():
        train_op, loss, _ = models.regression(device)
        hooks = [tfhooks.StopAtStepHook(last_step=30), tfhooks.NanTensorHook(loss)]
        hooks.append(tfhooks.LoggingTensorHook({'loss': loss}, every_n_iter=10))
        losses = []
        with session_with(hooks, directory, save_checkpoint_steps=10) as session:
            require_executed(session, loss, device)
            while not session.should_stop():
                losses.append(float(session.run([train_op, loss])[1]))
    require(len(losses) == 30, f'{len(losses)} steps instead of 30')
    require(losses[-1] < losses[0] / 2, f'the loss went from {losses[0]} to {losses[-1]}')
    return f'30 steps, loss {losses[0]:.3f} to {losses[-1]:.3f}'


def checkpoint(device: str, directory: str) -> str:
    """Checks that a checkpoint has the device's values, and is restored on either device."""
    with tf.Graph().as_default():
        train_op, _, weights = models.regression(device)
        with session_with((), directory, save_checkpoint_steps=5) as session:
            for _ in range(5):
                session.run(train_op)
            saved = session.run_without_hooks(weights)
    reader = tf.train.load_checkpoint(directory)
    require(np.array_equal(reader.get_tensor('weights'), saved), 'the file holds other weights')
    for where in ('/CPU:0', device):
        with tf.Graph().as_default():
            _, _, weights = models.regression(where)
            with session_with((), directory) as session:
                restored = session.run_without_hooks(weights)
                step = session.run_without_hooks(tf.train.get_global_step())
        require(np.array_equal(restored, saved), f'restored on {where}, the weights differ')
        require(step == 5, f'restored on {where}, the global step is {step}, not 5')
    return f'step 5 restored on /CPU:0 and {device}, equal'


def background(device: str, directory: str) -> str:
    """Checks that a background save has the weights of its own step."""
    at: dict[int, Any] = {}
    with tf.Graph().as_default():
        train_op, _, weights = models.regression(device)
        saver = tfhooks.CheckpointSaverHook(directory, save_steps=5, asynchronous=True)
        with session_with([saver]) as session:
            for step in range(1, 13):
                session.run(train_op)
                at[step] = session.run_without_hooks(weights)
    found = sorted(int(path.split('-')[-1][:-6]) for path in glob.glob(f'{directory}/*.index'))
    for step in found[1:]:
        path = os.path.join(directory, f'model.ckpt-{step}')
        value = tf.train.load_checkpoint(path).get_tensor('weights')
        require(np.array_equal(value, at[step]), f'{path} holds the weights of another step')
    require(len(found) > 2 and found[-1] == 12, f'saved at steps {found}')
    return f'saved at steps {", ".join(map(str, found))}'


def plans(device: str, directory: str) -> str:
    """Checks that run plans return the same as TensorFlow's own run, for each dtype."""
    dtypes = ['float16', 'bfloat16', 'float32', 'int64', 'bool']
    served = 0
    for dtype in dtypes:
        with tf.Graph().as_default():
            with tf.device(device):
                x = tf.placeholder(dtype, [None, 3])
                same = tf.identity(x)
                part = x[:1]
            with tf.device('/CPU:0'):
                text = tf.constant('on the host')
            feeds = {x: np.arange(6).reshape(2, 3) % 2}
            fetches = [same, part, text]
            with session_with() as session:
                ours = [session.run(fetches, feeds) for _ in range(2)][-1]
                theirs = tf.Session.run(session.raw_session(), fetches, feeds)
                found = tfhooks.run_plans(session)
                served += 0 if found is None else found.counters.served
        for one, other in zip(ours, theirs, strict=True):
            require(
                np.array_equal(one, other) and type(one) is type(other),
                f'{dtype}: {one!r} instead of {other!r}',
            )
    require(served or not plans_enabled(), 'no run was served by a plan')
    return f'{", ".join(dtypes)} and a string: equal, {served} runs served by plans'


def nan(device: str, directory: str) -> str:
    """Checks that a NaN on the device is found before it is saved."""
    with tf.Graph().as_default():
        train_op, loss, _ = models.diverging(device)
        session = session_with([tfhooks.NanTensorHook(loss)], directory, save_checkpoint_steps=1)
        try:
            with session:
                for _ in range(3):
                    session.run(train_op)
        except tfhooks.NanLossDuringTrainingError as error:
            said = str(error)
        else:
            raise CheckFailed('the loss is NaN, and nothing was raised')
    saved = tf.train.load_checkpoint(directory).get_tensor('weight')
    require(saved == -1.0, f'the checkpoint holds {saved}, not -1')
    return f'"{said.splitlines()[0]}", and the checkpoint is sound'


def recovery(device: str, directory: str) -> str:
    """Checks that a lost session is made again from a checkpoint, its variables on the device."""

    class Loses(tfhooks.SessionRunHook[Any]):
        sessions = 0

        def after_create_session(self, session: Any, coord: Any) -> None:
            self.sessions += 1

        def before_run(self, run_context: Any) -> None:
            if self.sessions == 1 and run_context._tfhooks_runs == 3:
                raise tf.errors.AbortedError(None, None, 'lost for the sake of a check')

    with tf.Graph().as_default():
        train_op, loss, _ = models.regression(device)
        loses = Loses()
        with session_with([loses], directory, save_checkpoint_steps=2) as session:
            for _ in range(5):
                session.run(train_op)
            step = int(session.run_without_hooks(tf.train.get_global_step()))
            require_executed(session, loss, device)
    require(loses.sessions == 2, f'{loses.sessions} sessions were made instead of 2')
    # Steps 1 to 3, of which 2 was saved; then 3 and 4 after it.
    require(step in (4, 5), f'the global step is {step}')
    return f'lost after step 3, at step {step} two runs later, again on {device}'


def trace(device: str, directory: str) -> str:
    """Checks that a trace of a step shows the device's operations."""
    with tf.Graph().as_default():
        train_op, _, _ = models.regression(device)
        profiler = tfhooks.ProfilerHook(save_steps=2, output_dir=directory, max_traces=1)
        with session_with([profiler]) as session:
            for _ in range(4):
                session.run(train_op)
    paths = glob.glob(os.path.join(directory, 'timeline-*.json'))
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
    why = '' if kernels else probing.why_no_kernels(tf.sysconfig.get_build_info()) or _OTHER_CAUSE
    return f'{seen}, {kernels} kernels{": " if why else ""}{why}'


_CHECKS = (placement, training, checkpoint, background, plans, nan, recovery, trace)
CHECKS: list[tuple[str, Callable[[str, str], str]]] = [(each.__name__, each) for each in _CHECKS]
