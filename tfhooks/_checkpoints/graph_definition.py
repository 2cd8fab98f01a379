"""Shares one GraphDef between all that write the graph when a session is made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tfhooks._tensorflow import tf


@contextlib.contextmanager
def shared_definition(graph: Any) -> Iterator[None]:
    """Context in which `graph.as_graph_def(add_shapes=True)` returns copies of one GraphDef.

    TensorFlow makes each in Python, at some 20 us an operation: two for a new FileWriter, one for
    `add_graph`, and one for each `.meta` file. A copy takes a thirtieth of that.

    Args:
      graph: A `tf.Graph`.
    """
    make = graph.as_graph_def
    is_its_own = getattr(make, '__self__', None) is graph
    if not is_its_own:  # A program has replaced it, or it is shared already.
        yield
        return
    made: dict[int, Any] = {}

    def as_graph_def(from_version: Any = None, add_shapes: bool = False, **options: Any) -> Any:
        if from_version is not None or not add_shapes:
            return make(from_version, add_shapes, **options)
        version = graph.version
        if version not in made:
            made[version] = make(add_shapes=True)
        copied = tf.GraphDef()
        copied.CopyFrom(made[version])
        return copied

    graph.as_graph_def = as_graph_def
    try:
        yield
    finally:
        # Another thread's session of this graph may have begun and ended meanwhile.
        with contextlib.suppress(AttributeError):
            del graph.as_graph_def
