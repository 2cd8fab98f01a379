"""The end of training at a global step."""

from __future__ import annotations

from typing import Any

from tfhooks import _arguments, steps
from tfhooks._tensorflow import tf
from tfhooks.hook_types import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


class StopAtStepHook(tf.train.StopAtStepHook, SessionRunHook[None]):
    """Requests a stop when the global step has reached a number.

    Stands for `tf.compat.v1.train.StopAtStepHook`. Where training has reached its last step
    already, `should_stop()` is true from the start.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        """Makes the hook. Exactly one of the two must be given.

        Args:
          num_steps: How many global steps to train, counted from the step at which the session
            starts; a recovered session does not count anew.
          last_step: The global step, after its increment, at which to stop.

        Raises:
          TypeError: An argument is no whole number.
          ValueError: Both or neither are given, or one is negative.
        """
        num_steps = _arguments.whole('StopAtStepHook', 'num_steps', num_steps, least=0)
        last_step = _arguments.whole('StopAtStepHook', 'last_step', last_step, least=0)
        super().__init__(num_steps=num_steps, last_step=last_step)
        self._given_last_step = last_step
        self._knows_advance = False

    def begin(self) -> None:
        """Counts anew.

        Raises:
          RuntimeError: The graph has no global step.
        """
        super().begin()
        self._last_step = self._given_last_step

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Requests a stop of `coord` if there is nothing left to train."""
        super().after_create_session(session, coord)
        self._knows_advance = False
        if coord is not None and int(session.run(self._global_step_tensor)) >= self._last_step:
            coord.request_stop()

    def wakes_at(self) -> steps.Wake:
        """When it may have to stop; see `tfhooks.steps.Wake`."""
        # The first run teaches how far a run goes.
        return steps.Wake(step=self._last_step) if self._knows_advance else steps.ALWAYS

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[None] | None:
        """Asks for nothing: `after_run` reads the step by a run of its own."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        """Requests a stop at the last step."""
        self._knows_advance = True
        if steps.after(run_context, self._global_step_tensor) >= self._last_step:
            run_context.request_stop()
