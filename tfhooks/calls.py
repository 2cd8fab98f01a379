"""Which hooks are called in a run, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfhooks.merging import Request
from tfhooks.roster import Member


class Calls:
    """The calls of one kind of run, sorted out beforehand.

    Attributes:
      members: All that take part.
      standing: Those that ask the same in every run (`standing_request`), and so need not be asked.
      requests: What they ask.
      askers: The others that have something to ask for, each with its hook.
      listeners: Those that want to hear of results. What finds the weights bad speaks first, and
        what it raises keeps all others from acting on them.
      are_ours: Whether all listeners are tfhooks' own hooks.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        """Sorts `members`, those that take part."""
        self.members = members
        self.standing: list[Member] = []
        self.requests: list[Request] = []
        self.askers: list[tuple[Any, Member]] = []
        for member in members:
            # Of its class: a hook that hands unknown names on to another one asks for itself.
            stands = hasattr(type(member.hook), 'standing_request')
            request = member.hook.standing_request if stands else None
            if request is not None:
                self.standing.append(member)
                self.requests.append((member.asking, request))
            elif member.asks:
                self.askers.append((member.called, member))
        listeners = [(member.index, member.called, member) for member in members if member.listens]
        self.listeners = sorted(listeners, key=lambda listener: not listener[2].guards)
        self.are_ours = all(
            type(member.hook).__module__.startswith('tfhooks.hooks.')
            for _, _, member in self.listeners
        )
