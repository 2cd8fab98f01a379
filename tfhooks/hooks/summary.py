"""Summaries of the graph, for TensorBoard."""

from __future__ import annotations

from typing import Any

from tfhooks import _arguments, steps
from tfhooks._locks import Lock
from tfhooks._tensorflow import tf
from tfhooks.hook_types import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    supports,
)
from tfhooks.hooks._subclasses import replaces_runs
from tfhooks.hooks._writers import event_writer
from tfhooks.triggers import SecondOrStepTimer


class SummarySaverHook(tf.train.SummarySaverHook, SessionRunHook[list[Any]]):
    """Writes summaries every so often, beginning with the first run.

    Stands for `tf.compat.v1.train.SummarySaverHook`. A summary belongs to the global step after the
    run it was fetched in.
    """

    # Where a subclass calls no `__init__` of this class.
    _given_writer: Any = None

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        """Makes the hook.

        Args:
          save_steps: The period in global steps, at least 1. Exactly one of the two periods must be
            given.
          save_secs: The period in seconds, greater than 0.
          output_dir: The directory of the event file. It or `summary_writer` must be given.
          summary_writer: The writer to use instead of that of `output_dir`.
          scaffold: The `tf.compat.v1.train.Scaffold` that has the `summary_op`. Exactly one of the
            two must be given.
          summary_op: A scalar string tensor that holds a serialized `Summary`, or a list or tuple
            of such.

        Raises:
          TypeError: A period is of the wrong kind.
          ValueError: Not exactly one of two is given, a period is not positive, or there is nowhere
            to write to.
        """
        name = 'SummarySaverHook'
        timer = SecondOrStepTimer.of_hook(name, save_secs=save_secs, save_steps=save_steps)
        with _arguments.of(name, scaffold=scaffold, summary_op=summary_op):
            super().__init__(
                save_steps, save_secs, output_dir, summary_writer, scaffold, summary_op
            )
        self._timer = timer
        if not output_dir and summary_writer is None:
            raise ValueError(
                'SummarySaverHook: output_dir or summary_writer must be provided; '
                f'output_dir={output_dir!r}, summary_writer=None'
            )
        self._given_writer = summary_writer
        self._lock = Lock()

    def begin(self) -> None:
        """Begins anew: the next run is the first.

        Raises:
          RuntimeError: The graph has no global step.
        """
        if self._given_writer is None:
            self._summary_writer = event_writer(self._output_dir)
        super().begin()
        if self._has_own_timer():
            self._timer.reset()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Takes up the cadence where a recovered session has gone back to an older step."""
        super().after_create_session(session, coord)
        if (
            self._has_own_timer()
            and self._timer.last_triggered_step() is not None
            and self._timer.rewind(int(session.run(self._global_step_tensor)))
        ):
            # Another START tells TensorBoard to drop what was written of the steps that come again.
            self._next_step = None

    def next_due(self) -> steps.NextDue:
        """When summaries may be due; see `tfhooks.steps.NextDue`."""
        if not self._has_own_timer():
            return steps.ALWAYS
        return self._timer.next_due()

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[list[Any]] | None:
        """Asks for the summaries if they may be due."""
        if self._goes_by_tensorflow():
            return super().before_run(run_context)
        if self._timer.may_be_due(run_context, self._global_step_tensor):
            return SessionRunArgs(self._get_summary_op() or [])
        return None

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[list[Any]]
    ) -> None:
        """Writes the summaries if they were due."""
        if self._goes_by_tensorflow():
            super().after_run(run_context, run_values)
            return
        if run_values.results is None:
            return
        step = steps.after(run_context, self._global_step_tensor)
        with self._lock:
            # The run may have ended before the step at which they are due, or another thread may
            # have been first.
            if not self._timer.is_due(step):
                return
            self._timer.update_last_triggered_step(step)
            first = self._next_step is None
            self._next_step = step + 1
        if first:
            self._summary_writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), step)
        for summary in run_values.results:
            self._summary_writer.add_summary(summary, step)

    def _has_own_timer(self) -> bool:
        return supports(self._timer, SecondOrStepTimer)

    def _goes_by_tensorflow(self) -> bool:
        return replaces_runs(self, SummarySaverHook) or not self._has_own_timer()

    def _get_summary_op(self) -> list[Any] | None:
        operations = super()._get_summary_op()
        if operations and isinstance(operations[0], tuple):
            return list(operations[0])
        return operations  # type: ignore[no-any-return]
