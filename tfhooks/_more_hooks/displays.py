"""How the progress of a training looks: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Mapping
from typing import Any, Protocol

from tfhooks._tensorflow import tf


class Display(Protocol):
    """Shows how far a training is."""

    def open(self, step: int) -> None:
        """Begins, or begins again after a recovery, at a global step."""

    def show(self, step: int, rate: float | None, values: Mapping[str, str]) -> None:
        """Shows a global step, the steps per second, and values by name."""

    def close(self) -> None:
        """Ends, and leaves what was shown last. Closing again does nothing."""


class Lines:
    """A line each time, for logs and pipes.

    Args:
      file: What to write to.
      total: The last global step, or None.
      title: What a line begins with.
    """

    def __init__(self, file: Any, total: int | None, title: str) -> None:
        self._file = file
        self._total = total
        self._title = title

    def open(self, step: int) -> None:
        """Says nothing."""

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

    def close(self) -> None:
        """Does nothing."""


class Bar:
    """A tqdm bar. While it is open, lines of TensorFlow's log go above it.

    Args:
      file: What to write to.
      total: The last global step, or None.
      title: What stands before the bar.
    """

    def __init__(self, file: Any, total: int | None, title: str) -> None:
        self._file = file
        self._total = total
        self._title = title
        self._bar: Any = None
        self._redirection: Any = None

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
            leave=True,
        )
        self._redirect()

    def show(self, step: int, rate: float | None, values: Mapping[str, str]) -> None:
        """Brings the bar up to date."""
        if self._bar is None:
            return
        self._bar.n = step
        self._bar.training_rate = rate
        self._bar.set_postfix(values, refresh=False)
        self._bar.refresh()

    def close(self) -> None:
        """Leaves the bar as it is, and gives the log back."""
        if self._redirection is not None:
            self._redirection.__exit__(None, None, None)
            self._redirection = None
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _redirect(self) -> None:
        # tqdm would give a handler to loggers that have none, whose lines would then come twice.
        loggers = [
            logger
            for logger in (tf.get_logger(), logging.getLogger())
            if any(type(handler) is logging.StreamHandler for handler in logger.handlers)
        ]
        if loggers:
            redirect = importlib.import_module('tqdm.contrib.logging').logging_redirect_tqdm
            self._redirection = redirect(loggers, tqdm_class=type(self._bar))
            self._redirection.__enter__()


def _terminal_width(file: Any) -> int | None:
    """The columns of a terminal, 0 where it does not say, as in a container; None for others."""
    try:
        return os.get_terminal_size(file.fileno()).columns
    except (AttributeError, OSError, ValueError):
        return None


def has_tqdm() -> bool:
    """Whether tqdm can be imported."""
    try:
        importlib.import_module('tqdm')
    except ImportError:
        return False
    return True


def duration(secs: float) -> str:
    """Seconds as hours, minutes and seconds: `1:02:03`."""
    minutes, seconds = divmod(round(secs), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{seconds:02}'


def _bar_class() -> Any:
    tqdm = importlib.import_module('tqdm').tqdm

    class TrainingBar(tqdm):  # type: ignore[misc, valid-type]
        """A bar whose rate is given: tqdm's own would count pauses of the training."""

        monitor_interval = 0  # No thread beside the training.
        training_rate: float | None = None

        @property
        def format_dict(self) -> dict[str, Any]:
            return {**super().format_dict, 'rate': self.training_rate}

    return TrainingBar
