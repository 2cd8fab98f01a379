"""How many failures to save are only warned of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfhooks._tensorflow import tf
from tfhooks.errors import CheckpointSaveError


class Retries:
    """Counts the failures in a row of one saver.

    Args:
      allowed: How many of them are only warned of.
    """

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._failures = 0

    def reset(self) -> None:
        """Begins anew."""
        self._failures = 0

    def failed(self, error: CheckpointSaveError, *, last: bool) -> None:
        """Warns of a failure where another try is allowed and still to come, or else raises it.

        Args:
          error: What failed.
          last: Whether there is no other try.
        """
        self._failures += 1
        if last or self._failures > self._allowed:
            raise error
        tf.logging.warning(
            '%s This is failure %d of %d that are allowed in a row. The next try is when the next '
            'save is due.',
            error,
            self._failures,
            self._allowed,
        )

    def succeeded(self) -> bool:
        """Notes that something was saved; says whether there were failures before."""
        failures, self._failures = self._failures, 0
        return failures > 0

    def tolerate(self, action: Callable[[], Any]) -> None:
        """Runs what no work is lost without; where retries are allowed, a failure is a warning."""
        try:
            action()
        except CheckpointSaveError as error:
            if not self._allowed:
                raise
            tf.logging.warning('%s', error)
