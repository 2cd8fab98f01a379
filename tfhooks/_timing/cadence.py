"""The cadence of a hook: at multiples of a number of global steps, or every so many seconds."""

from __future__ import annotations

from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import NextDue
from tfhooks._base.locks import Lock
from tfhooks._tensorflow import global_step_read
from tfhooks._timing import global_steps
from tfhooks._timing.timer import SecondOrStepTimer


class Cadence:
    """Decides in which runs a hook is due. Several threads may use it.

    By steps it is due in the first run that ends at or after each multiple of the period. So a
    program that was killed and goes on from a checkpoint acts at the same steps as one that was
    not. By seconds it is due first when one period has gone by.

    Args:
      owner: The class of the hook, for messages.
      every_n_steps: The period in global steps, at least 1. Exactly one of the two must be given.
      every_n_secs: The period in seconds, greater than 0.

    Attributes:
      step_tensor: The read of the global step.

    Raises:
      TypeError: A period is of the wrong kind.
      ValueError: Not exactly one is given, or it is out of range.
    """

    def __init__(self, owner: str, every_n_steps: Any, every_n_secs: Any) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError(
                f'{owner}: exactly one of every_n_steps and every_n_secs must be given; '
                f'every_n_steps={every_n_steps!r}, every_n_secs={every_n_secs!r}'
            )
        self._owner = owner
        self._every_n_steps = arguments.whole(owner, 'every_n_steps', every_n_steps)
        self._timer = SecondOrStepTimer(
            every_secs=arguments.seconds(owner, 'every_n_secs', every_n_secs),
            every_steps=self._every_n_steps,
        )
        self._lock = Lock()
        self.step_tensor: Any = None

    def begin(self) -> None:
        """Resets the cadence, and finds the global step in the default graph.

        Raises:
          RuntimeError: The graph has no global step.
        """
        self._timer.reset()
        self.step_tensor = global_step_read()
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
        step = int(session.run(self.step_tensor))
        with self._lock:
            last = self._timer.last_triggered_step()
            if last is None or (self._every_n_steps is not None and step < last):
                self._timer.update_last_triggered_step(self._mark(step))
        return step

    def next_due(self) -> NextDue:
        """Returns when the hook may be due next; see `tfhooks.NextDue`."""
        return self._timer.next_due()

    def step_went_back(self, step: int) -> None:
        """Continues the cadence from `step`, to which the global step has gone back."""
        with self._lock:
            self._timer.rewind(step)

    def may_be_due(self, run_context: Any) -> bool:
        """True if the hook may be due when the run about to be made has ended."""
        return self._timer.may_be_due(run_context, self.step_tensor)

    def take(self, run_context: Any) -> int | None:
        """Returns the global step after the run if it is due and not taken yet, or None."""
        if self._every_n_steps is None and not self._timer.is_due(0):
            return None
        step = global_steps.after(run_context, self.step_tensor)
        with self._lock:
            if not self._timer.is_due(step):
                return None
            self._timer.update_last_triggered_step(self._mark(step))
        return step

    def _mark(self, step: int) -> int:
        return step if self._every_n_steps is None else step - step % self._every_n_steps
