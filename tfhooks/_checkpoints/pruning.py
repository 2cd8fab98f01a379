"""Lets a Saver remove exactly the old checkpoint that it means, even if it is killed meanwhile.

A Saver takes the name of an old checkpoint for a pattern: for one in `run[1]` it removes files in
`run1`, and none in `run[1]` or behind doubled slashes. It writes the state file first, without the
checkpoint that `max_to_keep` leaves no room for, and removes that one afterwards. If the process is
killed in between, the checkpoint stays, and no later Saver knows of it. So its name is kept in a
file during a save, and longer if it could not be removed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from tfhooks._base import files
from tfhooks._checkpoints import checkpoint_files
from tfhooks._tensorflow import pruning_by, tf

_NOTE = 'checkpoint.leaving'
# A Saver with this `keep_checkpoint_every_n_hours`, or more, keeps none for good.
_KEEPS_NONE_HOURS = 10_000


@contextlib.contextmanager
def guarded(saver: Any, save_path: str, step: int, check: Callable[[str], None]) -> Iterator[None]:
    """Context for a save by `saver`, which may remove an old checkpoint.

    Args:
      saver: The Saver.
      save_path: The prefix of the checkpoints' names.
      step: The global step, which completes the name.
      check: Called before anything is removed with the prefix of the new checkpoint. If it raises,
        so does `saver.save`, and nothing is removed.
    """

    def checked(prefix: str) -> str:
        check(saver.last_checkpoints[-1])
        return checkpoint_files.pattern_of(prefix)

    remove_noted(save_path)
    note = os.path.join(os.path.dirname(save_path), _NOTE)
    leaving = _leaving(saver, f'{save_path}-{step}')
    if leaving is not None:
        # Without the note, a kill may leave a checkpoint too many; no reason for a save to fail.
        with contextlib.suppress(tf.errors.OpError):
            files.write_json(note, os.path.basename(leaving))
    is_done = False
    try:
        with pruning_by(saver, checked):
            yield
        is_done = True
    finally:
        # A Saver that cannot remove a checkpoint forgets it, so the next save or start tries again.
        if leaving is not None and not (is_done and _is_there(leaving)):
            files.remove(note)


def _is_there(path: str) -> bool:
    with contextlib.suppress(tf.errors.OpError):
        return bool(tf.gfile.Exists(f'{path}.index'))
    return True


def remove_noted(save_path: str) -> None:
    """Removes the checkpoint that a killed process noted, unless the state file names it."""
    directory = os.path.dirname(save_path)
    note = os.path.join(directory, _NOTE)
    if not tf.gfile.Exists(note):
        return
    with contextlib.suppress(tf.errors.OpError, ValueError):
        name = files.read_json(note)
        state = checkpoint_files.state_of(directory)
        if state is not None and files.is_name(name):
            kept = [os.path.basename(path) for path in state.all_model_checkpoint_paths]
            newest = os.path.join(directory, os.path.basename(state.model_checkpoint_path))
            prefix = os.path.join(directory, name)
            if (
                name not in kept
                and checkpoint_files.step_of(prefix, save_path) is not None
                and checkpoint_files.what_is_missing(newest) is None
            ):
                checkpoint_files.remove_parts(prefix)
    files.remove(note)


def _leaving(saver: Any, path: str) -> str | None:
    if not isinstance(saver, tf.train.Saver):
        return None
    keep = saver.saver_def.max_to_keep
    others: list[str] = [each for each in saver.last_checkpoints if each != path]
    if not keep or len(others) < keep:
        return None
    if saver.saver_def.keep_checkpoint_every_n_hours < _KEEPS_NONE_HOURS:
        return None
    return others[0]
