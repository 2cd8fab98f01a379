"""EvalHook: evaluates inside the training loop."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tfhooks._base import arguments, files, scalars
from tfhooks._base.hook_types import (
    NextDue,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    SupportsNextDue,
    Tensors,
)
from tfhooks._base.locks import Lock
from tfhooks._more_hooks.mean import Mean
from tfhooks._more_hooks.metrics_files import TensorBoardWriter
from tfhooks._tensorflow import tf
from tfhooks._timing import excluded_time
from tfhooks._timing.cadence import AlignedCadence

_NAME = 'EvalHook'


class Evaluation(NamedTuple):
    """The results of one evaluation.

    Attributes:
      step: The global step of the weights.
      results: The results by name.
      secs: How long it took, in seconds.
    """

    step: int
    results: dict[str, float]
    secs: float


class EvalResult:
    """One result of an EvalHook, as a metric of other hooks; `EvalHook.result` makes it.

    Called with `(session, step)`, it gives the value for the weights at that step, and has the hook
    evaluate them if it has not.
    """

    def __init__(self, hook: EvalHook, name: str) -> None:
        self.hook = hook
        self.name = name

    def __call__(self, session: Any, step: int) -> float:
        return self.of(self.hook.evaluate(session, step))

    def of(self, evaluation: Evaluation) -> float:
        """The value in one evaluation.

        Raises:
          ValueError: It has no result of that name.
        """
        if self.name not in evaluation.results:
            raise ValueError(
                f'{_NAME}.result: the evaluation must have a result of that name; '
                f'name={self.name!r}, names={list(evaluation.results)}'
            )
        return evaluation.results[self.name]

    def __repr__(self) -> str:
        return f'{_NAME}.result({self.name!r})'


class EvalHook(SessionRunHook[None], SupportsNextDue):
    """Evaluates the current weights every so often, in the same process and session.

    The evaluation runs between two steps, on the raw session, without hooks. Its time is not
    counted as training time: rates of `StepCounterHook` and `ProgressHook` leave it out. Where
    several threads train, the others go on meanwhile, and what falls due meanwhile is left out.

    The results are logged, written for TensorBoard into the directory `<output_dir>/<name>`, and
    can be the metric of `BestCheckpoints` and `EarlyStoppingHook`: see `result`. Each step is
    evaluated once for all of them.

    By steps it evaluates after the first run that ends at or after each multiple of
    `every_n_steps`, so a program that goes on from a checkpoint evaluates at the same steps.

    Attributes:
      latest: The last Evaluation that was due, at the start or at the end; None before the first.

    Example:
      ```python
      x = tf.placeholder(tf.float32, [])
      batches = [{x: 1.0}, {x: 3.0}]
      evaluation = tfhooks.EvalHook(10, fetches={'error': x * loss}, feeds=batches)
      with tfhooks.MonitoredSession(hooks=[evaluation, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(evaluation.latest.step, evaluation.latest.results)  # 20 {'error': ...}
      ```
    """

    decides_after_run = True

    def __init__(
        self,
        every_n_steps: int | None = None,
        evaluate: Callable[[Any], Mapping[str, float]] | None = None,
        *,
        every_n_secs: float | None = None,
        fetches: Tensors | Iterator[Any] | None = None,
        feeds: Any = None,
        num_batches: int | None = None,
        initializer: Any = None,
        output_dir: Any = None,
        name: str = 'eval',
        at_start: bool = False,
        at_end: bool = True,
    ) -> None:
        """Makes the hook. Exactly one of `evaluate` and `fetches` must be given.

        Args:
          every_n_steps: The period in global steps, at least 1. Exactly one of the two periods must
            be given.
          evaluate: A function of the raw `tf.compat.v1.Session` that returns a dict from names to
            numbers.
          every_n_secs: The period in seconds, greater than 0.
          fetches: Scalar tensors, or their names, in a dict by the names of the results, or in a
            list. The result is the mean over the batches, each of which weighs the same.
          feeds: The feeds of `fetches`: a feed_dict; a list or tuple of feed_dicts, one a batch;
            or a function without arguments that returns an iterable of feed_dicts for each
            evaluation. None for a model that reads its data itself.
          num_batches: How many batches to evaluate, at most. By default all that `feeds` has or,
            with an `initializer`, all until the end of the data; else one.
          initializer: An operation to run before each evaluation, such as that of a dataset's
            iterator.
          output_dir: The event file goes into the directory `name` in this one; None for none.
          name: The name of the evaluation in the log, and of the directory.
          at_start: Whether to evaluate before the first step as well.
          at_end: Whether to evaluate at the end of the session too, if that step has not been.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: Not exactly one of two is given, or a value is out of range.
        """
        self._cadence = AlignedCadence(_NAME, every_n_steps, every_n_secs)
        arguments.exactly_one(_NAME, evaluate=evaluate, fetches=fetches)
        self._mean: Mean | None = None
        if fetches is not None:
            self._mean = Mean(_NAME, fetches, feeds, num_batches, initializer)
        else:
            arguments.is_a(_NAME, 'evaluate', evaluate, Callable, 'a function')
            others = {'feeds': feeds, 'num_batches': num_batches, 'initializer': initializer}
            for argument, value in others.items():
                if value is not None:
                    raise ValueError(f'{_NAME}: {argument} needs fetches; {argument}={value!r}')
        arguments.is_a(_NAME, 'name', name, str, 'a string')
        if not files.is_name(name):
            raise ValueError(f'{_NAME}: name must be the name of a directory; name={name!r}')
        self._evaluate: Any = self._mean if evaluate is None else evaluate
        self._writer: TensorBoardWriter | None = None
        if output_dir is not None:
            self._writer = TensorBoardWriter(os.path.join(output_dir, name))
        self._name = name
        self._at_start = at_start
        self._at_end = at_end
        self._lock = Lock()
        self._reset()

    def _reset(self) -> None:
        self._graph: Any = None
        self._written: int | None = None
        self._known: Evaluation | None = None
        self._known_session: Any = None
        self._was_started = False
        self._periodic: Evaluation | None = None
        self.latest: Evaluation | None = None

    def result(self, name: str) -> EvalResult:
        """Returns one result, to be the metric of another hook of the same session.

        Args:
          name: Its name.
        """
        arguments.is_a(f'{_NAME}.result', 'name', name, str, 'a string')
        if self._mean is not None and name not in self._mean.fetches:
            raise ValueError(
                f'{_NAME}.result: name must be one of fetches; '
                f'name={name!r}, names={list(self._mean.fetches)}'
            )
        return EvalResult(self, name)

    def begin(self) -> None:
        """Resets the hook, and opens the event file.

        Raises:
          RuntimeError: The graph has no global step.
          ValueError: A fetch or the initializer is not in the default graph.
        """
        self._reset()
        self._cadence.begin_by_global_step()
        self._graph = tf.get_default_graph()
        if self._mean is not None:
            self._mean.begin()
        if self._writer is not None:
            self._writer.open([])

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Starts the cadence, and evaluates if `at_start` is true."""
        step = self._cadence.start(session)
        if self._at_start and not self._was_started:
            self.latest = self.evaluate(session, step)
        self._was_started = True

    def next_due(self) -> NextDue:
        """Returns when an evaluation may be due; see `tfhooks.NextDue`."""
        return self._cadence.next_due()

    def step_went_back(self, step: int) -> None:
        """Continues the cadence from `step`."""
        self._cadence.step_went_back(step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        """Evaluates if it is due."""
        self.evaluate_if_due(run_context)

    def evaluate_if_due(self, run_context: SessionRunContext) -> Evaluation | None:
        """Evaluates after a run if it is due and has not been done yet.

        Args:
          run_context: The argument of `after_run`.

        Returns:
          The latest evaluation that was due, or None before the first. Those at the start and at
          the end do not count, nor those that another hook asked for.
        """
        step = self._cadence.take(run_context)
        if step is not None and self._lock.acquire(blocking=False):
            try:
                self._periodic = self.latest = self.evaluate(run_context.session, step)
            finally:
                self._lock.release()
        return self._periodic

    def evaluate(self, session: Any, step: int) -> Evaluation:
        """Evaluates the weights in `session`, unless that was done at this step.

        Args:
          session: The raw session.
          step: The global step of the weights.

        Raises:
          RuntimeError: The hook is not one of this session's, or the evaluation has no data.
          TypeError: The results are not a dict from names to numbers.
        """
        with self._lock:
            if self._graph is not session.graph:
                raise RuntimeError(
                    f'{_NAME}.evaluate: the hook must be one of the hooks of the session whose '
                    'weights it evaluates; add it to hooks='
                )
            known = self._known
            if known is not None and known.step == step and self._known_session() is session:
                return known
            with excluded_time.pause(session.graph):
                began = time.monotonic()
                results = self._measure(session)
                known = Evaluation(step, results, time.monotonic() - began)
            self._known = known
            self._known_session = weakref.ref(session)
            self._report(known)
            return known

    def _measure(self, session: Any) -> dict[str, float]:
        try:
            found = self._evaluate(session)
        except (tf.errors.OutOfRangeError, StopIteration) as error:
            # A loop would take the original error for the end of the training data.
            raise RuntimeError(
                f'{_NAME}: an evaluation must not run out of data; evaluate={self._evaluate!r} '
                f'raised {type(error).__name__}: {error}'
            ) from error
        if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
            raise TypeError(
                f'{_NAME}: evaluate must return a dict from names to numbers; result={found!r}'
            )
        return {
            name: float(scalars.number(f'{_NAME}: the result {name!r}', value))
            for name, value in found.items()
        }

    def _report(self, evaluation: Evaluation) -> None:
        step, results, secs = evaluation
        tf.logging.info(
            'Evaluation %r at step %d: %s (%.3f sec)',
            self._name,
            step,
            ', '.join(f'{name} = {value:.6g}' for name, value in results.items()),
            secs,
        )
        if self._writer is None:
            return
        if self._written is None or step <= self._written:
            self._writer.resume(step - 1)
        self._written = step
        self._writer.write(step, time.time(), results)

    def end(self, session: Any) -> None:
        """Evaluates the last step if `at_end` is true and that was not done."""
        if self._at_end:
            self.latest = self.evaluate(session, int(session.run(self._cadence.step_tensor)))
