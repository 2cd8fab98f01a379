"""One run of a monitored session: its hooks asked, their requests merged, run once, and answered.

What has to be found out about a request is found out once. A step in which hooks ask for what they
asked for before costs a few look-ups beside the run itself.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

from tfhooks import merging
from tfhooks._tensorflow import (
    Graph,
    RunMetadata,
    RunOptions,
    Session,
    Tensor,
    global_step_read,
    tf,
)
from tfhooks.calls import Calls
from tfhooks.context import RunContext
from tfhooks.errors import attach, blame
from tfhooks.hook_types import SessionRunArgs, SessionRunValues
from tfhooks.known import KnownRequests, request_key
from tfhooks.plan import RunPlans
from tfhooks.recovery import PREEMPTION_ERRORS
from tfhooks.roster import Member
from tfhooks.steps import ALWAYS, NEVER, NextDue, StepTracker

_new: Any = tuple.__new__
_NEVER = math.inf


class Runner:
    """Makes the runs of one monitored session. Several threads may run at a time.

    Attributes:
      stopper: The name of the hook that asked for a stop, or None while none has.
      tracker: What is known of the global step, or None where no hook needs it.
      plans: The run plans of the raw session, or None where every run goes to TensorFlow.
      weights_are_bad: Whether a hook has found that the weights must not be saved any more.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.stopper: str | None = None
        self.tracker: StepTracker | None = None
        self.plans: RunPlans | None = None
        self.weights_are_bad = False
        self._graph: Graph = tf.get_default_graph()
        self._checked = merging.Checked()
        self._known = KnownRequests()
        options, run_metadata = RunOptions(), RunMetadata()
        nothing = SessionRunValues(None, options, run_metadata)
        self._empty = options, run_metadata, nothing
        self._runs = 0
        self._counter = itertools.count(1)
        self.replace(members, None)

    def replace(self, members: Sequence[Member], global_step: Any) -> None:
        """Takes other members than before, all of them awake."""
        self.members = members
        self._sleepers = [member for member in members if member.sleeps]
        self._asleep: list[Member] = []
        self._all = self._awake = Calls(members)
        self._wake = ALWAYS
        if self._sleepers and global_step is not None and self.tracker is None:
            self.tracker = StepTracker(global_step)

    def begin(self, graph: Graph, global_step: Any) -> None:
        """Learns the graph, once all hooks have begun on it.

        Args:
          graph: The graph that will be run.
          global_step: The tensor that gives the global step, or None.
        """
        self._graph = graph
        if self._sleepers and global_step is not None:
            self.tracker = StepTracker(global_step)

    def connect(self, session: Session, plans: RunPlans | None) -> None:
        """Learns the raw session that the next runs are made on."""
        self.plans = plans
        # What was asked for in a run that lost its session is asked for again when it is due.
        self.stopper = None
        if self.weights_are_bad:
            self._absolve()
        self._known = KnownRequests()
        # The first run of a session is for all.
        self._wake = ALWAYS
        if self.tracker is not None and not self._follow(session):
            self.tracker = None
        if self.tracker is not None:
            self.tracker.on_stuck = [
                member.hook.step_not_increased
                for member in self.members
                if hasattr(member.hook, 'step_not_increased')
            ]

    def disconnect(self) -> None:
        """Lets go of the raw session."""
        plans, self.plans = self.plans, None
        if plans is not None:
            plans.uninstall()
        self._known = KnownRequests()
        if self.tracker is not None:
            self.tracker.leave()

    def _follow(self, session: Session) -> bool:
        """Begins to follow the global step; False if nobody needs it."""
        assert self.tracker is not None
        try:
            self.tracker.reset(session)
        except tf.errors.FailedPreconditionError:
            # It is not initialised, and the Scaffold lets that pass. What TensorFlow's hooks read
            # is its initial value then.
            try:
                self.tracker.tensor = global_step_read(self._graph)
            except RuntimeError:  # No hook has made that read, and the graph is finalized.
                return False
            self.tracker.reset(session)
        return True

    def run(
        self,
        session: Session,
        fetches: Any,
        feed_dict: Any = None,
        options: RunOptions | None = None,
        run_metadata: RunMetadata | None = None,
        skip: Sequence[Member] = (),
    ) -> Any:
        """Runs what the caller and the hooks want, once, and gives each its own results.

        Args:
          session: The raw session.
          fetches: As for `tf.compat.v1.Session.run`, like the three that follow.
          feed_dict: The caller's feeds.
          options: The caller's options; never changed.
          run_metadata: Filled as by `Session.run`.
          skip: The members that are left out of this run.

        Returns:
          What `Session.run` returns for the caller's own fetches.
        """
        tracker, calls, woken, runs = self.tracker, self._awake, False, self._runs
        wake_step, wake_time, wake_runs = self._wake
        if tracker is not None:
            lower = tracker.lower  # Another thread may make it None at any time.
            if lower is None:
                lower = tracker.exact(session)
            woken = lower + tracker.ahead >= wake_step
        if woken or (wake_time != _NEVER and time.monotonic() >= wake_time) or runs >= wake_runs:
            calls, woken = self._all, True
        if skip:
            calls = Calls([member for member in calls.members if member not in skip])
        context = RunContext(fetches, feed_dict, options, session, tracker, runs)
        try:
            return self._run(context, calls, woken, fetches, feed_dict, options, run_metadata)
        finally:
            # Kept also where the run failed; where a session is lost by it, `connect` forgets it.
            if context._stop_requested and self.stopper is None:
                self.stopper = context.stopper or 'a hook'

    def _run(
        self,
        context: RunContext,
        calls: Calls,
        woken: bool,
        fetches: Any,
        feed_dict: Any,
        options: RunOptions | None,
        run_metadata: RunMetadata | None,
    ) -> Any:
        session, tracker = context._session, context.steps
        if calls.askers:
            askers, requests = calls.standing.copy(), calls.requests.copy()
            self._ask(calls, context, askers, requests)
        else:
            askers, requests = calls.standing, calls.requests

        known = key = None
        is_fed = False
        plans = self.plans
        if plans is not None and (plans.session is not session or plans.is_patched()):
            plans = None  # Another thread has made a new session meanwhile, or somebody watches.
        if options is None and run_metadata is None and plans is not None:
            key = request_key(fetches, feed_dict, requests)
            # While the graph can change, plans have to look whether it has.
            known = self._known.get(key) if self._graph.finalized else None
        if known is not None:
            results = self._run_known(known.plan, fetches, feed_dict, requests)
            own, parts, places = results[0], results, known.places
        else:
            caller = SessionRunArgs(fetches, feed_dict, options)
            merged = merging.gather(caller, requests)
            if tracker is not None:
                merged.fetches.append(tracker.tensor)
                if merged.feed_dict and self._is_step_fed(tracker, merged.feed_dict):
                    key, is_fed = None, True
            options = merged.options
            if options is not None and run_metadata is None:
                run_metadata = RunMetadata()
            results = self._run_merged(session, plans, merged, caller, requests, run_metadata, key)
            parts, places = merged.rebuilt(results), merged.places
            own = parts[0]
        if tracker is not None:
            if is_fed:
                tracker.invalidate_step()
            else:
                tracker.ran(results[-1])
        self._runs = next(self._counter)

        if calls.listeners:
            if options is None and run_metadata is None and calls.are_ours:
                # Nothing is in them, and nobody writes into them, so all runs share them.
                options, run_metadata, nothing = self._empty
            else:
                options = RunOptions() if options is None else options
                run_metadata = RunMetadata() if run_metadata is None else run_metadata
                nothing = SessionRunValues(None, options, run_metadata)
            values = {}
            for member, place in zip(askers, places, strict=True):
                if place:
                    # Past the constructor in Python code that named tuples have.
                    values[member.index] = _new(
                        SessionRunValues, (parts[place], options, run_metadata)
                    )
            self._answer(calls.listeners, context, values, nothing)
        if woken:
            self._schedule()
        return own

    def _is_step_fed(self, tracker: StepTracker, feeds: Any) -> bool:
        """Whether a run would fetch for the global step what it is fed for it."""
        step = tracker.tensor
        name = self._graph.as_graph_element(step).name
        for key in feeds:
            if key is step or (isinstance(key, Tensor) and key.name == name):
                return True
            if isinstance(key, str) and key == name:
                return True
        return False

    def _ask(
        self,
        calls: Calls,
        context: RunContext,
        askers: list[Member],
        requests: list[merging.Request],
    ) -> None:
        """Adds what the hooks want of this run to `requests`, and whose it is to `askers`."""
        stopped = False
        for hook, member in calls.askers:
            try:
                request = hook.before_run(context)
            except BaseException as error:
                blame(error, member.asking)
                if context._stop_requested != stopped:
                    context.note_stop(member.name)
                raise
            if request is not None:
                askers.append(member)
                requests.append((member.asking, request))
            if context._stop_requested != stopped:
                stopped = context._stop_requested
                context.note_stop(member.name)

    def _run_known(
        self, plan: Any, fetches: Any, feed_dict: Any, requests: list[merging.Request]
    ) -> Any:
        if feed_dict:
            for value in feed_dict.values():
                if value is None:
                    merging.check(self._graph, SessionRunArgs(fetches, feed_dict), requests)
        try:
            return plan.run(feed_dict)
        except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
            caller = SessionRunArgs(fetches, feed_dict)
            merging.explain(self._graph, caller, requests, error)
            raise

    def _run_merged(
        self,
        session: Session,
        plans: RunPlans | None,
        merged: merging.Merged,
        caller: SessionRunArgs[Any],
        requests: list[merging.Request],
        run_metadata: RunMetadata | None,
        key: Any,
    ) -> Any:
        """Runs a request that is not known in all its parts, after it has been checked."""
        options, parts, feeds = merged.options, merged.fetches, merged.feed_dict
        if options is not None or run_metadata is not None:
            plans = None
        plan = None if plans is None else plans.find(parts, feeds)
        is_new = plan is None and not self._checked.has(parts, feeds, caller.feed_dict)
        if is_new or merged.suspicious:
            merging.check(self._graph, caller, requests)
        try:
            if plan is None and plans is not None:
                plan = plans.compile(parts, feeds)
            if plan is not None:
                # In this order: the table may have become that of another session meanwhile.
                table = self._known
                is_lasting = feeds is caller.feed_dict and not merged.rebuilds
                if key is not None and is_lasting and plans is self.plans:
                    table.remember(key, plan, merged, caller, requests)
                return plan.run(feeds)
            if is_new:
                self._checked.add(parts, feeds, caller.feed_dict)
            return session.run(parts, feed_dict=feeds, options=options, run_metadata=run_metadata)
        except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
            # The values were not looked at before: whose is it?
            merging.explain(self._graph, caller, requests, error)
            raise

    def _answer(
        self,
        listeners: list[tuple[int, Any, Member]],
        context: RunContext,
        values: dict[int, SessionRunValues[Any]],
        nothing: SessionRunValues[Any],
    ) -> None:
        """Gives the hooks their results, the guards first: what one of them raises stops all."""
        errors: list[BaseException] | None = None
        stopped = context._stop_requested
        for index, hook, member in listeners:
            if stopped and member.guards:
                # Whether this very hook asks for a stop is what tells that the weights are bad.
                context._stop_requested = False
            try:
                hook.after_run(context, values.get(index, nothing))
            except Exception as error:
                blame(error, f'{member.name}.after_run')
                if member.guards:
                    context._stop_requested = context._stop_requested or stopped
                    self._condemn(context, member)
                if member.guards or isinstance(error, PREEMPTION_ERRORS):
                    raise
                errors = [*(errors or ()), error]
            if member.guards:
                if context._stop_requested:
                    self._condemn(context, member)
                elif stopped:
                    context._stop_requested = True
            if context._stop_requested != stopped:
                stopped = context._stop_requested
                context.note_stop(member.name)
            if member.guards and self.weights_are_bad and not context.weights_are_bad:
                self._absolve()
        if errors:
            attach(errors[0], errors[1:])
            raise errors[0]

    def _condemn(self, context: RunContext, guard: Member) -> None:
        context.weights_are_bad = self.weights_are_bad = True
        for member in self.members:
            skip = getattr(member.hook, 'skip_final_save', None)
            if callable(skip):
                skip(f'{guard.name} asked for a stop')

    def _absolve(self) -> None:
        """Takes back that the weights are bad: another run, or another session, has shown it."""
        self.weights_are_bad = False
        for member in self.members:
            skip = getattr(member.hook, 'skip_final_save', None)
            if callable(skip):
                skip('')

    def _schedule(self) -> None:
        """Finds out which hooks sleep now, and when the first of them wants to be called again."""
        wakes = [(member, member.hook.next_due()) for member in self._sleepers]
        # A hook that cannot say when it is due is called in every run, and wakes no other one.
        asleep = [member for member, wake in wakes if wake != ALWAYS]
        rest = [wake for _, wake in wakes if wake != ALWAYS]
        self._wake = NextDue(*map(min, zip(NEVER, *rest, strict=True)))
        if asleep != self._asleep:
            self._asleep = asleep
            self._awake = Calls([m for m in self.members if m not in asleep])
