"""What the author of a hook needs to test it: plain functions and classes, for any test runner.

`fresh_graph` is a fixture of pytest where pytest is installed: import it in `conftest.py`.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tfhooks import roster
from tfhooks._tensorflow import Graph, originals, tf
from tfhooks.hook_types import SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks.session import MonitoredSession

_JOIN_SECS = 5.0


def _fresh_graph() -> Iterator[Graph]:
    """A graph of the test's own that is the default graph while the test runs."""
    graph = tf.Graph()
    with graph.as_default():
        yield graph


try:
    import pytest
except ImportError:
    fresh_graph: Any = contextlib.contextmanager(_fresh_graph)
else:
    fresh_graph = pytest.fixture(name='fresh_graph')(_fresh_graph)


class Call(NamedTuple):
    """One call of a method of a hook.

    Attributes:
      method: The name of the method.
      args: What it was called with, without the hook itself.
    """

    method: str
    args: tuple[Any, ...]


class RecordingHook(SessionRunHook[Any]):
    """A hook that does nothing but note how it is called.

    Attributes:
      calls: Every call, in order.
    """

    def __init__(self, request: Any = None) -> None:
        """Makes the hook.

        Args:
          request: What `before_run` returns, or a function that takes the run_context and returns
            it.
        """
        self.calls: list[Call] = []
        self._request = request

    @property
    def methods(self) -> list[str]:
        """The names of the methods that were called, in order."""
        return [call.method for call in self.calls]

    @property
    def results(self) -> list[Any]:
        """What `run_values.results` was in each `after_run`, in order."""
        return [call.args[1].results for call in self.calls if call.method == 'after_run']

    def begin(self) -> None:
        self.calls.append(Call('begin', ()))

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.calls.append(Call('after_create_session', (session, coord)))

    def before_run(self, run_context: SessionRunContext) -> Any:
        self.calls.append(Call('before_run', (run_context,)))
        return self._request(run_context) if callable(self._request) else self._request

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        self.calls.append(Call('after_run', (run_context, run_values)))

    def end(self, session: Any) -> None:
        self.calls.append(Call('end', (session,)))

    def on_error(self, session: Any, error: BaseException) -> None:
        self.calls.append(Call('on_error', (session, error)))


class Driven(NamedTuple):
    """What came of `drive`.

    Attributes:
      hook: The hook.
      runs: How many runs were made.
      step: The global step after them.
      stopped: Whether the hook had the session stop.
    """

    hook: Any
    runs: int
    step: int
    stopped: bool


def drive(
    hook: Any,
    steps: int,
    *,
    results: Mapping[str, Any] | None = None,
    lose_session_after: int | None = None,
    session: Callable[..., Any] = MonitoredSession,
) -> Driven:
    """Takes a hook through a session's life, without a model.

    The session is a real one. Its graph has a global step that each run increments by 1, and a
    tensor for each of `results`.

    Args:
      hook: The hook; or a function of no arguments that makes it, with the graph as default graph.
      steps: How many runs to make, unless the hook has the session stop before.
      results: From the names of tensors to their values: `{'loss': [3.0, 2.0, 1.0]}` makes a tensor
        `loss:0`, which is 3.0 during the first run and before it. A list or tuple has a value for
        each run, all of one shape and dtype; anything else is the value in all runs.
      lose_session_after: After how many runs the session is lost, once, and made again: it starts
        at global step 0 again. The run is then made again.
      session: What makes the session from `hooks=`: also `tf.compat.v1.train.MonitoredSession`.

    Returns:
      The hook, and what became of the session.

    Raises:
      TypeError: `steps` is no int.
      ValueError: `steps` is below 1, or a list in `results` has not a value for each run.
    """
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise TypeError(f'drive: steps must be an int; steps={steps!r}')
    if steps < 1:
        raise ValueError(f'drive: steps must be at least 1; steps={steps!r}')
    with tf.Graph().as_default():
        model = _Model(steps, results or {})
        made = _made(hook)
        hooks = [made]
        if lose_session_after is not None:
            hooks.append(_Loss(lose_session_after))
        return Driven(made, *_drive(hooks, model, steps, session))


def _drive(
    hooks: list[Any], model: _Model, steps: int, session: Callable[..., Any]
) -> tuple[int, int, bool]:
    """Runs a session on the default graph, and returns the last three fields of `Driven`."""
    runs = 0
    with session(hooks=hooks) as monitored:
        while runs < steps and not monitored.should_stop():
            model.index = runs
            monitored.run_step_fn(model.run)
            runs += 1
        stopped = bool(monitored.should_stop())
        step = monitored.run_step_fn(model.read_step)
    return runs, step, stopped


class _Model:
    """The graph that hooks are driven on.

    Attributes:
      index: The index of the run that `run` makes, which says what the results are.
    """

    index = 0

    def __init__(self, steps: int, results: Mapping[str, Any]) -> None:
        self._global_step = tf.train.get_or_create_global_step()
        self._run_index = tf.Variable(
            0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], name='run_index'
        )
        for name, values in results.items():
            if not isinstance(values, list | tuple):
                values = [values] * steps
            if len(values) != steps:
                raise ValueError(
                    f'drive: results must have a value for each run; '
                    f'len(results[{name!r}])={len(values)}, steps={steps}'
                )
            tensor = tf.gather(tf.stack(values), self._run_index)
            tf.identity(tensor, name=name.removesuffix(':0'))
        self._train_op = tf.assign_add(self._global_step, 1).op

    def run(self, step_context: Any) -> None:
        initializer = self._run_index.initializer
        step_context.session.run(initializer, {initializer.inputs[1]: self.index})
        step_context.run_with_hooks(self._train_op)

    def read_step(self, step_context: Any) -> int:
        return int(step_context.session.run(self._global_step))


class _Loss(SessionRunHook[None]):
    """Loses the session once."""

    def __init__(self, after_runs: int) -> None:
        self._left = after_runs

    def before_run(self, run_context: SessionRunContext) -> None:
        self._left -= 1
        if self._left == -1:
            raise tf.errors.AbortedError(None, None, 'drive: lose_session_after')


def _made(hook: Any) -> Any:
    is_hook = isinstance(hook, originals.SessionRunHook) or hasattr(hook, 'before_run')
    return hook() if callable(hook) and (isinstance(hook, type) or not is_hook) else hook


def check_hook(
    factory: Callable[[], Any], *, results: Mapping[str, Any] | None = None, steps: int = 4
) -> None:
    """Holds a hook to what sessions, and those who use them, rely on.

    - It has the methods of a hook, and works in tfhooks' sessions and in TensorFlow's own.
    - A second `begin` on a graph does not change the graph, and nothing does after `begin`.
    - It serves twice: in a second session on the same graph it asks for the same, run by run, and
      stops at the same run as in the first one; no more threads are left than after the first one.
    - After `end` it keeps no session alive; and when it is gone, nothing keeps its graph alive.
    - It survives the recovery of a session that was lost.

    Args:
      factory: A function of no arguments that makes a new hook. It is called several times, each
        time with another graph as default graph, which has a global step and `results`.
      results: The tensors in that graph, and their values; see `drive`.
      steps: How many runs are made in each session, at least 1.

    Raises:
      AssertionError: The hook breaks the contract; lists all that was found.
    """
    results = results or {}
    problems: list[str] = []
    for what, check in _CHECKS:
        try:
            problems += check(factory, steps, results)
        except Exception as error:
            problems.append(f'{what} raises {type(error).__name__}: {error}')
        if problems and check is _check_begin:
            break
    if problems:
        lines = [f'  {number}. {problem}' for number, problem in enumerate(problems, 1)]
        raise AssertionError('\n'.join(['The hook breaks the contract of hooks:', *lines]))


class _Observer(SessionRunHook[Any]):
    """Stands in a session for a hook, and notes what it asks for."""

    def __init__(self, hook: Any) -> None:
        self.hook = hook
        self.trace: list[str] = []
        self.sessions: list[weakref.ref[Any]] = []
        self._operations = 0

    def begin(self) -> None:
        self.hook.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.sessions.append(weakref.ref(session))
        self._operations = len(session.graph.get_operations())
        self.hook.after_create_session(session, coord)
        if coord is not None and coord.should_stop():
            self.trace.append('asks for a stop before the first run')

    def before_run(self, run_context: SessionRunContext) -> Any:
        request = self.hook.before_run(run_context)
        self.trace.append(f'asks for {_described(request)}')
        return request

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        self.hook.after_run(run_context, run_values)
        if run_context.stop_requested:
            self.trace.append('asks for a stop')

    def end(self, session: Any) -> None:
        self.hook.end(session)
        operations = session.graph.get_operations()[self._operations :]
        if operations:
            raise RuntimeError(f'operations were added after begin(): {_some(operations)}')


def _check_begin(factory: Callable[[], Any], steps: int, results: Mapping[str, Any]) -> list[str]:
    with tf.Graph().as_default() as graph:
        _Model(steps, results)
        hook = factory()
        roster.listed([hook], 'factory()')
        hook.begin()
        before = len(graph.get_operations())
        hook.begin()
        added = graph.get_operations()[before:]
    return [f'a second begin() on a graph adds operations: {_some(added)}'] if added else []


def _check_two_sessions(
    factory: Callable[[], Any], steps: int, results: Mapping[str, Any]
) -> list[str]:
    problems = []
    observers, threads = [], []
    observer: Any = None
    with tf.Graph().as_default() as graph:
        model = _Model(steps, results)
        hook = factory()
        for _ in range(2):
            observer = _Observer(hook)
            _drive([observer], model, steps, MonitoredSession)
            observers.append(observer)
            threads.append(set(threading.enumerate()))
    gc.collect()
    if any(session() is not None for observer in observers for session in observer.sessions):
        problems.append('it keeps a session alive after end()')
    first, second = (observer.trace for observer in observers)
    if first != second:
        problems.append(
            'it does not serve twice: in a second session it does something else. '
            + _difference(first, second)
        )
    left = [thread for thread in threads[1] - threads[0] if _runs_on(thread)]
    if left:
        problems.append(f'threads are left after end(): {_some(left)}')
    whether_alive = weakref.ref(graph)
    del graph, model, hook, observer, observers
    gc.collect()
    if whether_alive() is not None:
        problems.append('the graph is kept alive though session and hook are gone')
    return problems


def _check_recovery(
    factory: Callable[[], Any], steps: int, results: Mapping[str, Any]
) -> list[str]:
    drive(factory, steps, results=results, lose_session_after=steps // 2)
    return []


def _check_in_tensorflow(
    factory: Callable[[], Any], steps: int, results: Mapping[str, Any]
) -> list[str]:
    drive(factory, steps, results=results, session=originals.MonitoredSession)
    return []


_CHECKS = (
    ('begin()', _check_begin),
    ('one of two sessions', _check_two_sessions),
    ('a session that is lost and made again', _check_recovery),
    ("a session of TensorFlow's own", _check_in_tensorflow),
)


def _runs_on(thread: threading.Thread) -> bool:
    thread.join(_JOIN_SECS)
    return thread.is_alive()


def _described(request: Any) -> str:
    """A request by the names in it, so that it can be compared with that of another session."""
    if not isinstance(request, originals.SessionRunArgs):
        return repr(request)
    asked: Any = request
    feeds = sorted(map(_name, asked.feed_dict or ()))
    options = str(asked.options or '').split()
    fetches = [_name(fetch) for fetch in tf.nest.flatten(asked.fetches)]
    return f'fetches={fetches}, feeds={feeds}, options={options}'


def _name(element: Any) -> str:
    return str(getattr(element, 'name', element))


def _difference(first: list[str], second: list[str]) -> str:
    pairs = itertools.zip_longest(first, second, fillvalue='does nothing more')
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            return f'Event {number} of the first one: {one}; of the second one: {other}'
    return ''


def _some(things: Iterable[Any], most: int = 5) -> str:
    names = [_name(thing) for thing in things]
    return ', '.join(names[:most]) + (', ...' if len(names) > most else '')
