"""The event file writers that hooks share, one per directory."""

from __future__ import annotations

import os
from typing import Any

from tfhooks._base import files, log
from tfhooks._checkpoints.graph_definition import shared_definition
from tfhooks._run.stock_hooks import FastWay, StockHook
from tfhooks._tensorflow import event_file_of, forget_event_writer, tf

# Directories that cannot be written to and have been warned of.
_warned_of: set[Any] = set()


def event_writer(output_dir: Any) -> Any:
    """Returns TensorFlow's cached `tf.compat.v1.summary.FileWriter` of `output_dir`.

    A cached writer whose event file has been deleted would lose its events. It is replaced by
    a new one, which begins its file with the default graph, as the first one did.

    Args:
      output_dir: The directory, made if it is not there.

    Raises:
      tf.errors.OpError: It cannot be made, or is another file; of the class that TensorFlow raises.
    """
    try:
        writer = _writer(output_dir)
    except tf.errors.OpError as error:
        kind: Any = type(error)
        raise kind(
            None,
            None,
            'The directory for event files must be one that can be made and written to. It is the '
            'checkpoint_dir or summary_dir of MonitoredTrainingSession, or the output_dir of a '
            f'hook; directory={os.fspath(output_dir)!r}, cause={kind.__name__}: {error.message}',
        ) from error
    if not isinstance(writer, tf.summary.FileWriter):
        return writer  # A fake writer that a program's tests have put there.
    writer.reopen()  # Does nothing unless it was closed.
    # A new writer makes its file with the first event that it writes.
    writer.flush()
    if _file_exists(writer, output_dir):
        return writer
    if forget_event_writer(output_dir):
        writer.close()
        writer = _writer(output_dir)
    else:
        writer.close()
        tf.gfile.MakeDirs(output_dir or '.')
        writer.reopen()
        writer.add_graph(tf.get_default_graph())
    writer.flush()
    if not _file_exists(writer, output_dir) and output_dir not in _warned_of:
        _warned_of.add(output_dir)
        log.warning(
            'Nothing that hooks write for TensorBoard is kept: no event file is in %s after one '
            'was written. Give checkpoint_dir, summary_dir or output_dir a directory that this '
            'process may write to.',
            output_dir,
        )
    return writer


def _writer(output_dir: Any) -> Any:
    with shared_definition(tf.get_default_graph()):  # A new one writes it twice.
        return tf.summary.FileWriterCache.get(output_dir)


def _file_exists(writer: Any, output_dir: Any) -> bool:
    path = event_file_of(writer)
    if path is None:
        names = files.names(os.fspath(output_dir))
        return any(name.startswith('events.out.tfevents.') for name in names)
    return bool(tf.gfile.Exists(path))


class WritingHook(StockHook):
    """A stock hook with TensorFlow's fields `_output_dir` and `_summary_writer`."""

    def begin(self) -> None:
        """Begins a new session on the default graph.

        Raises:
          RuntimeError: The graph has no global step.
        """
        fields = vars(self)
        if fields.get('_output_dir') and fields.get('_summary_writer') is None:
            # TensorFlow takes it from the cache, where its file may have been deleted.
            event_writer(fields['_output_dir'])
        super().begin()


class WritingWay(FastWay):
    """The fast way of a WritingHook, which opens the directory's writer again in each session."""

    def __init__(self, hook: Any, kind: type, *, extended: bool = False) -> None:
        super().__init__(hook, kind, extended=extended)
        self._is_writer_given = hook._summary_writer is not None

    def begin(self) -> None:
        if not self._is_writer_given and self.hook._output_dir:
            vars(self.hook)['_summary_writer'] = event_writer(self.hook._output_dir)
        super().begin()
