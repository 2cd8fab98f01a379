"""Locks for objects that may be copied and pickled."""

from __future__ import annotations

import threading
from typing import Any


class Lock:
    """A re-entrant lock. A copy of what it protects has a lock of its own, which nobody holds."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._lock.release()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Takes it, if need be after waiting, in seconds; says whether it was taken."""
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        """Gives it back."""
        self._lock.release()

    def __reduce__(self) -> Any:
        return Lock, ()
