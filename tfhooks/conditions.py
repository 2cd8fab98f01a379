"""`when_fed`: hooks that are asked only in runs in which certain placeholders are fed."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from tfhooks import feeding
from tfhooks._tensorflow import Graph, Tensor, fetch_components
from tfhooks.errors import reason, shown
from tfhooks.roster import Member


class Conditions:
    """The placeholders that each conditional hook of a session waits for.

    Attributes:
      members: The names of the placeholders' tensors, by the index of the member; known once the
        graph is.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members: dict[int, frozenset[str]] = {}
        self._all = members
        self._graph: Graph | None = None

    def resolve(self, graph: Graph) -> None:
        """Looks the placeholders up in the graph, after every hook has begun.

        Raises:
          TypeError: `when_fed` of a hook is no list, or holds what is no tensor and no name.
          ValueError: It holds what is not in the graph.
        """
        self._graph = graph
        for member in self._all:
            names = _names(graph, member)
            if names:
                self.members[member.index] = names

    def fed(self, feed_dict: Any, requests: Sequence[tuple[str, Any]]) -> set[str]:
        """The names of all tensors that the caller and the hooks asked so far feed."""
        assert self._graph is not None
        given = [feed_dict, *(getattr(request, 'feed_dict', None) for _, request in requests)]
        names: set[str] = set()
        for feeds in given:
            found, _ = feeding.resolve(self._graph, '', feeds)
            names.update(feed.tensor.name for feed in found)
        return names

    def met(self, member: Member, fed: set[str]) -> bool:
        """Whether all that a member waits for, if anything, is among the tensors fed."""
        return self.members.get(member.index, frozenset()) <= fed


def _names(graph: Graph, member: Member) -> frozenset[str]:
    when_fed = getattr(member.hook, 'when_fed', None)
    if when_fed is None:
        return frozenset()
    if isinstance(when_fed, (str, Tensor)):
        when_fed = [when_fed]
    if not isinstance(when_fed, (list, tuple, set, frozenset)):
        if inspect.getattr_static(member.hook, 'when_fed', None) is None:
            return frozenset()  # It answers to any name, as a mock does.
        raise TypeError(
            f'{member.name}.when_fed must be a list of placeholders. got {shown(when_fed)} '
            f'(type={type(when_fed).__name__})'
        )
    names = set()
    for key in when_fed:
        try:
            for component in fetch_components(key):
                names.add(graph.as_graph_element(component, allow_operation=False).name)
        except KeyError as error:
            raise ValueError(_message(member, key, error)) from None
        except (TypeError, ValueError) as error:
            raise type(error)(_message(member, key, error)) from None
    return frozenset(names)


def _message(member: Member, key: Any, error: Exception) -> str:
    return (
        f'{member.name}.when_fed must hold placeholders of the graph. got {shown(key)}. '
        f'{reason(error)}'
    )
