"""Time that is not training time, such as that of an evaluation by a hook."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any


class _Pauses:
    """The pauses of one graph's training; those that overlap count once."""

    def __init__(self) -> None:
        self.open = 0
        self.began = 0.0
        self.secs = 0.0


# By graph and not by session, since a training goes on when its session is made again.
_of_graph: weakref.WeakKeyDictionary[Any, _Pauses] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


@contextlib.contextmanager
def pause(graph: Any) -> Iterator[None]:
    """Context whose time does not count as training time of a graph.

    Args:
      graph: The `tf.Graph` that is trained.
    """
    with _lock:
        pauses = _of_graph.setdefault(graph, _Pauses())
        if pauses.open == 0:
            pauses.began = time.monotonic()
        pauses.open += 1
    try:
        yield
    finally:
        with _lock:
            pauses.open -= 1
            if pauses.open == 0:
                pauses.secs += time.monotonic() - pauses.began


def seconds(graph: Any) -> float:
    """Returns the seconds that the training of a graph has been paused so far; they only grow.

    Args:
      graph: The `tf.Graph` that is trained.
    """
    with _lock:
        pauses = _of_graph.get(graph)
        if pauses is None:
            return 0.0
        return pauses.secs + (time.monotonic() - pauses.began if pauses.open else 0.0)
