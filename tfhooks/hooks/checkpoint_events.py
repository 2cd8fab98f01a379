"""What a checkpoint saver writes into the event file: the graph, and that it has saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfhooks._tensorflow import tf
from tfhooks.hooks._writers import event_writer


class CheckpointEvents:
    """The event file of a checkpoint directory.

    No work is lost where it cannot be written, so that is only warned of. TensorFlow would raise an
    OutOfRangeError from here on a full disk, which passes for end of data.

    Args:
      directory: The directory, made by `open` if it is not there.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._graph: Any = None
        self._writer: Any = None

    def open(self) -> Any:
        """Opens the file for a new session; returns the writer."""
        self._graph = None
        return self.reopen()

    def reopen(self) -> Any:
        """Opens the file again where the directory may be a new one; returns the writer."""
        self._writer = event_writer(self._directory)
        return self._writer

    def graph(self, graph: Any, saver: Any, write_file: Callable[[Any], None]) -> None:
        """Writes the graph once a session, not once a recovery.

        Args:
          graph: The graph of the session.
          saver: Its Saver, or None.
          write_file: Called before with the GraphDef, to write it elsewhere too.
        """
        if self._graph is graph:
            return
        definition = graph.as_graph_def(add_shapes=True)
        write_file(definition)
        meta_graph = tf.train.export_meta_graph(
            graph_def=definition, saver_def=saver.saver_def if saver else None
        )
        self._attempt(lambda: self._writer.add_graph(graph))
        self._attempt(lambda: self._writer.add_meta_graph(meta_graph))
        self._graph = graph

    def saved(self, save_path: str, step: int) -> None:
        """Writes that the checkpoint of a global step is saved."""
        log = tf.SessionLog(status=tf.SessionLog.CHECKPOINT, checkpoint_path=save_path)
        self._attempt(lambda: self._writer.add_session_log(log, step))

    def flush(self) -> None:
        """Sees to it that all is in the file."""
        self._attempt(lambda: self._writer.flush())

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            tf.logging.warning('The event file of %s failed: %s', self._directory, error)
