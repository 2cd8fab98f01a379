"""Files of any file system that TensorFlow knows.

A name is never taken for a pattern here, and a file is written as a whole or not at all: it is
called `NAME.tmp` and a random hexadecimal number until it is complete and renamed.
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

# TensorFlow's own atomic writes use this suffix, too.
UNFINISHED = r'\.tmp[0-9a-f]+'
# Files younger than so many seconds may be another process's unfinished work.
YOUNG = 600.0
_SPECIAL = re.compile(r'([*?\[\\])')


def is_pattern(path: str) -> bool:
    """True if TensorFlow would take the name of a file for a pattern."""
    return _SPECIAL.search(path) is not None


def pattern_of(path: str) -> str:
    """Returns the pattern that matches the file at `path` and no other."""
    return _SPECIAL.sub(r'\\\1', single_slashes(path))


def key(path: str) -> str:
    """Returns a normal form of a path, equal for all spellings of it."""
    path = path.removeprefix('file://')
    if '://' in path:
        return single_slashes(path).rstrip('/')
    return os.path.realpath(path)


def single_slashes(path: str) -> str:
    """Returns a path without doubled slashes, behind which TensorFlow's patterns find nothing."""
    scheme, mark, rest = path.rpartition('://')
    return scheme + mark + re.sub('/{2,}', '/', rest)


def is_name(value: Any) -> bool:
    """True if a value that was read from a file is a name in the file's own directory."""
    return isinstance(value, str) and value not in ('', '.', '..') and not set(value) & set('/\\\0')


def names(directory: str) -> list[str]:
    """Lists the names in `directory`; none if it cannot be read."""
    try:
        return [name.rstrip('/') for name in tf.gfile.ListDirectory(directory or '.')]
    except tf.errors.OpError:
        return []


def write_text(path: str, text: str) -> None:
    """Atomically replaces the file at `path` by this text in UTF-8.

    Raises:
      tf.errors.OpError: It cannot be written; what was at `path` is there still.
    """
    write(path, text.encode())


def write(path: str, content: bytes) -> None:
    """Atomically replaces the file at `path` by this content.

    Raises:
      tf.errors.OpError: It cannot be written; what was at `path` is there still.
    """
    with _replacing(path) as unfinished, tf.gfile.GFile(unfinished, 'wb') as file:
        file.write(content)


def holds(path: str, content: bytes) -> bool:
    """True if the file at `path` has this content; False if it cannot be read."""
    try:
        if tf.gfile.Stat(path).length != len(content):
            return False
        with tf.gfile.GFile(path, 'rb') as file:
            return bool(file.read() == content)
    except tf.errors.OpError:
        return False


def write_json(path: str, value: Any, indent: int | None = None) -> None:
    """Atomically replaces the file at `path` by `value` as JSON.

    Raises:
      tf.errors.OpError: It cannot be written; what was at `path` is there still.
    """
    write_text(path, json.dumps(value, indent=indent) + '\n')


def read_json(path: str) -> Any:
    """Reads the JSON file at `path`.

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
    """Links or copies files to other paths, and replaces the files there.

    A link costs nothing, and serves as a copy since these files are only replaced and never written
    into. If it cannot be made, the file is copied.

    Args:
      targets: From the path of each file to its other path.

    Raises:
      tf.errors.OpError: One cannot be written. The files at the targets are then unchanged.
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
    """Context that gives a path to write to, which replaces `path` unless there is an error."""
    unfinished = f'{path}.tmp{uuid.uuid4().hex[:16]}'
    try:
        yield unfinished
        tf.gfile.Rename(unfinished, path, overwrite=True)
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):
            tf.gfile.Remove(unfinished)
        raise


def remove(path: str, tree: bool = False) -> None:
    """Removes a file, or with `tree` a directory and its content; warns if it cannot."""
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
    """Removes files and directories that are older than ten minutes.

    Their age is by the clock of the file system, which may be another machine's.

    Args:
      directory: The directory.
      strays: From the names in it that may be removed to whether each is a directory.
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
    """Removes the unfinished files of killed writes of `path`, unless they are young."""
    directory, base = os.path.split(path)
    unfinished = re.compile(re.escape(base) + UNFINISHED)
    found = [name for name in names(directory) if unfinished.fullmatch(name)]
    remove_old(directory, dict.fromkeys(found, False))


def modified(path: str) -> float:
    """Returns the time of the last write to a file, in seconds of the file system's clock.

    Raises:
      tf.errors.OpError: It is not there.
    """
    return float(tf.gfile.Stat(path).mtime_nsec) / 1e9


def _changed(path: str) -> float | None:
    """The time of the last write to a file, or into a directory; None if there is none."""
    try:
        found = [modified(path)]
        if tf.gfile.IsDirectory(path):
            for directory, _, files in tf.gfile.Walk(path):
                found += [modified(os.path.join(directory, name)) for name in files]
    except tf.errors.OpError:  # It has just been renamed or removed.
        return None
    return max(found)


def _clock(directory: str) -> float | None:
    """The time by the clock of the file system of `directory`, or None if that is unknown."""
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
