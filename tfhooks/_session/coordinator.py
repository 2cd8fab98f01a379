"""The coordinator of a session's threads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfhooks._base import log
from tfhooks._tensorflow import tf

if TYPE_CHECKING:
    from tfhooks._tensorflow import Coordinator as _Base
else:
    _Base = tf.train.Coordinator


class Coordinator(_Base):
    """`tf.compat.v1.train.Coordinator` that also takes an exception outside its `except` block.

    Attributes:
      asked_to_stop: Whether the session was asked to stop, by a signal or its caller. Its threads
        go on until it is closed, but a long wait should end.
    """

    asked_to_stop: Callable[[], bool] = staticmethod(lambda: False)

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        """Makes the coordinator.

        Args:
          clean_stop_exception_types: Exceptions that end the threads without being errors.
        """
        super().__init__(clean_stop_exception_types)
        self._threads: list[Any] = []

    def register_thread(self, thread: Any) -> None:
        """Adds a thread that `join` waits for."""
        super().register_thread(thread)
        self._threads.append(thread)

    def join(
        self,
        threads: Any = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits for threads as TensorFlow's does, and warns of those that have not ended.

        Args:
          threads: Threads beside the registered ones.
          stop_grace_period_secs: How long to wait after a stop was requested, in seconds.
          ignore_live_threads: Whether to warn only, instead of raising RuntimeError as well.
        """
        threads = None if threads is None else list(threads)  # It may be a generator.
        known = [*self._threads, *(threads or ())]
        try:
            super().join(threads, stop_grace_period_secs, ignore_live_threads)
        finally:
            names = sorted(thread.name for thread in known if thread.is_alive())
            if names:
                log.warning(
                    'These threads have not ended %.1f seconds after they were asked to: %s',
                    stop_grace_period_secs,
                    ', '.join(names),
                )

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop.

        Args:
          ex: The exception to raise again in the main thread, or `sys.exc_info()`, or None.
            TensorFlow takes an exception only inside the `except` that caught it.
        """
        error = ex[1] if isinstance(ex, tuple) and len(ex) == 3 else ex
        if self.joined and isinstance(error, tf.errors.CancelledError):
            # A late thread waited for something that ended with the session.
            log.info('A thread has ended with its session: %s', error)
            return
        if isinstance(ex, BaseException) and sys.exc_info()[1] is not ex:
            ex = (type(ex), ex, ex.__traceback__)
        super().request_stop(ex)
