"""The SessionRunContext that the hooks of one run are given."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tfhooks._base.hook_types import SessionRunArgs, SessionRunContext
from tfhooks._tensorflow import RunOptions, Session
from tfhooks._timing.global_steps import StepTracker


class RunContext(SessionRunContext):
    """A SessionRunContext that builds `original_args` only if a hook reads it.

    Programs read and set TensorFlow's fields `_original_args`, `_session` and `_stop_requested`, so
    its properties use these here, too. The feeds in `original_args` are the caller's own
    dict: what a hook puts into it takes part in the run.

    Programs keep attributes of their own on it, so those of tfhooks have a prefix.

    Attributes:
      _tfhooks_runs: How many runs of the monitored session succeeded before this one.
      _tfhooks_steps: Tracks the global step; None if no hook needs it.
      _tfhooks_weights_are_bad: Whether a hook found in this run that the weights must not be saved.
      _tfhooks_stopper: The name of the hook that asked for the stop, or None while none has.
    """

    _stop_requested = False
    _tfhooks_weights_are_bad = False
    _tfhooks_stopper: str | None = None

    def __init__(
        self,
        fetches: Any,
        feed_dict: Any,
        options: RunOptions | None,
        session: Session,
        steps: StepTracker | None,
        runs: int = 0,
    ) -> None:
        self._tfhooks_asked = (fetches, feed_dict, options)
        self._session = session
        self._tfhooks_steps = steps
        self._tfhooks_runs = runs

    @cached_property
    def _original_args(self) -> SessionRunArgs[Any]:
        """The caller's own request: the fetches, the feeds, a copy of the options."""
        fetches, feed_dict, options = self._tfhooks_asked
        if options is not None:
            given, options = options, RunOptions()
            options.CopyFrom(given)
        return SessionRunArgs(fetches, feed_dict, options)

    def note_stop(self, hook: str) -> None:
        """Notes that `hook` has requested a stop, or has taken that back."""
        self._tfhooks_stopper = hook if self._stop_requested else None
