"""Makes sessions refuse to run in a fork, where TensorFlow has no threads and no run returns."""

from __future__ import annotations

import os
import weakref
from typing import Any

from tfhooks._base import log

ADVICE = (
    "TensorFlow's threads are not in a fork, and a run in it never returns. Start processes by "
    "multiprocessing.get_context('spawn'), or before the first session is made."
)
# By id(), since a program's subclass may not be hashable.
_sessions: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_made_in: int | None = None


def watch(session: Any) -> None:
    """Makes a monitored session refuse to run in forks of this process.

    Warns where this process is itself a fork of one that had a session.

    Args:
      session: The session, which is about to be made. Its `_is_forked` is called in a fork.
    """
    global _made_in
    if _made_in is None:
        _made_in = os.getpid()
    elif _made_in != os.getpid():
        log.warning(
            'A session is made in process %d, a fork of %d, in which one was made before. %s',
            os.getpid(),
            _made_in,
            ADVICE,
        )
    _sessions[id(session)] = session


def _in_child() -> None:
    for session in list(_sessions.values()):
        session._is_forked(
            f'it was made in process {os.getppid()}, and this is process {os.getpid()}, a fork of '
            'that'
        )
    _sessions.clear()


if hasattr(os, 'register_at_fork'):  # Windows has no forks.
    os.register_at_fork(after_in_child=_in_child)
