"""Keys by which requests are known: equal for requests that ask for the same in the same form.

Elements of the graph count by identity, so a key holds good as long as somebody keeps them alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfhooks._base.hook_types import SessionRunArgs
from tfhooks._run import structures
from tfhooks._run.structures import UnservedError
from tfhooks._tensorflow import tf

_ARGS = frozenset({SessionRunArgs, tf.train.SessionRunArgs})


def key_of(fetches: Any, feed_dict: Any = None) -> Any:
    """Returns the cache key of a request to `Session.run`, or None if it cannot be cached."""
    try:
        return require_key(fetches, feed_dict)
    except UnservedError:
        return None


def require_key(fetches: Any, feed_dict: Any) -> Any:
    """Returns the same key, or raises UnservedError, which says why there is none."""
    key = structures.structure_key(fetches)
    return (key, *structures.feed_keys_key(feed_dict)) if feed_dict else key


def request_key(
    fetches: Any, feed_dict: Any, requests: Sequence[tuple[str, Any]], last: Any = None
) -> Any:
    """Returns the cache key of a request of a caller and hooks, or None if it cannot be cached.

    The hooks' fetches are compared by identity: a key in the cache is made of the id() of elements
    that are kept alive there (see `is_simple`), so nothing else can have an equal one.

    Args:
        fetches: The caller's fetches.
        feed_dict: The caller's feeds.
        requests: The hooks' requests, with their names.
        last: Another fetch beside them, or None.
    """
    return joined_key(fetches, feed_dict, hooks_key(requests), last)


def joined_key(fetches: Any, feed_dict: Any, hooks: Any, last: Any) -> Any:
    """Returns the same key, where that of the hooks' requests is known."""
    if hooks is None:
        return None
    try:
        caller = structures.structure_key(fetches)
        # A tuple or None, so that no request of another kind has an equal key.
        feeds = structures.feed_keys_key(feed_dict) if feed_dict else None
    except UnservedError:
        return None
    return caller, feeds, id(last), hooks


def hooks_key(requests: Sequence[tuple[str, Any]]) -> Any:
    """Returns the cache key of the requests of hooks, or None if they cannot be cached."""
    key: list[Any] = []
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


def is_simple(request: Any) -> bool:
    """True if a hook fetches only a leaf, or a container of leaves, of a fixed meaning.

    Then `request_key` identifies it, and `Session.run` would refuse any mistake in it before it
    runs anything.
    """
    if type(request) not in _ARGS or request.feed_dict is not None or request.options is not None:
        return False
    asked = request.fetches
    kind = type(asked)
    if kind is dict:
        return all(type(name) is str for name in asked) and all(
            map(structures.is_fixed, asked.values())
        )
    if kind is list or kind is tuple:
        return all(map(structures.is_fixed, asked))
    return asked is None or structures.is_fixed(asked)
