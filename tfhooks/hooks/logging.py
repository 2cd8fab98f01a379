"""Values of tensors in the log."""

from __future__ import annotations

import inspect
import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tfhooks import _arguments, steps
from tfhooks._locks import Lock
from tfhooks._tensorflow import Tensor, global_step_read, tf
from tfhooks.hook_types import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks.triggers import SecondOrStepTimer

_NAME = 'LoggingTensorHook'
_MOST_ELEMENTS = 1000
_warned_that_info_is_hidden = False


class LoggingTensorHook(tf.train.LoggingTensorHook, SessionRunHook[dict[Any, Any]]):
    """Logs values every so often, beginning with the first run, or at the end.

    Stands for `tf.compat.v1.train.LoggingTensorHook`. It logs at level INFO, and warns once if the
    level of `tf.compat.v1.logging` hides that.
    """

    def __init__(
        self,
        tensors: Mapping[str, Any] | Iterable[Any],
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[..., str] | None = None,
        *,
        by_global_step: bool = False,
        array_threshold: int | None = None,
    ) -> None:
        """Makes the hook.

        Args:
          tensors: A dict from tags to tensors or their names, or an iterable of tensors or names.
          every_n_iter: The period in runs of this session, at least 1. At most one of the two
            periods must be given, and one of them or `at_end`.
          every_n_secs: The period in seconds, greater than 0.
          at_end: Whether to run and log the tensors at the end; they must not need another batch.
          formatter: A function from a dict of tags to values to the text to log. If it takes
            `(values, step, elapsed_secs)` it is also given the global step after the run (None
            where the graph has none) and the seconds since the last time (None the first time).
          by_global_step: Whether `every_n_iter` counts global steps instead of runs.
          array_threshold: Arrays of more elements than this are logged in part. By default it is
            numpy's print option, but 1000 at most.

        Raises:
          TypeError: An argument is of the wrong kind, or the formatter cannot be called with either
            list of arguments.
          ValueError: Too many or too few of the periods are given, or a value is out of range.
        """
        if isinstance(tensors, str | bytes | Tensor) or not isinstance(tensors, Iterable):
            raise TypeError(
                f'{_NAME}: tensors must be a dict of tensors or names, or an iterable of them; '
                f'tensors={tensors!r}'
            )
        every_n_iter = _arguments.whole(_NAME, 'every_n_iter', every_n_iter)
        every_n_secs = _arguments.seconds(_NAME, 'every_n_secs', every_n_secs)
        # A generator can be read once only, and TensorFlow reads it twice.
        tensors = dict(tensors) if isinstance(tensors, Mapping) else list(tensors)
        with _arguments.of(
            _NAME, every_n_iter=every_n_iter, every_n_secs=every_n_secs, at_end=at_end
        ):
            super().__init__(tensors, every_n_iter, every_n_secs, at_end, formatter)
        if every_n_iter is not None or every_n_secs is not None:
            self._timer = SecondOrStepTimer(every_secs=every_n_secs, every_steps=every_n_iter)
        if by_global_step and every_n_iter is None:
            raise ValueError(
                f'{_NAME}: by_global_step needs every_n_iter; '
                f'every_n_iter=None, by_global_step={by_global_step!r}'
            )
        self._every_n_iter = every_n_iter
        self._every_n_secs = every_n_secs
        self._by_global_step = by_global_step
        self._array_threshold = _arguments.whole(_NAME, 'array_threshold', array_threshold, least=0)
        self._lock = Lock()
        self._global_step: Any = None
        self._step: Any = None  # The global step after the run that is logged.
        self._wants_step = formatter is not None and _wants_step(formatter)
        # Such classes go by TensorFlow's fields: `_timer`, `_iter_count`, `_should_trigger`.
        self._is_overridden = not by_global_step and any(
            getattr(type(self), method) is not getattr(LoggingTensorHook, method)
            for method in ('before_run', 'after_run')
        )

    def begin(self) -> None:
        """Begins anew: the next run is the first.

        Raises:
          RuntimeError: The cadence is by global step and the graph has none.
        """
        super().begin()
        self._request: SessionRunArgs[dict[Any, Any]] = SessionRunArgs(self._current_tensors)
        self._runs = itertools.count(1)
        # Due when this number of runs, or this time, is reached.
        self._due = math.inf if self._every_n_iter is None else 0
        self._due_time = math.inf if self._every_n_secs is None else -math.inf
        self._global_step = None
        if self._by_global_step:
            self._global_step = global_step_read()
            if self._global_step is None:
                raise RuntimeError(
                    f'{_NAME}.begin: global step should be created to log by it; '
                    'call tf.train.get_or_create_global_step()'
                )
        elif self._wants_step:
            self._global_step = tf.train.get_global_step()
        _warn_if_info_is_hidden()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Takes up a cadence by global step where a session has gone back to an older step."""
        super().after_create_session(session, coord)
        if self._by_global_step and self._timer.last_triggered_step() is not None:
            self._timer.rewind(int(session.run(self._global_step)))

    def next_due(self) -> steps.NextDue:
        """When it is due; see `tfhooks.steps.NextDue`."""
        if self._by_global_step:
            return self._timer.next_due()
        return steps.NextDue(time=self._due_time, runs=self._due)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[dict[Any, Any]] | None:
        """Asks for the tensors if they are due."""
        if self._by_global_step:
            if self._timer.may_be_due(run_context, self._global_step):
                return self._request
            return None
        # tfhooks' own sessions count the runs, so that they need not call this in each.
        self._iter_count = getattr(run_context, 'runs', self._iter_count)
        if self._is_overridden:
            self._should_trigger = self._timer.should_trigger_for_step(self._iter_count)
            return self._request if self._should_trigger else None
        if self._iter_count >= self._due or (
            self._every_n_secs is not None and time.monotonic() >= self._due_time
        ):
            return self._request
        return None

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[dict[Any, Any]]
    ) -> None:
        """Logs the values if they were due."""
        if run_values.results is not None:
            with self._lock:
                self._log_if_due(run_context, run_values.results)
        if not self._by_global_step and (self._is_overridden or not hasattr(run_context, 'runs')):
            self._iter_count = next(self._runs)

    def _log_if_due(self, run_context: SessionRunContext, values: dict[Any, Any]) -> None:
        """Logs, unless another thread has been first or the run ended before the step."""
        if self._global_step is not None:
            self._step = steps.after(run_context, self._global_step)
        if self._by_global_step:
            if not self._timer.is_due(self._step):
                return
            self._iter_count = self._step
        elif self._every_n_iter is not None:
            if self._iter_count < self._due:
                return
            self._due = self._iter_count + self._every_n_iter
        else:
            now = time.monotonic()
            if now < self._due_time:
                return
            self._due_time = now + (self._every_n_secs or 0)
        self._log_tensors(values)

    def _log_tensors(self, tensor_values: dict[Any, Any]) -> None:
        threshold = self._array_threshold
        if threshold is None:
            threshold = min(np.get_printoptions()['threshold'], _MOST_ELEMENTS)
        # TensorFlow sets print options inside, and leaves them set when a formatter raises.
        with np.printoptions(threshold=threshold):
            if not self._wants_step:
                super()._log_tensors(tensor_values)
                return
            np.set_printoptions(suppress=True)
            elapsed_secs, _ = self._timer.update_last_triggered_step(self._iter_count)
            tf.logging.info(self._formatter(tensor_values, self._step, elapsed_secs))

    def end(self, session: Any) -> None:
        """Logs the values if that was asked for."""
        with self._lock:
            if self._log_at_end and self._global_step is not None:
                self._step = int(session.run(self._global_step))
            super().end(session)


def _wants_step(formatter: Callable[..., str]) -> bool:
    """Whether a formatter takes `(values, step, elapsed_secs)` rather than `(values)`.

    A formatter that can be called with the values alone is called so, as TensorFlow does, unless it
    names the other two.
    """
    if not callable(formatter):
        raise TypeError(f'{_NAME}: formatter must be a function; formatter={formatter!r}')
    try:
        signature = inspect.signature(formatter)
    except ValueError:  # A built-in function that does not tell.
        return False
    if list(signature.parameters)[1:3] == ['step', 'elapsed_secs'] or not _takes(signature, 1):
        if not _takes(signature, 3):
            raise TypeError(
                f'{_NAME}: formatter must take (values) or (values, step, elapsed_secs); '
                f'formatter={formatter!r}, its signature={signature}'
            )
        return True
    return False


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _warn_if_info_is_hidden() -> None:
    global _warned_that_info_is_hidden
    if not _warned_that_info_is_hidden and tf.logging.get_verbosity() > tf.logging.INFO:
        _warned_that_info_is_hidden = True
        tf.logging.warning(
            '%s logs at level INFO, which is hidden now. To see it call '
            'tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.INFO).',
            _NAME,
        )
