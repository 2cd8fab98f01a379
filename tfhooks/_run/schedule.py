"""Schedules the hook calls of the next runs."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from tfhooks._base.hook_types import ALWAYS, NEVER, NextDue, SupportsNextDue
from tfhooks._run.calls import Calls
from tfhooks._run.members import Member, sleeper
from tfhooks._run.stock_hooks import answering, changes
from tfhooks._timing.global_steps import StepTracker

_NEVER = math.inf


class Schedule:
    """The hook calls of the next runs, as known after one run; immutable, and replaced as a whole.

    Attributes:
      changes: The count of changes of stock hooks when `next_due` was called.
      all: The calls of a run in which a hook that fetches something may be due, or in which it is
        not known which hooks are.
      awake: The calls of a run in which no hook with a schedule is due.
      with_late: The calls after a run in which a hook with a schedule that fetches nothing is due.
      is_never_due: Whether no hook has a schedule, so that none falls due.
    """

    def __init__(
        self,
        members: Sequence[Member],
        early: NextDue,
        late: NextDue,
        sleepers: Sequence[Member],
        count: int,
    ) -> None:
        """Stores a schedule; `of_all` and `next` make one.

        Args:
          members: The hooks of the session.
          early: When the first hook with a schedule that fetches something is due.
          late: When the first hook with a schedule that fetches nothing is due.
          sleepers: The hooks with a schedule.
          count: The count of changes of stock hooks before `next_due` was called.
        """
        self.changes = count
        self._early = early
        self._late = late
        self._sleepers = sleepers
        self.is_never_due = not sleepers and early == NEVER
        fetching = [m for m in sleepers if not _decides_after_run(m)]
        self.all = Calls(members)
        self.awake = Calls([m for m in members if m not in sleepers]) if sleepers else self.all
        self.with_late = Calls([m for m in members if m not in fetching]) if fetching else self.all

    @classmethod
    def of_all(cls, members: Sequence[Member]) -> Schedule:
        """The schedule of a run in which all hooks are called."""
        return cls(members, ALWAYS, NEVER, (), changes.count)

    def next(self, members: Sequence[Member]) -> Schedule:
        """The schedule of the runs to come, now that hooks have been called."""
        count = changes.count  # Before `next_due`, to miss no change.
        early: list[NextDue] = []
        late: list[NextDue] = []
        sleepers: list[Member] = []
        for member in members:
            answers = sleeper(member.hook) if member.has_schedule else None
            due = ALWAYS if answers is None else answers.next_due()
            # A hook that cannot say when it is due is called in every run, and no other one for it.
            if answers is not None and due != ALWAYS:
                sleepers.append(member)
                (late if answers.decides_after_run else early).append(due)
        if sleepers == self._sleepers and self.changes == count:
            other = object.__new__(Schedule)
            vars(other).update(vars(self), _early=_first(early), _late=_first(late))
            return other
        return Schedule(members, _first(early), _first(late), sleepers, count)

    def is_due_before(self, session: Any, tracker: StepTracker | None, runs: int) -> bool:
        """True if a hook that fetches something may be due in the run about to be made.

        Args:
          session: The raw session.
          tracker: Tracks the global step.
          runs: How many runs were made before.
        """
        step, when, count = self._early
        if step != _NEVER and tracker is not None:
            lower = tracker.lower  # Another thread may make it None at any time.
            if lower is None:
                lower = tracker.exact(session)
            if lower + tracker.ahead >= step:
                return True
        return runs >= count or (when != _NEVER and time.monotonic() >= when)

    def may_be_due_after(self, tracker: StepTracker | None) -> bool:
        """True if `is_due_after` has to be called after a run; costs less than that.

        Args:
          tracker: Tracks the global step.
        """
        step, when, _ = self._late
        if step != _NEVER and tracker is not None:
            lower = tracker.lower
            if lower is None or lower + tracker.slack >= step:
                return True
        return self.changes != changes.count or (when != _NEVER and time.monotonic() >= when)

    def is_due_after(self, context: Any, tracker: StepTracker | None) -> bool:
        """True if a hook that fetches nothing may be due; called if `may_be_due_after`.

        Args:
          context: The context of the run.
          tracker: Tracks the global step.
        """
        step, when, _ = self._late
        if self.changes != changes.count or (when != _NEVER and time.monotonic() >= when):
            return True
        return tracker is not None and tracker.after(context) >= step


def _first(due: list[NextDue]) -> NextDue:
    # Plain floats: every run compares with them, and NumPy's numbers are slow at that.
    return NextDue(*map(float, map(min, zip(NEVER, *due, strict=True))))


def _decides_after_run(member: Member) -> bool:
    answers = answering(member.hook, SupportsNextDue)
    return answers is not None and answers.decides_after_run
