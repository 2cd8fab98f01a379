"""Writes the graph and a checkpoint saver's saves into the event file.

A failure is only a warning, since no work is lost by it. On a full disk TensorFlow would raise an
OutOfRangeError here, which loops take for the end of data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfhooks._tensorflow import tf


def add_graph(writer: Any, graph: Any, saver: Any) -> None:
    """Writes a graph and its meta graph.

    Args:
      writer: A `tf.compat.v1.summary.FileWriter`.
      graph: The graph.
      saver: Its Saver, or None.
    """
    meta_graph = tf.train.export_meta_graph(
        graph_def=graph.as_graph_def(add_shapes=True), saver_def=saver.saver_def if saver else None
    )
    _attempt(writer.add_graph, graph)
    _attempt(writer.add_meta_graph, meta_graph)


def add_saved(writer: Any, save_path: str, step: int) -> None:
    """Writes an event that the checkpoint of a global step is saved."""
    log = tf.SessionLog(status=tf.SessionLog.CHECKPOINT, checkpoint_path=save_path)
    _attempt(writer.add_session_log, log, step)


def flush(writer: Any) -> None:
    """Flushes the event file."""
    if isinstance(writer, tf.summary.FileWriter):
        _attempt(writer.flush)


def _attempt(action: Callable[..., None], *args: Any) -> None:
    try:
        action(*args)
    except Exception as error:
        tf.logging.warning('The event file of a checkpoint saver failed: %s', error)
