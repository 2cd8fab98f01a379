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
from threading import get_ident
from types import FrameType
from typing import Any

from tfhooks._base import arguments, log
from tfhooks._base.hook_types import SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks._tensorflow import originals, tf

_NAME = 'StallWatchdogHook'

# How much later than it should the watching thread may come, on a machine that is busy, in seconds.
_LATE_SECS = 10.0

_STDERR = 2


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
        self._watch: _Watch | None = None

    def begin(self) -> None:
        """Resets the hook, and watches the making of the session."""
        self._stop_watching()
        session = _session_being_made()
        if session is not None:
            self._runs[get_ident()] = _Making(session)
            self._start_watching()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Starts to watch, and drops the runs of a session that was lost."""
        runs = self._runs
        self._stop_watching()
        # The `after_create_session` of other hooks is still part of the making.
        self._runs = {thread: run for thread, run in runs.items() if isinstance(run, _Making)}
        self._start_watching()

    def _start_watching(self) -> None:
        self._watch = _Watch(self._runs, self._timeout_secs, self._abort)
        # A session of TensorFlow's that ends by an error calls no `end`.
        weakref.finalize(self, self._watch.stopped.set)

    def before_run(self, run_context: SessionRunContext) -> None:
        """Notes the time at which the run begins."""
        self._runs[get_ident()] = _Run(run_context)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        """Notes that the run has returned."""
        run = self._runs.pop(get_ident(), None)
        if run is not None and run.reported:
            log.warning(
                '%s: the step returned after all, after %.1f seconds.',
                _NAME,
                time.monotonic() - run.began,
            )

    def end(self, session: Any) -> None:
        """Stops watching."""
        self._stop_watching()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Stops watching."""
        self._stop_watching()

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        self._runs = {}
        if watch is not None:
            watch.stop()


class _Run:
    """A run that has begun.

    Attributes:
      began: The time of its beginning, in seconds of `time.monotonic()`.
      thread: The thread that makes it.
      reported: Whether it has been reported as stalled.
    """

    what = 'a step has not returned'
    may_abort = True

    def __init__(self, run_context: Any) -> None:
        self.began = time.monotonic()
        self.thread = get_ident()
        self.reported = False
        self._context = weakref.ref(run_context)

    @property
    def goes_on(self) -> bool:
        """True if the thread is still in this run; a run that raised ends without `after_run`."""
        context = self._context()
        frame = None if context is None else _frames().get(self.thread)
        while frame is not None:
            if self._is_in(frame, context):
                return True
            frame = frame.f_back
        return False

    def _is_in(self, frame: FrameType, context: Any) -> bool:
        # The session that makes the run holds its context.
        return any(value is context for value in frame.f_locals.values())

    @property
    def fetches(self) -> Any:
        """The fetches of the caller."""
        context = self._context()
        return None if context is None else context.original_args.fetches


class _Making(_Run):
    """The making of a monitored session, which has begun. Its thread is in the constructor."""

    what = 'the session has not been made'
    may_abort = False

    def _is_in(self, frame: FrameType, context: Any) -> bool:
        return _is_constructor(frame) and frame.f_locals.get('self') is context

    @property
    def fetches(self) -> Any:
        return None


def _session_being_made() -> Any:
    """The monitored session whose constructor this thread is in, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if _is_constructor(frame):
            return frame.f_locals['self']
        frame = frame.f_back
    return None


def _is_constructor(frame: FrameType) -> bool:
    kinds = (originals.MonitoredSession, originals.SingularMonitoredSession)
    return frame.f_code.co_name == '__init__' and isinstance(frame.f_locals.get('self'), kinds)


class _Watch:
    """A thread that checks the runs of one session; it must not keep the session alive.

    Attributes:
      stopped: Set to end the thread.
    """

    def __init__(self, runs: dict[int, _Run], timeout_secs: float, abort: bool) -> None:
        self._runs = runs
        self._timeout_secs = timeout_secs
        self._abort = abort
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=_NAME, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self) -> None:
        wait = self._timeout_secs
        _dumps.schedule(wait + _LATE_SECS)
        while not self.stopped.wait(wait):
            wait = self.look()
            _dumps.schedule(wait + _LATE_SECS)
        _dumps.cancel()

    def look(self) -> float:
        """Reports runs that take too long; returns the time in seconds until the next one can."""
        wait = self._timeout_secs
        for run in list(self._runs.values()):
            left = run.began + self._timeout_secs - time.monotonic()
            if run.reported:
                continue
            if left > 0:
                wait = min(wait, left)
            elif run.goes_on:
                run.reported = True
                self._report(run)
        return wait

    def _report(self, run: _Run) -> None:
        log.error(
            '%s: %s for %.1f seconds; timeout_secs=%g, thread=%s, '
            'fetches=%.200r. The stacks of all threads:\n%s',
            _NAME,
            run.what,
            time.monotonic() - run.began,
            self._timeout_secs,
            _name_of_thread(run.thread),
            run.fetches,
            _stacks(),
        )
        if self._abort and run.may_abort:
            log.error('%s: abort=True, so the process ends now by SIGABRT.', _NAME)
            _flush()
            os.abort()


class _Dumps:
    """Schedules a dump of all stacks to stderr, which needs no Python code to run.

    None is scheduled while the process forks: at its exit the fork would wait for the thread that
    makes the dump, and does not have it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_scheduled = False

    def schedule(self, secs: float) -> None:
        """Puts the dump off until `secs` seconds from now."""
        with self._lock:
            faulthandler.dump_traceback_later(secs, file=_STDERR)
            self._is_scheduled = True

    def cancel(self) -> None:
        with self._lock:
            self._cancel()

    def _cancel(self) -> None:
        if self._is_scheduled:
            faulthandler.cancel_dump_traceback_later()
            self._is_scheduled = False

    def before_fork(self) -> None:
        """Cancels the dump, and lets nobody schedule one until `after_fork`."""
        self._lock.acquire()
        self._cancel()

    def after_fork(self) -> None:
        """Lets the watching thread schedule a dump again."""
        self._lock.release()


_dumps = _Dumps()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(
        before=_dumps.before_fork,
        after_in_parent=_dumps.after_fork,
        after_in_child=_dumps.after_fork,
    )


def _frames() -> dict[int, FrameType]:
    """The current frame of each thread.

    Garbage collection is off meanwhile: Python may hold a lock that it also needs to free a
    thread's local data, so that a collection would wait for itself.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        if collects:
            gc.enable()


def _stacks() -> str:
    """The stacks of all threads but this one, outermost calls first, as in a traceback."""
    return '\n'.join(
        f'Thread {_name_of_thread(thread)}:\n{"".join(traceback.format_stack(frame))}'
        for thread, frame in _frames().items()
        if thread != get_ident()
    )


def _name_of_thread(ident: int) -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return f'{names.get(ident, "(not of Python)")} ({ident})'


def _flush() -> None:
    """Flushes the logs, as `os.abort` does not."""
    loggers = (log.logger, tf.get_logger(), logging.getLogger())
    for handler in [handler for logger in loggers for handler in logger.handlers]:
        handler.flush()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
