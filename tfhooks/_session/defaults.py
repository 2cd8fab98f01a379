"""What every session of the process does beside what it was asked for.

For who runs a program of somebody else's: `python -m tfhooks --save-on-error ...` sets it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

# Save also when the loop ends by an exception; see `tfhooks.MonitoredSession`.
save_on_error = False
# On SIGTERM or SIGINT save and end normally.
save_on_preemption = False
# Each is called for each session, and makes a hook that comes after the session's own.
hooks: list[Callable[[], Any]] = []


def with_hooks(own: Iterable[Any] | None) -> Iterable[Any] | None:
    """The hooks of a session, with those that every session has."""
    if not hooks:
        return own
    from tfhooks._run.members import validate_hooks

    return [*validate_hooks(own), *(make() for make in hooks)]


def watches_signals() -> bool:
    """Whether a session that is being made now is to watch signals: not outside the main thread."""
    return save_on_preemption and threading.current_thread() is threading.main_thread()
