"""State of hooks that fetch in the run in which they are due: TensorFlow's `_next_step`."""

from __future__ import annotations

from typing import Any

from tfhooks._run.stock_hooks import FastWay
from tfhooks._timing import global_steps


class NextStepWay(FastWay):
    """The fast way of a hook that has TensorFlow's fields `_next_step` and `_request_summary`.

    Attributes:
      next_step: The step at which TensorFlow's hook expects the next run to end, or None where it
        is the first.
      is_requested: Whether the hook fetched something in the last run that it was called in.
    """

    lazy = ('_next_step', '_request_summary')
    decides_after_run = False
    next_step: int | None = None
    is_requested = False

    def begin(self) -> None:
        super().begin()
        with self.own_writes():
            self.timer.reset()
        self.next_step, self.is_requested = None, False

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self.timer.last_triggered_step() is not None:
            self.step_went_back(int(global_steps.read(session, self.hook._global_step_tensor)))

    def field(self, name: str) -> Any:
        return self.is_requested if name == '_request_summary' else self.next_step

    def fields_to_leave(self, session: Any, runs: int | None) -> dict[str, Any]:
        if self.next_step is not None:  # Runs may have been made since.
            self.next_step = int(global_steps.read(session, self.hook._global_step_tensor)) + 1
        return super().fields_to_leave(session, runs)
