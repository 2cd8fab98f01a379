"""Finds the newest checkpoint of a directory, also of one that was moved or copied.

The state file `checkpoint` names checkpoints by paths that may be absolute: of another machine, or
of the directory that this one was copied from. Such a path stands for the checkpoint of the same
base name beside the state file. The state file itself may be missing or damaged.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from tfhooks._base import files, log
from tfhooks._checkpoints import checkpoint_files, saved_tensors
from tfhooks._checkpoints.saved_tensors import UnknownSaverError, could_restore
from tfhooks._tensorflow import tf

# The default `checkpoint_basename` of savers.
_BASENAME = 'model.ckpt'


class Found(NamedTuple):
    """The checkpoints of a directory.

    Attributes:
      path: The prefix of the newest checkpoint, or None where nothing names one.
      kept: The prefixes of the checkpoints in the directory that a Saver goes on to keep or remove,
        the oldest first. Those elsewhere are not this training's to remove.
    """

    path: str | None
    kept: list[str]


def latest(directory: str) -> str | None:
    """The prefix of the newest checkpoint that the state file in `directory` names, or None.

    Like `tf.train.latest_checkpoint`, but a checkpoint beside the state file comes before the one
    at the path in it.
    """
    state = checkpoint_files.state_of(directory)
    return None if state is None else _meant(directory, state.model_checkpoint_path)


def look(directory: str, saver: Any, graph: Any) -> Found:
    """Finds the checkpoint that a session is to be restored from.

    Args:
      directory: The directory of the checkpoints.
      saver: The Saver that will restore.
      graph: Its graph.

    Raises:
      ValueError: The state file names a checkpoint that is neither there nor beside it.
    """
    state = checkpoint_files.state_of(directory)
    if state is None:
        return _unnamed(directory, saver, graph)
    named = state.model_checkpoint_path
    path = _meant(directory, named)
    if path is None:
        raise ValueError(
            'The checkpoint that the state file names is neither there nor beside the state file, '
            f'so training would begin anew; checkpoint_dir={directory!r}, '
            f'model_checkpoint_path={named!r}, in the directory={_names_of_all(directory)}. Copy '
            "it there, or write the name of another one into the file 'checkpoint', or remove all "
            'of them.'
        )
    if path != named:
        log.warning('The state file in %s names %s: %s is restored.', directory, named, path)
    all_paths = (_within(directory, each) for each in state.all_model_checkpoint_paths)
    kept = [each for each in all_paths if each is not None]
    return Found(path, kept)


def check_directory(directory: str) -> None:
    """Raises if a path is no directory.

    Raises:
      ValueError: It is a checkpoint or another file.
    """
    if tf.gfile.IsDirectory(directory):
        return
    prefix = checkpoint_files.prefix_of(directory)
    if checkpoint_files.what_is_missing(prefix) is None:
        raise ValueError(
            'checkpoint_dir must be a directory, and this is a checkpoint in one; '
            f'checkpoint_dir={directory!r}. To go on from the newest checkpoint of its directory, '
            f'give checkpoint_dir={os.path.dirname(prefix)!r}; to begin from this one, '
            f'ChiefSessionCreator(checkpoint_filename_with_path={prefix!r}).'
        )
    if tf.gfile.Exists(directory):
        raise ValueError(
            f'checkpoint_dir must be a directory, and this is a file; checkpoint_dir={directory!r}.'
        )


def check_fit(path: str, name: str, saver: Any, graph: Any) -> None:
    """Raises if a checkpoint lacks a variable or has another shape or dtype for one.

    TensorFlow names only the first such variable, after others may have been restored, and gives a
    resource variable the shape that it finds. Savers with ops of another builder, or with a
    `restore` of their own, are left to TensorFlow.

    Args:
      path: The prefix of the checkpoint.
      name: A name by which TensorFlow can read it.
      saver: The Saver that will restore.
      graph: Its graph.

    Raises:
      tf.errors.NotFoundError: A variable is not in it.
      tf.errors.InvalidArgumentError: One has another shape or dtype there.
    """
    if getattr(type(saver), 'restore', None) is not tf.train.Saver.restore:
        return
    try:
        fit = saved_tensors.fit(name, saver, graph)
    except (UnknownSaverError, tf.errors.OpError, ValueError, RuntimeError):
        return  # TensorFlow reports unreadable files when it restores.
    if not fit.missing and not fit.different:
        return
    kind = tf.errors.NotFoundError if fit.missing else tf.errors.InvalidArgumentError
    lines = [*fit.missing, *fit.different, *fit.unexpected]
    raise kind(
        None,
        None,
        'The checkpoint does not fit the model: each variable must be in it with its shape and '
        f'dtype; checkpoint={path!r}. Nothing is restored. Train in another checkpoint_dir, with a '
        'RestoreHook for what fits, or restore with the model that was saved:\n'
        + '\n'.join(f'  {line}' for line in lines),
    )


def damage(path: str, error: Exception) -> Exception | None:
    """Returns the error to raise if `error` came of a damaged checkpoint, or None.

    Args:
      path: The prefix of the checkpoint that was being restored.
      error: What TensorFlow raised.

    Returns:
      A NotFoundError or DataLossError like `error`; a DataLossError in the place of an
      OutOfRangeError, which loops take for the end of data.
    """
    missing = checkpoint_files.what_is_missing(path)
    # The op of an initialiser may read other files.
    reader = getattr(getattr(error, 'op', None), 'type', 'Restore')
    if (
        missing is None
        and isinstance(error, tf.errors.DataLossError)
        and reader.startswith('Restore')
    ):
        missing = 'its data is not what was written'
    if missing is None:
        return None
    others = [
        os.path.basename(each)
        for each in _all(os.path.dirname(path))
        if files.key(each) != files.key(path) and checkpoint_files.what_is_missing(each) is None
    ]
    is_lost = isinstance(error, tf.errors.NotFoundError)
    kind = tf.errors.NotFoundError if is_lost else tf.errors.DataLossError
    told: Exception = kind(
        None,
        None,
        f'The checkpoint is damaged: {missing}; checkpoint={path!r}, whole ones beside '
        f'it={others}. Copy its files again, or write the name of another one into the file '
        "'checkpoint'.",
    )
    return told


def name_newest(path: str, saver: Any) -> None:
    """Makes the state file beside `path` name it as the newest checkpoint.

    Raises:
      tf.errors.OpError: The file cannot be written.
    """
    paths = [each for each in saver.last_checkpoints if each != path] + [path]
    checkpoint_files.write_state(os.path.dirname(path), [os.path.basename(p) for p in paths])
    checkpoint_files.take_over(saver, paths)


def _meant(directory: str, named: str) -> str | None:
    """The checkpoint that a path in the state file stands for, or None."""
    return _within(directory, named) or (named if checkpoint_files.exists(named) else None)


def _within(directory: str, named: str) -> str | None:
    """The checkpoint in `directory` that a path in its state file stands for, or None."""
    own = files.key(directory) + os.sep
    if files.key(named).startswith(own) and checkpoint_files.exists(named):
        return named
    # A path written on Windows has backslashes.
    for base in (os.path.basename(named), re.split(r'[\\/]', named)[-1]):
        path = os.path.join(directory, base)
        if base and checkpoint_files.exists(path):
            return path
    return None


def _unnamed(directory: str, saver: Any, graph: Any) -> Found:
    """Finds the newest checkpoint in a directory without a readable state file."""
    if not tf.gfile.IsDirectory(directory):
        return Found(None, [])
    numbered = []
    for prefix in _all(directory):
        match = re.fullmatch(rf'{re.escape(_BASENAME)}-(\d+)', os.path.basename(prefix))
        if match and checkpoint_files.what_is_missing(prefix) is None:
            numbered.append((int(match[1]), prefix))
    for _, prefix in sorted(numbered, reverse=True):
        if could_restore(prefix, saver, graph):
            log.warning(
                'There is no readable state file in %s, but checkpoints of this model: %s is '
                'restored. To begin anew, remove them or take another directory.',
                directory,
                prefix,
            )
            # Nothing says which of the others a Saver would remove.
            return Found(prefix, [prefix])
    found = _names_of_all(directory)
    if found:
        log.warning(
            'Training begins anew in %s, where checkpoints lie that no state file names, and not '
            'all of whose variables are those of this model: %s. Those of the same name will be '
            'replaced.',
            directory,
            found,
        )
    return Found(None, [])


def _all(directory: str) -> list[str]:
    """The prefixes of files in `directory` that may be checkpoints."""
    # The format before TensorFlow 1.0 is one file without an extension.
    single = [
        os.path.join(directory, name)
        for name in files.names(directory)
        if re.fullmatch(rf'{re.escape(_BASENAME)}-\d+', name)
    ]
    return sorted({*checkpoint_files.prefixes(directory), *single})


def _names_of_all(directory: str) -> list[str]:
    return [os.path.basename(prefix) for prefix in _all(directory)]
