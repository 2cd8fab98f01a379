"""EarlyStoppingHook: stops training when a metric no longer improves."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from tfhooks._base import arguments, files, scalars
from tfhooks._base.hook_types import (
    NextDue,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    SupportsNextDue,
)
from tfhooks._base.locks import Lock
from tfhooks._more_hooks.evaluation import EvalHook, EvalResult
from tfhooks._tensorflow import Tensor, tf
from tfhooks._timing.cadence import AlignedCadence

_NAME = 'EarlyStoppingHook'
_MODES = ('min', 'max')


class Check(NamedTuple):
    """The metric at one global step."""

    step: int
    value: float


class Standing(NamedTuple):
    """The state after a series of checks.

    Attributes:
      best: The last improvement, or None.
      waited: The number of checks since.
      since: The number of global steps from it, or else from the first check, to the last check.
      first: The first check, or None before it.
    """

    best: Check | None = None
    waited: int = 0
    since: int = 0
    first: Check | None = None


_UNJUDGED = Standing()


class EarlyStoppingHook(SessionRunHook[Any], SupportsNextDue):
    """Requests a stop when a metric has not improved for some time.

    A check is one look at the metric. It is an improvement if the metric is better than the best
    one before by more than `min_delta`; the first check is one, a NaN never is. Training stops in
    the run in which `patience` checks in a row were none, or `patience_steps` global steps have
    gone by since the last one.

    With a result of an EvalHook as metric there is one check for each of its periodic evaluations.
    Else `every_n_steps` or `every_n_secs` says how often to check: by steps in the first run that
    ends at or after each multiple of the period.

    A recovered session forgets the checks of steps that come again. A program that is started
    again forgets them all, unless there is a `state_file`; with one it goes on with the checks up
    to the step that it restored, and where those say stop, it trains no step more.

    In a training of several workers each hook stops the worker that it belongs to.

    Example:
      ```python
      stop = tfhooks.EarlyStoppingHook(loss, 'min', patience=3, min_delta=0.01, every_n_steps=10)
      with tfhooks.MonitoredSession(hooks=[stop]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(session.stop_reason)  # EarlyStoppingHook asked for a stop at global step 50
      ```
    """

    def __init__(
        self,
        metric: Tensor | str | EvalResult | Callable[[Any, int], float],
        mode: Literal['min', 'max'] = 'min',
        patience: int | None = None,
        min_delta: float = 0.0,
        *,
        patience_steps: int | None = None,
        min_steps: int = 0,
        every_n_steps: int | None = None,
        every_n_secs: float | None = None,
        state_file: Any = None,
    ) -> None:
        """Makes the hook.

        Args:
          metric: A result of an EvalHook of the same session, as `eval_hook.result('loss')` gives
            it; or a scalar tensor or its name, fetched together with the caller's run; or a
            function of the raw session and the global step after the run that returns a number.
          mode: `'min'` where smaller is better, `'max'` where greater is.
          patience: How many checks in a row without improvement stop the training, at least 1.
            Exactly one of `patience` and `patience_steps` must be given.
          min_delta: What a change must exceed to be an improvement, 0 or more.
          patience_steps: How many global steps without improvement stop the training, at least 1.
          min_steps: There are no checks before this global step.
          every_n_steps: The period in global steps, at least 1. Exactly one of the two periods must
            be given, or none where `metric` is a result of an EvalHook.
          every_n_secs: The period in seconds, greater than 0.
          state_file: A path to keep the checks in, or None.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: `mode` is another, a number is out of range, or too many or too few of the
            periods or of the patiences are given.
        """
        if isinstance(metric, EvalHook):
            raise TypeError(
                f"{_NAME}: metric must be one result of the EvalHook: eval_hook.result('loss'); "
                f'metric={metric!r}'
            )
        arguments.is_a(
            _NAME,
            'metric',
            metric,
            (*scalars.TENSORS, Callable),
            'a result of an EvalHook, a tensor, the name of one, or a function of (session, step)',
        )
        if mode not in _MODES:
            raise ValueError(f"{_NAME}: mode must be 'min' or 'max'; mode={mode!r}")
        arguments.exactly_one(_NAME, patience=patience, patience_steps=patience_steps)
        arguments.number(_NAME, 'min_delta', min_delta)
        if not 0 <= min_delta < math.inf:
            raise ValueError(f'{_NAME}: min_delta must be 0 or more; min_delta={min_delta!r}')
        self._metric: Any = metric
        self._mode = mode
        self._patience = arguments.whole(_NAME, 'patience', patience)
        self._patience_steps = arguments.whole(_NAME, 'patience_steps', patience_steps)
        self._min_delta = float(min_delta)
        self._min_steps = arguments.whole(_NAME, 'min_steps', min_steps, least=0) or 0
        self._cadence: AlignedCadence | None = None
        if not isinstance(metric, EvalResult):
            self._cadence = AlignedCadence(_NAME, every_n_steps, every_n_secs)
        elif every_n_steps is not None or every_n_secs is not None:
            raise ValueError(
                f'{_NAME}: a result of an EvalHook is checked when it is evaluated, so that '
                f'neither period may be given; every_n_steps={every_n_steps!r}, '
                f'every_n_secs={every_n_secs!r}'
            )
        self._state_file = None if state_file is None else os.fspath(state_file)
        self._lock = Lock()
        self._reset()

    def _reset(self) -> None:
        self._checks: list[Check] = []
        self._standing = _UNJUDGED
        self._judged: Any = None
        self._request: SessionRunArgs[Any] | None = None

    @property
    def best(self) -> Check | None:
        """The check with the best metric, or None before the first one that is not NaN."""
        return self._standing.best

    def begin(self) -> None:
        """Resets the hook, and reads the checks in the state file.

        Raises:
          RuntimeError: The graph has no global step.
          ValueError: The metric is not in the default graph, or `state_file` is another file.
        """
        self._reset()
        if self._cadence is not None:
            self._cadence.begin_by_global_step()
        if isinstance(self._metric, scalars.TENSORS):
            (tensor,) = scalars.resolve(_NAME, 'metric', {str(self._metric): self._metric})
            self._request = SessionRunArgs(tensor)
        if self._state_file is not None:
            self._checks = _read(self._state_file)
            self._standing = judge(self._checks, self._mode, self._min_delta)
            files.remove_unfinished(self._state_file)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Drops the checks of steps that come again; requests a stop if the others say so."""
        if self._cadence is not None:
            step = self._cadence.start(session)
        else:
            step = int(session.run(tf.train.get_global_step(session.graph)))
        with self._lock:
            self._checks = [check for check in self._checks if check.step <= step]
            self._standing = judge(self._checks, self._mode, self._min_delta)
            stop = self._has_waited()
        if stop and coord is not None:
            self._say(step)
            coord.request_stop()

    @property
    def decides_after_run(self) -> bool:  # type: ignore[override]
        """True if the metric is no tensor, so that nothing is fetched in the run."""
        return self._request is None

    def step_went_back(self, step: int) -> None:
        """Continues the cadence from `step`."""
        if self._cadence is not None:
            self._cadence.step_went_back(step)

    def next_due(self) -> NextDue:
        """Returns when a check may be due; see `tfhooks.NextDue`."""
        if self._cadence is not None:
            return self._cadence.next_due()
        wake: NextDue = self._metric.hook.next_due()
        return wake

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Any] | None:
        """Requests the metric, if it is a tensor and a check may be due."""
        if (
            self._request is not None
            and self._cadence is not None
            and self._cadence.may_be_due(run_context)
        ):
            return self._request
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        """Checks the metric if that is due, and requests a stop if patience is used up."""
        check = self._look(run_context, run_values.results)
        if check is None or check.step < self._min_steps:
            return
        with self._lock:
            self._checks.append(check)
            # Updated by one check, since there may be many.
            self._standing = judge([check], self._mode, self._min_delta, self._standing)
            stop = self._has_waited()
            if self._state_file is not None:
                _write(self._state_file, self._checks)
        if stop:
            self._say(check.step)
            run_context.request_stop()

    def _look(self, run_context: SessionRunContext, fetched: Any) -> Check | None:
        if self._cadence is None:
            # The EvalHook may come after this hook, so it must evaluate now.
            evaluation = self._metric.hook.evaluate_if_due(run_context)
            with self._lock:
                if evaluation is None or evaluation is self._judged:
                    return None
                self._judged = evaluation
            return Check(evaluation.step, self._metric.of(evaluation))
        if self._request is not None and fetched is None:
            return None
        step = self._cadence.take(run_context)
        if step is None:
            return None
        if self._request is None:
            fetched = self._metric(run_context.session, step)
        return Check(step, float(scalars.number(f'{_NAME}: metric={self._metric!r}', fetched)))

    def _has_waited(self) -> bool:
        if self._patience is not None:
            return self._standing.waited >= self._patience
        assert self._patience_steps is not None
        return self._standing.since >= self._patience_steps

    def _say(self, step: int) -> None:
        best, checks, since, _ = self._standing
        tf.logging.info(
            'Early stopping at step %d: %r has not improved in %d checks over %d steps; best=%s.',
            step,
            self._metric,
            checks,
            since,
            'none' if best is None else f'{best.value:g} at step {best.step}',
        )


def judge(
    checks: Sequence[Check], mode: str, min_delta: float, before: Standing = _UNJUDGED
) -> Standing:
    """Computes the state after a series of checks.

    Args:
      checks: The checks in the order made.
      mode: `'min'` or `'max'`.
      min_delta: What a change must exceed to be an improvement.
      before: The state after the checks before these.
    """
    sign = 1 if mode == 'min' else -1
    best, waited, since, first = before
    for check in checks:
        better = best is None or sign * check.value < sign * best.value - min_delta
        if better and not math.isnan(check.value):
            best, waited = check, 0
        else:
            waited += 1
        first = first or check
        since = check.step - (best or first).step
    return Standing(best, waited, since, first)


def _read(path: str) -> list[Check]:
    """Reads the checks in a state file; none where there is no file.

    Raises:
      ValueError: It is no state file.
    """
    try:
        if not tf.gfile.Exists(path):
            return []
        return [_check(*entry) for entry in files.read_json(path)['checks']]
    except (ValueError, TypeError, KeyError, OverflowError, tf.errors.OpError) as error:
        raise ValueError(
            f'{_NAME}.begin: state_file must be one that such a hook has written; '
            f'state_file={path!r} ({type(error).__name__}: {error}). Remove it to begin anew.'
        ) from None


def _check(step: Any, value: Any) -> Check:
    if isinstance(step, bool) or not isinstance(step, int):
        raise TypeError(f'step={step!r}')
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f'value={value!r}')
    return Check(step, float(value))


def _write(path: str, checks: Sequence[Check]) -> None:
    tf.gfile.MakeDirs(os.path.dirname(path) or '.')
    files.write_json(path, {'checks': checks})
