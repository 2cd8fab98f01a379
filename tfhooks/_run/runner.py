"""Makes one run of a monitored session: collects requests, runs once, gives each hook its results.

Requests are analysed once, then served from a cache: a step whose hooks request the same as before
costs a few look-ups beside the run itself.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
import threading
from collections.abc import Sequence
from typing import Any

from tfhooks._base import log
from tfhooks._base.errors import note_origin
from tfhooks._base.hook_types import (
    SessionRunArgs,
    SupportsNextDue,
    SupportsStepNotIncreased,
)
from tfhooks._run import merging
from tfhooks._run.after_run import call_hooks, is_quiet, values_of
from tfhooks._run.bad_weights import BadWeights
from tfhooks._run.calls import Calls
from tfhooks._run.context import RunContext
from tfhooks._run.members import Member
from tfhooks._run.plan_cache import PlanCache
from tfhooks._run.request_keys import hooks_key, is_simple, key_of
from tfhooks._run.schedule import Schedule
from tfhooks._run.stock_hooks import answering, changes
from tfhooks._tensorflow import (
    Graph,
    RunMetadata,
    RunOptions,
    Session,
    Tensor,
    global_step_read,
    tf,
)
from tfhooks._timing.global_steps import StepTracker, most_per_run

_UNKNOWN = math.inf
_is_none = functools.partial(operator.is_, None)


class Runner:
    """Makes the runs of one monitored session. Several threads may run at a time.

    Attributes:
      stopper: The name of the hook that asked for a stop, or None while none has.
      tracker: Tracks the global step; None where no hook needs it.
      plans: The run plans of the raw session, or None where every run goes to TensorFlow.
      bad_weights: Keeps whether the weights must not be saved.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.stopper: str | None = None
        self.tracker: StepTracker | None = None
        self.plans: PlanCache | None = None
        self.bad_weights = BadWeights()
        self._graph: Graph = tf.get_default_graph()
        self._scheduling = threading.Lock()
        # One item for each run under way, since a list is appended to and popped from atomically.
        self._under_way: list[None] = []
        self._begun = itertools.count()
        self._failing = threading.Lock()
        self._failed = 0
        self.replace(members, None)

    def replace(self, members: Sequence[Member], global_step: Any) -> None:
        """Replaces the members; the next run calls all of them."""
        self.members = self.bad_weights.members = members
        self._schedule = Schedule.of_all(members)
        if global_step is not None and self.tracker is None:
            self.tracker = StepTracker(global_step, most_per_run(global_step))

    def begin(self, graph: Graph, global_step: Any) -> None:
        """Takes the graph, after all hooks have begun on it.

        Args:
          graph: The graph that will be run.
          global_step: The tensor that gives the global step, or None.
        """
        self._graph = graph
        if global_step is not None:
            self.tracker = StepTracker(global_step, most_per_run(global_step))

    def connect(self, session: Session, plans: PlanCache | None) -> None:
        """Takes the raw session that the next runs are made on."""
        self.plans = plans
        # A stop requested in a run that lost its session is requested again when it is due.
        self.stopper = None
        if self.bad_weights.found:
            self.bad_weights.clear()
        if self.tracker is not None and not self._follow(session):
            self.tracker = None
        if self.tracker is not None:
            self.tracker.on_stuck = [
                one.step_not_increased
                for member in self.members
                if (one := answering(member.layers[-1], SupportsStepNotIncreased)) is not None
            ]
        # The first run of a session calls all hooks.
        self._schedule = Schedule.of_all(self.members)

    def disconnect(self) -> None:
        """Releases the raw session."""
        plans, self.plans = self.plans, None
        if plans is not None:
            plans.uninstall()
        if self.tracker is not None:
            self.tracker.leave()

    def _follow(self, session: Session) -> bool:
        """Begins to track the global step; returns False if it cannot be read."""
        assert self.tracker is not None
        try:
            self.tracker.reset(session)
        except tf.errors.FailedPreconditionError:
            # It is not initialised, and the Scaffold lets that pass. TensorFlow's hooks read its
            # initial value then.
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
        """Runs the requests of the caller and the hooks at once, and gives each its own results.

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
        tracker, schedule, bad_weights = self.tracker, self._schedule, self.bad_weights
        if schedule.changes != changes.count:  # A hook may have left the fast way.
            schedule = self._schedule = Schedule.of_all(self.members)
        under_way = self._under_way
        under_way.append(None)
        # A number of its own for each run under way.
        runs = next(self._begun) - self._failed
        about = fetches, feed_dict, options, session, tracker, runs
        context: RunContext | None = None
        succeeded = False
        try:
            if tracker is not None and len(under_way) > 1:
                tracker.allow_threads(len(under_way))
            due = not schedule.is_never_due and schedule.is_due_before(session, tracker, runs)
            calls = schedule.all if due else schedule.awake
            if skip:
                calls = calls.without(skip)
            members, requests, asked = calls.standing, calls.requests, calls.hooks_key
            if calls.before_run_calls:
                context = RunContext(*about)
                members, requests = members.copy(), requests.copy()
                self._ask(calls, context, members, requests)
                asked = hooks_key(requests)

            plans, known, key = self.plans, None, None
            if plans is not None and (plans.session is not session or plans.is_patched()):
                plans = None  # Another thread has made a session, or a library watches runs.
            if plans is not None and options is None and run_metadata is None:
                key, known = plans.look_up(fetches, feed_dict, asked, tracker and tracker.tensor)
            if known is not None:
                try:
                    if feed_dict and any(map(_is_none, feed_dict.values())):
                        merging.check(self._graph, SessionRunArgs(fetches, feed_dict), requests)
                    parts = known.run(feed_dict)
                except merging.EXPLAINED as error:
                    caller = SessionRunArgs(fetches, feed_dict)
                    merging.explain(self._graph, caller, requests, error)
                    raise
                places, step = known.result_indices, parts[-1]
            else:
                caller = SessionRunArgs(fetches, feed_dict, options)
                parts, places, step, options, run_metadata = self._run_unknown(
                    session, plans, tracker, caller, requests, run_metadata, key
                )
            if tracker is not None and step is not None:
                went_back = tracker.ran(step)
                if tracker.slack == _UNKNOWN:
                    context = context or RunContext(*about)
                    tracker.settle(context)
                if went_back is not None:
                    self._step_went_back(*went_back)
            under_way.pop()
            succeeded = True

            if not (due or schedule.is_never_due) and schedule.may_be_due_after(tracker):
                context = context or RunContext(*about)
                if schedule.is_due_after(context, tracker):
                    due = True
                    calls = schedule.with_late.without(skip) if skip else schedule.with_late
            if calls.after_run_calls and (due or not is_quiet(calls, bad_weights, parts, places)):
                context = context or RunContext(*about)
                values = values_of(members, parts, places, options, run_metadata)
                call_hooks(calls, bad_weights, context, values)
            if due:
                self._reschedule()
            return parts[0]
        finally:
            if not succeeded:
                under_way.pop()
                with self._failing:
                    self._failed += 1
            # Kept also where the run failed; where a session is lost by it, `connect` forgets it.
            if context is not None and context._stop_requested and self.stopper is None:
                self.stopper = context._tfhooks_stopper or 'a hook'

    def _run_unknown(
        self,
        session: Session,
        plans: PlanCache | None,
        tracker: StepTracker | None,
        caller: SessionRunArgs[Any],
        requests: list[merging.Request],
        run_metadata: RunMetadata | None,
        key: Any,
    ) -> tuple[list[Any], list[int], Any, RunOptions | None, RunMetadata | None]:
        """Makes a run whose plan cannot be found by the key of its parts.

        Returns:
          The results of the caller and of the hooks, the index in them of each request's results,
          the global step or None, and the options and metadata of the run.
        """
        merged = merging.gather(caller, requests)
        is_fed = False
        if tracker is not None:
            merged.fetches.append(tracker.tensor)
            if merged.feed_dict and self._is_step_fed(tracker, merged.feed_dict):
                key, is_fed = None, True
        options = merged.options
        if options is not None and run_metadata is None:
            run_metadata = RunMetadata()
        results = self._run_merged(session, plans, merged, caller, requests, run_metadata, key)
        parts, step = merged.rebuilt(results), results[-1]
        if tracker is not None and is_fed:
            tracker.invalidate_step()
            step = None
        return parts, merged.places, step, options, run_metadata

    def _is_step_fed(self, tracker: StepTracker, feeds: Any) -> bool:
        """True if the global step is fed, so that fetching it would give the fed value."""
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
        members: list[Member],
        requests: list[merging.Request],
    ) -> None:
        """Calls `before_run`; adds the requests to `requests` and their hooks to `members`."""
        stopped = False
        for hook, member in calls.before_run_calls:
            try:
                request = hook.before_run(context)
            except BaseException as error:
                note_origin(error, member.asking)
                if context._stop_requested != stopped:
                    context.note_stop(member.name)
                raise
            if request is not None:
                members.append(member)
                requests.append((member.asking, request))
            if context._stop_requested != stopped:
                stopped = context._stop_requested
                context.note_stop(member.name)

    def _run_merged(
        self,
        session: Session,
        plans: PlanCache | None,
        merged: merging.Merged,
        caller: SessionRunArgs[Any],
        requests: list[merging.Request],
        run_metadata: RunMetadata | None,
        key: Any,
    ) -> Any:
        """Checks a merged request, and runs it by a plan if it can be cached."""
        # In a tuple, which costs a plan the least to fill.
        options, parts, feeds = merged.options, tuple(merged.fetches), merged.feed_dict
        if options is not None or run_metadata is not None:
            plans = None
        # Simple requests need no check: `Session.run` refuses what is wrong in them.
        simple = all(is_simple(request) for _, request in requests)
        plan = None
        if plans is not None and not (simple and key is not None):
            key = key_of(parts, feeds)
            plan = plans.get(key)
        if merged.needs_check or (plan is None and not simple):
            merging.check(self._graph, caller, requests)
        try:
            if plan is None and plans is not None:
                plan = plans.compile(parts, feeds, key, merged.places)
            if plan is not None:
                return plan.run(feeds)
            return session.run(parts, feed_dict=feeds, options=options, run_metadata=run_metadata)
        except merging.EXPLAINED as error:
            # The values were not checked before the run, so the owner is looked for now.
            merging.explain(self._graph, caller, requests, error)
            raise

    def _reschedule(self) -> None:
        # Locked, so that no thread replaces a newer schedule by an older one.
        with self._scheduling:
            self._schedule = self._schedule.next(self.members)

    def _step_went_back(self, last: int, step: int) -> None:
        log.warning(
            'The global step has gone back from %d to %d, as by an initializer that the program '
            'runs inside the session: what is due at certain steps goes on from there. What was '
            'restored before is not trained on; leave that initializer out where it should be.',
            last,
            step,
        )
        for member in self.members:
            answers = answering(member.hook, SupportsNextDue)
            if member.has_schedule and answers is not None:
                answers.step_went_back(step)
        self._reschedule()
