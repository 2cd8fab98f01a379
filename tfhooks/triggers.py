"""When something is due."""

from __future__ import annotations

import time
from typing import Any

from tfhooks import _arguments, steps
from tfhooks._tensorflow import originals, tf
from tfhooks.hook_types import Interchangeable


class SecondOrStepTimer(Interchangeable, tf.train.SecondOrStepTimer):
    """Says when something that is to happen every N seconds or every N steps is due.

    Stands for `tf.compat.v1.train.SecondOrStepTimer`. Never triggered yet, it is due at any step.
    Time is `time.monotonic()`, so setting the machine's clock changes nothing.
    """

    _original = originals.SecondOrStepTimer

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        """Makes a timer that has not triggered yet.

        Args:
          every_secs: The period in seconds, greater than 0. Exactly one of the two must be given.
          every_steps: The period in steps, at least 1.

        Raises:
          TypeError: A period is no number, or `every_steps` no whole one.
          ValueError: Both or neither are given, or a period is zero or negative.
        """
        self._set(type(self).__name__, every_secs=every_secs, every_steps=every_steps)

    @classmethod
    def of_hook(cls, hook: str, **periods: Any) -> SecondOrStepTimer:
        """The timer of a hook, whose errors are about the hook's arguments. Not in TensorFlow.

        Args:
          hook: The name of the hook's class.
          **periods: Its two periods under the names that it gives them, the seconds first.
        """
        timer = cls.__new__(cls)
        timer._set(hook, **periods)
        return timer

    def _set(self, owner: str, **periods: Any) -> None:
        (secs, every_secs), (count, every_steps) = periods.items()
        every_secs = _arguments.seconds(owner, secs, every_secs)
        every_steps = _arguments.whole(owner, count, every_steps)
        with _arguments.of(owner, **periods):
            super().__init__(every_secs, every_steps)

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether it is due at `step`, which is not the step at which it last triggered."""
        return self._last_triggered_step != step and self.is_due(step)

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Notes that it triggers now, at `step`.

        Returns:
          The seconds and the steps since it last triggered; None and None the first time.
        """
        now = time.monotonic()
        elapsed: tuple[float | None, int | None] = (None, None)
        if self._last_triggered_time is not None:
            elapsed = (now - self._last_triggered_time, step - self._last_triggered_step)
        self._last_triggered_time = now
        self._last_triggered_step = step
        return elapsed

    def is_due(self, step: int) -> bool:
        """Whether the period is over at `step`. Not in TensorFlow."""
        if self._last_triggered_step is None:
            return True
        if self._every_secs is not None:
            return bool(time.monotonic() >= self._last_triggered_time + self._every_secs)
        return bool(step >= self._last_triggered_step + self._every_steps)

    def may_be_due(self, run_context: Any, tensor: Any) -> bool:
        """Whether it may be due when the run about to be made has ended. Not in TensorFlow.

        Args:
          run_context: What `before_run` was given.
          tensor: The read of the global step, an integer scalar.
        """
        if self._last_triggered_step is None or self._every_secs is not None:
            return self.is_due(0)
        return self.is_due(steps.max_step_after(run_context, tensor))

    def may_be_due_by_now(self) -> bool:
        """Whether it may be due at some step: a period of seconds may be over. Not in TensorFlow.

        False saves the caller from reading the step.
        """
        return self._every_secs is None or self.is_due(0)

    def next_due(self, lead_secs: float = 0.0) -> steps.NextDue:
        """When it may be due next; see `tfhooks.steps.NextDue`. Not in TensorFlow.

        Args:
          lead_secs: How long before the end of the period to wake, in seconds: a run that begins
            before it and ends after it counts.
        """
        if self._last_triggered_step is None:
            return steps.ALWAYS
        if self._every_secs is not None:
            return steps.NextDue(time=self._last_triggered_time + self._every_secs - lead_secs)
        return steps.NextDue(step=self._last_triggered_step + self._every_steps)

    def rewind(self, step: int) -> bool:
        """Takes up the cadence again at `step` where a session was recovered. Not in TensorFlow.

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
