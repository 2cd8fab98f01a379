"""Writers for a MetricsWriterHook: CSV, JSON lines, TensorBoard."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tfhooks._base import arguments
from tfhooks._base.errors import reason, shown
from tfhooks._base.locks import Lock
from tfhooks._hooks.writers import event_writer
from tfhooks._tensorflow import tf


class MetricsWriter(ABC):
    """Writes rows of scalars, one for a global step, to a file that later sessions continue.

    Example:
      ```python
      class Print(tfhooks.MetricsWriter):
          def open(self, names): ...
          def resume(self, step): ...
          def write(self, step, wall_time, values):
              print(step, values)  # 1 {'loss': 4.0}

      hook = tfhooks.MetricsWriterHook([Print()], {'loss': loss}, every_n_steps=1)
      with tfhooks.MonitoredSession(hooks=[hook]) as session:
          session.run(train_op)
      ```
    """

    @abstractmethod
    def open(self, names: Sequence[str]) -> None:
        """Called before the session is made.

        Args:
          names: The names of the scalars of each row, in their order.
        """

    @abstractmethod
    def resume(self, step: int) -> None:
        """Drops the rows of steps that come again.

        Called for each new session, between `after_create_session` of all hooks and the first run.

        Args:
          step: The global step at which it starts.
        """

    @abstractmethod
    def write(self, step: int, wall_time: float, values: Mapping[str, int | float]) -> None:
        """Writes a row; when it returns, readers can see it.

        Args:
          step: The global step after the run that the values were fetched in.
          wall_time: Seconds since 1970.
          values: The scalars by name.
        """

    def close(self) -> None:
        """Called at the end of the session. `open` may be called again."""
        return None


class _LinesFile(MetricsWriter):
    """A local file of lines, each appended by one system call, so that readers see whole lines.

    An unfinished last line, as of a machine that went down, is dropped at the next start. Anything
    else that is no row is an error, since the file may be another program's.
    """

    # The fixed beginning of each line.
    _start = ''

    def __init__(self, path: Any) -> None:
        """Makes the writer.

        Args:
          path: The path of the file. Its directory is made if it is not there.

        Raises:
          TypeError: It is no path.
        """
        arguments.is_a(type(self).__name__, 'path', path, (str, os.PathLike), 'a path')
        self.path = os.fspath(path)
        self._opened_path = ''
        self._file: int | None = None
        # Guards the file descriptor, whose number may be reused once it is closed.
        self._lock = Lock()

    def open(self, names: Sequence[str]) -> None:
        """Opens the file."""
        self.close()
        # Absolute, since the program may change its working directory.
        self._opened_path = os.path.abspath(self.path)
        os.makedirs(os.path.dirname(self._opened_path), exist_ok=True)
        self._file = os.open(self._opened_path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)

    def resume(self, step: int) -> None:
        """Cuts off the lines from the first one that is of a later step, or is unfinished.

        Raises:
          OSError: The file was removed, or another one is in its place.
          ValueError: A line is no row.
        """
        with self._lock:
            file = self._open_file('resume')
            self._check_place(file)
            keep = dropped = 0
            with os.fdopen(os.dup(file), 'rb') as lines:
                lines.seek(0)
                for index, line in enumerate(lines):
                    if not dropped and self._may_stay(index, line, step):
                        keep += len(line)
                    else:
                        dropped += 1
            if dropped:
                tf.logging.info(
                    'The last %d lines of %s are dropped: training goes on from step %d.',
                    dropped,
                    self.path,
                    step,
                )
                os.truncate(file, keep)

    def _check_place(self, file: int) -> None:
        problem = 'it was removed'
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._opened_path), os.fstat(file)):
                return
            problem = 'another file has taken its place'
        raise FileNotFoundError(
            errno.ENOENT,
            f'{type(self).__name__}.resume: the file must stay where it is while it is written to, '
            f'and {problem}',
            self._opened_path,
        )

    def _may_stay(self, index: int, line: bytes, step: int) -> bool:
        """True if a line is of that step or an earlier one.

        Raises:
          ValueError: It is no row, nor the beginning of one.
        """
        if not line.endswith(b'\n') and (index or _is_beginning(line, self._start)):
            return False
        if not line.replace(b'\0', b'').strip():  # Zeros, as in a page that a file system lost.
            return False
        try:
            if not line.endswith(b'\n'):
                raise ValueError('it does not end')
            return self._step_of(index, line.decode()) <= step
        except (ValueError, TypeError, KeyError, csv.Error, RecursionError) as error:
            raise ValueError(
                f'{type(self).__name__}.resume: each line must be a row that such a writer has '
                f'written; path={self._opened_path!r}, line {index + 1}={shown(line)} '
                f'({type(error).__name__}: {reason(error)}). Mend the line or remove it, or give '
                'the hook another path.'
            ) from None

    def _step_of(self, index: int, line: str) -> float:
        """Returns the step of a line; raises anything if it has none."""
        raise NotImplementedError

    def _open_file(self, method: str) -> int:
        if self._file is None:
            raise RuntimeError(
                f'{type(self).__name__}.{method}: the file must be open; path={self.path!r}'
            )
        return self._file

    def _append(self, line: str) -> None:
        data = line.encode()
        with self._lock:
            file = self._open_file('write')
            size = os.fstat(file).st_size
            written = os.write(file, data)
            if written < len(data):
                os.truncate(file, size)
                raise OSError(
                    f'{type(self).__name__}.write: a line could not be written as a whole; '
                    f'path={self.path!r}, bytes={len(data)}, written={written}. Is the disk full?'
                )

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            file, self._file = self._file, None
            if file is not None:
                os.close(file)


class CsvWriter(_LinesFile):
    """A CSV file with the columns `step`, `wall_time` (seconds since 1970), and one for each name.

    A number that is not finite is written as `nan`, `inf` or `-inf`.

    Example:
      ```python
      writer = tfhooks.CsvWriter(f'{directory}/metrics.csv')
      hook = tfhooks.MetricsWriterHook([writer], {'loss': loss}, every_n_steps=10)
      with tfhooks.MonitoredSession(hooks=[hook, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(open(f'{directory}/metrics.csv').read())  # step,wall_time,loss...
      ```
    """

    _columns: Sequence[str] = ()

    def open(self, names: Sequence[str]) -> None:
        """Opens the file.

        Raises:
          ValueError: The file has other columns.
        """
        super().open(names)
        self._columns = ['step', 'wall_time', *names]
        self._start = _csv_line(self._columns)
        with open(self._opened_path, 'rb') as file:
            header = file.readline()
        if not header.endswith(b'\n') and _is_beginning(header, self._start):
            os.truncate(self._open_file('open'), 0)
            self._append(self._start)
            return
        found: Any
        try:
            found = next(csv.reader([header.decode()]))
        except (ValueError, csv.Error):
            found = header
        if found != self._columns:
            self.close()
            raise ValueError(
                f'{type(self).__name__}.open: the file must have the columns of the hook; '
                f'path={self.path!r}, columns={shown(found)}, needed={self._columns}. Give the '
                'hook another path, or remove the file.'
            )

    def _step_of(self, index: int, line: str) -> float:
        if index == 0:
            return -math.inf
        row = next(csv.reader([line]))
        if len(row) != len(self._columns):
            raise ValueError(f'{len(row)} of {len(self._columns)} columns')
        return int(row[0])

    def write(self, step: int, wall_time: float, values: Mapping[str, int | float]) -> None:
        """Appends a line."""
        self._append(_csv_line([step, round(wall_time, 3), *values.values()]))


class JsonLinesWriter(_LinesFile):
    """A file with one JSON object a line: `step`, `wall_time` (seconds since 1970), and each name.

    JSON knows no number that is not finite: these are the strings "NaN", "Infinity", "-Infinity".

    Example:
      ```python
      writer = tfhooks.JsonLinesWriter(f'{directory}/metrics.jsonl')
      hook = tfhooks.MetricsWriterHook([writer], {'loss': loss}, every_n_steps=10)
      with tfhooks.MonitoredSession(hooks=[hook, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(open(f'{directory}/metrics.jsonl').read())  # {"step": 10, ...
      ```
    """

    _start = '{"step": '

    def _step_of(self, index: int, line: str) -> float:
        step = json.loads(line)['step']
        if isinstance(step, bool) or not isinstance(step, int):
            raise TypeError(f'step={shown(step)}')
        return step

    def write(self, step: int, wall_time: float, values: Mapping[str, int | float]) -> None:
        """Appends a line."""
        row = {'step': step, 'wall_time': round(wall_time, 3)}
        text = json.dumps({**row, **{name: _to_json(value) for name, value in values.items()}})
        self._append(text + '\n')


class TensorBoardWriter(MetricsWriter):
    """An event file, where each name is a tag. TensorBoard itself drops steps that came again.

    Other hooks of the process that write into the directory share its event file.

    Example:
      ```python
      writer = tfhooks.TensorBoardWriter(directory)
      hook = tfhooks.MetricsWriterHook([writer], {'loss': loss}, every_n_steps=10)
      with tfhooks.MonitoredSession(hooks=[hook]) as session:
          session.run(train_op)
      print(*tf.io.gfile.listdir(directory))  # events.out.tfevents...
      ```
    """

    def __init__(self, output_dir: Any) -> None:
        """Makes the writer.

        Args:
          output_dir: The directory of the event file.

        Raises:
          TypeError: It is no path.
        """
        arguments.is_a('TensorBoardWriter', 'output_dir', output_dir, (str, os.PathLike), 'a path')
        self.output_dir = os.fspath(output_dir)
        self._writer: Any = None

    def open(self, names: Sequence[str]) -> None:
        """Opens the event file."""
        self._writer = event_writer(self.output_dir)

    def resume(self, step: int) -> None:
        """Marks the start of a session, at which TensorBoard drops its data of later steps."""
        log = tf.SessionLog(status=tf.SessionLog.START)
        self._writer.add_session_log(log, step + 1)
        self._writer.flush()

    def write(self, step: int, wall_time: float, values: Mapping[str, int | float]) -> None:
        """Writes a summary."""
        summary = tf.Summary(
            value=[tf.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        )
        event = tf.Event(wall_time=wall_time, step=step, summary=summary)
        self._writer.add_event(event)
        self._writer.flush()


def _is_beginning(line: bytes, start: str) -> bool:
    """True if an unfinished line may be the first part of one that begins with `start`."""
    known = start.encode()
    return line[: len(known)] == known[: len(line)]


def _csv_line(row: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerow(row)
    return text.getvalue()


def _to_json(value: int | float) -> int | float | str:
    if math.isfinite(value):
        return value
    return 'NaN' if math.isnan(value) else ('Infinity' if value > 0 else '-Infinity')
