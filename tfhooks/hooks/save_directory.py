"""One directory, one saver."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import Any

from tfhooks import log
from tfhooks._tensorflow import originals, saves_to
from tfhooks.hooks.checkpoint_files import directory_key

_claims: dict[str, Claim] = {}
_lock = threading.Lock()


class Claim:
    """Says that a hook saves into a directory, for as long as its session is open.

    Args:
      directory: The directory.
      hook: The hook.
      name: What an error calls the hook.
      session: The session that the hook saves.
      coord: The Coordinator of the session, or None.

    Raises:
      ValueError: Another hook of an open session saves into the directory.
    """

    def __init__(self, directory: str, hook: Any, name: str, session: Any, coord: Any) -> None:
        self._key = directory_key(directory)
        self._hook = weakref.ref(hook)
        self._session = weakref.ref(session)
        self._coord = coord
        self.name = name
        with _lock:
            other = _claims.get(self._key)
            if other is not None and other._holds_against(hook):
                raise ValueError(
                    f'Two savers must not share a directory: {other.name} and {name} both save '
                    f'into checkpoint_dir={directory!r}. Give one of them another directory, or '
                    'leave one out: MonitoredTrainingSession makes a saver of its own unless '
                    'save_checkpoint_secs=None and save_checkpoint_steps=None. A saver of an '
                    'earlier session is in the way until that session is closed.'
                )
            _claims[self._key] = self

    def release(self) -> None:
        """Lets another hook save into the directory."""
        with _lock:
            if _claims.get(self._key) is self:
                del _claims[self._key]

    def _holds_against(self, hook: Any) -> bool:
        mine = self._hook()
        if mine is None or mine is hook or self._session() is None:
            return False
        # A session that fails is closed without a word to its hooks; its coordinator is stopped.
        return self._coord is None or not self._coord.should_stop()


def warn_of_shared(hooks: Iterable[tuple[str, Any]]) -> None:
    """Warns of TensorFlow's own savers beside others in one directory.

    Two hooks with one Saver do no harm: it knows what it has written. tfhooks' hooks claim their
    directory themselves.

    Args:
      hooks: The hooks of a session, each with its name.
    """
    found: dict[str, tuple[str, Any]] = {}
    for name, hook in hooks:
        parts = saves_to(hook) if isinstance(hook, originals.CheckpointSaverHook) else None
        if parts is None:
            continue
        directory, saver = parts
        other, other_saver = found.setdefault(directory_key(directory), (name, saver))
        if saver is not other_saver:
            log.warning(
                '%s and %s both save into %s, with a Saver each: they remove and replace '
                "each other's checkpoints. Give one of them another directory, or both one Saver.",
                other,
                name,
                directory,
            )
