"""Wrappers that decide in which runs or sessions a hook takes part."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from typing import Any

from tfhooks._base import arguments, roles
from tfhooks._base.hook_types import (
    NEVER,
    Hook,
    NextDue,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    SupportsNextDue,
    SupportsSessionIsReady,
    SupportsWrappedHook,
)
from tfhooks._base.locks import Lock
from tfhooks._run.members import has_schedule, hears_of_errors, name_of, next_due, validate_hooks
from tfhooks._run.stock_hooks import answering
from tfhooks._tensorflow import global_step_read
from tfhooks._timing import global_steps
from tfhooks._timing.cadence import Cadence


def every(
    hook: Hook,
    *,
    steps: int | None = None,
    secs: float | None = None,
    at: Iterable[int] | None = None,
) -> SessionRunHook[Any]:
    """Makes a hook take part in some runs only: `before_run` and `after_run` are called in those.

    `begin`, `after_create_session`, `end` and `on_error` are always called. The first run is due,
    except with `at`; a period begins anew in the run that was due. Where a run may pass a due step
    and then does not, `before_run` is called in it and `after_run` is not.

    Args:
      hook: Any hook: tfhooks', TensorFlow's or a third party's.
      steps: The period in global steps, at least 1. Exactly one of the three must be given.
      secs: The period in seconds, greater than 0. A run that begins when it is over is due.
      at: The global steps, each at least 1: the run that reaches or passes one of them is due.
        Steps that a session has reached when it starts are not made up for.

    Returns:
      A hook, for one session at a time, like the `hook` in it.

    Raises:
      TypeError: `hook` is no hook, or another argument is of the wrong kind.
      ValueError: Not exactly one of the three is given, or a value is out of range.

    Example:
      ```python
      @tfhooks.after_run(loss)
      def show(loss):
          print(loss)  # 4.0

      with tfhooks.MonitoredSession(hooks=[tfhooks.every(show, steps=10)]) as session:
          session.run(loss)
      ```
    """
    name = f'every({_name_of_hook("every", hook)})'
    arguments.exactly_one(name, steps=steps, secs=secs, at=at)
    if at is not None:
        return Every(hook, name, _ListedSteps(_steps_to_be_at(name, at)))
    period = arguments.whole(name, 'steps', steps)
    return Every(hook, name, Cadence(period, arguments.seconds(name, 'secs', secs)))


def only_if(hook: Hook, predicate: Callable[[SessionRunContext], Any]) -> SessionRunHook[Any]:
    """Makes a hook take part only in the runs for which a function returns true.

    `begin`, `after_create_session`, `end` and `on_error` are always called.

    Args:
      hook: Any hook: tfhooks', TensorFlow's or a third party's.
      predicate: Called before a run with its SessionRunContext: `run_context.original_args.fetches`
        is the caller's fetches. If the result is true, the hook takes part. For a hook with a
          schedule it is called only when the hook may be due.

    Returns:
      A hook, for one session at a time, like the `hook` in it.

    Raises:
      TypeError: `hook` is no hook, or `predicate` no function of one argument.

    Example:
      ```python
      def trains(run_context):
          return run_context.original_args.fetches is train_op

      counter = tfhooks.only_if(tfhooks.StepCounterHook(10), trains)
      with tfhooks.MonitoredSession(hooks=[counter]) as session:
          session.run(loss)  # Not counted.
          session.run(train_op)
      ```
    """
    name = f'only_if({_name_of_hook("only_if", hook)})'
    arguments.is_a(name, 'predicate', predicate, Callable, 'a function')
    problem = arguments.problem_of_call(predicate, 1)
    if problem:
        raise TypeError(
            f'{name}: predicate must take one argument, the run_context; '
            f'predicate={predicate!r}: {problem}'
        )
    return _OnlyIf(hook, name, predicate)


def chief_only(hook: Hook) -> SessionRunHook[Any]:
    """Makes a hook take part only in the session of the chief; see `tfhooks.role`.

    A worker's session leaves it out: none of its methods is called, as with `chief_only_hooks` of
    MonitoredTrainingSession. In TensorFlow's own sessions, which do not know of it, TF_CONFIG says
    whether this process is the chief. A class of one's own says `chief_only = True` instead.

    Args:
      hook: Any hook: tfhooks', TensorFlow's or a third party's.

    Returns:
      A hook, for one session at a time, like the `hook` in it.

    Raises:
      TypeError: `hook` is no hook.

    Example:
      ```python
      saver = tfhooks.chief_only(tfhooks.CheckpointSaverHook(directory, save_steps=10))
      with tfhooks.MonitoredTrainingSession(is_chief=True, hooks=[saver]) as session:
          session.run(train_op)
      print(tf.train.latest_checkpoint(directory))  # .../model.ckpt-1
      ```
    """
    return _ChiefOnly(hook, f'chief_only({_name_of_hook("chief_only", hook)})')


class _Wrapper(SessionRunHook[Any], SupportsNextDue, SupportsSessionIsReady, SupportsWrappedHook):
    """A hook around a hook. The results of a run say whether the inner `before_run` was called.

    Attributes:
      wrapped_hook: The hook inside, which sessions treat by its kind.
    """

    def __init__(self, hook: Any, name: str) -> None:
        self.wrapped_hook = hook
        self.__name__ = name
        # The last request of the inner hook, and its wrapped form: sessions cache requests by the
        # identity of their parts.
        self._last: tuple[Any, Any] = (None, None)
        if hears_of_errors(hook):
            vars(self)['on_error'] = hook.on_error

    def begin(self) -> None:
        self._last = (None, None)
        self.wrapped_hook.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.wrapped_hook.after_create_session(session, coord)

    def session_is_ready(self, session: Any, coord: Any) -> None:
        answers = answering(self.wrapped_hook, SupportsSessionIsReady)
        if answers is not None:
            answers.session_is_ready(session, coord)

    def next_due(self) -> NextDue:
        """Returns when the hook inside may be due; see `tfhooks.NextDue`."""
        return next_due(self.wrapped_hook)

    def step_went_back(self, step: int) -> None:
        answers = answering(self.wrapped_hook, SupportsNextDue)
        if answers is not None:
            answers.step_went_back(step)

    def end(self, session: Any) -> None:
        self._last = (None, None)
        self.wrapped_hook.end(session)

    def _ask(self, run_context: SessionRunContext) -> Any:
        """Calls the inner `before_run`, and wraps its request so that `after_run` can tell."""
        request = self.wrapped_hook.before_run(run_context)
        if request is None:
            return _ASKED_FOR_NOTHING
        last, made = self._last
        if request is last:
            return made
        try:
            fetches = request.fetches
            made = SessionRunArgs(
                () if fetches is None else (fetches,), request.feed_dict, request.options
            )
        except AttributeError:
            return request  # Not a request: the session raises, and names the hook.
        self._last = (request, made)
        return made

    def _answer(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        results = run_values.results
        self.wrapped_hook.after_run(
            run_context, run_values._replace(results=results[0] if results else None)
        )


_ASKED_FOR_NOTHING: SessionRunArgs[Any] = SessionRunArgs(())


class _ChiefOnly(_Wrapper):
    """The wrapper of `chief_only`, which decides in `begin` if the session has not left it out."""

    chief_only = True

    def __init__(self, hook: Any, name: str) -> None:
        super().__init__(hook, name)
        self._hook = hook

    @property
    def decides_after_run(self) -> bool:  # type: ignore[override]
        answers = answering(self.wrapped_hook, SupportsNextDue)
        return has_schedule(self.wrapped_hook) and answers is not None and answers.decides_after_run

    # Here, too, since a class with a `before_run` and no `next_due` is called in every run.
    def next_due(self) -> NextDue:
        return super().next_due()

    def begin(self) -> None:
        self.wrapped_hook = self._hook if roles.role().is_chief else _Absent()
        super().begin()

    def before_run(self, run_context: SessionRunContext) -> Any:
        return self.wrapped_hook.before_run(run_context)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        self.wrapped_hook.after_run(run_context, run_values)


class _Absent(SessionRunHook[None], SupportsNextDue):
    """Stands for a hook that takes no part."""

    def next_due(self) -> NextDue:
        return NEVER


class _OnlyIf(_Wrapper):
    def __init__(self, hook: Any, name: str, predicate: Callable[[SessionRunContext], Any]) -> None:
        super().__init__(hook, name)
        self._predicate = predicate

    # Here, too, since a class with a `before_run` and no `next_due` is called in every run.
    def next_due(self) -> NextDue:
        return super().next_due()

    def before_run(self, run_context: SessionRunContext) -> Any:
        return self._ask(run_context) if self._predicate(run_context) else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        if run_values.results is not None:
            self._answer(run_context, run_values)


class Every(_Wrapper):
    """The wrapper of `every`, which calls the inner hook only in runs that are due."""

    def __init__(self, hook: Any, name: str, cadence: Cadence | _ListedSteps) -> None:
        super().__init__(hook, name)
        self._cadence = cadence

    def begin(self) -> None:
        """Resets the cadence.

        Raises:
          RuntimeError: The period is in global steps and the graph has no global step.
        """
        step = global_step_read() if self._cadence.counts_steps else None
        if self._cadence.counts_steps and step is None:
            raise RuntimeError(
                f'{self.__name__}.begin: global step should be created to go by it; '
                'call tf.train.get_or_create_global_step()'
            )
        super().begin()
        self._cadence.begin(step)

    def after_create_session(self, session: Any, coord: Any) -> None:
        super().after_create_session(session, coord)
        self._cadence.resume(session)

    def step_went_back(self, step: int) -> None:
        super().step_went_back(step)
        self._cadence.step_went_back(step)

    def next_due(self) -> NextDue:
        return self._cadence.next_due()

    def before_run(self, run_context: SessionRunContext) -> Any:
        return self._ask(run_context) if self._cadence.may_be_due(run_context) else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        if run_values.results is not None and self._cadence.take(run_context) is not None:
            self._answer(run_context, run_values)


class _ListedSteps:
    """Decides in which runs a hook is due, as a Cadence does: those that reach a listed step."""

    counts_steps = True

    def __init__(self, steps: list[int]) -> None:
        self._lock = Lock()
        self._steps = steps
        self._next = 0
        self._step_tensor: Any = None

    def begin(self, step_tensor: Any) -> None:
        self._next = 0
        self._step_tensor = step_tensor

    def resume(self, session: Any) -> None:
        self.step_went_back(int(session.run(self._step_tensor)))

    def step_went_back(self, step: int) -> None:
        self._next = bisect.bisect_right(self._steps, step)

    def next_due(self) -> NextDue:
        return NextDue(step=self._steps[self._next]) if self._next < len(self._steps) else NEVER

    def may_be_due(self, run_context: Any) -> bool:
        return global_steps.max_step_after(run_context, self._step_tensor) >= self.next_due().step

    def take(self, run_context: Any) -> int | None:
        step = global_steps.after(run_context, self._step_tensor)
        with self._lock:
            if step < self.next_due().step:
                return None
            self._next = bisect.bisect_right(self._steps, step)
        return step


def _name_of_hook(owner: str, hook: Any) -> str:
    validate_hooks([hook], owner)
    return name_of(hook)


def _steps_to_be_at(name: str, at: Any) -> list[int]:
    if isinstance(at, str | bytes) or not isinstance(at, Iterable):
        raise TypeError(f'{name}: at must be a list of global steps; at={at!r}')
    numbers = set()
    for step in at:
        number = arguments.whole(name, 'at', step)
        if number is None:
            raise TypeError(f'{name}: at must be a whole number; at=None')
        numbers.add(number)
    if not numbers:
        raise ValueError(f'{name}: at must hold a global step; at={at!r}')
    return sorted(numbers)
