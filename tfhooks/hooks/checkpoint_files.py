"""The files of a checkpoint: whether they are complete, and what a failed save left behind.

A checkpoint is a prefix, such as `model.ckpt-20`, and the files that begin with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from tfhooks._tensorflow import tf

_UNFINISHED = r'(\.tempstate\d+|\.tmp[0-9a-f]+)'
_PART = r'\.(index|meta|data-\d{5}-of-\d{5})'
_SHARD = re.compile(r'\.data-(\d{5})-of-(\d{5})$')
# How a sharded checkpoint of the format before TensorFlow 1.0 is named: by a pattern.
_OLD_SHARDS = re.compile(r'-\?{5}-of-(\d{5})$')


def directory_key(directory: str) -> str:
    """One spelling for all the ways to name a directory."""
    if '://' in directory:
        return directory.rstrip('/')
    return os.path.realpath(directory)


def names(directory: str) -> list[str]:
    """The names in `directory`; none where it cannot be read."""
    try:
        return [name.rstrip('/') for name in tf.gfile.ListDirectory(directory or '.')]
    except tf.errors.OpError:
        return []


def _size(path: str) -> int:
    return int(tf.gfile.Stat(path).length)


def parts(prefix: str) -> list[str]:
    """The finished files of the checkpoint at `prefix`."""
    directory, base = os.path.split(prefix)
    return [
        os.path.join(directory, name)
        for name in names(directory)
        if name.startswith(base) and re.fullmatch(_PART, name[len(base) :])
    ]


def what_is_missing(prefix: str) -> str | None:
    """Says what keeps the checkpoint at `prefix` from being complete, or None where it is.

    The index is read in full. Of the data it is checked that all shards are there and hold at
    least as many bytes as the index says: reading a large checkpoint back costs as much as
    writing it.
    """
    sharded = _OLD_SHARDS.search(prefix)
    if sharded:
        count = len(tf.gfile.Glob(prefix))
        return None if count == int(sharded[1]) else f'{count} of {int(sharded[1])} files are there'
    if any(character in prefix for character in '*?['):
        # TensorFlow's reader takes the name for a pattern, so only the files can be looked at.
        return None if len(parts(prefix)) > 1 else 'its index or its data file is not there'
    try:
        reader = tf.train.NewCheckpointReader(prefix)
        shapes = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        return f'its index cannot be read ({type(error).__name__}: {error})'
    shards = {}
    for path in parts(prefix):
        match = _SHARD.search(path)
        if match:
            shards[int(match[1])] = (path, int(match[2]))
    if not shards:
        # The format before TensorFlow 1.0 keeps index and data in one file.
        return None if tf.gfile.Exists(prefix) else 'its data file is not there'
    count = next(iter(shards.values()))[1]
    if set(shards) != set(range(count)):
        return f'{len(shards)} of {count} data files are there'
    try:
        found = sum(_size(path) for path, _ in shards.values())
    except tf.errors.OpError as error:
        return f'its data cannot be read ({error})'
    needed = sum(_bytes(shapes[name], dtypes[name]) for name in shapes)
    if found < needed:
        return f'its data files hold {found} bytes of {needed}'
    return None


def prefixes(directory: str) -> list[str]:
    """The prefixes of all checkpoint files in `directory`, complete or not."""
    found = {}
    for name in names(directory):
        match = re.fullmatch(rf'(.+?){_PART}{_UNFINISHED}?', name)
        if match:
            found[match[1]] = os.path.join(directory, match[1])
    return sorted(found.values())


def step_of(prefix: str, save_path: str) -> int | None:
    """The global step in the name of `prefix`, or None where it was not saved to `save_path`."""
    if directory_key(os.path.dirname(prefix)) != directory_key(os.path.dirname(save_path)):
        return None
    match = re.fullmatch(
        rf'{re.escape(os.path.basename(save_path))}-(\d+)',
        _OLD_SHARDS.sub('', os.path.basename(prefix)),
    )
    return int(match[1]) if match else None


def _bytes(shape: Iterable[int], dtype: object) -> int:
    count = 1
    for size in shape:
        count *= size
    try:
        return count * int(tf.as_dtype(dtype).size)
    except TypeError:  # Strings and variants have no size of their own.
        return 0


def is_latest(prefix: str) -> bool:
    """Whether the state file beside `prefix` names it as the newest checkpoint."""
    try:
        state = tf.train.get_checkpoint_state(os.path.dirname(prefix) or '.')
    except ValueError:
        return False
    if state is None:
        return False
    return directory_key(state.model_checkpoint_path) == directory_key(prefix)


def remove(prefix: str, keep_parts: bool = False) -> None:
    """Removes what a failed save of `prefix` left, with `keep_parts` only what is unfinished."""
    directory, base = os.path.split(prefix)
    pattern = _PART + (_UNFINISHED if keep_parts else _UNFINISHED + '?')
    for name in names(directory):
        path = os.path.join(directory, name)
        if name == f'{base}_temp':
            _delete(path, tree=True)
        elif (name.startswith(base) and re.fullmatch(pattern, name[len(base) :])) or re.fullmatch(
            r'checkpoint\.tmp[0-9a-f]+', name
        ):
            _delete(path)


def remove_strays(save_path: str) -> None:
    """Removes what saves that a killed process had begun left under the names of `save_path`."""
    directory, base = os.path.split(save_path)
    listed = names(directory)
    begun = re.compile(rf'{re.escape(base)}-\d+')
    for name in listed:
        match = begun.match(name)
        rest = name[match.end() :] if match else ''
        path = os.path.join(directory, name)
        if match and rest == '_temp':
            _delete(path, tree=True)
        elif re.fullmatch(r'checkpoint\.tmp[0-9a-f]+', name) or (
            match
            and (
                re.fullmatch(_PART + _UNFINISHED, rest)
                or (_SHARD.fullmatch(rest) and f'{match[0]}.index' not in listed)
            )
        ):
            _delete(path)


def _delete(path: str, tree: bool = False) -> None:
    # What cannot be removed now does no harm: it is never taken for a checkpoint.
    try:
        if tree:
            tf.gfile.DeleteRecursively(path)
        else:
            tf.gfile.Remove(path)
    except tf.errors.OpError as error:
        tf.logging.warning('Could not remove %s, which a failed save left: %s', path, error)
