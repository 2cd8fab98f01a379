"""Writes one checkpoint: complete, or not at all."""

from __future__ import annotations

import itertools
import os
from typing import Any

from tfhooks import checkpoints
from tfhooks._tensorflow import restore_saver_lists, saver_lists, tf
from tfhooks.errors import checkpoint_save_error
from tfhooks.hooks import checkpoint_files
from tfhooks.hooks.save_directory import other_saver
from tfhooks.hooks.saved_tensors import holds_what_is_saved

# The session is gone, not the disk. Sessions recover from these.
_LOST_SESSION = (tf.errors.AbortedError, tf.errors.UnavailableError)


def the_saver() -> Any:
    """The one Saver of the default graph's collection.

    Raises:
      RuntimeError: There is none, or more than one.
    """
    key = tf.GraphKeys.SAVERS
    savers = tf.get_collection(key)
    if not savers:
        raise RuntimeError(
            f'No items in collection {key}. Please add a saver to the collection or provide a '
            'saver or scaffold.'
        )
    if len(savers) > 1:
        raise RuntimeError(
            f'More than one item in collection {key}. Please indicate which one to use by passing '
            'it to the constructor.'
        )
    return savers[0]


def write_checkpoint(
    saver: Any, session: Any, save_path: str, step: int, write_meta_graph: bool, hook: Any
) -> str | None:
    """Lets `saver` save `session`, and makes sure of the result.

    Args:
      saver: A Saver.
      session: What `saver.save` takes as a session.
      save_path: The prefix of the checkpoints' names.
      step: The global step, which completes the name.
      write_meta_graph: Whether a `.meta` file is written.
      hook: Who saves, for the error.

    Returns:
      The prefix of the checkpoint, or None where the saver has no variables.

    Raises:
      CheckpointSaveError: It could not be written. What was written of it is removed, and all
        older checkpoints are there.
    """
    path = f'{save_path}-{step}'
    other_saver(os.path.dirname(save_path))
    before = saver_lists(saver)
    was_there = bool(checkpoint_files.parts(path)) and not checkpoint_files.what_is_missing(path)
    try:
        with checkpoint_files.pruning(saver):
            written: str | None = saver.save(
                session, save_path, global_step=step, write_meta_graph=write_meta_graph
            )
        if written is None:
            return None
        path = written
        missing = checkpoint_files.what_is_missing(path)
        if missing:
            raise tf.errors.DataLossError(None, None, f'what was written is damaged: {missing}')
        if not checkpoint_files.is_latest(path) and not other_saver(os.path.dirname(path)):
            raise tf.errors.DataLossError(None, None, 'the state file does not name what was saved')
        return path
    except _LOST_SESSION:
        restore_saver_lists(saver, before)
        raise
    except Exception as error:
        if checkpoint_files.what_is_missing(path):
            checkpoint_files.remove(path)
            restore_saver_lists(saver, before)
        elif checkpoint_files.is_latest(path):
            # Only its graph is missing: it may be the one checkpoint that the Saver kept.
            checkpoint_files.remove(path, keep_parts=True)
        elif was_there:
            # An older one of the same step, which the save has not come to replace.
            checkpoint_files.remove(path, keep_parts=True)
            restore_saver_lists(saver, before)
        else:
            checkpoint_files.remove(path)
            restore_saver_lists(saver, before)
        who = type(hook).__name__
        raise checkpoint_save_error(
            f'{who} could not save a checkpoint: path={path!r}, step={step}, '
            f'cause={type(error).__name__}: {_short(error)}\n{_what_to_do(error, save_path)}',
            error,
            hook=hook,
            path=path,
            step=step,
        ) from error


def write_graph(definition: Any, directory: str, hook: Any) -> None:
    """Writes `graph.pbtxt`.

    Raises:
      CheckpointSaveError: It could not be written.
    """
    try:
        tf.train.write_graph(definition, directory, 'graph.pbtxt')
    except Exception as error:
        path = os.path.join(directory, 'graph.pbtxt')
        raise checkpoint_save_error(
            f'{type(hook).__name__} could not write the graph: path={path!r}, '
            f'cause={type(error).__name__}: {_short(error)}\nLook at the directory, its free '
            'space and its permissions, or pass save_graph_def=False.',
            error,
            hook=hook,
            path=path,
        ) from error


def was_restored(saver: Any, session: Any, save_path: str, step: int) -> bool:
    """Whether the checkpoint of this step holds what a save would write now.

    If so, the state file names it as the newest one afterwards, under a path of this machine.
    """
    try:
        path = checkpoints.latest(os.path.dirname(save_path))
        if path is None or checkpoint_files.step_of(path, save_path) != step:
            # An older one may have been asked for.
            path = f'{save_path}-{step}'
        if checkpoint_files.what_is_missing(path):
            return False
        # At step 0 the variables may as well be fresh ones beside another run's checkpoint.
        if not holds_what_is_saved(path, saver, session, in_full=step <= 0):
            return False
        if not checkpoint_files.is_latest(path):
            checkpoints.name_newest(path, saver)
        return True
    except (tf.errors.OpError, ValueError, RuntimeError):
        return False


def _short(error: Exception) -> str:
    """What `error` says, without where in the program the op was made: the Saver made it."""
    lines = str(error).split('\n\nOriginal stack trace')[0].splitlines()
    for before, line in itertools.pairwise(lines):
        if '[[{{node' in line:
            return before.strip()
    return lines[0] if lines else ''


def _what_to_do(error: Exception, save_path: str) -> str:
    directory = os.path.dirname(save_path)
    other = other_saver(directory)
    if other is not None:
        return (
            f'Another process saves into {directory!r}, too, and may have removed or replaced its '
            f'files: {other}. Give checkpoint_dir to one of them only.'
        )
    if not tf.gfile.IsDirectory(directory):
        return f'The directory {directory!r} is gone: make sure it stays while training runs.'
    if isinstance(error, tf.errors.PermissionDeniedError):
        advice = f'Give this process the right to write into {directory!r}.'
    elif isinstance(error, (tf.errors.ResourceExhaustedError, tf.errors.OutOfRangeError)):
        advice = f'Free space in {directory!r}, or raise the limit on the size of files.'
    else:
        advice = f'Look at {directory!r}: its free space, its permissions.'
    return f'{advice} Older checkpoints are still there; save_retries= lets training go on.'


def warn_of_bad_weights(save_path: str, step: int, reason: str) -> None:
    """Says that a checkpoint is left out, and why."""
    tf.logging.warning(
        'No checkpoint is saved for %d into %s, since the weights are bad: %s.',
        step,
        save_path,
        reason,
    )
