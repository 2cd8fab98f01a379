"""MetricsWriterHook: writes scalars to files, to read, to plot, or for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from tfhooks._base import scalars
from tfhooks._base.errors import add_secondary_errors
from tfhooks._base.hook_types import (
    ALWAYS,
    NextDue,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    SupportsNextDue,
    SupportsSessionIsReady,
    Tensors,
)
from tfhooks._base.locks import Lock
from tfhooks._more_hooks.metrics_files import MetricsWriter
from tfhooks._timing.cadence import AlignedCadence

_NAME = 'MetricsWriterHook'


class MetricsWriterHook(SessionRunHook[tuple[Any, ...]], SupportsNextDue, SupportsSessionIsReady):
    """Writes scalars every so often, the same ones to each of several files.

    A row belongs to the global step after the run it was fetched in. By steps a row is written for
    the first run that ends at or after each multiple of the period.

    A file goes on where it ends. Rows of steps after the one that a session starts from, because it
    restored an older checkpoint, are dropped first: no step comes twice. So a training from the
    beginning needs files of its own, or begins them anew.

    Example:
      ```python
      files = [tfhooks.CsvWriter(f'{directory}/loss.csv'), tfhooks.TensorBoardWriter(directory)]
      hook = tfhooks.MetricsWriterHook(files, {'loss': loss}, every_n_steps=10)
      with tfhooks.MonitoredSession(hooks=[hook, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      ```
    """

    def __init__(
        self,
        writers: Iterable[MetricsWriter],
        tensors: Tensors | Iterator[Any],
        every_n_steps: int | None = None,
        *,
        every_n_secs: float | None = None,
    ) -> None:
        """Makes the hook.

        Args:
          writers: A list of `CsvWriter`, `JsonLinesWriter`, `TensorBoardWriter`, or other
            MetricsWriters. Each serves one hook.
          tensors: Scalar tensors or their names, in a dict by the names to write, or in an
            iterable.
          every_n_steps: The period in global steps, at least 1. Exactly one of the two must be
            given.
          every_n_secs: The period in seconds, greater than 0.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: There is no writer or no tensor, a writer is there twice, a name cannot be
            one, not exactly one period is given, or it is out of range.
        """
        self._cadence = AlignedCadence(_NAME, every_n_steps, every_n_secs)
        self._writers = _as_list(writers)
        self._tensors = scalars.by_name(_NAME, 'tensors', tensors)
        if not self._tensors:
            raise ValueError(f'{_NAME}: tensors must not be empty; tensors={tensors!r}')
        for name in self._tensors:
            if name in ('step', 'wall_time') or not name.isprintable() or not name:
                raise ValueError(
                    f"{_NAME}: a name must be printable, and not 'step' or 'wall_time', which "
                    f'each row has; name={name!r}'
                )
        self._request: SessionRunArgs[tuple[Any, ...]] = SessionRunArgs(())
        self._lock = Lock()
        self._is_open = False
        self._has_begun = False

    def begin(self) -> None:
        """Opens the files.

        Raises:
          OSError: A file cannot be opened.
          RuntimeError: The graph has no global step.
          ValueError: A tensor is not in the default graph, or a file has other columns.
        """
        self._cadence.begin_by_global_step()
        self._request = SessionRunArgs(scalars.resolve(_NAME, 'tensors', self._tensors))
        for writer in self._writers:
            writer.open(list(self._tensors))
        self._is_open = True

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Notes that steps may come again; a later hook may still restore another step."""
        self._has_begun = False

    def session_is_ready(self, session: Any, coord: Any) -> None:
        """Starts the cadence, and drops the rows of steps that come again.

        TensorFlow's own sessions do not call it: there the first run does.

        Raises:
          OSError: A file was removed.
          ValueError: A file holds something that is no row.
        """
        with self._lock:
            if self._has_begun or not self._is_open:
                return
            step = self._cadence.start(session)
            for writer in self._writers:
                writer.resume(step)
            self._has_begun = True

    def next_due(self) -> NextDue:
        """Returns when a row may be due; see `tfhooks.NextDue`."""
        return self._cadence.next_due() if self._has_begun else ALWAYS

    def step_went_back(self, step: int) -> None:
        """Continues the cadence from `step`."""
        self._cadence.step_went_back(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[tuple[Any, ...]] | None:
        """Requests the tensors if they may be due."""
        if not self._has_begun:
            self.session_is_ready(run_context.session, None)
        return self._request if self._cadence.may_be_due(run_context) else None

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[tuple[Any, ...]]
    ) -> None:
        """Writes a row if it is due.

        Raises:
          OSError: A file cannot be written.
        """
        if run_values.results is None:
            return
        with self._lock:
            # Locked, so that rows of several threads are written in the order of their steps.
            step = self._cadence.take(run_context) if self._is_open else None
            if step is None:
                return
            values = {
                name: scalars.number(f'{_NAME}: tensors[{name!r}]', value)
                for name, value in zip(self._tensors, run_values.results, strict=True)
            }
            now = time.time()
            for writer in self._writers:
                writer.write(step, now, values)

    def end(self, session: Any) -> None:
        """Closes the files."""
        self._close()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Closes the files; all rows are in them already."""
        self._close()

    def _close(self) -> None:
        errors: list[BaseException] = []
        with self._lock:
            # A run in another thread may end later; its row is not written.
            self._is_open = False
            for writer in self._writers:
                try:
                    writer.close()
                except Exception as error:
                    errors.append(error)
        if errors:
            add_secondary_errors(errors[0], errors[1:])
            raise errors[0]


def _as_list(writers: Any) -> list[MetricsWriter]:
    if isinstance(writers, MetricsWriter) or not isinstance(writers, Iterable):
        raise TypeError(f'{_NAME}: writers must be a list of MetricsWriters; writers={writers!r}')
    found = list(writers)
    for writer in found:
        if not isinstance(writer, MetricsWriter):
            raise TypeError(
                f'{_NAME}: writers must be MetricsWriters, such as CsvWriter(path); '
                f'writer={writer!r}'
            )
    if not found or len(set(map(id, found))) < len(found):
        raise ValueError(
            f'{_NAME}: writers must hold at least one writer, and each once; writers={found!r}'
        )
    return found
