"""The end of training at a global step."""

from __future__ import annotations

import contextlib
from typing import Any

from tfhooks import _arguments, steps
from tfhooks._tensorflow import tf
from tfhooks.hook_types import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks.hooks._last_steps import LastSteps
from tfhooks.hooks._subclasses import replaces_runs
from tfhooks.roles import Role


class StopAtStepHook(tf.train.StopAtStepHook, SessionRunHook[None]):
    """Requests a stop when the global step has reached a number.

    Stands for `tf.compat.v1.train.StopAtStepHook`. Where training has reached its last step
    already, `should_stop()` is true from the start.

    Workers that train asynchronously overshoot the last step, each but one by the run that it has
    on its way. Where each of them has the hook with its `role`, they do not: near the end they stop
    one after another, and the chief makes the last steps alone. Each one's `should_stop()` becomes
    true when the global step is there. That is exact if no run adds more than one step and each
    worker runs in one thread. Who has been killed is waited for `grace_secs` at the end.
    """

    def __init__(
        self,
        num_steps: int | None = None,
        last_step: int | None = None,
        *,
        role: Role | None = None,
        grace_secs: float = 60,
    ) -> None:
        """Makes the hook. Exactly one of the first two must be given.

        Args:
          num_steps: How many global steps to train, counted from the step at which the session
            starts; a recovered session does not count anew.
          last_step: The global step, after its increment, at which to stop.
          role: What this process is in a cluster that trains asynchronously, as `tfhooks.role()` or
            `tfhooks.role(server)` gives it, for a stop at exactly `last_step`.
          grace_secs: How long to wait for other workers near the end while nothing comes from any
            of them, in seconds. Those that are waited for in vain are named in a warning.

        Raises:
          TypeError: An argument is no whole number, or `role` no Role.
          ValueError: Both or neither are given, or one is negative, or `role` comes with
            `num_steps`, which each worker counts from a start of its own.
        """
        num_steps = _arguments.whole('StopAtStepHook', 'num_steps', num_steps, least=0)
        last_step = _arguments.whole('StopAtStepHook', 'last_step', last_step, least=0)
        with _arguments.of('StopAtStepHook', num_steps=num_steps, last_step=last_step):
            super().__init__(num_steps=num_steps, last_step=last_step)
        _arguments.is_a('StopAtStepHook', 'role', role, (Role, type(None)), 'a tfhooks.Role')
        if role is not None and last_step is None:
            raise ValueError(f'StopAtStepHook: role needs last_step; num_steps={num_steps}')
        if _arguments.seconds('StopAtStepHook', 'grace_secs', grace_secs) is None:
            raise TypeError('StopAtStepHook: grace_secs must be a number of seconds; got None')
        self._last_steps = LastSteps.of(role, grace_secs)
        self._coord: Any = None
        self._given_last_step = last_step
        self._knows_advance = False

    def begin(self) -> None:
        """Counts anew.

        Raises:
          RuntimeError: The graph has no global step.
        """
        super().begin()
        self._last_step = self._given_last_step
        if self._last_steps is not None:
            self._last_steps.build(tf.train.get_global_step())

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Requests a stop of `coord` if there is nothing left to train."""
        super().after_create_session(session, coord)
        self._knows_advance = False
        self._coord = coord
        if self._last_steps is not None:
            self._last_steps.join(session)
            if not self._may_run(session) and coord is not None:
                coord.request_stop()
        elif coord is not None and int(session.run(self._global_step_tensor)) >= self._last_step:
            coord.request_stop()

    def next_due(self) -> steps.NextDue:
        """When it may have to stop; see `tfhooks.steps.NextDue`."""
        if self._last_steps is not None:
            return steps.NextDue(step=self._last_step - self._last_steps.near)
        # The first run teaches how far a run goes.
        return steps.NextDue(step=self._last_step) if self._knows_advance else steps.ALWAYS

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Any] | None:
        """Asks for nothing: `after_run` reads the step by a run of its own."""
        if replaces_runs(self, StopAtStepHook):
            return SessionRunArgs(self._global_step_tensor)
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        """Requests a stop at the last step."""
        self._knows_advance = True
        step = steps.after(run_context, self._global_step_tensor)
        if self._last_steps is None:
            if step >= self._last_step:
                run_context.request_stop()
        elif step + self._last_steps.near > self._last_step and not self._may_run(
            run_context.session
        ):
            run_context.request_stop()

    def end(self, session: Any) -> None:
        """Tells the other workers, if there are any, that this one trains no more."""
        if self._last_steps is not None and session is not None:
            # Where that cannot be had any more, they find out in `grace_secs`.
            with contextlib.suppress(tf.errors.OpError, RuntimeError):
                self._last_steps.leave(session)

    def on_error(self, session: Any, error: BaseException) -> None:
        """As `end`: this worker trains no more."""
        self.end(session)

    def _may_run(self, session: Any) -> bool:
        assert self._last_steps is not None
        return self._last_steps.may_run(session, self._last_step, self._stopped)

    def _stopped(self) -> bool:
        asked = getattr(self._coord, 'asked_to_stop', None)
        return bool(asked and asked()) or (self._coord is not None and self._coord.should_stop())
