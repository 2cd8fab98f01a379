"""Recovery of a lost session: the number of tries, the waits between them, and the log lines."""

from __future__ import annotations

import dataclasses
import math
import random
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tfhooks._base import log
from tfhooks._base.errors import PREEMPTION_ERRORS
from tfhooks._tensorflow import Coordinator, tf

_T = TypeVar('_T')

# Set on the coordinator of a session that was made by recovery; see `is_recovery`.
_MARK = '_tfhooks_recovered'


@dataclasses.dataclass(frozen=True)
class RecoveryPolicy:
    """The limits and the waits of the attempts to make a lost session again.

    After `tf.errors.AbortedError` or `tf.errors.UnavailableError` a new session is made and the
    step run again, at once the first time; then with waits that double, and that have a random part
    so that workers do not all come back at once. A step that succeeds ends the count.

    Attributes:
      tries: Attempts in a row before the original error is raised; at least 1.
      first_wait_secs: The wait after the first failed attempt, in seconds.
      max_wait_secs: The longest wait, in seconds.
      give_up_secs: No attempt begins later than this after the first one began, in seconds, even if
        there are tries left; None for no limit but `tries`.

    Raises:
      TypeError: `tries` is no int, or a time is no number.
      ValueError: `tries` is below 1, or a time is negative.

    Example:
      ```python
      policy = tfhooks.RecoveryPolicy(tries=3, first_wait_secs=1, give_up_secs=60)
      with tfhooks.MonitoredTrainingSession(checkpoint_dir=directory, recovery=policy) as session:
          session.run(train_op)
      ```
    """

    tries: int = 10
    first_wait_secs: float = 0.5
    max_wait_secs: float = 60.0
    give_up_secs: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.tries, bool) or not isinstance(self.tries, int):
            raise TypeError(f'RecoveryPolicy: tries must be an int. got tries={self.tries!r}')
        if self.tries < 1:
            raise ValueError(f'RecoveryPolicy: tries must be at least 1. got tries={self.tries}')
        for name in ('first_wait_secs', 'max_wait_secs', 'give_up_secs'):
            value = getattr(self, name)
            if name == 'give_up_secs' and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f'RecoveryPolicy: {name} must be a number. got {name}={value!r}')
            if not value >= 0:
                raise ValueError(f'RecoveryPolicy: {name} must not be negative. got {name}={value}')

    def attempt(
        self, what: str, action: Callable[[], _T], stops: Callable[[], bool] | None = None
    ) -> _T:
        """Calls `action` until it raises no preemption error, at most `tries` times.

        Args:
          what: What is attempted, for the log.
          action: What may fail.
          stops: Returns whether a stop was requested, which ends the waiting.

        Raises:
          tf.errors.AbortedError, tf.errors.UnavailableError: The last attempt's, when `tries` or
            `give_up_secs` are used up.
        """
        begun, number = time.monotonic(), 0
        limit = math.inf if self.give_up_secs is None else begun + self.give_up_secs
        while True:
            number += 1
            try:
                return action()
            except PREEMPTION_ERRORS as error:
                now = time.monotonic()
                if number >= self.tries or now >= limit:
                    if self.tries > 1:
                        log.error(
                            'Gave up to %s after %d of %d attempts in %.1f seconds: %s',
                            *(what, number, self.tries, now - begun, summary(error)),
                        )
                    raise
                wait = min(self._backoff(number), limit - now)
                log.warning(
                    'Attempt %d of %d to %s failed: %s. Next attempt in %.1f seconds.',
                    *(number, self.tries, what, summary(error), wait),
                )
                _sleep(wait, stops)

    def _backoff(self, number: int) -> float:
        """The wait after an attempt, in seconds; its random part keeps workers apart."""
        wait = self.first_wait_secs * 2.0 ** min(number - 1, 60)
        return min(wait + _RANDOM.uniform(0, self.first_wait_secs), self.max_wait_secs)


# Not the one that a program seeds, alike in all workers.
_RANDOM = random.SystemRandom()

# How often a wait checks for a requested stop.
_LOOK_EVERY_SECS = 0.2

# TensorFlow's own lines, which people search their logs for.
_WHILE_RUN = 'An error was raised.'
_WHILE_ASKED = 'An error was raised while considering whether the session is complete.'
_WHILE_MADE = 'An error was raised while a session was being created.'
_WHILE_CLOSED = 'An error occurred when attempting to close the session.'
_CAUSE = 'This may be due to a preemption in a connected worker or parameter server.'
_CAUSE_WHILE_MADE = 'This may be due to a preemption of a connected worker or parameter server.'
_CLOSED = 'The current session will be closed and a new session will be created.'
_MADE = 'A new session will be created.'
_ADVICE = (
    'This error may also occur due to a gRPC failure caused by high memory or network bandwidth '
    'usage in the parameter servers. If this error occurs repeatedly, try increasing the number of '
    'parameter servers assigned to the job. Error: %s'
)


def log_lost(error: Exception) -> None:
    """Logs that a run lost the session, which is made again."""
    tf.logging.info(' '.join([_WHILE_RUN, _CAUSE, _CLOSED, _ADVICE]), error)
    log.warning('The session was lost and is made again: %s', summary(error))


def log_lost_unasked(error: Exception) -> None:
    """Logs that a thread lost the session, which is made again."""
    tf.logging.info(' '.join([_WHILE_ASKED, _CAUSE, _CLOSED, _ADVICE]), error)
    log.warning('The session was lost and is made again: %s', summary(error))


def log_not_created(error: Exception) -> None:
    """Logs that a session could not be made, and will be tried again."""
    tf.logging.info(' '.join([_WHILE_MADE, _CAUSE_WHILE_MADE, _MADE, _ADVICE]), error)


def log_not_closed(error: Exception) -> None:
    """Logs that a session could not be closed, which hinders nothing."""
    tf.logging.error(' '.join([_WHILE_CLOSED, _CAUSE, 'Error: %s']), error)


# The task of the cluster, in the text that gRPC adds to a message.
_REMOTE = re.compile(r'remote target (/job:\S+)')


def summary(error: Any) -> str:
    """The class of an error, the first line of its message, and the task that it comes from."""
    text = str(getattr(error, 'message', error)).strip()
    text = text.removeprefix('Graph execution error:').strip()
    first = text.partition('\n')[0]
    remote = _REMOTE.search(text)
    place = f' ({remote[1]})' if remote and remote[1] not in first else ''
    return f'{type(error).__name__}: {first}{place}'


def _sleep(seconds: float, stops: Callable[[], bool] | None) -> None:
    """Waits, but stops waiting when the session is asked to stop."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not (stops and stops()):
        time.sleep(min(left, _LOOK_EVERY_SECS))


def mark_recovered(coord: Coordinator) -> None:
    setattr(coord, _MARK, True)


def is_recovery(coord: Coordinator) -> bool:
    """True if a hook's `after_create_session` is called because a session was recovered.

    Args:
      coord: The coordinator that `after_create_session` was given.

    Returns:
      False for the first session of a monitored session, True for each one after it.

    Example:
      ```python
      class SayWhenItBegins(tfhooks.SessionRunHook):
          def after_create_session(self, session, coord):
              if not tfhooks.is_recovery(coord):
                  print('training begins')  # training begins

      with tfhooks.MonitoredSession(hooks=[SayWhenItBegins()]) as session:
          session.run(train_op)
      ```
    """
    return bool(getattr(coord, _MARK, False))
