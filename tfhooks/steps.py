"""The global step, as hooks see it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Wake(NamedTuple):
    """When a hook that sleeps wants to be called again.

    Attributes:
      step: The hook must be called in every run that may end at this global step or a later one.
      time: The hook must be called in every run that begins at this time or later, in seconds of
        `time.monotonic()`.
    """

    step: float = math.inf
    time: float = math.inf


NEVER = Wake()
ALWAYS = Wake(-math.inf, -math.inf)


def before(run_context: Any, tensor: Any) -> int:
    """The global step just before the run that `run_context` stands for, read exactly."""
    tracker = getattr(run_context, 'steps', None)
    if tracker is None:
        return int(run_context.session.run(tensor))
    return tracker.before(run_context)


def after(run_context: Any, tensor: Any) -> int:
    """The global step just after the run that `run_context` stands for, read exactly."""
    tracker = getattr(run_context, 'steps', None)
    if tracker is None:
        return int(run_context.session.run(tensor))
    return tracker.after(run_context)
