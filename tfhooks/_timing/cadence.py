"""The cadence of a hook: every so many global steps, or every so many seconds."""

from __future__ import annotations

from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import NextDue
from tfhooks._base.locks import Lock
from tfhooks._tensorflow import global_step_read
from tfhooks._timing import global_steps
from tfhooks._timing.timer import SecondOrStepTimer


class Cadence:
    """Decides in which runs a hook is due: the first one, then a period after it last was due.

    Several threads may use it: each due run is given to one of them.

    Args:
      every_steps: The period in global steps, at least 1. Exactly one of the two must be given.
      every_secs: The period in seconds, greater than 0.

    Attributes:
      counts_steps: Whether the period is one of steps.
      step_tensor: The read of the global step; None for a period of seconds that needs none.
    """

    def __init__(self, every_steps: int | None, every_secs: float | None) -> None:
        self._timer = SecondOrStepTimer(every_secs=every_secs, every_steps=every_steps)
        self._lock = Lock()
        self.counts_steps = every_steps is not None
        self.step_tensor: Any = None

    def begin(self, step_tensor: Any) -> None:
        """Resets the cadence for a graph, whose read of the global step is given."""
        self._timer.reset()
        self.step_tensor = step_tensor

    def resume(self, session: Any) -> None:
        """Continues the cadence from an older step that a recovered session has gone back to."""
        if self.counts_steps and self._timer.last_triggered_step() is not None:
            self._timer.rewind(int(session.run(self.step_tensor)))

    def step_went_back(self, step: int) -> None:
        """Continues the cadence from `step`, to which the global step has gone back."""
        with self._lock:
            self._timer.rewind(step)

    def next_due(self) -> NextDue:
        """Returns when it may be due next; see `tfhooks.NextDue`."""
        return self._timer.next_due()

    def may_be_due(self, run_context: Any) -> bool:
        """Returns whether it may be due when the run about to be made has ended."""
        return self._timer.may_be_due(run_context, self.step_tensor)

    def take(self, run_context: Any) -> int | None:
        """Claims the run that has ended, if the hook is due and no other thread has claimed it.

        Returns:
          The global step after the run, 0 where there is no `step_tensor`; None if it is not due.
        """
        if not self._timer.may_be_due_by_now():
            return None
        tensor = self.step_tensor
        step = 0 if tensor is None else global_steps.after(run_context, tensor)
        with self._lock:
            if not self._timer.is_due(step):
                return None
            self._timer.update_last_triggered_step(self._mark(step))
        return step

    def _mark(self, step: int) -> int:
        """The step that the next period is counted from."""
        return step


class AlignedCadence(Cadence):
    """A cadence that is due in the first run that ends at or after each multiple of the period.

    So a program that was killed and goes on from a checkpoint acts at the same steps as one that
    was not. By seconds it is due first when one period has gone by.

    Args:
      owner: The class of the hook, for messages.
      every_n_steps: The period in global steps, at least 1. Exactly one of the two must be given.
      every_n_secs: The period in seconds, greater than 0.

    Raises:
      TypeError: A period is of the wrong kind.
      ValueError: Not exactly one is given, or it is out of range.
    """

    def __init__(self, owner: str, every_n_steps: Any, every_n_secs: Any) -> None:
        arguments.exactly_one(owner, every_n_steps=every_n_steps, every_n_secs=every_n_secs)
        self._owner = owner
        self._every_n_steps = arguments.whole(owner, 'every_n_steps', every_n_steps)
        super().__init__(
            self._every_n_steps, arguments.seconds(owner, 'every_n_secs', every_n_secs)
        )

    def begin_by_global_step(self) -> None:
        """Resets the cadence for the default graph.

        Raises:
          RuntimeError: The graph has no global step.
        """
        self.begin(global_step_read())
        if self.step_tensor is None:
            raise RuntimeError(
                f'{self._owner}.begin: the graph must have a global step; '
                'call tf.train.get_or_create_global_step()'
            )

    def start(self, session: Any) -> int:
        """Starts the cadence at the global step of a new session.

        Args:
          session: The raw session.

        Returns:
          The global step at which it starts.
        """
        step = int(global_steps.read(session, self.step_tensor))
        with self._lock:
            last = self._timer.last_triggered_step()
            if last is None or (self.counts_steps and step < last):
                self._timer.update_last_triggered_step(self._mark(step))
        return step

    def _mark(self, step: int) -> int:
        return step if self._every_n_steps is None else step - step % self._every_n_steps
