"""TimeLimitHook: ends training before the time is up."""

from __future__ import annotations

import math
import os
import time
from typing import Any, Literal

from tfhooks._base import arguments, log
from tfhooks._base.hook_types import (
    NextDue,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    SupportsNextDue,
)
from tfhooks._base.locks import Lock

_NAME = 'TimeLimitHook'


class TimeLimitHook(SessionRunHook[None], SupportsNextDue):
    """Requests a stop when a time limit comes near, so that training saves and ends in order.

    Not in TensorFlow. The run that is being made then is the last: it is not cut off. Where the
    time is up when a session is made, `should_stop()` is true from the start.

    Example:
      ```python
      limit = tfhooks.TimeLimitHook(secs=0.1)  # Of a job that may run ten hours: secs=10 * 3600.
      with tfhooks.MonitoredTrainingSession(checkpoint_dir=directory, hooks=[limit]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(session.stop_reason.who)  # TimeLimitHook
      ```
    """

    decides_after_run = True

    def __init__(
        self,
        secs: float,
        margin_secs: float = 0.0,
        *,
        since: Literal['begin', 'process'] | float = 'begin',
    ) -> None:
        """Makes the hook.

        Args:
          secs: The limit in seconds, greater than 0.
          margin_secs: How much earlier to stop, in seconds, at least 0 and less than `secs`: the
            time that the last save and the end of the program may take.
          since: The start of the limit: 'begin', when the session is made; 'process', when
            this process was started, imports included (Linux only); or a Unix time in seconds, as
            a queue gives it for the start of a job.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: A value is out of range, or the start of the process cannot be known here.
        """
        limit = arguments.seconds(_NAME, 'secs', secs)
        if limit is None:
            raise TypeError(f'{_NAME}: secs must be a number of seconds; secs=None')
        arguments.number(_NAME, 'margin_secs', margin_secs)
        if not 0 <= margin_secs < limit:
            raise ValueError(
                f'{_NAME}: margin_secs must be at least 0 and less than secs; '
                f'margin_secs={margin_secs!r}, secs={secs!r}'
            )
        self._limit = limit
        self._secs = limit - float(margin_secs)
        self._since: Any = _checked_since(since)
        self._lock = Lock()
        self._reset()

    def _reset(self) -> None:
        self._deadline = math.inf
        self._told = False

    def begin(self) -> None:
        """Resets the hook, and computes when the time is up."""
        self._reset()
        age = 0.0
        if self._since == 'process':
            age = _process_age()
        elif not isinstance(self._since, str):
            age = time.time() - self._since
        self._deadline = time.monotonic() - age + self._secs

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Requests a stop of `coord` if the time is up already."""
        if time.monotonic() >= self._deadline:
            self._tell()
            if coord is not None:
                coord.request_stop()

    def next_due(self) -> NextDue:
        """Returns when the time is up; see `tfhooks.NextDue`."""
        return NextDue(time=self._deadline)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        """Requests a stop if the time is up."""
        if time.monotonic() >= self._deadline:
            self._tell()
            run_context.request_stop()

    def _tell(self) -> None:
        with self._lock:
            told, self._told = self._told, True
        if not told:
            log.info(
                '%s: %g of %g seconds are over. Training stops.', _NAME, self._secs, self._limit
            )


def _checked_since(since: Any) -> Any:
    if since == 'process':
        _process_age()
    elif since != 'begin':
        arguments.number(_NAME, 'since', since, "'begin', 'process' or a Unix time")
        if not math.isfinite(since):
            raise ValueError(f'{_NAME}: since must be a finite Unix time; since={since!r}')
    return since


def _process_age() -> float:
    """The seconds since this process was started.

    Raises:
      ValueError: It cannot be known on this system.
    """
    try:
        with open('/proc/self/stat', encoding='utf-8', errors='replace') as file:
            # The name of the program, in parentheses, may hold spaces; 22 is the start in ticks.
            fields = file.read().rpartition(')')[2].split()
        started = int(fields[22 - 3]) / os.sysconf('SC_CLK_TCK')
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError):
        raise ValueError(
            f"{_NAME}: since='process' needs /proc, which this system has not. "
            'Give a Unix time instead.'
        ) from None
