"""The composite hook: all the hooks of one session, asked, merged, run and answered as one."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

from tfhooks import merging, roster
from tfhooks._tensorflow import (
    Coordinator,
    Graph,
    RunMetadata,
    RunOptions,
    Session,
    global_step_read,
    tf,
)
from tfhooks.conditions import Conditions
from tfhooks.errors import RequestError, attach, blame
from tfhooks.hook import SessionRunArgs, SessionRunContext, SessionRunValues
from tfhooks.plan import RunPlans
from tfhooks.recovery import PREEMPTION_ERRORS
from tfhooks.roster import Member
from tfhooks.steps import ALWAYS, StepTracker, Wake


class RunContext(SessionRunContext):
    """The context of one `run()` of a group; builds what hooks rarely ask for only when they ask."""

    weights_are_bad = False

    def __init__(
        self,
        fetches: Any,
        feed_dict: Any,
        options: RunOptions | None,
        session: Session,
        steps: StepTracker | None,
    ) -> None:
        self._asked = (fetches, feed_dict, options)
        self._args: SessionRunArgs[Any] | None = None
        self._raw = session
        self._stop = False
        self.steps = steps

    @property
    def original_args(self) -> SessionRunArgs[Any]:
        if self._args is None:
            fetches, feed_dict, options = self._asked
            if isinstance(feed_dict, dict):
                feed_dict = dict(feed_dict)
            if options is not None:
                options = _copy(options)
            self._args = SessionRunArgs(fetches, feed_dict, options)
        return self._args

    @property
    def session(self) -> Session:
        return self._raw

    @property
    def stop_requested(self) -> bool:
        return self._stop

    def request_stop(self) -> None:
        self._stop = True


class HookGroup:
    """All the hooks of one monitored session, at the seam between its `run()` and TensorFlow's.

    A group lives as long as the monitored session; raw sessions come and go below it.

    Attributes:
      members: The hooks, in the order in which they are called.
      stopper: The name of the hook that asked for a stop, or None while none has.
      plans: The run plans of the raw session, or None where every run goes to TensorFlow.
    """

    def __init__(self, hooks: Iterable[Any] | None, run_plans: bool = True) -> None:
        self.members = roster.enroll(hooks)
        self.stopper: str | None = None
        self.plans: RunPlans | None = None
        self._run_plans = run_plans
        self._begun: list[Member] = []
        self._graph: Graph = tf.get_default_graph()
        self._conditions = Conditions(self.members)
        self._checked = merging.Checked()
        self._tracker: StepTracker | None = None
        self._wake = ALWAYS
        self._sleepers = [member for member in self.members if member.sleeps]
        self._asleep: list[Member] = []
        self._all = self._awake = _Calls(self.members)

    # The life of a session.

    def begin(self) -> None:
        """Calls every hook's `begin`, in order, on the default graph."""
        self._graph = tf.get_default_graph()
        for member in self.members:
            try:
                member.hook.begin()
            except BaseException as error:
                blame(error, f'{member.name}.begin')
                raise
            self._begun.append(member)
        self._conditions.resolve(self._graph)
        if self._sleepers:
            tensor = global_step_read(self._graph)
            self._tracker = None if tensor is None else StepTracker(tensor)

    def after_create_session(self, session: Session, coord: Coordinator) -> None:
        """Tells the hooks of a raw session that was made or made again."""
        if self._run_plans and RunPlans.serves(session):
            self.plans = RunPlans(session)
            self.plans.install()
        else:
            self.plans = None
        if self._tracker is not None:
            self._tracker.reset(session)
            self._tracker.on_stuck = [
                member.hook.step_not_increased
                for member in self._sleepers
                if hasattr(member.hook, 'step_not_increased')
            ]
        for member in self.members:
            try:
                member.hook.after_create_session(session, coord)
            except BaseException as error:
                blame(error, f'{member.name}.after_create_session')
                raise
        # The first run of a session is for all.
        self._wake = ALWAYS

    def end(self, session: Session | None) -> None:
        """Calls every hook's `end`, whatever another one raised; the first error is raised after."""
        errors: list[BaseException] = []
        for member in self.members:
            try:
                member.hook.end(session)
            except BaseException as error:
                blame(error, f'{member.name}.end')
                errors.append(error)
        _raise_first(errors)

    def on_error(self, session: Session | None, error: BaseException) -> None:
        """Tells the hooks which have begun that the session ends by `error`."""
        for member in self._begun:
            tell = getattr(member.hook, 'on_error', None)
            if callable(tell):
                try:
                    tell(session, error)
                except Exception as another:
                    blame(another, f'{member.name}.on_error')
                    attach(error, [another])

    def abandon(self, session: Session | None, error: BaseException) -> None:
        """Tells the hooks which have begun that no session comes: by `on_error`, or else by `end`."""
        for member in self._begun:
            tells = roster.overrides(member.hook, 'on_error')
            try:
                if tells:
                    member.hook.on_error(session, error)
                else:
                    member.hook.end(session)
            except Exception as another:
                blame(another, f'{member.name}.{"on_error" if tells else "end"}')
                attach(error, [another])

    def save(self, session: Session, error: BaseException) -> None:
        """Has the checkpoint savers among the hooks save, though the session ends by `error`."""
        for member in self.members:
            if isinstance(member.hook, tf.train.CheckpointSaverHook):
                try:
                    member.hook.end(session)
                except Exception as another:
                    blame(another, f'{member.name}.end')
                    attach(error, [another])

    def step(self, session: Session | None = None) -> int | None:
        """The global step as far as it is known; read from `session` if one is given."""
        try:
            if session is not None:
                tensor = tf.train.get_global_step(self._graph)
                if tensor is not None:
                    return int(session.run(tensor))
        except Exception:
            # What is said about a step must not become an error of its own.
            pass
        return None if self._tracker is None else self._tracker.lower

    def find(self, hooks: Iterable[Any]) -> list[Member]:
        """The members that `hooks` names: by the object or by its class.

        Raises:
          ValueError: No hook of this session is meant.
        """
        found = []
        for wanted in hooks:
            meant = [
                member
                for member in self.members
                if member.hook is wanted
                or (isinstance(wanted, type) and isinstance(member.hook, wanted))
            ]
            if not meant:
                raise ValueError(
                    f'skip_hooks must name hooks of this session. got {wanted!r}, '
                    f'hooks={[member.name for member in self.members]}'
                )
            found += meant
        return found

    # One run.

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
        tracker, calls, woken = self._tracker, self._awake, False
        if tracker is not None:
            wake = self._wake
            if (
                tracker.lower is None
                or tracker.lower + 2 * tracker.stride >= wake.step
                or (wake.time < math.inf and time.monotonic() >= wake.time)
            ):
                calls, woken = self._all, True
        elif self._sleepers:
            calls = self._all
        if skip:
            calls = _Calls([member for member in calls.members if member not in skip])
        context = RunContext(fetches, feed_dict, options, session, tracker)

        caller = (fetches, feed_dict, options)
        askers: list[Member] = []
        requests: list[merging.Request] = []
        self._ask(calls, context, feed_dict, askers, requests)
        merged = merging.gather(caller, requests)
        if tracker is not None:
            merged.fetches.append(tracker.tensor)
        if merged.options is not None and run_metadata is None:
            run_metadata = RunMetadata()
        results = self._execute(session, merged, caller, requests, run_metadata)
        if tracker is not None:
            tracker.ran(results[-1])
        own, parts = merged.split(results)

        if calls.guards or calls.listeners:
            options = RunOptions() if merged.options is None else merged.options
            run_metadata = RunMetadata() if run_metadata is None else run_metadata
            values = {
                member.index: SessionRunValues(part, options, run_metadata)
                for member, part in zip(askers, parts)
                if part is not None
            }
            nothing = SessionRunValues(None, options, run_metadata)
            # What finds the weights bad speaks first, and what it raises keeps all others from
            # acting on them.
            if calls.guards:
                self._answer(calls.guards, context, values, nothing, guards=True)
            self._answer(calls.listeners, context, values, nothing)
        if woken:
            self._schedule()
        return own

    def _ask(
        self,
        calls: _Calls,
        context: RunContext,
        feed_dict: Any,
        askers: list[Member],
        requests: list[merging.Request],
    ) -> None:
        """Adds what the hooks want of this run to `requests`, and whose it is to `askers`."""
        member: Member | None = None
        waiting = self._conditions.members
        try:
            for hook, member in calls.askers:
                if waiting and member.index in waiting:
                    continue
                request = hook.before_run(context)
                if request is not None:
                    askers.append(member)
                    requests.append((member.asking, request))
            if waiting:
                fed = self._conditions.fed(feed_dict, requests)
                for hook, member in calls.askers:
                    if member.index in waiting and self._conditions.met(member, fed):
                        request = hook.before_run(context)
                        if request is not None:
                            askers.append(member)
                            requests.append((member.asking, request))
        except BaseException as error:
            if member is not None:
                blame(error, member.asking)
            raise
        finally:
            if context._stop and self.stopper is None and member is not None:
                self.stopper = member.name

    def _execute(
        self,
        session: Session,
        merged: merging.Merged,
        caller: Any,
        requests: list[merging.Request],
        run_metadata: RunMetadata | None,
    ) -> Any:
        fetches, feeds, plans = merged.fetches, merged.feed_dict, self.plans
        try:
            if merged.suspicious:
                merging.check(self._graph, SessionRunArgs(*caller), requests)
            if plans is not None and merged.options is None and run_metadata is None:
                plan = plans.find(fetches, feeds)
                if plan is None:
                    merging.check(self._graph, SessionRunArgs(*caller), requests)
                    plan = plans.compile(fetches, feeds)
                if plan is not None:
                    return plan.run(feeds)
            elif not self._checked.has(fetches, feeds):
                merging.check(self._graph, SessionRunArgs(*caller), requests)
                self._checked.add(fetches, feeds)
            return session.run(
                fetches, feed_dict=feeds, options=merged.options, run_metadata=run_metadata
            )
        except RequestError:
            raise
        except (TypeError, ValueError, tf.errors.InvalidArgumentError):
            # The values were not looked at before: whose is it?
            merging.check(self._graph, SessionRunArgs(*caller), requests)
            raise

    def _answer(
        self,
        listeners: list[tuple[int, Any, Member]],
        context: RunContext,
        values: dict[int, SessionRunValues[Any]],
        nothing: SessionRunValues[None],
        guards: bool = False,
    ) -> None:
        errors: list[BaseException] = []
        for index, hook, member in listeners:
            try:
                hook.after_run(context, values.get(index, nothing))
            except Exception as error:
                blame(error, f'{member.name}.after_run')
                if guards:
                    self._condemn(context, member)
                if guards or isinstance(error, PREEMPTION_ERRORS):
                    raise
                errors.append(error)
            if context._stop and self.stopper is None:
                self.stopper = member.name
                if guards:
                    self._condemn(context, member)
        if errors:
            _raise_first(errors)

    def _condemn(self, context: RunContext, guard: Member) -> None:
        context.weights_are_bad = True
        for member in self.members:
            skip = getattr(member.hook, 'skip_final_save', None)
            if callable(skip):
                skip(f'{guard.name} asked for a stop')

    def _schedule(self) -> None:
        """Finds out which hooks sleep now, and when the first of them wants to be called again."""
        wakes = [(member, member.hook.wakes_at()) for member in self._sleepers]
        # A hook that cannot say when it is due is called in every run, and wakes no other one.
        asleep = [member for member, wake in wakes if wake != ALWAYS]
        self._wake = Wake(
            min((wake.step for _, wake in wakes if wake != ALWAYS), default=math.inf),
            min((wake.time for _, wake in wakes if wake != ALWAYS), default=math.inf),
        )
        if asleep != self._asleep:
            self._asleep = asleep
            self._awake = _Calls([member for member in self.members if member not in asleep])


class _Calls:
    """Which members are called in a run, and for what."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.askers = [(member.hook, member) for member in members if member.asks]
        listeners = [(member.index, member.hook, member) for member in members if member.listens]
        self.guards = [listener for listener in listeners if listener[2].guards]
        self.listeners = [listener for listener in listeners if not listener[2].guards]


def _copy(options: RunOptions) -> RunOptions:
    copy = RunOptions()
    copy.CopyFrom(options)
    return copy


def _raise_first(errors: list[BaseException]) -> None:
    if errors:
        attach(errors[0], errors[1:])
        raise errors[0]
