"""StallWatchdogHook: reports steps that do not return."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from threading import get_ident
from types import FrameType
from typing import Any

from tfhooks._base import arguments, log
from tfhooks._base.hook_types import SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks._tensorflow import originals

_NAME = 'StallWatchdogHook'

# How much later than it should the watching thread may come, on a machine that is busy, in seconds.
_LATE_SECS = 10.0

_STDERR = 2
_SESSIONS = (originals.MonitoredSession, originals.SingularMonitoredSession)


class StallWatchdogHook(SessionRunHook[None]):
    """Logs the stacks of all threads when a step, or the making of a session, does not end.

    Not in TensorFlow. A step is watched from this hook's `before_run` to its `after_run`: the run
    itself, and what other hooks do in between. The making of a session is watched from this hook's
    `begin` on: an initializer that waits for a queue, a server that does not answer, another hook.
    A thread of its own watches while a session is made or open. A call that hangs while it holds
    the interpreter's lock stops that thread, too: `faulthandler` then writes the stacks to stderr.

    Example:
      ```python
      watchdog = tfhooks.StallWatchdogHook(timeout_secs=600)
      with tfhooks.MonitoredSession(hooks=[watchdog]) as session:
          session.run(train_op)  # Logs where all threads are if it takes ten minutes.
      ```
    """

    def __init__(self, timeout_secs: float, abort: bool = False) -> None:
        """Makes the hook.

        Args:
          timeout_secs: The longest time that a step may take, in seconds, greater than 0. The first
            step takes longer than later ones.
          abort: Whether to end the process when a step takes that long, by SIGABRT: nothing is
            saved or cleaned up, and the supervisor of the process sees that it failed. A step that
            hangs below Python cannot be ended in another way. Never while a session is made: a
            worker may wait for its chief.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: `timeout_secs` is zero or negative.
        """
        secs = arguments.seconds(_NAME, 'timeout_secs', timeout_secs)
        if secs is None:
            raise TypeError(f'{_NAME}: timeout_secs must be a number of seconds; timeout_secs=None')
        arguments.is_a(_NAME, 'abort', abort, bool, 'True or False')
        self._timeout_secs = float(secs)
        self._abort = abort
        self._runs: dict[int, _Run] = {}
        self._stopped: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begins to watch, first the making of the session."""
        self._stop()
        self._runs = {get_ident(): _Run()}
        stopped = self._stopped = threading.Event()
        # A session of TensorFlow's that ends by an error calls no `end`, but lets go of the hook.
        hook = weakref.ref(self, lambda _: stopped.set())
        about = hook, stopped, self._timeout_secs
        self._thread = threading.Thread(target=_watch, args=about, name=_NAME, daemon=True)
        self._thread.start()

    def before_run(self, run_context: SessionRunContext) -> None:
        """Notes the time at which the run begins."""
        self._runs[get_ident()] = _Run(run_context)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        """Notes that the run has returned."""
        run = self._runs.pop(get_ident(), None)
        if run is not None and run.reported:
            secs = time.monotonic() - run.began
            log.warning('%s: the step returned after all, after %.1f seconds.', _NAME, secs)

    def end(self, session: Any) -> None:
        """Stops watching."""
        self._stop()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Stops watching."""
        self._stop()

    def _stop(self) -> None:
        thread, self._thread = self._thread, None
        self._runs = {}
        if thread is not None and self._stopped is not None:
            self._stopped.set()
            if thread is not threading.current_thread():
                thread.join()

    def _look(self) -> float:
        """Reports runs that take too long; returns the time in seconds until the next one can."""
        wait = self._timeout_secs
        for run in list(self._runs.values()):
            left = run.began + self._timeout_secs - time.monotonic()
            if left > 0:
                wait = min(wait, left)
            elif run.reported is None:
                run.reported = run.goes_on()
                if run.reported:
                    self._report(run)
        return wait

    def _report(self, run: _Run) -> None:
        context = None if run.context is None else run.context()
        names = {one.ident: f'{one.name} ({one.ident})' for one in threading.enumerate()}
        stacks = (
            f'Thread {names.get(ident, ident)}:\n{"".join(traceback.format_stack(frame))}'
            for ident, frame in _frames().items()
            if ident != get_ident()
        )
        log.error(
            '%s: %s for %.1f seconds; timeout_secs=%g, thread=%s, '
            'fetches=%.200r. The stacks of all threads:\n%s',
            _NAME,
            'the session has not been made' if run.context is None else 'a step has not returned',
            time.monotonic() - run.began,
            self._timeout_secs,
            names.get(run.thread, run.thread),
            None if context is None else context.original_args.fetches,
            '\n'.join(stacks),
        )
        if self._abort and run.context is not None:
            log.error('%s: abort=True, so the process ends now by SIGABRT.', _NAME)
            logging.shutdown()  # As `os.abort` flushes nothing.
            sys.stdout.flush()
            sys.stderr.flush()
            os.abort()


class _Run:
    """A run that has begun in this thread; without a context, the making of the session."""

    def __init__(self, context: SessionRunContext | None = None) -> None:
        self.began = time.monotonic()
        self.thread = get_ident()
        self.reported: bool | None = None  # Until its time is up.
        self.context = None if context is None else weakref.ref(context)

    def goes_on(self) -> bool:
        """True if the thread is still in it. The hook is not told of what raised."""
        frame = _frames().get(self.thread)
        while frame is not None and not self._is_in(frame):
            frame = frame.f_back
        return frame is not None

    def _is_in(self, frame: FrameType) -> bool:
        values = frame.f_locals
        if self.context is None:
            return frame.f_code.co_name == '__init__' and isinstance(values.get('self'), _SESSIONS)
        # The session that makes a run holds its context.
        context = self.context()
        return context is not None and any(value is context for value in values.values())


def _watch(
    hook_or_none: Callable[[], StallWatchdogHook | None], stopped: threading.Event, wait: float
) -> None:
    """Has a hook look at its runs until `stopped`; keeps neither hook nor session alive."""
    _dump.schedule(wait + _LATE_SECS)
    while not stopped.wait(wait) and (hook := hook_or_none()) is not None:
        wait = hook._look()
        del hook
        _dump.schedule(wait + _LATE_SECS)
    _dump.schedule(None)


class _Dump:
    """A dump of all stacks to stderr by faulthandler, which needs no Python code to run."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._is_due = False

    def schedule(self, secs: float | None) -> None:
        """Puts the dump off until `secs` seconds from now; None cancels it."""
        with self.lock:
            if secs is not None:
                faulthandler.dump_traceback_later(secs, file=_STDERR)
            elif self._is_due:  # Else it would be the program's own.
                faulthandler.cancel_dump_traceback_later()
            self._is_due = secs is not None

    def before_fork(self) -> None:
        # At its exit a fork would wait for the thread that makes the dump, and does not have it.
        self.lock.acquire()
        self.schedule(None)


_dump = _Dump()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(
        before=_dump.before_fork,
        after_in_parent=_dump.lock.release,
        after_in_child=_dump.lock.release,
    )


def _frames() -> dict[int, FrameType]:
    """The current frame of each thread."""
    collects = gc.isenabled()
    gc.disable()  # Before Python 3.11.5, a collection meanwhile may wait for a lock of its own.
    try:
        return sys._current_frames()
    finally:
        if collects:
            gc.enable()
