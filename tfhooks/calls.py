"""Which hooks are called in a run, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfhooks import roster
from tfhooks.fast_way import FastWay, fast_way
from tfhooks.merging import Request
from tfhooks.roster import Member


class Calls:
    """The calls of one kind of run, sorted out beforehand.

    Attributes:
      members: All that take part.
      standing: Those that ask the same in every run (`standing_request`), and so need not be asked.
      requests: What they ask.
      before_run_calls: The others, each with what its `before_run` is called of.
      after_run_calls: All that are told of the results: their places, what `after_run` is called
        of, and they themselves.
      guards: Those that find out whether the weights are bad.
      are_ours: Whether all are tfhooks' own hooks.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        """Sorts the members."""
        self.members = members
        self.standing: list[Member] = []
        self.requests: list[Request] = []
        self.before_run_calls: list[tuple[Any, Member]] = []
        targets = {}
        for member in members:
            fast = fast_way(member.hook)
            targets[member.index] = target = _target(member, fast)
            if fast is not None and fast.standing_request is not None:
                self.standing.append(member)
                self.requests.append((member.asking, fast.standing_request))
            elif not _does_nothing(member, 'before_run', fast):
                self.before_run_calls.append((target, member))
        self.guards = [member for member in members if member.guards]
        self.after_run_calls = [
            (member.index, targets[member.index], member)
            for member in members
            if not _does_nothing(member, 'after_run', None)
        ]
        self.are_ours = all(
            type(member.hook).__module__.startswith('tfhooks.hooks.') for member in members
        )

    def without(self, skip: Sequence[Member]) -> Calls:
        """The same without the members that are left out of one run."""
        return Calls([member for member in self.members if member not in skip])


def _target(member: Member, fast: FastWay | None) -> Any:
    """What to call the methods of in the runs."""
    is_direct = (
        fast is not None
        and fast.is_called_itself
        and type(member.hook) is fast.kind
        and member.called is member.hook
    )
    return fast if is_direct else member.called


def _does_nothing(member: Member, method: str, fast: FastWay | None) -> bool:
    """Whether a method need not be called. Of a hook that is not tfhooks' own it always is.

    Programs put methods on hooks, and on their classes, at any time.
    """
    if fast is not None:
        return method == 'before_run' and fast.decides_after_run
    is_ours = type(member.hook).__module__.startswith('tfhooks.')
    return is_ours and not roster.overrides(member.hook, method)
