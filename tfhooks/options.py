"""RunOptions of several parties, merged field by field without changing any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfhooks._tensorflow import RunOptions
from tfhooks.errors import ConflictError, Problem


def merge_options(
    wanted: Sequence[tuple[str, RunOptions]],
) -> tuple[RunOptions | None, list[Problem]]:
    """Merges what several parties want of one run.

    The strictest timeout wins (0 means none), the highest trace level wins, a flag that one party sets
    is set, lists are joined. Any other field may be set by several parties only to the same value.

    Args:
      wanted: Whose options, and the options, in the order of the parties.

    Returns:
      The options, or None where nobody wants any, and the conflicts. The options are new where several
      parties want some, and the very object where one does.
    """
    if not wanted:
        return None, []
    if len(wanted) == 1:
        return wanted[0][1], []
    merged = RunOptions()
    merged.CopyFrom(wanted[0][1])
    owners = {path: wanted[0][0] for path in _set_fields(merged, '')}
    problems: list[Problem] = []
    for who, options in wanted[1:]:
        _merge_into(merged, options, who, '', owners, problems)
    return merged, problems


def _merge_into(
    merged: Any, given: Any, who: str, path: str, owners: dict[str, str], problems: list[Problem]
) -> None:
    for field, value in given.ListFields():
        name, place = field.name, path + field.name
        mine = getattr(merged, name)
        if hasattr(mine, 'extend'):
            mine.extend(value)
        elif hasattr(mine, 'ListFields'):
            mine.SetInParent()
            _merge_into(mine, value, who, place + '.', owners, problems)
        elif isinstance(value, bool):
            setattr(merged, name, mine or value)
        elif name == 'timeout_in_ms' and mine > 0 and value > 0:
            setattr(merged, name, min(mine, value))
        elif name == 'trace_level':
            setattr(merged, name, max(mine, value))
        elif not mine or mine == value:
            setattr(merged, name, value)
            owners.setdefault(place, who)
        else:
            other = owners.get(place, 'another party')
            rule = (
                f'options.{place} must be the same for all who set it. '
                f'{who}={value}, {other}={mine}'
            )
            problems.append(Problem(who, rule, ConflictError))


def _set_fields(message: Any, path: str) -> list[str]:
    found = []
    for field, value in message.ListFields():
        if hasattr(value, 'ListFields'):
            found += _set_fields(value, f'{path}{field.name}.')
        else:
            found.append(path + field.name)
    return found
