"""RunOptions of several parties, merged field by field without changing any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfhooks._base.errors import ConflictError, Problem
from tfhooks._tensorflow import RunOptions


def merge_options(
    wanted: Sequence[tuple[str, RunOptions]],
) -> tuple[RunOptions | None, list[Problem]]:
    """Merges the RunOptions of several parties for one run.

    The strictest timeout wins (0 means none), the highest trace level wins, a flag that one party
    sets is set, lists are joined. Any other field may be set by several parties only to one value.

    Args:
      wanted: The owner's name and the options, in the order of the parties.

    Returns:
      The options in a new proto, or None where nobody wants any, and the conflicts.
    """
    if not wanted:
        return None, []
    merged = RunOptions()
    merged.CopyFrom(wanted[0][1])
    owners = dict.fromkeys(_set_fields(merged, ''), wanted[0][0])
    problems: list[Problem] = []
    for owner, options in wanted[1:]:
        _merge_into(merged, options, owner, '', owners, problems)
    return merged, problems


def _merge_into(
    merged: Any, given: Any, owner: str, path: str, owners: dict[str, str], problems: list[Problem]
) -> None:
    for field, value in given.ListFields():
        name, place = field.name, path + field.name
        mine = getattr(merged, name)
        if hasattr(mine, 'extend'):
            mine.extend(value)
        elif hasattr(mine, 'ListFields'):
            mine.SetInParent()
            _merge_into(mine, value, owner, place + '.', owners, problems)
        elif isinstance(value, bool):
            setattr(merged, name, mine or value)
        elif name == 'timeout_in_ms':
            # To the runtime, a timeout that is not positive is none.
            setattr(merged, name, min(mine, value) if min(mine, value) > 0 else max(mine, value))
        elif name == 'trace_level':
            setattr(merged, name, max(mine, value))
        elif not mine or mine == value:
            setattr(merged, name, value)
            owners.setdefault(place, owner)
        else:
            other = owners.get(place, 'another party')
            rule = (
                f'options.{place} must be the same for all who set it. '
                f'{owner}={value}, {other}={mine}'
            )
            problems.append(Problem(owner, rule, ConflictError))


def _set_fields(message: Any, path: str) -> list[str]:
    found = []
    for field, value in message.ListFields():
        if hasattr(value, 'ListFields'):
            found += _set_fields(value, f'{path}{field.name}.')
        else:
            found.append(path + field.name)
    return found
