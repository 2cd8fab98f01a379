"""The context of one run, as a group's hooks see it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tfhooks._base.hook_types import SessionRunArgs, SessionRunContext
from tfhooks._tensorflow import RunOptions, Session
from tfhooks._timing.global_steps import StepTracker


class RunContext(SessionRunContext):
    """A SessionRunContext that builds what hooks rarely ask for only when they ask.

    Programs read and set TensorFlow's fields `_original_args`, `_session` and `_stop_requested`, so
    these are what its properties go by here, too. The feeds in `original_args` are the caller's own
    dict: what a hook puts into it takes part in the run.

    Programs keep things of their own on it, so what tfhooks keeps there has names that none has.

    Attributes:
      _tfhooks_runs: How many runs of the monitored session succeeded before this one.
      _tfhooks_steps: What is known of the global step, or None where no hook needs it.
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
        """What the caller asked for: the fetches, the feeds, a copy of the options."""
        fetches, feed_dict, options = self._tfhooks_asked
        if options is not None:
            given, options = options, RunOptions()
            options.CopyFrom(given)
        return SessionRunArgs(fetches, feed_dict, options)

    def note_stop(self, hook: str) -> None:
        """Keeps who asked for the stop; to be called where a hook has changed whether one is."""
        self._tfhooks_stopper = hook if self._stop_requested else None
