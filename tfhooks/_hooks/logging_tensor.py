"""LoggingTensorHook: logs the values of tensors."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tfhooks._base import arguments
from tfhooks._base.hook_types import (
    ALWAYS,
    NEVER,
    NextDue,
    SessionRunArgs,
    SessionRunContext,
    SessionRunValues,
    Tensors,
)
from tfhooks._run.stock_hooks import FastWay, StockHook
from tfhooks._tensorflow import Tensor, global_step_read, tf
from tfhooks._timing import global_steps
from tfhooks._timing.timer import SecondOrStepTimer

_NAME = 'LoggingTensorHook'
_MOST_ELEMENTS = 1000
_warned_that_info_is_hidden = False


class LoggingTensorHook(StockHook, tf.train.LoggingTensorHook):
    """Logs values every so often, beginning with the first run, or at the end.

    Stands for `tf.compat.v1.train.LoggingTensorHook`. It logs at level INFO, and warns once if the
    level of `tf.compat.v1.logging` hides that.

    Example:
      ```python
      hooks = [tfhooks.LoggingTensorHook({'loss': loss}, every_n_iter=10)]
      with tfhooks.MonitoredSession(hooks=[*hooks, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)  # Logs "loss = ..." in runs 1 and 11.
      ```
    """

    def __init__(
        self,
        tensors: Tensors | Iterator[Any],
        every_n_iter: float | None = None,
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
          every_n_iter: The period in runs of this session, greater than 0. At most one of the two
            periods must be given, and one of them or `at_end`.
          every_n_secs: The period in seconds; 0 for every run.
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
        arguments.period(_NAME, 'every_n_iter', every_n_iter)
        arguments.period(_NAME, 'every_n_secs', every_n_secs)
        # A generator can be read once only, and TensorFlow reads it twice.
        tensors = dict(tensors) if isinstance(tensors, Mapping) else list(tensors)
        with arguments.of(
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
        _LoggingTensor(
            self,
            by_global_step,
            arguments.whole(_NAME, 'array_threshold', array_threshold, least=0),
            formatter is not None and _wants_step(formatter),
        )

    def begin(self) -> None:
        """Prepares for a session, of which the next run is the first.

        Raises:
          RuntimeError: The cadence is by global step and the graph has none.
        """
        super().begin()
        _warn_if_info_is_hidden()

    def _log_tensors(self, tensor_values: dict[Any, Any]) -> None:
        # TensorFlow sets print options inside, and leaves them set when a formatter raises.
        with np.printoptions():
            super()._log_tensors(tensor_values)


class _LoggingTensor(FastWay):
    lazy = ('_iter_count', '_should_trigger')
    decides_after_run = False

    def __init__(
        self, hook: LoggingTensorHook, by_global_step: bool, threshold: int | None, wants_step: bool
    ) -> None:
        super().__init__(
            hook,
            LoggingTensorHook,
            extended=by_global_step or threshold is not None or wants_step,
        )
        self._by_global_step = by_global_step
        self._threshold = threshold
        self._wants_step = wants_step
        self._global_step: Any = None
        self._reset()

    def _reset(self) -> None:
        self._runs = 0
        self._first: float = math.inf
        self._is_requested = False

    @property
    def _every_n_iter(self) -> float | None:
        return getattr(self.timer, '_every_steps', None)

    def begin(self) -> None:
        super().begin()
        self._reset()
        self._request: SessionRunArgs[Any] = SessionRunArgs(self.hook._current_tensors)
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

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._by_global_step:
            self.step_went_back(int(session.run(self._global_step)))

    def step_went_back(self, step: int) -> None:
        if self._by_global_step:
            super().step_went_back(step)

    def next_due(self) -> NextDue:
        self._is_requested = False
        if type(self.timer) is not SecondOrStepTimer:
            return NEVER  # Only at the end.
        due: NextDue = self.timer.next_due()
        if self._by_global_step or self._every_n_iter is None or due == ALWAYS:
            return due
        return NextDue(runs=due.step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Any] | None:
        if self.timer.last_triggered_step() is None:
            self._first = min(self._first, self._index(run_context))
        self._is_requested = self._may_be_due(run_context)
        return self._request if self._is_requested else None

    def _may_be_due(self, run_context: SessionRunContext) -> bool:
        if type(self.timer) is not SecondOrStepTimer:
            return False
        if self._by_global_step:
            return self.timer.may_be_due(run_context, self._global_step)
        return self.timer.is_due(self._index(run_context))

    def _index(self, run_context: SessionRunContext) -> int:
        """The number of runs before this one, which tfhooks' own sessions count."""
        return int(getattr(run_context, '_tfhooks_runs', self._runs))

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        index = self._index(run_context)
        if run_values.results is not None:
            with self.lock:
                self._log_if_due(run_context, run_values.results, index)
        self._runs = index + 1

    def _log_if_due(
        self, run_context: SessionRunContext, values: dict[Any, Any], index: int
    ) -> None:
        """Logs, unless another thread has done it or the run ended before the step."""
        step = None
        if self._global_step is not None:
            step = global_steps.after(run_context, self._global_step)
        count: Any = step if self._by_global_step else index
        if not self.timer.is_due(count):
            return
        every, last = self._every_n_iter, self.timer.last_triggered_step()
        if every is not None and not self._by_global_step:
            # Runs of several threads end in any order: the next one is due a period after the run
            # that was due, and not after the one that ended first.
            count = self._first if last is None else count - (count - last) % every
        self._log(values, count, step)

    def _log(self, values: dict[Any, Any], count: int, step: int | None) -> None:
        given, threshold = np.get_printoptions(), self._threshold
        if threshold is None:
            threshold = int(min(given['threshold'], _MOST_ELEMENTS))
        suppress = self._wants_step or given['suppress']
        with np.printoptions(threshold=threshold, suppress=suppress), self.own_writes():
            if self._wants_step:
                elapsed_secs, _ = self.timer.update_last_triggered_step(count)
                tf.logging.info(self.hook._formatter(values, step, elapsed_secs))
                return
            # TensorFlow's method takes it for the run that is logged.
            vars(self.hook)['_iter_count'] = count
            try:
                self.hook._log_tensors(values)
            finally:
                vars(self.hook).pop('_iter_count', None)

    def end(self, session: Any) -> None:
        if self.hook._log_at_end:
            # The tensors may depend on the train op, which adds to the step.
            step = None if self._global_step is None else int(session.run(self._global_step))
            values = session.run(self.hook._current_tensors)
            with self.lock:
                self._log(values, self._runs, step)

    def field(self, name: str) -> Any:
        return self._is_requested if name == '_should_trigger' else self._runs

    def fields_to_leave(self, session: Any, runs: int | None) -> dict[str, Any]:
        self._runs = self._runs if runs is None else runs
        return super().fields_to_leave(session, runs)


def _wants_step(formatter: Callable[..., str]) -> bool:
    """True if a formatter takes `(values, step, elapsed_secs)` rather than `(values)`.

    A formatter that can be called with the values alone is called so, as in TensorFlow, unless it
    names the other two.
    """
    if not callable(formatter):
        raise TypeError(f'{_NAME}: formatter must be a function; formatter={formatter!r}')
    try:
        signature = inspect.signature(formatter)
    except ValueError:  # A built-in function without a signature.
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
