"""SummarySaverHook: writes the graph's summaries for TensorBoard."""

from __future__ import annotations

from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import (
    NEVER,
    NextDue,
    SessionRunArgs,
    SessionRunContext,
    SessionRunValues,
)
from tfhooks._hooks.next_step_way import NextStepWay
from tfhooks._hooks.writers import WritingHook, WritingWay
from tfhooks._tensorflow import tf
from tfhooks._timing import global_steps
from tfhooks._timing.timer import SecondOrStepTimer


class SummarySaverHook(WritingHook, tf.train.SummarySaverHook):
    """Writes summaries every so often, beginning with the first run.

    Stands for `tf.compat.v1.train.SummarySaverHook`. A summary belongs to the global step after the
    run it was fetched in.

    Example:
      ```python
      tf.summary.scalar('loss', loss)
      summaries = tfhooks.SummarySaverHook(
          save_steps=10, output_dir=directory, summary_op=tf.summary.merge_all()
      )
      with tfhooks.MonitoredSession(hooks=[summaries, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      ```
    """

    def __init__(
        self,
        save_steps: float | None = None,
        save_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        """Makes the hook.

        Args:
          save_steps: The period in global steps; 0 for every run. Exactly one of the two periods
            must be given.
          save_secs: The period in seconds; 0 for every run.
          output_dir: The directory of the event file. Without it and `summary_writer` nothing is
            written, with a warning.
          summary_writer: The writer to use instead of that of `output_dir`.
          scaffold: The `tf.compat.v1.train.Scaffold` that has the `summary_op`. Exactly one of the
            two must be given.
          summary_op: A scalar string tensor that holds a serialized `Summary`, or a list or tuple
            of such.

        Raises:
          TypeError: A period is of the wrong kind.
          ValueError: Not exactly one of two is given, or a period is negative.
        """
        name = 'SummarySaverHook'
        timer = SecondOrStepTimer.of_hook(name, save_secs=save_secs, save_steps=save_steps)
        with arguments.of(name, scaffold=scaffold, summary_op=summary_op):
            super().__init__(
                save_steps, save_secs, output_dir, summary_writer, scaffold, summary_op
            )
        self._timer = timer
        if not output_dir and summary_writer is None:
            tf.logging.warning(
                'SummarySaverHook: no summary is written, since neither output_dir nor '
                'summary_writer is given; output_dir=%r, summary_writer=None.',
                output_dir,
            )
        _SummarySaver(self, SummarySaverHook)

    def end(self, session: Any = None) -> None:
        """Flushes the event file."""
        super().end(session)

    def _get_summary_op(self) -> list[Any] | None:
        operations = super()._get_summary_op()
        if operations and isinstance(operations[0], tuple):
            return list(operations[0])
        return operations  # type: ignore[no-any-return]


class _SummarySaver(NextStepWay, WritingWay):
    def step_went_back(self, step: int) -> None:
        with self.lock, self.own_writes():
            if self.timer.rewind(step):
                # Another START tells TensorBoard to drop summaries of the steps that come again.
                self.next_step = None

    def next_due(self) -> NextDue:
        self.is_requested = False
        if self.hook._summary_writer is None:
            return NEVER
        due: NextDue = self.timer.next_due()
        return due

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[list[Any]] | None:
        self.is_requested = bool(
            self.hook._summary_writer is not None
            and self.timer.may_be_due(run_context, self.hook._global_step_tensor)
        )
        return SessionRunArgs(self.hook._get_summary_op() or []) if self.is_requested else None

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[list[Any]]
    ) -> None:
        if run_values.results is None:
            return
        step = global_steps.after(run_context, self.hook._global_step_tensor)
        with self.lock:
            # The run may have ended before the step at which they are due, or another thread may
            # have written them.
            if not self.timer.is_due(step):
                return
            self.trigger(step)
            is_first, self.next_step = self.next_step is None, step + 1
        writer = self.hook._summary_writer
        if is_first:
            writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), step)
        for summary in run_values.results:
            writer.add_summary(summary, step)
