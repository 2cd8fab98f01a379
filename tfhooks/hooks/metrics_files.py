"""Where a MetricsWriterHook writes to: CSV, JSON lines, TensorBoard."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tfhooks._tensorflow import tf
from tfhooks.hooks._writers import event_writer


class MetricsWriter(ABC):
    """Writes rows of scalars, one for a global step, that later sessions go on with."""

    @abstractmethod
    def open(self, names: Sequence[str]) -> None:
        """Called before the session is made.

        Args:
          names: The names of the scalars of each row, in their order.
        """

    @abstractmethod
    def resume(self, step: int) -> None:
        """Drops what was written of steps that come again. Called whenever a session was made.

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
    """A local file of lines, each appended by one call, so that a reader never sees half of one.

    A line that was not finished, since the machine went down, is dropped at the next start, and so
    is all that comes after it.
    """

    def __init__(self, path: Any) -> None:
        """Makes the writer.

        Args:
          path: The path of the file. Its directory is made if it is not there.

        Raises:
          TypeError: It is no path.
        """
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f'{type(self).__name__}: path must be a path; path={path!r}')
        self.path = os.fspath(path)
        self._file: int | None = None

    def open(self, names: Sequence[str]) -> None:
        """Opens the file."""
        self.close()
        directory = os.path.dirname(self.path)
        if directory:
            os.makedirs(directory, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)

    def resume(self, step: int) -> None:
        """Cuts off the lines from the first one that is of a later step, or is unfinished."""
        keep = dropped = 0
        with open(self.path, 'rb') as file:
            for index, line in enumerate(file):
                if not dropped and line.endswith(b'\n') and self._may_stay(index, line, step):
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
            os.truncate(self.path, keep)

    def _may_stay(self, index: int, line: bytes, step: int) -> bool:
        try:
            return self._step_of(index, line.decode()) <= step
        except (ValueError, TypeError, KeyError, IndexError):
            return False

    def _step_of(self, index: int, line: str) -> float:
        """The step of a line that was read; anything that fails means that there is none."""
        raise NotImplementedError

    def _append(self, line: str) -> None:
        if self._file is None:
            raise RuntimeError(
                f'{type(self).__name__}.write: the file must be open; path={self.path!r}'
            )
        data = line.encode()
        size = os.fstat(self._file).st_size
        written = os.write(self._file, data)
        if written < len(data):
            os.truncate(self._file, size)
            raise OSError(
                f'{type(self).__name__}.write: a line could not be written as a whole; '
                f'path={self.path!r}, bytes={len(data)}, written={written}. Is the disk full?'
            )

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class CsvWriter(_LinesFile):
    """A CSV file with the columns `step`, `wall_time` (seconds since 1970), and one for each name.

    A number that is not finite is written as `nan`, `inf` or `-inf`.
    """

    def open(self, names: Sequence[str]) -> None:
        """Opens the file.

        Raises:
          ValueError: The file has other columns.
        """
        columns = ['step', 'wall_time', *names]
        super().open(names)
        with open(self.path, newline='', encoding='utf-8') as file:
            header = file.readline()
        if header.endswith('\n'):
            found = next(csv.reader([header]))
            if found != columns:
                self.close()
                raise ValueError(
                    f'{type(self).__name__}.open: the file must have the columns of the hook; '
                    f'path={self.path!r}, columns={found}, needed={columns}. Give the hook another '
                    'path, or remove the file.'
                )
        else:
            os.truncate(self.path, 0)
            self._append(_csv_line(columns))

    def _step_of(self, index: int, line: str) -> float:
        return -math.inf if index == 0 else int(next(csv.reader([line]))[0])

    def write(self, step: int, wall_time: float, values: Mapping[str, int | float]) -> None:
        """Appends a line."""
        self._append(_csv_line([step, round(wall_time, 3), *values.values()]))


class JsonLinesWriter(_LinesFile):
    """A file with one JSON object a line: `step`, `wall_time` (seconds since 1970), and each name.

    JSON knows no number that is not finite: these are the strings "NaN", "Infinity", "-Infinity".
    """

    def _step_of(self, index: int, line: str) -> float:
        return int(json.loads(line)['step'])

    def write(self, step: int, wall_time: float, values: Mapping[str, int | float]) -> None:
        """Appends a line."""
        row = {'step': step, 'wall_time': round(wall_time, 3)}
        text = json.dumps({**row, **{name: _to_json(value) for name, value in values.items()}})
        self._append(text + '\n')


class TensorBoardWriter(MetricsWriter):
    """An event file, where each name is a tag. TensorBoard itself drops steps that came again.

    Other hooks of the process that write into the directory share its event file.
    """

    def __init__(self, output_dir: Any) -> None:
        """Makes the writer.

        Args:
          output_dir: The directory of the event file.

        Raises:
          TypeError: It is no path.
        """
        if not isinstance(output_dir, str | os.PathLike):
            raise TypeError(
                f'TensorBoardWriter: output_dir must be a path; output_dir={output_dir!r}'
            )
        self.output_dir = os.fspath(output_dir)
        self._writer: Any = None

    def open(self, names: Sequence[str]) -> None:
        """Opens the event file."""
        self._writer = event_writer(self.output_dir)

    def resume(self, step: int) -> None:
        """Marks the start of a session, by which TensorBoard drops what it has of later steps."""
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


def _csv_line(row: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerow(row)
    return text.getvalue()


def _to_json(value: int | float) -> int | float | str:
    if math.isfinite(value):
        return value
    return 'NaN' if math.isnan(value) else ('Infinity' if value > 0 else '-Infinity')
