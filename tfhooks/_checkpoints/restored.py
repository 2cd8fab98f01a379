"""The checkpoint that a session was restored from, noted on its coordinator."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfhooks._checkpoints import checkpoint_files
from tfhooks._tensorflow import Coordinator, tf

_RESTORED = '_tfhooks_restored'


class Restored(NamedTuple):
    """The checkpoint that a session was restored from, and its Saver.

    Attributes:
      path: The prefix of the checkpoint.
      saver: The Saver that restored it.
      kept: The prefixes of the checkpoints in its directory that a Saver goes on to keep or remove,
        the oldest first.
    """

    path: str
    saver: Any
    kept: list[str]


def mark_restored(coord: Coordinator, what: Restored | None) -> None:
    """Notes the checkpoint that the session of `coord` holds; None if it may have changed."""
    setattr(coord, _RESTORED, what)


def restored_from(coord: Coordinator | None) -> Restored | None:
    """The checkpoint that the session of a coordinator was restored from, and holds unchanged.

    Args:
      coord: The coordinator that `after_create_session` was given.

    Returns:
      None where nothing was restored, where it is not known what restored, and where a hook or a
      program may have changed variables since.
    """
    what: Restored | None = getattr(coord, _RESTORED, None)
    return what


def take_over_list(saver: Any, restored: Restored, save_path: str) -> None:
    """Gives a Saver that saves to `save_path` the list of the one that has restored.

    Without it `max_to_keep` would count anew.
    """
    if saver is restored.saver or not isinstance(saver, tf.train.Saver):
        return
    if saver.saver_def.max_to_keep and not saver.last_checkpoints:
        own = [p for p in restored.kept if checkpoint_files.step_of(p, save_path) is not None]
        checkpoint_files.take_over(saver, own)
