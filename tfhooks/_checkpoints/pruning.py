"""Removes the old checkpoint that a Saver was about to remove when its process was killed.

A Saver writes the state file first, without the checkpoint that `max_to_keep` leaves no room for,
and removes that one afterwards. If the process is killed in between, the checkpoint stays, and no
later Saver knows of it. So its name is kept in a file during a save, and longer if it could not be
removed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from tfhooks._base import files
from tfhooks._checkpoints import checkpoint_files
from tfhooks._tensorflow import tf

_NOTE = 'checkpoint.leaving'
# A Saver with this `keep_checkpoint_every_n_hours`, or more, keeps none for good.
_KEEPS_NONE_HOURS = 10_000


@contextlib.contextmanager
def noted(saver: Any, save_path: str, step: int) -> Iterator[None]:
    """Context for a save: notes in a file the checkpoint that `saver` will remove."""
    leaving = _leaving(saver, f'{save_path}-{step}')
    remove_noted(save_path)
    note = os.path.join(os.path.dirname(save_path), _NOTE)
    if leaving is None:
        yield
        return
    # Without the note, a kill may leave a checkpoint too many; no reason for a save to fail.
    with contextlib.suppress(tf.errors.OpError):
        files.write_json(note, os.path.basename(leaving))
    try:
        yield
    except BaseException:
        files.remove(note)
        raise
    # A Saver that cannot remove a checkpoint forgets it, so the next save or start tries again.
    if not _is_there(leaving):
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
        state = tf.train.get_checkpoint_state(directory or '.')
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
