"""Makes hooks of functions, which are checked at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from tfhooks._base import arguments
from tfhooks._base.hook_types import (
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
)
from tfhooks._more_hooks.wrappers import Every
from tfhooks._run import fetching
from tfhooks._tensorflow import Coordinator, Session, tf
from tfhooks._timing.cadence import Cadence

if TYPE_CHECKING:
    from tfhooks._tensorflow import Operation, Tensor

    _Element = Tensor | Operation | str

ResultT = TypeVar('ResultT')
_Key = TypeVar('_Key')

# The arguments of each function.
_ARGUMENTS = {
    'begin': '',
    'after_create_session': 'session, coord',
    'before_run': 'run_context',
    'after_run': 'run_context, run_values',
    'end': 'session',
    'on_error': 'session, error',
}


def hook(
    *,
    begin: Callable[[], object] | None = None,
    after_create_session: Callable[[Session, Coordinator], object] | None = None,
    before_run: Callable[[SessionRunContext], SessionRunArgs[ResultT] | None] | None = None,
    after_run: Callable[[SessionRunContext, SessionRunValues[ResultT]], object] | None = None,
    end: Callable[[Session], object] | None = None,
    on_error: Callable[[Session | None, BaseException], object] | None = None,
) -> SessionRunHook[ResultT]:
    """Makes a hook of functions, each of which does what the method of its name does.

    Args:
      begin: Called with nothing; see `SessionRunHook`, like those that follow.
      after_create_session: Called with the raw session and its coordinator.
      before_run: Called with the run context; returns a SessionRunArgs or None.
      after_run: Called with the run context and the run values.
      end: Called with the raw session.
      on_error: Called with the raw session, or None, and the error.

    Returns:
      The hook. Messages name it by the first of the functions.

    Raises:
      TypeError: One of them is no function or cannot be called so, or there is none.

    Example:
      ```python
      hook = tfhooks.hook(end=lambda session: print('done'))  # done
      with tfhooks.MonitoredSession(hooks=[hook]) as session:
          session.run(train_op)
      ```
    """
    functions = {
        'begin': begin,
        'after_create_session': after_create_session,
        'before_run': before_run,
        'after_run': after_run,
        'end': end,
        'on_error': on_error,
    }
    given = {name: function for name, function in functions.items() if function is not None}
    if not given:
        raise TypeError(f'tfhooks.hook: give at least one function: {"=..., ".join(functions)}=...')
    for name, function in given.items():
        _require_call(f'tfhooks.hook: {name}', function, _ARGUMENTS[name])
    return _FunctionsHook(given)


@overload
def after_run(
    fetches: _Element,
    *,
    every_n_steps: int | None = ...,
    every_n_secs: float | None = ...,
) -> Callable[[Callable[[Any], object]], FunctionHook[Any]]: ...
@overload
def after_run(
    fetches: list[_Element] | list[Tensor] | list[Operation] | list[str],
    *,
    every_n_steps: int | None = ...,
    every_n_secs: float | None = ...,
) -> Callable[[Callable[[list[Any]], object]], FunctionHook[list[Any]]]: ...
@overload
def after_run(
    fetches: dict[_Key, Tensor] | dict[_Key, Operation] | dict[_Key, str],
    *,
    every_n_steps: int | None = ...,
    every_n_secs: float | None = ...,
) -> Callable[[Callable[[dict[_Key, Any]], object]], FunctionHook[dict[_Key, Any]]]: ...
@overload
def after_run(
    fetches: ResultT,
    *,
    every_n_steps: int | None = ...,
    every_n_secs: float | None = ...,
) -> Callable[[Callable[[ResultT], object]], FunctionHook[ResultT]]: ...
def after_run(
    fetches: Any,
    *,
    every_n_steps: int | None = None,
    every_n_secs: float | None = None,
) -> Callable[[Callable[[Any], object]], FunctionHook[Any]]:
    """Makes a hook of a function of the results of a run.

    Args:
      fetches: A tensor, an operation, a name, or any structure of them. The function is called
        with the results in the same structure.
      every_n_steps: The period in global steps, at least 1. The first run is due.
      every_n_secs: The period in seconds, greater than 0. The first run is due. Without either
        period the function is called after every run.

    Returns:
      A decorator that makes the function a hook, which can still be called as the function.

    Raises:
      TypeError: There is something in `fetches` that no graph knows, a period is of the wrong kind,
        or (the decorator) what is decorated cannot be called with the results.
      ValueError: Both periods are given, or one is not positive.

    Example:
      ```python
      @tfhooks.after_run({'loss': 'loss:0'}, every_n_steps=100)
      def show(results):
          print(results['loss'])  # 4.0

      with tfhooks.MonitoredSession(hooks=[show]) as session:
          session.run(loss)
      ```
    """
    owner = 'tfhooks.after_run'
    for path, leaf in fetching.leaves(fetches):
        if leaf is None:
            raise TypeError(f'{owner}: None cannot be fetched; {path}=None')
        if not fetching.may_be_element(leaf):
            raise TypeError(
                f'{owner}: fetches must be tensors, operations, names or structures of them; '
                f'{path}={leaf!r} (type={type(leaf).__name__})'
            )
    secs = arguments.seconds(owner, 'every_n_secs', every_n_secs)
    whole = arguments.whole(owner, 'every_n_steps', every_n_steps)
    if secs is not None and whole is not None:
        raise ValueError(
            f'{owner}: give one period; every_n_steps={every_n_steps!r}, '
            f'every_n_secs={every_n_secs!r}'
        )

    def decorate(function: Callable[[Any], object]) -> FunctionHook[Any]:
        _require_call(owner, function, 'results')
        if secs is None and whole is None:
            return FunctionHook(fetches, function)
        return _PeriodicHook(fetches, function, Cadence(whole, secs))

    return decorate


class _FunctionsHook(SessionRunHook[Any]):
    """A hook whose methods are functions."""

    def __init__(self, functions: dict[str, Callable[..., Any]]) -> None:
        self.__name__ = _name(next(iter(functions.values())))
        # Attributes of the object hide the methods of the class.
        vars(self).update(functions)

    def __repr__(self) -> str:
        names = ', '.join(name for name in _ARGUMENTS if name in vars(self))
        return f'<hook {self.__name__} of {names}>'


class FunctionHook(SessionRunHook[ResultT], Generic[ResultT]):
    """A hook that calls a function with the results of its fetches; see `after_run`."""

    def __init__(self, fetches: Any, function: Callable[[ResultT], object]) -> None:
        self.__name__ = _name(function)
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        self._request: SessionRunArgs[Any] = SessionRunArgs(fetches)

    def __call__(self, results: ResultT) -> Any:
        """Calls the function."""
        return self.__wrapped__(results)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[ResultT] | None:
        """Requests the fetches."""
        return self._request

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[ResultT]
    ) -> None:
        """Calls the function with the results."""
        self.__wrapped__(run_values.results)

    def __repr__(self) -> str:
        return f'<hook {self.__name__} after_run>'


class _PeriodicHook(Every, FunctionHook[ResultT]):
    """A FunctionHook that is due every so many global steps or seconds."""

    def __init__(
        self, fetches: Any, function: Callable[[ResultT], object], cadence: Cadence
    ) -> None:
        FunctionHook.__init__(self, fetches, function)
        Every.__init__(self, FunctionHook(fetches, function), self.__name__, cadence)

    def begin(self) -> None:
        """Resets the hook: the next run is due.

        Raises:
          RuntimeError: The period is one of steps, and the graph has no global step.
        """
        if self._cadence.counts_steps and tf.train.get_global_step() is None:
            raise RuntimeError(
                f'{self.__name__}: every_n_steps needs a global step in the graph: '
                'tf.train.get_or_create_global_step()'
            )
        super().begin()


def _name(function: Any) -> str:
    name = getattr(function, '__name__', None)
    return name if isinstance(name, str) else type(function).__name__


def _require_call(owner: str, function: Any, parameters: str) -> None:
    """Raises TypeError unless `function` can be called with `parameters` and then runs its body."""
    if not callable(function) or isinstance(function, type):
        raise TypeError(
            f'{owner} must be a function({parameters}). got {function!r} '
            f'(type={type(function).__name__})'
        )
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(
            f'{owner} must be a plain function: an async one or a generator does nothing when it '
            f'is called. got {_name(function)}'
        )
    problem = arguments.problem_of_call(function, len(parameters.split(', ')) if parameters else 0)
    if problem:
        raise TypeError(
            f'{owner} must be callable as {_name(function)}({parameters}). '
            f'got {_name(function)}{inspect.signature(function)}: {problem}'
        )
