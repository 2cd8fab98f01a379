"""The global step, as hooks see it.

A read of the global step that is fetched together with a train op races with the increment: it may
come before it or after it. So the stock hooks never fetch the step. They ask `before`, `after` and
`max_step_after`, which read it by a run of its own, and only in a run in which something may be due.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable
from threading import get_ident
from typing import Any, NamedTuple


class NextDue(NamedTuple):
    """When a hook that sleeps wants to be called again.

    Attributes:
      step: The hook must be called in every run that may end at this global step or a later one.
      time: The hook must be called in every run that begins at this time or later, in seconds of
        `time.monotonic()`.
      runs: The hook must be called in every run before which this many runs of the monitored
        session, or more, have succeeded.
    """

    step: float = math.inf
    time: float = math.inf
    runs: float = math.inf


NEVER = NextDue()
ALWAYS = NextDue(-math.inf, -math.inf, -math.inf)

# How many exact reads may turn out to be in vain before only proofs without a read count.
_VAIN_READS = 5

# How many advances are looked at before what came earlier is forgotten: a worker that was stopped
# for a second has seen the others advance by thousands, once.
_ADVANCES = 64


class StepTracker:
    """What is known of the global step of one session, from one cheap and racing read per run.

    The owner of the session fetches the global step in each run and hands it to `ran`. That value
    is the step at some moment during the run: v_k, fetched in run k, is the step after run k-1 or
    that after run k, unless other workers have added to it. What follows:

    - `lower`: the step is at least this now. A run that begins now may end at
      `lower + 2 * stride`: the increment of the run that fetched `lower` may not be in it. With
      several threads it may end at `lower + ahead`, since each of them may be in a run.
    - Two equal values in a row, v_k and v_(k+1), mean that this was the step after run k. If the
      step was already there before run k, run k has not increased it. Otherwise one exact read
      after run k+1 decides about that run. Where such reads were in vain a few times, the model is
      one whose reads race; then only the first proof counts, which needs no read.

    Runs of several threads overlap, so only values of two runs that one thread made one after the
    other are compared. The step may be increased by other workers at any time.

    Attributes:
      tensor: The read of the global step, an integer scalar.
      lower: A lower bound of the step, or None before the first session and after a run in which
        the step was not fetched.
      stride: The largest difference between two values in a row, at least 1. As reads race it may
        be up to twice what a run adds.
      advance: The largest difference of late between the exact steps before and after a run, at
        least 1; shared among the runs of other threads that were made in between.
      ahead: How far above `lower` a run that begins now may end.
      on_stuck: Functions to call with the step when a run is known not to have increased it.
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.lower: int | None = None
        self.stride = 1
        self.advance = 1
        self.ahead = 2
        self.on_stuck: list[Callable[[int], None]] = []
        self._session: Any = None
        self._exact: int | None = None
        self._start: int | None = None
        self._vain_reads = 0
        self._runs = 0
        self._threads: set[int] = set()
        self._most_threads = 1
        self._advances = (0, 1)
        # One tuple, replaced as a whole, so that threads need no lock here: the thread that ran,
        # what it fetched, a lower bound of the step after its last run, and one before that run.
        self._seen: tuple[int, int, int | None, int | None] = (0, 0, None, None)
        self._seen_first: tuple[int, int, int | None, int | None] = self._seen

    def reset(self, session: Any) -> None:
        """To be called with each new session, before its first run: the step may have gone back.

        Args:
          session: The raw session, or None when there is none any more.
        """
        self._session = session
        self._seen = self._seen_first = (0, 0, None, None)
        self._vain_reads = 0
        self._exact = None
        self._start = None if session is None else int(session.run(self.tensor))
        self.lower = self._start

    def ran(self, fetched: int) -> None:
        """To be called after each run with the step that was fetched in it."""
        step = int(fetched)
        thread = get_ident()
        seen = self._seen
        self._runs += 1
        if seen[0] == thread:
            last = seen[1]
            if step == last:
                self._repeated(thread, seen, step)
            else:
                self._seen = (thread, step, step, seen[2])
                if step - last > self.stride:
                    self._set_stride(step - last)
        else:
            # What another thread has fetched says nothing of the order of its run and this one.
            if thread not in self._threads:
                self._meet(thread)
            start = self._start
            if start is not None and step - start > self.stride:
                self._set_stride(step - start)
            self._seen = (thread, step, step, start)
            if start is not None:
                self._seen_first = self._seen
                self._start = None
        self.lower = step
        self._exact = None

    def invalidate_step(self) -> None:
        """To be called instead where the step was not fetched: the next run begins with a read."""
        self._runs += 1
        self._seen = (0, 0, None, None)
        self.lower = self._exact = self._start = None

    def leave(self) -> None:
        """To be called when the session is closed; what is known of the step stays."""
        self._session = None

    def _meet(self, thread: int) -> None:
        """Counts a thread that makes runs; some of those met before may have ended."""
        if len(self._threads) >= threading.active_count():
            self._threads = set()
        self._threads.add(thread)
        self._most_threads = max(self._most_threads, len(self._threads))
        self._set_stride(self.stride)

    def _set_stride(self, stride: int) -> None:
        self.stride = stride
        if self._most_threads == 1:
            self.ahead = 2 * stride
        else:  # What other threads' runs add is in the stride already.
            self.ahead = max(stride, self.advance * (self._most_threads + 1))

    def _repeated(
        self, thread: int, seen: tuple[int, int, int | None, int | None], step: int
    ) -> None:
        bound_before = seen[3]
        bound = step
        stuck = bound_before is not None and bound_before >= step
        session = self._session  # Another thread may close it meanwhile.
        if not stuck and self._vain_reads < _VAIN_READS and session is not None:
            bound = int(session.run(self.tensor))
            stuck = bound == step
            self._vain_reads += not stuck
        self._seen = (thread, step, bound, seen[2])
        if stuck:
            for call in self.on_stuck:
                call(step)

    def exact(self, session: Any) -> int:
        """The step now, read by a run of its own; kept until the next run."""
        step = self._exact
        if step is None:
            step = self._exact = int(session.run(self.tensor))
        return step

    def before(self, run_context: Any) -> int:
        """The step just before the run; to be asked for in a `before_run`, and then known later."""
        step: int | None = getattr(run_context, '_step_before', None)
        if step is None:
            step = int(run_context.session.run(self.tensor))
            run_context._step_before = step
            run_context._runs_before = self._runs
        return step

    def after(self, run_context: Any) -> int:
        """The step just after the run; to be asked for in an `after_run`."""
        step: int | None = getattr(run_context, '_step_after', None)
        if step is None:
            step = int(run_context.session.run(self.tensor))
            run_context._step_after = step
            earlier = getattr(run_context, '_step_before', None)
            if earlier is None and self._seen is self._seen_first:
                earlier = self._seen[3]  # The step was read when the session was made.
            if earlier is not None:
                # Other threads' runs that ended meanwhile, and those they are in, have added too.
                runs = self._runs - getattr(run_context, '_runs_before', self._runs)
                self._advanced(step - earlier, max(1, runs + self._most_threads - 1))
        return step

    def _advanced(self, difference: int, runs: int) -> None:
        advance = -(-difference // runs)
        count, recent = self._advances
        count, recent = count + 1, max(recent, advance)
        if advance > self.advance:
            self.advance = advance
        if count >= _ADVANCES:
            self.advance = recent
            self._set_stride(recent)
            count, recent = 0, 1
        self._advances = count, recent
        if self.advance > self.stride:
            self._set_stride(self.advance)

    def max_step_after(self, run_context: Any) -> int:
        """The step at which the run that is about to be made is expected to end, at the latest."""
        return self.before(run_context) + self.advance * self._most_threads


class _ForeignTracker(StepTracker):
    """Follows the steps of a session that is not tfhooks' own: all it sees is exact reads."""

    def __init__(self, tensor: Any) -> None:
        super().__init__(tensor)
        # The thread and the step of an `after` that the next `max_step_after` may start from. It is used up
        # by one run, so a run is read once, and never started from a step of long ago.
        self._last: tuple[int, int] | None = None

    def before(self, run_context: Any) -> int:
        known = hasattr(run_context, '_step_before')
        step = super().before(run_context)
        if not known:
            self._learn(step)
        return step

    def after(self, run_context: Any) -> int:
        known = hasattr(run_context, '_step_after')
        step = super().after(run_context)
        if not known:
            self._learn(step)
            self._last = (get_ident(), step)
        return step

    def max_step_after(self, run_context: Any) -> int:
        known: Any = getattr(run_context, '_step_reach', None)
        if known is not None:
            return int(known)
        last, self._last = self._last, None
        if last is not None and last[0] == get_ident():
            step = last[1] + self.advance
        else:
            step = super().max_step_after(run_context)
        run_context._step_reach = step
        return step

    def _learn(self, step: int) -> None:
        self.ran(step)
        self.advance = max(self.advance, self.stride)


_foreign: weakref.WeakKeyDictionary[Any, _ForeignTracker] = weakref.WeakKeyDictionary()
_foreign_lock = threading.Lock()


def is_foreign(run_context: Any) -> bool:
    """Whether the run is made by a session other than tfhooks' own, which calls hooks each run."""
    return getattr(run_context, 'steps', None) is None


def _tracker(run_context: Any, tensor: Any) -> StepTracker:
    tracker: StepTracker | None = getattr(run_context, 'steps', None)
    if tracker is not None:
        return tracker
    with _foreign_lock:
        session = run_context.session
        tracker = _foreign.get(session)
        if tracker is None:
            tracker = _foreign[session] = _ForeignTracker(tensor)
        return tracker


def before(run_context: Any, tensor: Any) -> int:
    """The global step just before the run that `run_context` stands for, read exactly.

    Hooks that want to know it in `after_run` must have asked in `before_run`. All hooks of a run
    share one read.

    Args:
      run_context: What `before_run` was given.
      tensor: The read of the global step, an integer scalar.
    """
    return _tracker(run_context, tensor).before(run_context)


def after(run_context: Any, tensor: Any) -> int:
    """The global step just after the run that `run_context` stands for, read exactly.

    Args:
      run_context: What `after_run` was given.
      tensor: The read of the global step, an integer scalar.
    """
    return _tracker(run_context, tensor).after(run_context)


def max_step_after(run_context: Any, tensor: Any) -> int:
    """The global step at which the run about to be made is expected to end, at the latest.

    That is the step before the run plus the most that a run of this session has been seen to add.

    Args:
      run_context: What `before_run` was given.
      tensor: The read of the global step, an integer scalar.
    """
    return _tracker(run_context, tensor).max_step_after(run_context)
