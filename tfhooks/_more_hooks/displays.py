"""Displays of a training's progress: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import absl.logging


class Display:
    """Shows the progress of a training.

    Args:
      file: The text stream to write to.
      total: The last global step, or None.
      title: The beginning of each line, or of the bar.
    """

    def __init__(self, file: Any, total: int | None, title: str) -> None:
        self._file = file
        self._total = total
        self._title = title

    def open(self, step: int) -> None:
        """Starts at a global step, or again after a recovery."""

    def show(self, step: int, rate: float | None, values: Mapping[str, str]) -> None:
        """Shows a global step, the steps per second, and values by name, if there are any."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends, and leaves what was shown last. Closing again does nothing."""


class Lines(Display):
    """Writes a line each time, for logs and pipes."""

    def show(self, step: int, rate: float | None, values: Mapping[str, str]) -> None:
        """Writes a line."""
        parts = [f'{self._title} {step}']
        if self._total is not None:
            parts = [f'{self._title} {step}/{self._total} ({step / self._total:.0%})']
        if rate is not None:
            parts.append(f'{rate:.4g} steps/sec')
            if self._total is not None and rate > 0 and step < self._total:
                parts.append(f'{duration((self._total - step) / rate)} left')
        parts += [f'{name}={value}' for name, value in values.items()]
        self._file.write(', '.join(parts) + '\n')
        self._file.flush()


class Bar(Display):
    """A tqdm bar: on a terminal, or a widget in a notebook.

    While it is open on a terminal, the lines that the program prints and logs there go above it.
    """

    def __init__(self, file: Any, total: int | None, title: str) -> None:
        super().__init__(file, total, title)
        self._bar: Any = None
        self._redirection = contextlib.ExitStack()

    def open(self, step: int) -> None:
        """Shows the bar."""
        if self._bar is not None:
            self._bar.n = step
            return
        width = _terminal_width(self._file)
        self._bar = _bar_class()(
            desc=self._title,
            total=self._total,
            initial=step,
            file=self._file,
            unit='step',
            dynamic_ncols=width != 0,
            ncols=80 if width == 0 else None,
            nrows=24 if width == 0 else None,
            leave=True,
        )
        if not in_notebook():
            self._redirection.enter_context(_above(self._bar, self._file))

    def show(self, step: int, rate: float | None, values: Mapping[str, str]) -> None:
        """Updates the bar."""
        if self._bar is None:
            return
        self._bar.n = step
        self._bar.training_rate = rate
        if values:
            self._bar.set_postfix(values, refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """Leaves the bar as it is, and restores the streams."""
        self._redirection.close()
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextlib.contextmanager
def _above(bar: Any, file: Any) -> Iterator[None]:
    """Context in which Python's streams to the terminal of a bar write above the bar."""
    streams = [sys.stdout, sys.stderr, *(handler.stream for handler in _stream_handlers())]
    above = {
        id(stream): _Above(stream, bar)
        for stream in streams
        if stream is file or (is_terminal(stream) and is_terminal(file))
    }
    try:
        _replace_streams(above)
        yield
    finally:
        _replace_streams({id(one): one.close() for one in above.values()})


def _replace_streams(by_id: Mapping[int, Any]) -> None:
    """Replaces Python's standard streams, and those of the handlers of its logs."""
    sys.stdout = by_id.get(id(sys.stdout), sys.stdout)
    sys.stderr = by_id.get(id(sys.stderr), sys.stderr)
    for handler in _stream_handlers():
        # Not by setStream, which flushes the stream: it may be a terminal that was closed.
        handler.stream = by_id.get(id(handler.stream), handler.stream)


def _stream_handlers() -> list[Any]:
    loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
    handlers = {
        handler
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
    }
    # The handler of absl, which `tf.app.run` installs, has another inside.
    handlers.add(absl.logging.get_absl_handler().python_handler)
    return [handler for handler in handlers if isinstance(handler, logging.StreamHandler)]


class _Above:
    """A stream that writes above a bar, line by line.

    Args:
      stream: The stream that it stands for.
      bar: The tqdm bar.
    """

    def __init__(self, stream: Any, bar: Any) -> None:
        self._stream = stream
        self._bar = bar
        self._pid = os.getpid()
        self._pending = ''

    def write(self, text: str) -> int:
        """Writes the lines that `text` completes, and keeps the rest."""
        bar = self._bar
        # A handler made in the meantime may use it after the bar; a forked process has no bar.
        if bar is None or os.getpid() != self._pid:
            return int(self._stream.write(text))
        with bar.get_lock():
            lines, end, self._pending = (self._pending + text).rpartition('\n')
            if end:
                with bar.external_write_mode(file=bar.fp):
                    self._stream.write(lines + end)
                    self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Writes the rest of a line, such as the prompt of a debugger, where the bar was."""
        bar = self._bar
        if bar is not None and self._pending and os.getpid() == self._pid:
            with bar.get_lock():
                bar.clear()
                self._stream.write(self._pending)
                self._pending = ''
        self._stream.flush()

    def close(self) -> Any:
        """Writes the rest of a line; returns the stream, which later writes go to."""
        with contextlib.suppress(OSError, ValueError):  # The terminal was closed.
            self.flush()
        self._bar = None
        return self._stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def is_terminal(stream: Any) -> bool:
    """True if a stream writes to a terminal."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # It is none, or closed.
        return False


def in_notebook() -> bool:
    """True if tqdm's bars are widgets here."""
    return any(base.__module__ == 'tqdm.notebook' for base in _tqdm().__mro__)


def _terminal_width(file: Any) -> int | None:
    """The columns of a terminal, 0 if unknown, as in a container; None for other files."""
    try:
        return os.get_terminal_size(file.fileno()).columns
    except (AttributeError, OSError, ValueError):
        return None


def has_tqdm() -> bool:
    """True if tqdm can be imported."""
    return importlib.util.find_spec('tqdm') is not None


def duration(secs: float) -> str:
    """Seconds as hours, minutes and seconds: `1:02:03`."""
    minutes, seconds = divmod(round(secs), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{seconds:02}'


def _tqdm() -> Any:
    return importlib.import_module('tqdm.auto').tqdm


def _bar_class() -> Any:
    class TrainingBar(_tqdm()):  # type: ignore[misc]
        """A bar whose rate is given: tqdm's own would count pauses of the training."""

        monitor_interval = 0  # Starts no monitor thread.
        training_rate: float | None = None

        @property
        def format_dict(self) -> dict[str, Any]:
            return {**super().format_dict, 'rate': self.training_rate}

    return TrainingBar
