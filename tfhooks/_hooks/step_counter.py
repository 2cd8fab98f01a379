"""StepCounterHook: logs and writes the global steps per second."""

from __future__ import annotations

import threading
from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import (
    NextDue,
    SessionRunContext,
    SessionRunValues,
    SupportsStepNotIncreased,
)
from tfhooks._hooks.writers import WritingHook, WritingWay
from tfhooks._tensorflow import tf
from tfhooks._timing import excluded_time, global_steps
from tfhooks._timing.timer import SecondOrStepTimer


class StepCounterHook(WritingHook, tf.train.StepCounterHook):
    """Logs, and writes for TensorBoard, the global steps per second.

    Stands for `tf.compat.v1.train.StepCounterHook`. The tag is the global step's name and `/sec`.
    The first rate comes one period after the first run. Time that a hook spends on an evaluation is
    left out of the rates (`tfhooks._timing.excluded_time`).

    Example:
      ```python
      counter = tfhooks.StepCounterHook(every_n_steps=10, output_dir=directory, batch_size=32)
      with tfhooks.MonitoredSession(hooks=[counter, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)  # Logs "global_step/sec: ..." in run 11.
      ```
    """

    def __init__(
        self,
        every_n_steps: float | None = 100,
        every_n_secs: float | None = None,
        output_dir: Any = None,
        summary_writer: Any = None,
        *,
        batch_size: int | None = None,
        warm_up_steps: int = 0,
    ) -> None:
        """Makes the hook.

        Args:
          every_n_steps: The period in global steps; 0 for every run. Exactly one of the two periods
            must be given.
          every_n_secs: The period in seconds; 0 for every run.
          output_dir: The directory of the event file; None to only log.
          summary_writer: The writer to use instead of that of `output_dir`.
          batch_size: Examples per global step. If given, the examples per second are logged and
            written too, under the global step's name and `/examples_per_sec`.
          warm_up_steps: How many global steps at the start of a session are left out of the rates.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: Not exactly one period is given, or a value is out of range.
        """
        name = 'StepCounterHook'
        periods = {'every_n_secs': every_n_secs, 'every_n_steps': every_n_steps}
        with arguments.of(name, **periods):
            super().__init__(every_n_steps, every_n_secs, output_dir, summary_writer)
        self._timer = SecondOrStepTimer.of_hook(name, **periods)
        _StepCounter(
            self,
            arguments.whole(name, 'batch_size', batch_size),
            arguments.whole(name, 'warm_up_steps', warm_up_steps, least=0) or 0,
        )

    def end(self, session: Any) -> None:
        """Flushes the event file."""
        super().end(session)
        if self._summary_writer is not None:
            self._summary_writer.flush()


class _StepCounter(WritingWay, SupportsStepNotIncreased):
    lazy = ('_last_global_step',)

    def __init__(self, hook: StepCounterHook, batch_size: int | None, warm_up_steps: int) -> None:
        super().__init__(hook, StepCounterHook, extended=bool(batch_size or warm_up_steps))
        self._batch_size = batch_size
        self._warm_up_steps = warm_up_steps
        self._reset()

    def _reset(self) -> None:
        with self.own_writes():
            self.timer.reset()
        self._warm_until: int | None = None
        self._seen: tuple[int, int] | None = None
        self._paused_secs = 0.0

    def begin(self) -> None:
        super().begin()
        self._rate_tag = self.hook._summary_tag.rpartition('/')[0] + '/examples_per_sec'
        self._reset()

    def after_create_session(self, session: Any, coord: Any) -> None:
        last: Any = self.timer.last_triggered_step()
        if last is None and not self._warm_up_steps:
            return
        step = int(global_steps.read(session, self.hook._global_step_tensor))
        if self._warm_up_steps:
            with self.own_writes():
                self.timer.reset()
            self._warm_until = step + self._warm_up_steps
        elif last is not None and step < last:
            self._measure_from(step, session)

    def _measure_from(self, step: int, session: Any) -> None:
        with self.own_writes():
            self.timer.reset()
        self.trigger(step)
        if session is not None:
            self._paused_secs = excluded_time.seconds(session.graph)

    def step_went_back(self, step: int) -> None:
        self._measure_from(step, None)

    def next_due(self) -> NextDue:
        if self._warm_until is not None and self.timer.last_triggered_step() is None:
            return NextDue(step=self._warm_until)
        due: NextDue = self.timer.next_due()
        return due

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        step = global_steps.after(run_context, self.hook._global_step_tensor)
        if self._warm_until is None or step >= self._warm_until:
            elapsed_secs: float | None = None
            elapsed_steps: int | None = None
            with self.lock:
                due = self.timer.should_trigger_for_step(step)
                if due:
                    elapsed_secs, elapsed_steps = self.trigger(step)
                    paused_secs = self._pause_since_last(run_context)
                    if elapsed_secs is not None:
                        elapsed_secs -= paused_secs
            if due and elapsed_secs and elapsed_secs > 0 and elapsed_steps:
                self._log_and_record(elapsed_steps, elapsed_secs, step)
        if global_steps.is_foreign(run_context):
            seen = (threading.get_ident(), step)
            if seen == self._seen:
                self.step_not_increased(step)
            self._seen = seen

    def step_not_increased(self, step: int) -> None:
        if not self.is_open():  # TensorFlow's `after_run` warns itself.
            return
        tf.logging.log_first_n(
            tf.logging.WARN,
            'It seems that global step (tf.train.get_global_step) has not '
            'been increased. Current value (could be stable): %s vs previous '
            'value: %s. You could increase the global step by passing '
            'tf.train.get_global_step() to Optimizer.apply_gradients or '
            'Optimizer.minimize: optimizer.minimize(loss, '
            'global_step=tf.train.get_global_step()). Until then nothing that goes by steps is '
            'saved, written or stopped. This is said once.',
            1,
            step,
            step,
        )

    def _pause_since_last(self, run_context: SessionRunContext) -> float:
        last, self._paused_secs = (
            self._paused_secs,
            excluded_time.seconds(run_context.session.graph),
        )
        return self._paused_secs - last

    def _log_and_record(self, elapsed_steps: int, elapsed_time: float, global_step: int) -> None:
        self.hook._log_and_record(elapsed_steps, elapsed_time, global_step)
        if self._batch_size is None:
            return
        rate = elapsed_steps * self._batch_size / elapsed_time
        if self.hook._summary_writer is not None:
            value = tf.Summary.Value(tag=self._rate_tag, simple_value=rate)
            self.hook._summary_writer.add_summary(tf.Summary(value=[value]), global_step)
        tf.logging.info('%s: %g', self._rate_tag, rate)

    def field(self, name: str) -> Any:
        # TensorFlow's field has the step before the run in which the hook last acted.
        last = self.timer.last_triggered_step()
        return None if last is None else last - 1

    def fields_to_leave(self, session: Any, runs: int | None) -> dict[str, Any]:
        fields = super().fields_to_leave(session, runs)
        if fields['_last_global_step'] is not None:
            fields['_last_global_step'] = (
                int(global_steps.read(session, self.hook._global_step_tensor)) - 1
            )
        return fields
