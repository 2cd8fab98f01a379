"""HookCostHook: measures the time that each hook costs a step."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from tfhooks._base import arguments, files, log
from tfhooks._base.hook_types import (
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    SupportsMeasureCalls,
)
from tfhooks._base.locks import Lock
from tfhooks._tensorflow import tf

_NAME = 'HookCostHook'
# The attribute of a run's context for the time of the last `before_run`.
_ASKED = '_tfhooks_asked_at'


class HookCost(NamedTuple):
    """The cost of one hook for a step, on average over all runs of the session.

    Attributes:
      before_run_us: The time in its `before_run`, in microseconds.
      after_run_us: The time in its `after_run`, in microseconds.
      calls: The number of runs in which it was called.
      fetched_values: The number of values that it fetches.
      fetched_bytes: The size of these values in bytes.

    Example:
      ```python
      with tfhooks.MonitoredSession(
          hooks=[tfhooks.HookCostHook(), tfhooks.NanTensorHook(loss)]
      ) as session:
          session.run(train_op)
      cost = tfhooks.hook_costs(session).hooks['NanTensorHook']
      print(cost.fetched_values, cost.fetched_bytes)  # 1.0 4.0
      ```
    """

    before_run_us: float
    after_run_us: float
    calls: int
    fetched_values: float
    fetched_bytes: float


class HookCosts(NamedTuple):
    """The costs of all hooks of a session.

    Attributes:
      runs: How many runs were made without an error.
      run_us: The time between the last `before_run` and the first `after_run` of a run, in
        microseconds, on average: the run itself with all fetches, whose cost cannot be told apart
          by hooks.
      hooks: From the names of the hooks to their costs, the most expensive first.

    Example:
      ```python
      hooks = [tfhooks.HookCostHook(), tfhooks.NanTensorHook(loss)]
      with tfhooks.MonitoredSession(hooks=hooks) as session:
          session.run(train_op)
      costs = tfhooks.hook_costs(session)
      print(costs.runs, [*costs.hooks])  # 1 ['NanTensorHook']
      ```
    """

    runs: int
    run_us: float
    hooks: dict[str, HookCost]


def hook_costs(session: Any) -> HookCosts:
    """Returns the costs of a session's hooks so far, also after it is closed.

    Args:
      session: A monitored session of tfhooks, with a HookCostHook among its hooks.

    Raises:
      TypeError: `session` is no monitored session of tfhooks.
      ValueError: It has no HookCostHook.

    Example:
      ```python
      hooks = [tfhooks.HookCostHook(), tfhooks.NanTensorHook(loss)]
      with tfhooks.MonitoredSession(hooks=hooks) as session:
          session.run(train_op)
          print(tfhooks.hook_costs(session).runs)  # 1
      ```
    """
    group = getattr(session, '_group', None)
    members = getattr(group, 'members', None)
    if members is None:
        raise TypeError(
            f'hook_costs: session must be a monitored session of tfhooks; session={session!r}'
        )
    for member in members:
        if isinstance(member.hook, HookCostHook):
            return member.hook.costs()
    raise ValueError(
        'hook_costs: the session must have a HookCostHook among its hooks; '
        f'hooks={[member.name for member in members]}'
    )


class HookCostHook(SessionRunHook[None], SupportsMeasureCalls):
    """Measures the cost for a step of each other hook of its session, and logs it at the end.

    Not in TensorFlow. It measures in tfhooks' sessions; in TensorFlow's own, where a hook does not
    see the others, it does nothing. `tfhooks.hook_costs(session)` gives the figures at any time.
    Measuring costs a step some microseconds for each hook, which are not in the figures.

    Example:
      ```python
      hooks = [tfhooks.HookCostHook(), tfhooks.NanTensorHook(loss)]
      with tfhooks.MonitoredSession(hooks=hooks) as session:
          session.run(train_op)
      print(list(tfhooks.hook_costs(session).hooks))  # ['NanTensorHook']
      ```
    """

    def __init__(self, trace_path: Any = None, *, most_events: int = 100_000) -> None:
        """Makes the hook.

        Args:
          trace_path: A file to write at the end, in Chrome's trace format, with every call of a
            hook and every run: Perfetto and chrome://tracing open it. None for no file.
          most_events: How many events the file holds at most: the last ones.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: `most_events` is below 1.
        """
        if trace_path is not None:
            arguments.is_a(_NAME, 'trace_path', trace_path, (str, os.PathLike), 'a path')
        most = arguments.whole(_NAME, 'most_events', most_events)
        if most is None:
            raise TypeError(f'{_NAME}: most_events must be a whole number; most_events=None')
        self._trace_path = None if trace_path is None else os.fspath(trace_path)
        self._most_events = most
        self._lock = Lock()
        self._measured_hooks: list[_Measured] = []
        self._reset([])

    def _reset(self, measured: list[_Measured]) -> None:
        self._measured = measured
        self._runs = 0
        self._timed_runs = 0
        self._run_secs = 0.0
        self._events: deque[_Event] = deque(maxlen=self._most_events)

    def measure_calls(self, hooks: Iterable[tuple[Any, str]]) -> list[Any]:
        """Called by a session of tfhooks, before it begins, with all its hooks and their names.

        Returns:
          For each hook the object whose `before_run` and `after_run` are to be called instead.
        """
        called = [hook if hook is self else _Measured(hook, name, self) for hook, name in hooks]
        self._measured_hooks = [one for one in called if isinstance(one, _Measured)]
        return called

    def begin(self) -> None:
        """Drops earlier measurements."""
        # A session of TensorFlow's has not called `measure_calls`.
        measured, self._measured_hooks = self._measured_hooks, []
        self._reset(measured)

    def before_run(self, run_context: SessionRunContext) -> None:
        """Requests nothing."""
        self.note_asked(run_context, time.monotonic())

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        """Counts the run."""
        self.note_ran(run_context, time.monotonic())
        with self._lock:
            self._runs += 1

    def end(self, session: Any) -> None:
        """Logs the table, and writes the trace."""
        self._finish()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Logs the table, and writes the trace."""
        self._finish()

    def note_asked(self, run_context: Any, now: float) -> None:
        """Notes the end of a `before_run`; the run begins after the last one."""
        setattr(run_context, _ASKED, now)

    def note_ran(self, run_context: Any, now: float) -> None:
        """Notes the start of an `after_run`; the run was over before the first one."""
        asked = getattr(run_context, _ASKED, None)
        if asked is None:
            return
        setattr(run_context, _ASKED, None)
        with self._lock:
            self._timed_runs += 1
            self._run_secs += now - asked
        self.note_event('run', asked, now)

    def note_event(self, name: str, began: float, ended: float) -> None:
        """Keeps an event for the trace, if one is to be written."""
        if self._trace_path is not None:
            self._events.append(_Event(name, began, ended, threading.get_ident()))

    def costs(self) -> HookCosts:
        """Returns the costs so far."""
        with self._lock:
            runs = max(self._runs, 1)
            run_us = self._run_secs * 1e6 / max(self._timed_runs, 1)
            costs = {measured.name: measured.cost(runs) for measured in self._measured}
            by_time = sorted(costs.items(), key=lambda item: -sum(item[1][:2]))
            return HookCosts(self._runs, run_us, dict(by_time))

    def _finish(self) -> None:
        costs = self.costs()
        if not self._measured:
            log.warning(
                '%s: there is nothing to measure. It measures the other hooks of a session of '
                'tfhooks, as tfhooks.MonitoredTrainingSession.',
                _NAME,
            )
            return
        lines = [
            f'{_NAME}: {costs.runs} runs; microseconds per step: {costs.run_us:.1f} for the run.'
        ]
        for name, cost in costs.hooks.items():
            lines.append(
                f'  {name}: before_run={cost.before_run_us:.1f} us, '
                f'after_run={cost.after_run_us:.1f} us, called in {cost.calls} runs, '
                f'fetches {cost.fetched_values:.1f} values of {cost.fetched_bytes:.1f} bytes'
            )
        log.info('\n'.join(lines))
        if self._trace_path is None:
            return
        try:
            tf.gfile.MakeDirs(os.path.dirname(self._trace_path) or '.')
            files.write_json(self._trace_path, {'traceEvents': _chrome_events([*self._events])})
        except tf.errors.OpError as error:
            # The training is over, and must not fail for its trace.
            log.warning('%s: the trace could not be written: %s', _NAME, error)
        else:
            log.info('%s: the trace is in %s.', _NAME, self._trace_path)


class _Measured:
    """A proxy of a hook that measures the time of its methods."""

    def __init__(self, hook: Any, name: str, costs: HookCostHook) -> None:
        self.name = name
        self._hook = hook
        self._costs = costs
        self._lock = Lock()
        self._before_secs = self._after_secs = 0.0
        self._asked = self._answered = 0
        self._values = self._bytes = 0

    def before_run(self, run_context: SessionRunContext) -> Any:
        began = time.monotonic()
        request = self._hook.before_run(run_context)
        ended = time.monotonic()
        with self._lock:
            self._before_secs += ended - began
            self._asked += 1
        self._costs.note_event(f'{self.name}.before_run', began, ended)
        self._costs.note_asked(run_context, time.monotonic())
        return request

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        began = time.monotonic()
        self._costs.note_ran(run_context, began)
        began = time.monotonic()
        self._hook.after_run(run_context, run_values)
        ended = time.monotonic()
        results = run_values.results
        values = [] if results is None else tf.nest.flatten(results)
        sizes = [_size(value) for value in values if value is not None]
        with self._lock:
            self._after_secs += ended - began
            self._answered += 1
            self._values += len(sizes)
            self._bytes += sum(sizes)
        self._costs.note_event(f'{self.name}.after_run', began, ended)

    def cost(self, runs: int) -> HookCost:
        with self._lock:
            return HookCost(
                self._before_secs * 1e6 / runs,
                self._after_secs * 1e6 / runs,
                max(self._asked, self._answered),
                self._values / runs,
                self._bytes / runs,
            )


class _Event(NamedTuple):
    name: str
    began: float
    ended: float
    thread: int


def _size(value: Any) -> int:
    """The bytes of a fetched value."""
    array = np.asarray(value)
    return sum(map(len, array.flat)) if array.dtype.kind in 'OSU' else array.nbytes


def _chrome_events(events: list[_Event]) -> list[dict[str, Any]]:
    """Converts events to Chrome's trace format, with times in microseconds since the first one."""
    start = min((event.began for event in events), default=0.0)
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    threads = {event.thread: names.get(event.thread, str(event.thread)) for event in events}
    found: list[dict[str, Any]] = [
        {'name': 'thread_name', 'ph': 'M', 'tid': thread, 'args': {'name': name}}
        for thread, name in sorted(threads.items())
    ]
    found += [
        {
            'name': event.name,
            'cat': 'run' if event.name == 'run' else 'hook',
            'ph': 'X',
            'ts': (event.began - start) * 1e6,
            'dur': (event.ended - event.began) * 1e6,
            'tid': event.thread,
        }
        for event in events
    ]
    return [{**event, 'pid': os.getpid()} for event in found]
