"""The context of one run, as a group's hooks see it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tfhooks._tensorflow import RunOptions, Session
from tfhooks.hook_types import SessionRunArgs, SessionRunContext
from tfhooks.steps import StepTracker


class RunContext(SessionRunContext):
    """A SessionRunContext that builds what hooks rarely ask for only when they ask.

    Attributes:
      runs: How many runs of the monitored session succeeded before this one.
      steps: What is known of the global step, or None where no hook needs it.
      weights_are_bad: Whether a hook found in this run that the weights must not be saved.
    """

    weights_are_bad = False
    _args: SessionRunArgs[Any] | None = None
    _stop = False

    def __init__(
        self,
        fetches: Any,
        feed_dict: Any,
        options: RunOptions | None,
        session: Session,
        steps: StepTracker | None,
        runs: int = 0,
    ) -> None:
        self._asked = (fetches, feed_dict, options)
        self._raw = session
        self.steps = steps
        self.runs = runs

    @property
    def original_args(self) -> SessionRunArgs[Any]:
        """What the caller asked for: the fetches, a copy of the feeds, a copy of the options."""
        if self._args is None:
            fetches, feed_dict, options = self._asked
            if isinstance(feed_dict, Mapping):
                feed_dict = copy.copy(feed_dict)
            if options is not None:
                given, options = options, RunOptions()
                options.CopyFrom(given)
            self._args = SessionRunArgs(fetches, feed_dict, options)
        return self._args

    @property
    def session(self) -> Session:
        """The raw `tf.compat.v1.Session` that runs."""
        return self._raw

    @property
    def stop_requested(self) -> bool:
        """Whether a hook has asked for a stop in this run."""
        return self._stop

    def request_stop(self) -> None:
        """Asks for a stop after this run."""
        self._stop = True
