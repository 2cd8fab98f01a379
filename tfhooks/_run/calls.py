"""Sorts a session's hooks by the methods that a run calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tfhooks._base.hook_types import is_of_tfhooks
from tfhooks._run.members import Member, overrides
from tfhooks._run.merging import Request
from tfhooks._run.request_keys import hooks_key
from tfhooks._run.stock_hooks import FastWay, fast_way

# Takes a hook's own results; True if its `after_run` need not be called.
Check: TypeAlias = Callable[[Any], bool]


class Calls:
    """The hook calls of one kind of run, worked out before it.

    Attributes:
      members: The hooks that take part.
      standing: Those with a `standing_request`; their `before_run` is not called.
      requests: The standing requests, with the names of their hooks.
      hooks_key: The cache key of these requests, or None if they cannot be cached.
      before_run_calls: The others that have a `before_run`, each after the object it is called on.
      after_run_calls: For each hook that has an `after_run`: its index, the object it is called on,
        the member, and `has_nothing_to_do` of a hook with a standing request, or None.
      checks: All of these `has_nothing_to_do`; None if some `after_run` must be called in any case.
      guards_weights: The hooks that find out whether the weights are bad.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        """Sorts the members."""
        self.members = members
        self.standing: list[Member] = []
        self.requests: list[Request] = []
        self.before_run_calls: list[tuple[Any, Member]] = []
        self.after_run_calls: list[tuple[int, Any, Member, Check | None]] = []
        for member in members:
            fast = fast_way(member.hook)
            check = None
            if fast is not None and fast.standing_request is not None:
                self.standing.append(member)
                self.requests.append((member.asking, fast.standing_request))
                if member.call_target is member.hook:  # No hook measures this one.
                    check = fast.has_nothing_to_do
            elif not _does_nothing(member, 'before_run', fast):
                self.before_run_calls.append((member.call_target, member))
            if not _does_nothing(member, 'after_run', None):
                self.after_run_calls.append((member.index, member.call_target, member, check))
        self.checks: list[Check] | None = [
            check for *_, check in self.after_run_calls if check is not None
        ]
        if len(self.checks) < len(self.after_run_calls):
            self.checks = None
        self.hooks_key = hooks_key(self.requests)
        self.guards_weights = [member for member in members if member.guards_weights]

    def without(self, skip: Sequence[Member]) -> Calls:
        """The same calls without the members that are left out of one run."""
        return Calls([member for member in self.members if member not in skip])


def _does_nothing(member: Member, method: str, fast: FastWay | None) -> bool:
    """True if calling a method would do nothing; never so for a hook that is not tfhooks' own.

    Programs put methods on hooks, and on their classes, at any time.
    """
    if fast is not None:
        return method == 'before_run' and fast.decides_after_run
    return is_of_tfhooks(type(member.hook)) and not overrides(member.hook, method)
