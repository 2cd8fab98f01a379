"""Counts failed saves and decides whether a failure is warned of or raised."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from tfhooks._base.errors import CheckpointSaveError
from tfhooks._tensorflow import tf

# Seconds. Each try that fails doubles it.
_FIRST_PAUSE = 10.0


class Retries:
    """Counts the failures in a row of one saver's due saves.

    A save that failed is tried again in the next run after a pause. Those tries do not count, so
    that they do not end a training sooner.

    Args:
      allowed: How many of them are only warned of.

    Attributes:
      failures: The number of failures since the last success.
      next_time: The earliest time of the next try, in seconds of `time.monotonic()`.
    """

    def __init__(self, allowed: int = 0) -> None:
        self._allowed = allowed
        self.reset()

    def reset(self) -> None:
        """Sets everything back to the state without failures."""
        self.failures, self._pause, self.next_time = 0, _FIRST_PAUSE, -math.inf

    def may_try(self) -> bool:
        """True if a failed save may be tried again now."""
        return time.monotonic() >= self.next_time

    def failed(self, error: CheckpointSaveError, hook: Any, counts: bool = True) -> None:
        """Warns of a failure if it is allowed, or else raises it.

        Args:
          error: The error. One that is not of a save of `hook`'s is raised.
          hook: The saver.
          counts: False for a try between due saves.
        """
        if error.hook is not hook:
            raise error
        self.failures += counts
        if self.failures > self._allowed:
            self.next_time = -math.inf
            raise error
        self.next_time = time.monotonic() + self._pause
        tf.logging.warning(
            '%s This is failure %d of %d that are allowed in a row. The next try is in %g seconds, '
            'or when the next save is due.',
            error,
            self.failures,
            self._allowed,
            self._pause,
        )
        self._pause *= 2

    def tolerate(self, action: Callable[[], Any]) -> None:
        """Runs an action that is not vital; warns of its failure if retries are allowed."""
        try:
            action()
        except CheckpointSaveError as error:
            if not self._allowed:
                raise
            tf.logging.warning('%s', error)
