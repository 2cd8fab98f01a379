"""The list of the best checkpoints: a file beside them that says which they are."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from tfhooks._base import files
from tfhooks._tensorflow import tf

MODES = ('min', 'max')
NAME = 'best_checkpoints.json'


class BestCheckpoint(NamedTuple):
    """A checkpoint that was kept.

    Attributes:
      path: The prefix of its files, as `Saver.restore` takes it.
      step: Its global step.
      value: The metric at that step.
    """

    path: str
    step: int
    value: float


class BestList(NamedTuple):
    """The content of the list of the best checkpoints.

    Attributes:
      metric: The name of the metric, or None where it was not written down.
      mode: `'min'` or `'max'`.
      kept: The checkpoints.
      unfinished: The names of those that are being added or removed.
    """

    metric: str | None
    mode: str
    kept: list[BestCheckpoint]
    unfinished: list[str]


def names_of(kept: Iterable[BestCheckpoint]) -> list[str]:
    """The names of checkpoints within their directory."""
    return [os.path.basename(each.path) for each in kept]


def write(directory: str, content: BestList) -> None:
    """Atomically writes the list in `directory`.

    Raises:
      tf.errors.OpError: It cannot be written; the list that was there is there still.
    """
    entries = [
        {'name': name, 'step': int(kept.step), 'value': kept.value}
        for name, kept in zip(names_of(content.kept), content.kept, strict=True)
    ]
    value = {'metric': content.metric, 'mode': content.mode, 'checkpoints': entries}
    path = os.path.join(directory, NAME)
    files.write_json(path, {**value, 'unfinished': content.unfinished}, indent=1)


def read(directory: str) -> BestList | None:
    """Reads the list in `directory`, or returns None if there is none.

    Raises:
      ValueError: The file was not written by `write`.
    """
    path = os.path.join(directory, NAME)
    if not tf.gfile.Exists(path):
        return None
    try:
        return _parsed(files.read_json(path), directory)
    except (ValueError, TypeError, KeyError, OverflowError, tf.errors.OpError) as error:
        raise ValueError(
            'BestCheckpoints.begin: the list of the best checkpoints must be one that this class '
            f'has written; path={path!r} ({type(error).__name__}: {error}). Mend it, or remove it '
            'to begin a new list: the checkpoints beside it stay.'
        ) from None


def _parsed(value: Any, directory: str) -> BestList:
    """Converts the JSON value of a list file; raises anything if it is not one."""
    kept = [
        BestCheckpoint(
            os.path.join(directory, _name(entry['name'])),
            _number(entry['step'], int),
            float(_number(entry['value'], int | float)),
        )
        for entry in value['checkpoints']
    ]
    names = names_of(kept)
    if len(set(names)) < len(names):
        raise ValueError(f'a name is there twice: {names}')
    mode = value['mode']
    if mode not in MODES:
        raise ValueError(f'mode={mode!r}')
    metric = value.get('metric')
    if not isinstance(metric, str | None):
        raise TypeError(f'metric={metric!r}')
    return BestList(metric, mode, kept, [_name(name) for name in value.get('unfinished', [])])


def _name(value: Any) -> str:
    if not files.is_name(value):
        raise ValueError(f'a name must be that of something in the same directory: {value!r}')
    return str(value)


def _number(value: Any, kinds: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, kinds) or math.isnan(value):
        raise TypeError(f'a number must be a {kinds}: {value!r}')
    return value
