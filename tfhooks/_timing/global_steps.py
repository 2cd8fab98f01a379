"""Tracks and reads the global step for hooks.

A read of the global step that is fetched together with a train op races with the increment: it may
come before it or after it. So the stock hooks never fetch the step. They call `before`, `after` and
`max_step_after`, which read it by a run of its own, only in a run in which something may be due.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable
from threading import get_ident
from typing import Any

from tfhooks._tensorflow import made_global_step_read, tf

# After so many exact reads without a result, only proofs without a read count.
_WASTED_READS = 5

# Earlier advances than so many are forgotten, since a worker that was stopped for a second sees
# the others advance by thousands, once.
_ADVANCES = 64

# Ops that only read a variable; any other op may change its value.
_READS = frozenset(
    ['Identity', 'IsVariableInitialized', 'ReadVariableOp', 'SaveV2', 'VarIsInitializedOp']
)
_ADDS = frozenset(['AssignAdd', 'AssignAddVariableOp'])
_ASSIGNS = frozenset(['Assign', 'AssignVariableOp'])
_RESTORES = frozenset(['Restore', 'RestoreSlice', 'RestoreV2'])
_SWITCHES = frozenset(['RefSwitch', 'Switch'])


def most_per_run(variable: Any) -> float:
    """Returns the most that one run can add to the global step, from the ops on the variable.

    Args:
      variable: The global step.

    Returns:
      The sum of what all increments in the graph add, at least 1; infinity where that is not
      known: the step is assigned, it grows by a number that is fed or computed, or in a loop.
    """
    try:
        initializer, tensor = variable.initializer, variable.op.outputs[0]
    except (AttributeError, IndexError, NotImplementedError):
        return math.inf
    return max(1.0, _most_added(tensor, {initializer, *_ops_of_the_read(variable.op)}))


def _most_added(tensor: Any, harmless: set[Any]) -> float:
    """The most that the consumers of a variable, or of a reference to it, add in one run."""
    most = 0.0
    for op in tensor.consumers():
        if op.type in _READS or op in harmless:
            continue
        if op.type in _SWITCHES:
            most += sum(_most_added(output, harmless) for output in op.outputs)
            continue
        value = op.inputs[1].op if len(op.inputs) > 1 else None
        while value is not None and value.type == 'Identity':
            value = value.inputs[0].op
        if value is None:
            return math.inf
        if op.type in _ASSIGNS and value.type in _RESTORES:
            continue
        added = -1.0
        if op.type in _ADDS and value.type == 'Const':
            added = float(tf.make_ndarray(value.get_attr('value')))
        if added < 0:
            return math.inf
        most += added
    return most


def _ops_of_the_read(variable: Any) -> set[Any]:
    """The operations between a variable's and the read of it that TensorFlow's hooks share."""
    read = made_global_step_read(variable.graph)
    found: set[Any] = set()
    waiting = [] if read is None else [read.op]
    while waiting:
        op = waiting.pop()
        if op is not variable and op not in found:
            found.add(op)
            waiting += [tensor.op for tensor in op.inputs]
    return found


class StepTracker:
    """Bounds the global step of one session from one cheap read per run that may race.

    The owner of the session fetches the global step in each run and hands it to `ran`. That value
    is the step at some moment during the run: v_k, fetched in run k, is the step after run k-1 or
    that after run k, unless other workers have added to it. What follows:

    - After run k the step is at most v_k plus what one run adds (`slack`), for each thread that
      runs. If that is not known, only a read by a run of its own tells.
    - A run that begins now may end at `lower + ahead`.
    - Two equal values in a row, v_k and v_(k+1), mean that this was the step after run k. If the
      step was already there before run k, run k has not increased it. Otherwise one exact read
      after run k+1 decides about that run. If such reads gave no result a few times, the reads of
      this model race; then only the first proof counts, which needs no read.

    Runs of several threads overlap, so only values of two runs that one thread made one after the
    other are compared. The step may be increased by other workers at any time.

    Attributes:
      tensor: The read of the global step, an integer scalar.
      lower: A lower bound of the step, or None before the first session and after a run in which
        the step was not fetched.
      advance: The largest difference of late between the steps before and after a run, at least 1;
        before the first such run the bound from the graph; shared among the runs of other
          threads that were made in between.
      slack: How far above the value that a run has fetched the step may be when the run has ended.
      ahead: How far above `lower` a run that begins now may end.
      on_stuck: Functions to call with the step when a run is known not to have increased it.
    """

    def __init__(self, tensor: Any, most: float = math.inf) -> None:
        """Makes a tracker; `reset` sets the session.

        Args:
          tensor: The read of the global step.
          most: The most that one run can add; infinity where it is not known.
        """
        self.tensor = tensor
        self.lower: int | None = None
        self.advance = 1 if most == math.inf else int(most)
        self.on_stuck: list[Callable[[int], None]] = []
        self._most = most
        self._session: Any = None
        self._exact: int | None = None
        self._before_last: int | None = None
        self._wasted_reads = self._last_fetched = 0
        self._runs = 0
        self._threads = 1
        self._advances = (0, 0)
        self._learn_bounds()
        # One tuple, replaced as a whole, so that threads need no lock here: the thread that ran,
        # what it fetched, a lower bound of the step after its last run, and one before that run.
        self._seen: tuple[int, int, int | None, int | None] = (0, 0, None, None)

    def _learn_bounds(self) -> None:
        self.slack = self._most * self._threads
        per_run = self.advance if self._most == math.inf else self._most
        self.ahead = 2 * per_run * self._threads

    def reset(self, session: Any) -> None:
        """Sets a new session, before its first run; the step may have gone back.

        Args:
          session: The raw session.
        """
        self._session = session
        self._wasted_reads = 0
        self._exact = None
        self.lower = self._last_fetched = int(session.run(self.tensor))
        self._seen = (0, 0, None, None)
        _tracked[session] = self.tensor

    def allow_threads(self, count: int) -> None:
        """Notes that `count` threads make runs at a time."""
        if count > self._threads:
            self._threads = count
            self._learn_bounds()

    def ran(self, fetched: int) -> tuple[int, int] | None:
        """Updates the bounds after a run with the step that was fetched in it.

        Returns:
          The step before and now if it has gone back within the session, else None.
        """
        step = int(fetched)
        thread = get_ident()
        seen, lower = self._seen, self.lower
        self._runs += 1
        if seen[0] == thread:
            if step == seen[1]:
                self._repeated(thread, seen, step)
            else:
                self._seen = (thread, step, step, seen[2])
        else:
            # The step that another thread fetched does not tell the order of its run and this one.
            self._seen = (thread, step, step, lower if seen[0] == 0 else None)
        self._before_last, self.lower = lower, step
        self._exact = None
        # The step last fetched, even if a run without hooks came in between.
        last, self._last_fetched = self._last_fetched, step
        if step + self.ahead >= last or self._session is None:
            return None
        # A run of another thread may have begun long ago.
        now = self._last_fetched = int(self._session.run(self.tensor))
        return (last, now) if now + self.ahead < last else None

    def settle(self, run_context: Any) -> None:
        """Reads the step after a run; called after `ran` if `slack` is infinite."""
        before, step = self._before_last, self.after(run_context)
        if before is not None:
            self._note_advance(step - before, self._threads)

    def invalidate_step(self) -> None:
        """Drops the bounds after a run that did not fetch the step; the next begins with a read."""
        self._runs += 1
        self._seen = (0, 0, None, None)
        self.lower = self._exact = None

    def leave(self) -> None:
        """Drops the session, which is closed, and keeps the bounds."""
        self._session = None

    def _repeated(
        self, thread: int, seen: tuple[int, int, int | None, int | None], step: int
    ) -> None:
        bound_before = seen[3]
        bound = step
        stuck = bound_before is not None and bound_before >= step
        session = self._session  # Another thread may close it meanwhile.
        if not stuck and self._wasted_reads < _WASTED_READS and session is not None:
            bound = int(session.run(self.tensor))
            stuck = bound == step
            self._wasted_reads += not stuck
        self._seen = (thread, step, bound, seen[2])
        if stuck:
            for call in self.on_stuck:
                call(step)

    def exact(self, session: Any) -> int:
        """Returns the step now, read by a run of its own and cached until the next run."""
        step = self._exact
        if step is None:
            step = self._exact = int(session.run(self.tensor))
        return step

    def before(self, run_context: Any) -> int:
        """Returns the step just before the run; read in a `before_run` and cached for later."""
        step: int | None = getattr(run_context, '_tfhooks_step_before', None)
        if step is None:
            step = int(run_context.session.run(self.tensor))
            run_context._tfhooks_step_before = step
            run_context._tfhooks_runs_before = self._runs
        return step

    def after(self, run_context: Any) -> int:
        """Returns the step just after the run; to be called in an `after_run`."""
        step: int | None = getattr(run_context, '_tfhooks_step_after', None)
        if step is None:
            step = int(run_context.session.run(self.tensor))
            run_context._tfhooks_step_after = step
            lower = self.lower  # Another thread may make it None at any time.
            if lower is not None and step > lower:
                self.lower = step
            earlier = getattr(run_context, '_tfhooks_step_before', None)
            if earlier is not None:
                # Other threads' runs that ended meanwhile, and those they are in, have added too.
                runs = self._runs - getattr(run_context, '_tfhooks_runs_before', self._runs)
                self._note_advance(step - earlier, max(1, runs + self._threads - 1))
        return step

    def _note_advance(self, difference: int, runs: int) -> None:
        advance = max(1, -(-difference // runs))
        count, recent = self._advances
        count, recent = count + 1, max(recent, advance)
        before = self.advance
        # The graph gives an upper bound; the first run's advance is closer.
        self.advance = advance if recent == advance and count == 1 else max(before, advance)
        if count > _ADVANCES:
            self.advance = recent
            count, recent = 1, 1
        self._advances = count, recent
        if self.advance != before:
            self._learn_bounds()

    def max_step_after(self, run_context: Any) -> int:
        """Returns the highest step at which the run about to be made is expected to end."""
        return self.before(run_context) + self.advance * self._threads


class _ForeignTracker(StepTracker):
    """Tracks the step of a session that is not tfhooks' own, from exact reads alone."""

    def __init__(self, tensor: Any, graph: Any) -> None:
        super().__init__(tensor, most_per_run(tf.train.get_global_step(graph)))
        # The thread and the step of an `after` that the next `max_step_after` may start from. It is
        # used up by one run, so a run is read once, and never started from a step of long ago.
        self._last: tuple[int, int] | None = None
        self._last_seen: int | None = None

    def before(self, run_context: Any) -> int:
        known = hasattr(run_context, '_tfhooks_step_before')
        step = super().before(run_context)
        if not known:
            self._learn(step)
        return step

    def after(self, run_context: Any) -> int:
        known = hasattr(run_context, '_tfhooks_step_after')
        step = super().after(run_context)
        if not known:
            self._learn(step)
            self._last = (get_ident(), step)
        return step

    def max_step_after(self, run_context: Any) -> int:
        known: Any = getattr(run_context, '_tfhooks_max_step', None)
        if known is not None:
            return int(known)
        last, self._last = self._last, None
        if last is not None and last[0] == get_ident():
            step = last[1] + self.advance
        else:
            step = super().max_step_after(run_context)
        run_context._tfhooks_max_step = step
        return step

    def _learn(self, step: int) -> None:
        known, self._last_seen = self._last_seen, step
        if known is not None and step > known:
            self._note_advance(step - known, 1)


# The tensors that trackers read, by their sessions.
_tracked: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_foreign: weakref.WeakKeyDictionary[Any, _ForeignTracker] = weakref.WeakKeyDictionary()
_foreign_lock = threading.Lock()


def read(session: Any, tensor: Any) -> Any:
    """Returns the global step of a session now, for methods without the context of a run.

    In a session that has a tracker it is read by the tracker's tensor, since the first run of
    another one costs as much as a look at the whole graph.

    Args:
      session: The raw session.
      tensor: The read of the global step, an integer scalar.

    Returns:
      The step, a number of NumPy's of the dtype of the step.
    """
    tracked = _tracked.get(session)
    is_the_step = tracked is not None and tensor is made_global_step_read(session.graph)
    return session.run(tracked if is_the_step else tensor)


def is_foreign(run_context: Any) -> bool:
    """True if the run is made by a session other than tfhooks' own, which calls hooks each run."""
    return getattr(run_context, '_tfhooks_steps', None) is None


def _tracker(run_context: Any, tensor: Any) -> StepTracker:
    tracker: StepTracker | None = getattr(run_context, '_tfhooks_steps', None)
    if tracker is not None:
        return tracker
    with _foreign_lock:
        session = run_context.session
        tracker = _foreign.get(session)
        if tracker is None:
            tracker = _foreign[session] = _ForeignTracker(tensor, session.graph)
        return tracker


def before(run_context: Any, tensor: Any) -> int:
    """Returns the global step just before the run of `run_context`, read exactly.

    Hooks that need it in `after_run` must have called this in `before_run`. All hooks of a run
    share one read.

    Args:
      run_context: What `before_run` was given.
      tensor: The read of the global step, an integer scalar.
    """
    return _tracker(run_context, tensor).before(run_context)


def after(run_context: Any, tensor: Any) -> int:
    """Returns the global step just after the run of `run_context`, read exactly.

    Args:
      run_context: What `after_run` was given.
      tensor: The read of the global step, an integer scalar.
    """
    return _tracker(run_context, tensor).after(run_context)


def max_step_after(run_context: Any, tensor: Any) -> int:
    """Returns the highest global step at which the run about to be made is expected to end.

    That is the step before the run plus the most that a run of this session has been seen to add.

    Args:
      run_context: What `before_run` was given.
      tensor: The read of the global step, an integer scalar.
    """
    return _tracker(run_context, tensor).max_step_after(run_context)
