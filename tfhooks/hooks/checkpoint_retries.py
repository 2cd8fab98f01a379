"""How many failures to save are only warned of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from tfhooks._tensorflow import tf
from tfhooks.errors import CheckpointSaveError
from tfhooks.steps import NextDue
from tfhooks.triggers import SecondOrStepTimer

# Seconds. Each try that fails doubles it.
_FIRST_PAUSE = 10.0


class Retries:
    """Counts the failures in a row of one saver: of saves that were due.

    After a pause a save that failed is tried again in the next run; those tries do not count, so
    that more of them do not end a training sooner.

    Args:
      allowed: How many of them are only warned of.
    """

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self.reset()

    def reset(self) -> None:
        """Begins anew."""
        self._failures = 0
        self._pause = _FIRST_PAUSE
        self._between = False
        self._next_time = math.inf

    def next_due(self, wake: NextDue) -> NextDue:
        """When to save or to try again, given when the next save is due."""
        return wake._replace(time=min(wake.time, self._next_time))

    def may_try(self) -> bool:
        """Whether what failed may be tried again although the next save is not due yet."""
        return self._next_time != math.inf and time.monotonic() >= self._next_time

    def has_turn(self, is_due: bool) -> bool:
        """Whether to save now, given whether it is due; if not, it is a try in between."""
        self._between = not is_due and self.may_try()
        return is_due or self._between

    def failed(
        self, error: CheckpointSaveError, timer: SecondOrStepTimer, step: int, *, last: bool
    ) -> None:
        """Warns of a failure where another try is allowed and still to come, or else raises it.

        Args:
          error: What failed.
          timer: Says when the next save is due; a try in between leaves it as it is.
          step: The global step that was not saved.
          last: Whether there is no other try.
        """
        between, self._between = self._between, False
        self._failures += not between
        if last or self._failures > self._allowed:
            raise error
        self._next_time = time.monotonic() + self._pause
        tf.logging.warning(
            '%s This is failure %d of %d that are allowed in a row. The next try is in %g seconds, '
            'or when the next save is due.',
            error,
            self._failures,
            self._allowed,
            self._pause,
        )
        self._pause *= 2
        if not between:
            timer.update_last_triggered_step(step)

    def succeeded(self) -> bool:
        """Notes that something was saved; says whether there were failures before."""
        failures = self._failures
        self.reset()
        return failures > 0

    def tolerate(self, action: Callable[[], Any]) -> None:
        """Runs what no work is lost without; where retries are allowed, a failure is a warning."""
        try:
            action()
        except CheckpointSaveError as error:
            if not self._allowed:
                raise
            tf.logging.warning('%s', error)
