"""Checks whether the files of a checkpoint are complete, and removes what failed saves left.

A checkpoint is a prefix, such as `model.ckpt-20`, and the files that begin with it. Its name is
never taken for a pattern, but for the end of the names that sharded checkpoints had before
TensorFlow 1.0: `model.ckpt-20-?????-of-00002`.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import tempfile
from collections.abc import Iterator
from typing import Any

from tfhooks._base import files
from tfhooks._checkpoints import claims
from tfhooks._tensorflow import tf

_UNFINISHED = rf'(\.tempstate\d+|{files.UNFINISHED})'
_PART = r'\.(index|meta|data-\d{5}-of-\d{5})'
_SHARD = re.compile(r'\.data-(\d{5})-of-(\d{5})$')
_OLD_SHARDS = re.compile(r'-\?{5}-of-(\d{5})$')
# Files beside the checkpoints, as a process that is killed leaves them unfinished.
_BESIDE = rf'(checkpoint|checkpoint\.leaving|graph\.pbtxt|\.tfhooks_saver){files.UNFINISHED}'


def parts(prefix: str) -> list[str]:
    """The finished files of the checkpoint at `prefix`."""
    return _files_of(prefix, _PART)


def _old_files(prefix: str) -> list[str]:
    """The files of a checkpoint in the format before TensorFlow 1.0: one, or one for each shard.

    A newer one has its graph in a `.meta` file as well.
    """
    return [] if prefix_of(prefix) != prefix else _files_of(*_old_name(prefix))


def _old_name(prefix: str) -> tuple[str, str]:
    sharded = _OLD_SHARDS.search(prefix)
    if sharded is None:
        return prefix, ''
    return prefix[: sharded.start()], rf'-\d{{5}}-of-{sharded[1]}'


def _files_of(prefix: str, rest: str) -> list[str]:
    directory, base = os.path.split(prefix)
    return [
        os.path.join(directory, name)
        for name in files.names(directory)
        if name.startswith(base) and re.fullmatch(rest, name[len(base) :])
    ]


def prefix_of(path: str) -> str:
    """The prefix of the checkpoint that a file belongs to; any other path as it is."""
    return re.sub(f'{_PART}$', '', path)


def exists(prefix: str) -> bool:
    """True if there is a checkpoint at `prefix`, of any format, complete or not."""
    return tf.gfile.Exists(f'{prefix}.index') or bool(_old_files(prefix))


@contextlib.contextmanager
def readable(prefix: str) -> Iterator[str]:
    """Context that gives a name by which TensorFlow can read the checkpoint at `prefix`.

    TensorFlow looks for a checkpoint by its name as a pattern, and then opens it by its name as it
    is, so that nothing in a directory like `run[1]` is found. Such a checkpoint is read through
    links in a temporary directory of this machine, or copies where it is not on this machine.
    """
    stem, rest = _old_name(prefix)
    if not files.is_pattern(stem):
        yield files.single_slashes(prefix)
        return
    with tempfile.TemporaryDirectory() as directory:
        alias = os.path.join(directory, 'model.ckpt')
        for path in {*parts(stem), *_old_files(prefix)}:
            _link(path, alias + os.path.basename(path)[len(os.path.basename(stem)) :])
        yield alias + prefix[len(stem) :] if rest else alias


def _link(path: str, target: str) -> None:
    path = path.removeprefix('file://')
    if '://' in path:
        tf.gfile.Copy(path, target)
    else:
        os.symlink(os.path.abspath(path), target)


def take_over(saver: Any, prefixes: list[str]) -> None:
    """Calls `saver.recover_last_checkpoints`, also for names that TensorFlow takes for patterns."""
    if any(pattern_of(prefix) != prefix for prefix in prefixes):
        times = [(prefix, _modified(prefix)) for prefix in prefixes]
        saver.set_last_checkpoints_with_time([each for each in times if each[1] is not None])
    else:
        saver.recover_last_checkpoints(prefixes)


def _modified(prefix: str) -> float | None:
    for path in (f'{prefix}.index', *_old_files(prefix)):
        with contextlib.suppress(tf.errors.OpError):
            return files.modified(path)
    return None


def pattern_of(prefix: str) -> str:
    """The pattern that TensorFlow takes for the files of the checkpoint at `prefix` alone."""
    stem, _ = _old_name(prefix)
    return files.pattern_of(stem) + prefix[len(stem) :]


def what_is_missing(prefix: str) -> str | None:
    """Says why the checkpoint at `prefix` is not complete, or returns None if it is.

    The index is read in full. Of the data, only the presence of all shards and their sizes are
    checked against the index, since reading a large checkpoint costs as much as writing it.
    """
    sharded = _OLD_SHARDS.search(prefix)
    if sharded:
        count = len(_old_files(prefix))
        return None if count == int(sharded[1]) else f'{count} of {int(sharded[1])} files are there'
    try:
        with readable(prefix) as name:
            reader = tf.train.NewCheckpointReader(name)
            shapes = reader.get_variable_to_shape_map()
            dtypes = reader.get_variable_to_dtype_map()
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        return f'its index cannot be read ({type(error).__name__}: {error})'
    sizes: dict[int, list[int]] = {}
    try:
        for path in parts(prefix):
            shard = _SHARD.search(path)
            if shard:
                sizes.setdefault(int(shard[2]), []).append(int(tf.gfile.Stat(path).length))
    except tf.errors.OpError as error:
        return f'its data cannot be read ({error})'
    if not sizes:
        # The format before TensorFlow 1.0 keeps index and data in one file.
        return None if tf.gfile.Exists(prefix) else 'its data file is not there'
    # A save with another number of shards may have left its own under this name.
    complete = [sum(found) for count, found in sizes.items() if len(found) == count]
    if not complete:
        count, found = next(iter(sizes.items()))
        return f'{len(found)} of {count} data files are there'
    needed = sum(map(_bytes, shapes.values(), map(dtypes.get, shapes)))
    if max(complete) < needed:
        return f'its data files hold {max(complete)} bytes of {needed}'
    return None


def prefixes(directory: str) -> list[str]:
    """The prefixes of all checkpoint files in `directory`, complete or not."""
    found = {}
    for name in files.names(directory):
        match = re.fullmatch(rf'(.+?){_PART}{_UNFINISHED}?', name)
        if match:
            found[match[1]] = os.path.join(directory, match[1])
    return sorted(found.values())


def step_of(prefix: str, save_path: str) -> int | None:
    """The global step in the name of `prefix`, or None where it was not saved to `save_path`."""
    if files.key(os.path.dirname(prefix)) != files.key(os.path.dirname(save_path)):
        return None
    match = re.fullmatch(
        rf'{re.escape(os.path.basename(save_path))}-(\d+)',
        _OLD_SHARDS.sub('', os.path.basename(prefix)),
    )
    return int(match[1]) if match else None


def _bytes(shape: list[int], dtype: Any) -> int:
    try:
        return math.prod(shape) * int(tf.as_dtype(dtype).size)
    except TypeError:  # Strings and variants have no size of their own.
        return 0


def state_of(directory: str) -> Any:
    """The content of the state file in `directory`; None if there is none, or an unreadable one."""
    try:
        return tf.train.get_checkpoint_state(directory or '.')
    except ValueError:  # It is empty.
        return None


def write_state(directory: str, names: list[str]) -> None:
    """Writes a state file, by which `names` are the checkpoints of `directory`, the newest last.

    Raises:
      tf.errors.OpError: The file cannot be written.
    """
    state = tf.train.generate_checkpoint_state_proto(os.sep, names[-1], names)
    files.write_text(os.path.join(directory, 'checkpoint'), str(state))


def is_latest(prefix: str) -> bool:
    """True if the state file beside `prefix` names it as the newest checkpoint."""
    state = state_of(os.path.dirname(prefix))
    if state is None:
        return False
    named: str = state.model_checkpoint_path
    return named == prefix or files.key(named) == files.key(prefix)


def remove(prefix: str, keep_parts: bool = False) -> None:
    """Removes the files of a failed save of `prefix`; with `keep_parts`, only unfinished ones.

    Nothing is removed where another process saves, too: the files may be that one's.
    """
    directory, base = os.path.split(prefix)
    if claims.other_saver(directory) is not None:
        return
    listed = files.names(directory)
    if f'{base}_temp' in listed:
        files.remove(f'{prefix}_temp', tree=True)
    for name in listed:
        if re.fullmatch(_BESIDE, name):
            files.remove(os.path.join(directory, name))
    for path in _files_of(prefix, _PART + _UNFINISHED):
        files.remove(path)
    if not keep_parts:
        remove_parts(prefix)


def remove_parts(prefix: str) -> None:
    """Removes the checkpoint at `prefix`."""
    for path in parts(prefix):
        files.remove(path)


def link(prefix: str, target: str) -> None:
    """Links or copies the checkpoint at `prefix` to the prefix `target`, and checks it.

    Raises:
      tf.errors.OpError: It is not there as a whole.
    """
    base = os.path.basename(prefix)
    files.link_all({path: target + os.path.basename(path)[len(base) :] for path in parts(prefix)})
    missing = what_is_missing(target)
    if missing:
        raise tf.errors.DataLossError(None, None, f'{target}: {missing}')


def remove_unfinished(directory: str) -> None:
    """Removes temporary files of killed processes from `directory`, unless they are young."""
    unfinished = re.compile(rf'.+({_PART}|\.json){files.UNFINISHED}|{_BESIDE}')
    found = [name for name in files.names(directory) if unfinished.fullmatch(name)]
    files.remove_old(directory, dict.fromkeys(found, False))


def remove_strays(save_path: str) -> None:
    """Removes the files of unfinished saves of killed processes under the names of `save_path`.

    Files younger than ten minutes are left alone: another process may be writing them.
    """
    directory, base = os.path.split(save_path)
    listed = files.names(directory)
    begun = rf'{re.escape(base)}-\d+'
    stray = re.compile(rf'{begun}(_temp|{_PART}{_UNFINISHED})|{_BESIDE}')
    shard = re.compile(rf'({begun})\.data-\d{{5}}-of-\d{{5}}')
    strays = {}
    for name in listed:
        match = shard.fullmatch(name)
        if stray.fullmatch(name) or (match and f'{match[1]}.index' not in listed):
            strays[name] = name.endswith('_temp')
    files.remove_old(directory, strays)
