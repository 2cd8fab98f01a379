"""Locks for objects that may be copied and pickled."""

from __future__ import annotations

import threading
from typing import Any


class Lock:
    """A re-entrant lock. A copy or unpickled one is a new lock, which nobody holds."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._lock.release()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquires the lock; returns False if it was not free within `timeout` seconds."""
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        """Releases the lock."""
        self._lock.release()

    def __reduce__(self) -> Any:
        return Lock, ()
