"""The older checkpoint that a Saver was about to remove when its process was killed.

A Saver writes the state file first, without the checkpoint that `max_to_keep` leaves no room for,
and removes that one afterwards. A process that is killed in between leaves it complete, and nothing
names it to a later Saver. So its name is noted in a file while a save lasts, and longer where it
could not be removed.
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
# Of a Saver that was not asked to keep some for good: more hours than a training has.
_KEEPS_NONE_HOURS = 10_000


@contextlib.contextmanager
def noted(saver: Any, save_path: str, step: int) -> Iterator[None]:
    """Keeps a note of the checkpoint that the save in this context makes `saver` remove."""
    leaving = _leaving(saver, f'{save_path}-{step}')
    remove_noted(save_path)
    note = os.path.join(os.path.dirname(save_path), _NOTE)
    if leaving is None:
        yield
        return
    # Without the note only what a kill leaves stays; no save fails for it.
    with contextlib.suppress(tf.errors.OpError):
        files.write_json(note, os.path.basename(leaving))
    try:
        yield
    except BaseException:
        files.remove(note)
        raise
    # A Saver goes on where it cannot remove it, and forgets it: the next save or start tries again.
    if not _is_there(leaving):
        files.remove(note)


def _is_there(path: str) -> bool:
    with contextlib.suppress(tf.errors.OpError):
        return bool(tf.gfile.Exists(f'{path}.index'))
    return True


def remove_noted(save_path: str) -> None:
    """Removes the checkpoint that a killed process has noted, unless the state file names it."""
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
