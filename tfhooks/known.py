"""Requests of the caller and the hooks that came before in all their parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tfhooks import fetching, merging
from tfhooks._tensorflow import tf
from tfhooks.hook_types import SessionRunArgs
from tfhooks.structures import UnservedError, feed_keys_key, is_fixed, structure_key

_ARGS = frozenset({SessionRunArgs, tf.train.SessionRunArgs})


class Known(NamedTuple):
    """A request that came before.

    Attributes:
      plan: What runs it.
      places: Where in the plan's results the values for each hook's request stand; 0 for none.
      alive: What its key goes by, kept alive.
    """

    plan: Any
    places: list[int]
    alive: Any


class KnownRequests:
    """A bounded table of requests, for the plans of one raw session. Looking up takes no lock."""

    _MOST = 256

    def __init__(self) -> None:
        self._table: dict[Any, Known] = {}
        self.get = self._table.get

    def remember(
        self,
        key: Any,
        plan: Any,
        merged: merging.Merged,
        caller: SessionRunArgs[Any],
        requests: Sequence[merging.Request],
    ) -> None:
        """Makes a request known, where the identity of its leaves tells all about it.

        Args:
          key: What `request_key` gave for it.
          plan: What runs it.
          merged: What it was merged to.
          caller: The caller's own part.
          requests: The hooks' parts.
        """
        if not all(_is_flat(request.fetches) for _, request in requests):
            return
        if len(self._table) >= self._MOST:
            self._table.clear()
        leaves = list(fetching.leaves(merged.fetches))
        alive = (leaves, caller.fetches, list(caller.feed_dict or ()))
        self._table[key] = Known(plan, merged.places, alive)


def request_key(fetches: Any, feed_dict: Any, requests: Sequence[merging.Request]) -> Any:
    """What a request is known by, or None where it cannot be known again.

    The leaves of what hooks ask for are not looked at, but taken by identity: a known key is
    made of leaves that are kept alive, and nothing else can have their identity.
    """
    try:
        key: list[Any] = [structure_key(fetches), feed_keys_key(feed_dict) if feed_dict else None]
    except UnservedError:
        return None
    for _, request in requests:
        if type(request) not in _ARGS:
            return None
        asked, feeds, options = request
        if feeds is not None or options is not None:
            return None
        kind = type(asked)
        if kind is dict:
            key.append((dict, *asked, *map(id, asked.values())))
        elif kind is list or kind is tuple:
            key.append((kind, *map(id, asked)))
        else:
            key.append(id(asked))
    return tuple(key)


def _is_flat(fetches: Any) -> bool:
    """Whether `request_key` says all of what a hook asks for: a leaf, or a container of leaves."""
    kind = type(fetches)
    if kind is dict:
        return all(type(name) is str for name in fetches) and all(map(is_fixed, fetches.values()))
    if kind is list or kind is tuple:
        return all(map(is_fixed, fetches))
    return fetches is None or is_fixed(fetches)
