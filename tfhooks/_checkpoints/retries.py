"""Counts failed saves and decides whether a failure is warned of or raised."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
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
      next_time: The earliest time of the next try, in seconds of `time.monotonic()`.
    """

    def __init__(self, allowed: int = 0) -> None:
        self._allowed = allowed
        self.reset()

    def reset(self) -> None:
        """Sets everything back to the state without failures."""
        self._failures, self._pause, self.next_time = 0, _FIRST_PAUSE, -math.inf
        self._counts, self._is_last = True, False

    def may_try(self) -> bool:
        """True if a failed save may be tried again now."""
        return time.monotonic() >= self.next_time

    @contextlib.contextmanager
    def in_between(self) -> Iterator[None]:
        """Context for tries between due saves, whose failures do not count."""
        self._counts = False
        try:
            yield
        finally:
            self._counts = True

    def allow_no_more(self) -> None:
        """Makes `failed` raise each failure from now on, since no other try comes."""
        self._is_last = True

    def failed(self, error: CheckpointSaveError) -> None:
        """Warns of a failure if another try is allowed and still to come, or else raises it."""
        self._failures += self._counts
        if self._is_last or self._failures > self._allowed:
            self.next_time = -math.inf
            raise error
        self.next_time = time.monotonic() + self._pause
        tf.logging.warning(
            '%s This is failure %d of %d that are allowed in a row. The next try is in %g seconds, '
            'or when the next save is due.',
            error,
            self._failures,
            self._allowed,
            self._pause,
        )
        self._pause *= 2

    def succeeded(self) -> bool:
        """Notes that a save succeeded; returns whether there were failures before."""
        had_failed = self._failures > 0
        self._failures, self._pause, self.next_time = 0, _FIRST_PAUSE, -math.inf
        return had_failed

    def tolerate(self, action: Callable[[], Any]) -> None:
        """Runs an action that is not vital; warns of its failure if retries are allowed."""
        try:
            action()
        except CheckpointSaveError as error:
            if not self._allowed:
                raise
            tf.logging.warning('%s', error)
