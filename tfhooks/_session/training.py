"""MonitoredTrainingSession: a monitored session with the stock hooks of a training."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

from tfhooks._base import log
from tfhooks._base.hook_types import Hook
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook
from tfhooks._hooks.step_counter import StepCounterHook
from tfhooks._hooks.summary_saver import SummarySaverHook
from tfhooks._run.members import validate_hooks
from tfhooks._session import distribute
from tfhooks._session.creators import ChiefSessionCreator, WorkerSessionCreator
from tfhooks._session.recovery_policy import RecoveryPolicy
from tfhooks._session.sessions import MonitoredSession
from tfhooks._tensorflow import USE_DEFAULT, tf, worker_context


def MonitoredTrainingSession(
    master: str = '',
    is_chief: bool = True,
    checkpoint_dir: str | None = None,
    scaffold: Any = None,
    hooks: Iterable[Hook] | None = None,
    chief_only_hooks: Iterable[Hook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT,
    save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: str | None = None,
    save_graph_def: bool = True,
    *,
    run_plans: bool | None = None,
    recovery: RecoveryPolicy | None = None,
    save_on_error: bool = False,
    save_on_preemption: bool = False,
) -> MonitoredSession:
    """Makes a monitored session with hooks for checkpoints, summaries and the step rate.

    Stands for `tf.compat.v1.train.MonitoredTrainingSession`.

    Args:
      master: The TensorFlow server to use; '' for this process.
      is_chief: Whether this process initialises, restores and saves. Others wait for the chief.
      checkpoint_dir: Where to restore from and to save to.
      scaffold: A `tf.compat.v1.train.Scaffold`.
      hooks: Hooks of this process.
      chief_only_hooks: Hooks that are used only if `is_chief`.
      save_checkpoint_secs: Save every so many seconds. By default 600 where `save_checkpoint_steps`
        is not given either; None or 0 for never. Where both are given, this one is used.
      save_summaries_steps: Write summaries every so many global steps; by default 100 where
        `save_summaries_secs` is not given either.
      save_summaries_secs: Write summaries every so many seconds.
      config: A `tf.compat.v1.ConfigProto`.
      stop_grace_period_secs: How long `close()` waits for threads, in seconds.
      log_step_count_steps: Log the step rate every so many global steps; None or 0 for never.
      max_wait_secs: How long a worker waits for its chief, in seconds.
      save_checkpoint_steps: Save every so many global steps.
      summary_dir: Where summaries go; `checkpoint_dir` by default.
      save_graph_def: Whether to write `graph.pbtxt` and a meta graph beside each checkpoint.
      run_plans: See `tfhooks.MonitoredSession`, like the three that follow.
      recovery: The tries and waits when a lost session is made again.
      save_on_error: Save also when the loop ends by an exception.
      save_on_preemption: On SIGTERM or SIGINT stop after the running step, save and end normally.

    Returns:
      The session.

    Raises:
      NotAHookError: `hooks` or `chief_only_hooks` holds something that is no hook.
      RuntimeError: The graph has no global step, and a hook needs it.
      TypeError: A period is no number.
      ValueError: Two savers share a directory, or the state file in
        `checkpoint_dir` names a checkpoint that is neither there nor beside it.
      tf.errors.DeadlineExceededError: The chief has not made the variables within `max_wait_secs`.
      tf.errors.NotFoundError: The checkpoint lacks a variable of the model.

    Example:
      ```python
      with tfhooks.MonitoredTrainingSession(
          checkpoint_dir=directory,
          hooks=[tfhooks.StopAtStepHook(last_step=100), tfhooks.NanTensorHook(loss)],
          save_checkpoint_steps=50,
      ) as session:
          while not session.should_stop():
              session.run(train_op)
      print(tf.train.latest_checkpoint(directory))  # .../model.ckpt-100
      ```
    """
    own_hooks = validate_hooks(hooks, 'hooks')
    chief_hooks = validate_hooks(chief_only_hooks, 'chief_only_hooks')
    summary_steps, summary_secs = _cadence(
        100, save_summaries_steps=save_summaries_steps, save_summaries_secs=save_summaries_secs
    )
    secs, steps = _cadence(
        600, save_checkpoint_secs=save_checkpoint_secs, save_checkpoint_steps=save_checkpoint_steps
    )
    (log_steps,) = _cadence(None, log_step_count_steps=log_step_count_steps)
    if secs and steps:
        steps = None
    scaffold = scaffold or tf.train.Scaffold()
    context = worker_context()
    places = distribute.places(context, is_chief, summary_dir or checkpoint_dir, checkpoint_dir)
    if places.apart and secs:
        tf.logging.warning(
            'Workers that save together cannot do so by the clock: save_checkpoint_steps=1000 is '
            'used instead of save_checkpoint_secs=%s.',
            secs,
        )
        secs, steps = None, 1000
    stock_hooks: list[Any] = []
    if places.summary_dir:
        if log_steps:
            stock_hooks.append(
                StepCounterHook(every_n_steps=log_steps, output_dir=places.summary_dir)
            )
        if summary_steps or summary_secs:
            stock_hooks.append(
                SummarySaverHook(
                    save_steps=summary_steps,
                    save_secs=summary_secs,
                    output_dir=places.summary_dir,
                    scaffold=scaffold,
                )
            )
    if places.checkpoint_dir and (secs or steps):
        stock_hooks.append(
            CheckpointSaverHook(
                places.checkpoint_dir,
                save_secs=secs,
                save_steps=steps,
                scaffold=scaffold,
                save_graph_def=save_graph_def,
            )
        )
    if context is not None:
        creator: Any = context.session_creator(
            scaffold, config=config, checkpoint_dir=checkpoint_dir, max_wait_secs=max_wait_secs
        )
        all_hooks = own_hooks + (chief_hooks if context.is_chief else []) + stock_hooks
    elif is_chief:
        creator = ChiefSessionCreator(
            scaffold=scaffold, checkpoint_dir=checkpoint_dir, master=master, config=config
        )
        all_hooks = chief_hooks + stock_hooks + own_hooks
    else:
        creator = WorkerSessionCreator(
            scaffold=scaffold, master=master, config=config, max_wait_secs=max_wait_secs
        )
        all_hooks = own_hooks
    if is_chief:
        _log_size_of_model()
    return MonitoredSession(
        session_creator=creator,
        hooks=all_hooks,
        stop_grace_period_secs=stop_grace_period_secs,
        run_plans=run_plans,
        recovery=recovery,
        save_on_error=save_on_error,
        save_on_preemption=save_on_preemption,
    )


def _log_size_of_model() -> None:
    variables = tf.trainable_variables()
    sizes = [variable.shape.num_elements() for variable in variables]
    if variables and None not in sizes:
        log.info('Trainable parameters: %s (in variables: %d).', f'{sum(sizes):,}', len(sizes))


def _cadence(default: Any, **periods: Any) -> list[Any]:
    """Returns the periods, each None where it is off; the first is `default` if none is given.

    Raises:
      TypeError: One of them is no number.
    """
    if all(period == USE_DEFAULT for period in periods.values()):
        return [default, *[None] * (len(periods) - 1)]
    found: list[Any] = []
    for name, period in periods.items():
        if period is None or period == USE_DEFAULT:
            found.append(None)
            continue
        if not isinstance(period, numbers.Real):
            raise TypeError(f'MonitoredTrainingSession: {name} must be a number; {name}={period!r}')
        # NaN is refused by the hook.
        found.append(None if float(period) <= 0 else period)
    return found
