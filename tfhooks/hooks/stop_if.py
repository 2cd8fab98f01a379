"""The early stopping of `tf.estimator.experimental`, over the directory of a training.

They read what an evaluation has written for TensorBoard, by whatever program. Where the evaluation
is in the training loop, EarlyStoppingHook does the same without files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfhooks import _files
from tfhooks._tensorflow import tf
from tfhooks.hook_types import SessionRunHook
from tfhooks.hooks._stop_signal import CheckForStoppingHook, StopOnPredicateHook


def make_early_stopping_hook(
    estimator: Any,
    should_stop_fn: Callable[[], bool],
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook[Any]:
    """Makes a hook that asks a function every so often whether to stop.

    Stands for `tf.estimator.experimental.make_early_stopping_hook`. As there, the graph gets the
    variable `signal_early_stopping/STOP`, by which the chief tells the other workers; it is saved
    in checkpoints.

    Args:
      estimator: The directory of the training: a path, or an object that has a `model_dir` or an
        `eval_dir()`. If it has a `config.is_chief` that is false, the hook asks the variable.
      should_stop_fn: A function without arguments that returns whether to stop.
      run_every_secs: The period in seconds; the first run is the first time. Exactly one of the two
        must be given, so pass None to go by steps.
      run_every_steps: The period in global steps.

    Returns:
      The hook.

    Raises:
      TypeError: `estimator` or `should_stop_fn` is of another kind.
      ValueError: Both or neither of the periods are given, or one is out of range.
    """
    _eval_dir('make_early_stopping_hook', estimator)
    if run_every_secs is not None and run_every_steps is not None:
        raise ValueError(
            'make_early_stopping_hook: only one of run_every_secs and run_every_steps must be set; '
            f'run_every_secs={run_every_secs!r}, run_every_steps={run_every_steps!r}'
        )
    if getattr(getattr(estimator, 'config', None), 'is_chief', True):
        return StopOnPredicateHook(should_stop_fn, run_every_secs, run_every_steps)
    return CheckForStoppingHook()


def stop_if_higher_hook(
    estimator: Any,
    metric_name: str,
    threshold: float,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook[Any]:
    """Makes a hook that stops when a metric is greater than a threshold.

    Stands for `tf.estimator.experimental.stop_if_higher_hook`.

    Args:
      estimator: As for `make_early_stopping_hook`.
      metric_name: The tag of the metric in the event files.
      threshold: What the metric must exceed.
      eval_dir: The directory of the event files; by default the `eval_dir()` of `estimator`, or the
        directory `eval` in that of the training.
      min_steps: What was evaluated before this global step does not count.
      run_every_secs: As for `make_early_stopping_hook`.
      run_every_steps: As for `make_early_stopping_hook`.

    Returns:
      The hook. Where evaluations were found but none has the metric, its `after_run` raises
      KeyError.

    Raises:
      TypeError: `estimator` is of another kind.
      ValueError: Both or neither of the periods are given, or one is out of range.
    """
    return _hook(
        _Crossed,
        'stop_if_higher_hook',
        estimator,
        metric_name,
        'greater',
        threshold,
        eval_dir,
        min_steps,
        run_every_secs,
        run_every_steps,
    )


def stop_if_lower_hook(
    estimator: Any,
    metric_name: str,
    threshold: float,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook[Any]:
    """Makes a hook that stops when a metric is less than a threshold.

    Stands for `tf.estimator.experimental.stop_if_lower_hook`. The arguments are those of
    `stop_if_higher_hook`, and it raises what that one does.

    Args:
      estimator: As for `make_early_stopping_hook`.
      metric_name: The tag of the metric in the event files.
      threshold: What the metric must be below.
      eval_dir: As for `stop_if_higher_hook`, like the three that follow.
      min_steps: See there.
      run_every_secs: See there.
      run_every_steps: See there.

    Returns:
      The hook.
    """
    return _hook(
        _Crossed,
        'stop_if_lower_hook',
        estimator,
        metric_name,
        'less',
        threshold,
        eval_dir,
        min_steps,
        run_every_secs,
        run_every_steps,
    )


def stop_if_no_increase_hook(
    estimator: Any,
    metric_name: str,
    max_steps_without_increase: int,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook[Any]:
    """Makes a hook that stops when a metric has not increased for a number of steps.

    Stands for `tf.estimator.experimental.stop_if_no_increase_hook`. The other arguments are those
    of `stop_if_higher_hook`, and it raises what that one does.

    Args:
      estimator: As for `make_early_stopping_hook`.
      metric_name: The tag of the metric in the event files.
      max_steps_without_increase: It stops when an evaluation is this many global steps or more
        after the best one so far.
      eval_dir: As for `stop_if_higher_hook`, like the three that follow.
      min_steps: See there.
      run_every_secs: See there.
      run_every_steps: See there.

    Returns:
      The hook.
    """
    return _hook(
        _NotImproved,
        'stop_if_no_increase_hook',
        estimator,
        metric_name,
        'increase',
        max_steps_without_increase,
        eval_dir,
        min_steps,
        run_every_secs,
        run_every_steps,
    )


def stop_if_no_decrease_hook(
    estimator: Any,
    metric_name: str,
    max_steps_without_decrease: int,
    eval_dir: Any = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook[Any]:
    """Makes a hook that stops when a metric has not decreased for a number of steps.

    Stands for `tf.estimator.experimental.stop_if_no_decrease_hook`. The arguments are those of
    `stop_if_no_increase_hook`.

    Args:
      estimator: As for `make_early_stopping_hook`.
      metric_name: The tag of the metric in the event files.
      max_steps_without_decrease: It stops when an evaluation is this many global steps or more
        after the best one so far.
      eval_dir: As for `stop_if_higher_hook`, like the three that follow.
      min_steps: See there.
      run_every_secs: See there.
      run_every_steps: See there.

    Returns:
      The hook.
    """
    return _hook(
        _NotImproved,
        'stop_if_no_decrease_hook',
        estimator,
        metric_name,
        'decrease',
        max_steps_without_decrease,
        eval_dir,
        min_steps,
        run_every_secs,
        run_every_steps,
    )


def read_eval_metrics(eval_dir: Any) -> dict[int, dict[str, float]]:
    """All scalars in the event files of a directory.

    Args:
      eval_dir: The directory.

    Returns:
      The values by tag, by global step, in the order of the steps. Where a step was written more
      than once, what was read last counts. What follows an event that is not whole is left out.
    """
    found: dict[int, dict[str, float]] = {}
    for name in sorted(_files.names(os.fspath(eval_dir))):
        if not name.startswith('events.out.tfevents.'):
            continue
        try:
            for event in tf.train.summary_iterator(os.path.join(eval_dir, name)):
                for value in event.summary.value:
                    if value.HasField('simple_value'):
                        found.setdefault(event.step, {})[value.tag] = value.simple_value
        except tf.errors.DataLossError:
            # Another process is just writing the last event: it is read the next time.
            continue
    return dict(sorted(found.items()))


# What is asked is an object and no function inside a function, so that a hook can be pickled.
@dataclass(frozen=True)
class _Crossed:
    """Whether an evaluation is beyond a threshold."""

    owner: str
    eval_dir: Any
    metric_name: str
    min_steps: int
    relation: str
    threshold: float

    def __call__(self) -> bool:
        for step, value in _series(self.owner, self.eval_dir, self.metric_name, self.min_steps):
            greater = self.relation == 'greater'
            if value > self.threshold if greater else value < self.threshold:
                tf.logging.info(
                    '%s: %s=%g at step %d is %s than threshold=%r.',
                    self.owner,
                    self.metric_name,
                    value,
                    step,
                    self.relation,
                    self.threshold,
                )
                return True
        return False


@dataclass(frozen=True)
class _NotImproved:
    """Whether an evaluation is too many steps after the best one before it."""

    owner: str
    eval_dir: Any
    metric_name: str
    min_steps: int
    change: str
    max_steps: int

    def __call__(self) -> bool:
        sign = 1 if self.change == 'increase' else -1
        best = best_step = None
        for step, value in _series(self.owner, self.eval_dir, self.metric_name, self.min_steps):
            if best is None or best_step is None or sign * value > sign * best:
                best, best_step = value, step
            if step - best_step >= self.max_steps:
                tf.logging.info(
                    '%s: no %s of %s in %d steps since step %d; max_steps_without_%s=%s.',
                    self.owner,
                    self.change,
                    self.metric_name,
                    step - best_step,
                    best_step,
                    self.change,
                    self.max_steps,
                )
                return True
        return False


def _hook(
    ask: type[_Crossed] | type[_NotImproved],
    owner: str,
    estimator: Any,
    metric_name: str,
    direction: str,
    limit: Any,
    eval_dir: Any,
    min_steps: int,
    run_every_secs: float | None,
    run_every_steps: int | None,
) -> SessionRunHook[Any]:
    eval_dir = _eval_dir(owner, estimator) if eval_dir is None else eval_dir
    should_stop = ask(owner, eval_dir, metric_name, min_steps, direction, limit)
    return make_early_stopping_hook(estimator, should_stop, run_every_secs, run_every_steps)


def _series(owner: str, eval_dir: Any, name: str, min_steps: int) -> list[tuple[int, float]]:
    evaluations = read_eval_metrics(eval_dir)
    found = [(step, values[name]) for step, values in evaluations.items() if name in values]
    if evaluations and not found:
        names = sorted({name for values in evaluations.values() for name in values})
        raise KeyError(
            f'{owner}: metric_name must be a tag of the event files; '
            f'metric_name={name!r}, eval_dir={os.fspath(eval_dir)!r}, tags={names}'
        )
    return [(step, value) for step, value in found if step >= min_steps]


def _eval_dir(owner: str, estimator: Any) -> str:
    if isinstance(estimator, str | os.PathLike):
        return os.path.join(os.fspath(estimator), 'eval')
    if callable(getattr(estimator, 'eval_dir', None)):
        return str(os.fspath(estimator.eval_dir()))
    model_dir = getattr(estimator, 'model_dir', None)
    if isinstance(model_dir, str | os.PathLike):
        return os.path.join(os.fspath(model_dir), 'eval')
    raise TypeError(
        f'{owner}: estimator must be the directory of a training, or an object that has a '
        f'model_dir or an eval_dir(); estimator={estimator!r}'
    )
