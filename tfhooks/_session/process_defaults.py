"""Defaults for every session of the process, beside the arguments that it is given.

They serve to run a program unchanged: `python -m tfhooks --save-on-error ...` sets them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

# Save also when the loop ends by an exception; see `tfhooks.MonitoredSession`.
save_on_error = False
# On SIGTERM or SIGINT save and end normally.
save_on_preemption = False
# Each is called for each session, and returns a hook that comes after the session's own.
hooks: list[Callable[[], Any]] = []


def with_hooks(own: Iterable[Any] | None) -> Iterable[Any] | None:
    """Returns the hooks of a session, followed by those that every session has."""
    if not hooks:
        return own
    from tfhooks._run.members import validate_hooks

    return [*validate_hooks(own), *(make() for make in hooks)]


def watches_signals() -> bool:
    """True if a session that is being made now is to watch signals: only in the main thread."""
    return save_on_preemption and threading.current_thread() is threading.main_thread()
