"""SecondOrStepTimer: triggers every so many seconds or steps."""

from __future__ import annotations

import math
import time
from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import ALWAYS, Interchangeable, NextDue
from tfhooks._tensorflow import originals, tf
from tfhooks._timing import global_steps

# Attributes that no subclass has: the last trigger by both clocks, and the object to tell of
# changes.
_MARK = '_tfhooks_mark'
WATCHER = '_tfhooks_watcher'


class SecondOrStepTimer(Interchangeable, tf.train.SecondOrStepTimer):
    """A timer that is due every N seconds or every N steps.

    Stands for `tf.compat.v1.train.SecondOrStepTimer`. Until it triggers, it is due at any step.
    It uses `time.monotonic()`, so that setting the machine's clock changes nothing, unless a
    program sets TensorFlow's field `_last_triggered_time`, which is wall time.

    Example:
      ```python
      timer = tfhooks.SecondOrStepTimer(every_steps=10)
      for step in range(25):
          if timer.should_trigger_for_step(step):
              timer.update_last_triggered_step(step)
      print(timer.last_triggered_step())  # 20
      ```
    """

    _original = originals.SecondOrStepTimer

    def __init__(self, every_secs: float | None = None, every_steps: float | None = None) -> None:
        """Makes a timer that has not triggered yet.

        Args:
          every_secs: The period in seconds; 0 for every time. Exactly one of the two must be given.
          every_steps: The period in steps; 0 for every step.

        Raises:
          TypeError: A period is no number.
          ValueError: Both or neither are given, or a period is negative.
        """
        self._set(type(self).__name__, every_secs=every_secs, every_steps=every_steps)

    @classmethod
    def of_hook(cls, hook: str, **periods: Any) -> SecondOrStepTimer:
        """Makes the timer of a hook, whose errors name the hook's arguments. Not in TensorFlow.

        Args:
          hook: The name of the hook's class.
          **periods: Its two periods under the names that it gives them, the seconds first.
        """
        timer = cls.__new__(cls)
        timer._set(hook, **periods)
        return timer

    def _set(self, owner: str, **periods: Any) -> None:
        for name, period in periods.items():
            arguments.period(owner, name, period)
        every_secs, every_steps = periods.values()
        with arguments.of(owner, **periods):
            super().__init__(every_secs, every_steps)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        watcher = vars(self).get(WATCHER)
        if watcher is not None:
            watcher.note_change()

    def should_trigger_for_step(self, step: int) -> bool:
        """True if it is due at `step`, and did not trigger at that step."""
        began = self._triggered()
        if began is None or self._every_secs is None:
            return bool(super().should_trigger_for_step(step))
        return bool(
            self._last_triggered_step != step and time.monotonic() >= began + self._every_secs
        )

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Notes that it triggers now, at `step`.

        Returns:
          The seconds and the steps since it last triggered; None and None the first time.
        """
        began, now = self._triggered(), time.monotonic()
        elapsed: tuple[Any, Any] = super().update_last_triggered_step(step)
        vars(self)[_MARK] = self._last_triggered_time, now
        return elapsed if began is None or elapsed[0] is None else (now - began, elapsed[1])

    def _triggered(self) -> float | None:
        """The time of the last trigger by the monotonic clock; None if only wall time is known."""
        wall, monotonic = vars(self).get(_MARK, (None, None))
        if self._last_triggered_step is None or wall is not self._last_triggered_time:
            return None
        return float(monotonic)

    # Not in TensorFlow.

    def is_regular(self) -> bool:
        """True if the period is a positive number of seconds or a whole number of steps."""
        if self._every_secs is not None:
            return bool(self._every_secs > 0 and math.isfinite(self._every_secs))
        return bool(self._every_steps >= 1 and self._every_steps == int(self._every_steps))

    def is_due(self, step: int) -> bool:
        """True if the period is over at `step`."""
        if self._last_triggered_step is None:
            return True
        if self._every_secs is not None:
            return time.monotonic() >= self._due_time()
        return bool(step >= self._last_triggered_step + self._every_steps)

    def _due_time(self) -> float:
        began = self._triggered()
        if began is None:
            began = time.monotonic() - (time.time() - self._last_triggered_time)
        return float(began + self._every_secs)

    def may_be_due(self, run_context: Any, tensor: Any) -> bool:
        """True if it may be due when the run about to be made has ended.

        Args:
          run_context: What `before_run` was given.
          tensor: The read of the global step, an integer scalar.
        """
        if self._last_triggered_step is None or self._every_secs is not None:
            return self.is_due(0)
        return self.is_due(global_steps.max_step_after(run_context, tensor))

    def may_be_due_by_now(self) -> bool:
        """True if it may be due at some step; False saves the caller from reading the step."""
        return self._every_secs is None or self.is_due(0)

    def next_due(self) -> NextDue:
        """Returns when it is due next; see `tfhooks.NextDue`."""
        if self._last_triggered_step is None:
            return ALWAYS
        if self._every_secs is not None:
            return NextDue(time=self._due_time())
        return NextDue(step=self._last_triggered_step + self._every_steps)

    def rewind(self, step: int) -> bool:
        """Continues the cadence from `step`, to which the global step has gone back.

        A timer of steps is then due at the same steps as if training had gone on without a break.

        Returns:
          Whether `step` is before the step at which it last triggered.
        """
        last = self._last_triggered_step
        if last is None or step >= last:
            return False
        if self._every_steps is not None:
            periods = -((step - last) // self._every_steps)
            self._last_triggered_step = last - periods * self._every_steps
        else:
            self._last_triggered_step = step
        return True
