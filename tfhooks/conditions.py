"""`when_fed`: hooks that are asked only in runs in which certain placeholders are fed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfhooks import feeding
from tfhooks._tensorflow import Graph, Tensor
from tfhooks.roster import Member


class Conditions:
    """The placeholders that each conditional hook of a session waits for.

    Attributes:
      members: The names of the placeholders' tensors, by the index of the member.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members: dict[int, frozenset[str]] = {}
        self._wanted = [
            (member, when_fed)
            for member in members
            if (when_fed := _as_list(getattr(member.hook, 'when_fed', ())))
        ]
        self._graph: Graph | None = None

    def resolve(self, graph: Graph) -> None:
        """Looks the placeholders up in the graph, after every hook has begun.

        Raises:
          TypeError: `when_fed` of a hook holds something that is no tensor and no name.
          ValueError: It holds what is not in the graph.
        """
        self._graph = graph
        for member, when_fed in self._wanted:
            names = set()
            for key in when_fed:
                try:
                    element = graph.as_graph_element(key, allow_operation=False)
                except KeyError as error:
                    raise ValueError(_message(member, key, error)) from None
                except (TypeError, ValueError) as error:
                    raise type(error)(_message(member, key, error)) from None
                names.add(element.name)
            self.members[member.index] = frozenset(names)

    def fed(self, feed_dict: Any, requests: Sequence[tuple[str, Any]]) -> set[str]:
        """The names of all tensors that the caller and the hooks asked so far feed."""
        assert self._graph is not None
        given = [feed_dict, *(getattr(request, 'feed_dict', None) for _, request in requests)]
        names: set[str] = set()
        for feeds in given:
            if feeds:
                found, _ = feeding.resolve(self._graph, '', feeds)
                names.update(feed.tensor.name for feed in found)
        return names

    def met(self, member: Member, fed: set[str]) -> bool:
        return self.members[member.index] <= fed


def _as_list(when_fed: Any) -> list[Any]:
    if when_fed is None:
        return []
    if isinstance(when_fed, (str, Tensor)):
        return [when_fed]
    if isinstance(when_fed, (list, tuple, set, frozenset)):
        return list(when_fed)
    return []


def _message(member: Member, key: Any, error: Exception) -> str:
    return (
        f'{member.name}.when_fed must hold placeholders of the graph. got {key!r}. '
        f'{error.args[0] if error.args else error}'
    )
