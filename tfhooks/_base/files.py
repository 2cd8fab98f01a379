"""Files of any file system that TensorFlow knows.

A name is never taken for a pattern here, and a file is written as a whole or not at all: what is
being written is called `NAME.tmp` and a random hexadecimal number, until it is renamed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from tfhooks._tensorflow import tf

# What TensorFlow's own atomic writes call their unfinished files, too.
UNFINISHED = r'\.tmp[0-9a-f]+'
# Seconds. What was written later than that ago may be another process's unfinished work.
YOUNG = 600.0
_SPECIAL = re.compile(r'([*?\[\\])')


def is_pattern(path: str) -> bool:
    """Whether TensorFlow would take the name of a file for a pattern."""
    return _SPECIAL.search(path) is not None


def pattern_of(path: str) -> str:
    """The pattern that matches the file at `path` and no other."""
    return _SPECIAL.sub(r'\\\1', single_slashes(path))


def key(path: str) -> str:
    """One spelling for all the ways to name a file or directory."""
    path = path.removeprefix('file://')
    if '://' in path:
        return single_slashes(path).rstrip('/')
    return os.path.realpath(path)


def single_slashes(path: str) -> str:
    """A path without doubled slashes, behind which TensorFlow does not find what it looks for."""
    scheme, mark, rest = path.rpartition('://')
    return scheme + mark + re.sub('/{2,}', '/', rest)


def is_name(value: Any) -> bool:
    """Whether a value that was read from a file is the name of something in its own directory."""
    return isinstance(value, str) and value not in ('', '.', '..') and not set(value) & set('/\\\0')


def names(directory: str) -> list[str]:
    """The names in `directory`; none where it cannot be read."""
    try:
        return [name.rstrip('/') for name in tf.gfile.ListDirectory(directory or '.')]
    except tf.errors.OpError:
        return []


def write_text(path: str, text: str) -> None:
    """Puts a file of this text, UTF-8, in the place of what is at `path`.

    Raises:
      tf.errors.OpError: It cannot be written; what was at `path` is there still.
    """
    write(path, text.encode())


def write(path: str, content: bytes) -> None:
    """Puts a file of this content in the place of what is at `path`.

    Raises:
      tf.errors.OpError: It cannot be written; what was at `path` is there still.
    """
    with _replacing(path) as unfinished, tf.gfile.GFile(unfinished, 'wb') as file:
        file.write(content)


def holds(path: str, content: bytes) -> bool:
    """Whether the file at `path` has this content; False where it cannot be read."""
    try:
        if tf.gfile.Stat(path).length != len(content):
            return False
        with tf.gfile.GFile(path, 'rb') as file:
            return bool(file.read() == content)
    except tf.errors.OpError:
        return False


def write_json(path: str, value: Any, indent: int | None = None) -> None:
    """Puts a file that holds `value` as JSON in the place of what is at `path`.

    Raises:
      tf.errors.OpError: It cannot be written; what was at `path` is there still.
    """
    write_text(path, json.dumps(value, indent=indent) + '\n')


def read_json(path: str) -> Any:
    """What the JSON file at `path` holds.

    Raises:
      ValueError: It holds something else.
      tf.errors.OpError: It cannot be read.
    """
    try:
        with tf.gfile.GFile(path, 'rb') as file:
            return json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path!r} holds no JSON: {type(error).__name__}: {error}') from None


def link_all(targets: Mapping[str, str]) -> None:
    """Puts files also in other places, where they replace what is there.

    A link costs nothing, and is as good as a copy where both files are only ever replaced and never
    written into. Where it cannot be made, the file is copied.

    Args:
      targets: The path of each file and the other path to put it at.

    Raises:
      tf.errors.OpError: One cannot be written. What was at the targets is there still.
    """
    with contextlib.ExitStack() as stack:
        for source, target in targets.items():
            unfinished = stack.enter_context(_replacing(target))
            try:
                os.link(source.removeprefix('file://'), unfinished.removeprefix('file://'))
            except OSError:
                tf.gfile.Copy(source, unfinished)


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[str]:
    """Gives a path to write to, which takes the place of `path` unless there is an error."""
    unfinished = f'{path}.tmp{uuid.uuid4().hex[:16]}'
    try:
        yield unfinished
        tf.gfile.Rename(unfinished, path, overwrite=True)
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):
            tf.gfile.Remove(unfinished)
        raise


def remove(path: str, tree: bool = False) -> None:
    """Removes a file, or with `tree` a directory with all that is in it; if it cannot, warns."""
    try:
        if tree:
            tf.gfile.DeleteRecursively(path)
        else:
            tf.gfile.Remove(path)
    except tf.errors.NotFoundError:
        pass
    except tf.errors.OpError as error:
        tf.logging.warning('Could not remove %s, which a failed save left: %s', path, error)


def remove_old(directory: str, strays: Mapping[str, bool]) -> None:
    """Removes what nobody writes any more: files and directories older than ten minutes.

    Goes by the clock of the file system, since it may be another machine's.

    Args:
      directory: The directory.
      strays: The names in it of what may be removed, and whether each is a directory.
    """
    now = _clock(directory) if strays else None
    if now is None:
        return
    for name, tree in strays.items():
        path = os.path.join(directory, name)
        changed = _changed(path)
        if changed is not None and now - changed > YOUNG:
            remove(path, tree)


def remove_unfinished(path: str) -> None:
    """Removes what writes of the file at `path` left that were killed, unless it is young."""
    directory, base = os.path.split(path)
    unfinished = re.compile(re.escape(base) + UNFINISHED)
    found = [name for name in names(directory) if unfinished.fullmatch(name)]
    remove_old(directory, dict.fromkeys(found, False))


def modified(path: str) -> float:
    """When the file was written to last, in seconds of the file system's clock.

    Raises:
      tf.errors.OpError: It is not there.
    """
    return float(tf.gfile.Stat(path).mtime_nsec) / 1e9


def _changed(path: str) -> float | None:
    """When anything at `path` was written to last, or None where it is not there."""
    try:
        found = [modified(path)]
        if tf.gfile.IsDirectory(path):
            for directory, _, files in tf.gfile.Walk(path):
                found += [modified(os.path.join(directory, name)) for name in files]
    except tf.errors.OpError:  # Somebody has just finished or removed it.
        return None
    return max(found)


def _clock(directory: str) -> float | None:
    """What time it is to the file system of `directory`, or None where it does not tell."""
    probe = os.path.join(directory, f'checkpoint.tmp{uuid.uuid4().hex[:16]}')
    try:
        with tf.gfile.GFile(probe, 'w') as file:
            file.write('')
        try:
            return modified(probe)
        finally:
            tf.gfile.Remove(probe)
    except tf.errors.OpError:
        return None
