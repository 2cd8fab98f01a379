"""Checks of the properties that sessions and their users rely on in a hook."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tfhooks._base.hook_types import SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks._run.members import validate_hooks
from tfhooks._session.sessions import MonitoredSession
from tfhooks._tensorflow import originals, tf
from tfhooks.testing._driving import Model, drive, drive_on

_JOIN_SECS = 5.0


def check_hook(
    factory: Callable[[], Any], *, results: Mapping[str, Any] | None = None, steps: int = 4
) -> None:
    """Checks the properties of a hook that sessions and their users rely on.

    - It has the methods of a hook, and works in tfhooks' sessions and in TensorFlow's own.
    - A second `begin` on a graph does not change the graph, and nothing does after `begin`.
    - It can be used twice: in a second session on the same graph it has the same requests, run by
      run, and stops at the same run as in the first one; no more threads are left than after that.
    - After `end` it keeps no session alive; and when it is gone, nothing keeps its graph alive.
    - It survives the recovery of a session that was lost.

    Args:
      factory: A function of no arguments that makes a new hook. It is called several times, each
        time with another graph as default graph, which has a global step and `results`.
      results: The tensors in that graph, and their values; see `drive`.
      steps: How many runs are made in each session, at least 1.

    Raises:
      AssertionError: The hook lacks some of these properties; lists all of them.

    Example:
      ```python
      def make():
          return tfhooks.NanTensorHook('loss:0')

      tfhooks.testing.check_hook(make, results={'loss': [3.0, 2.0, 1.0, 0.5]})
      ```
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
    """Stands for a hook in a session, and records its requests."""

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
        Model(steps, results)
        hook = factory()
        validate_hooks([hook], 'factory()')
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
        model = Model(steps, results)
        hook = factory()
        for _ in range(2):
            observer = _Observer(hook)
            drive_on([observer], model, steps, MonitoredSession)
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
    """Describes a request by the names in it, to compare it with that of another session."""
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
