"""StopAtStepHook: ends training at a global step."""

from __future__ import annotations

from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import NextDue, SupportsStepNotIncreased
from tfhooks._run.stock_hooks import FastWay, StockHook
from tfhooks._tensorflow import tf
from tfhooks._timing import global_steps

# Fewer runs between two steps are no mistake, as where gradients are accumulated.
_STUCK_RUNS = 100


class StopAtStepHook(StockHook, tf.train.StopAtStepHook):
    """Requests a stop when the global step has reached a number.

    Stands for `tf.compat.v1.train.StopAtStepHook`. Where training has reached its last step
    already, `should_stop()` of tfhooks' sessions is true from the start.

    Example:
      ```python
      with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(last_step=10)]) as session:
          while not session.should_stop():
              session.run(train_op)
          print(session.run_without_hooks(tf.train.get_global_step()))  # 10
      ```
    """

    def __init__(self, num_steps: float | None = None, last_step: float | None = None) -> None:
        """Makes the hook. Exactly one of the two must be given.

        Args:
          num_steps: How many global steps to train, counted from the step at which the session
            starts; a recovered session does not count anew.
          last_step: The global step, after its increment, at which to stop.

        Raises:
          TypeError: An argument is no number.
          ValueError: Both or neither are given, or one is negative.
        """
        arguments.period('StopAtStepHook', 'num_steps', num_steps)
        arguments.period('StopAtStepHook', 'last_step', last_step)
        with arguments.of('StopAtStepHook', num_steps=num_steps, last_step=last_step):
            super().__init__(num_steps=num_steps, last_step=last_step)
        _StopAtStep(self, StopAtStepHook)


class _StopAtStep(FastWay, SupportsStepNotIncreased):
    _counts_anew = False
    _stuck = 0, 0

    def begin(self) -> None:
        super().begin()
        self._stuck = 0, 0
        if self.hook._num_steps is not None:
            vars(self.hook)['_last_step'] = None

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._counts_anew = self.hook._last_step is None
        with self.own_writes():
            self.tensorflow.after_create_session(session, coord)

    def session_is_ready(self, session: Any, coord: Any) -> None:
        step = int(global_steps.read(session, self.hook._global_step_tensor))
        if self._counts_anew:
            # A hook after this one may have restored another step.
            vars(self.hook)['_last_step'] = step + self.hook._num_steps
            self._counts_anew = False
        if step >= self.hook._last_step:
            coord.request_stop()

    def next_due(self) -> NextDue:
        return NextDue(step=self.hook._last_step)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if global_steps.after(run_context, self.hook._global_step_tensor) >= self.hook._last_step:
            run_context.request_stop()

    def step_went_back(self, step: int) -> None:
        pass

    def step_not_increased(self, step: int) -> None:
        """Counts runs that leave the global step unchanged, and warns of a loop that never ends."""
        stuck_at, runs = self._stuck
        self._stuck = step, runs + 1 if step == stuck_at else 1
        if self._stuck[1] == _STUCK_RUNS:
            tf.logging.warning(
                'StopAtStepHook: %d runs in a row have left the global step at %d, and where none '
                'increases it, training does not stop at %d. Pass '
                'global_step=tf.train.get_or_create_global_step() to minimize() or '
                'apply_gradients().',
                _STUCK_RUNS,
                step,
                self.hook._last_step,
            )
