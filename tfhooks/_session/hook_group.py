"""The composite hook: calls all the hooks of one session, in every phase of its life."""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterable
from typing import Any

from tfhooks._base import roles
from tfhooks._base.errors import add_secondary_errors, note_origin, shown
from tfhooks._base.hook_types import (
    SupportsSessionIsReady,
    SupportsSkipFinalSave,
    is_of_tfhooks,
)
from tfhooks._checkpoints.claims import warn_of_shared
from tfhooks._checkpoints.restored import mark_restored
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook
from tfhooks._run.members import (
    Member,
    hears_of_errors,
    is_for_chief_alone,
    is_meant,
    make_members,
    overrides,
    restores,
    validate_hooks,
    warn_of_twice,
)
from tfhooks._run.plan_cache import PlanCache
from tfhooks._run.runner import Runner
from tfhooks._run.stock_hooks import StockHook, answering
from tfhooks._run.structures import is_fixed
from tfhooks._tensorflow import (
    Coordinator,
    Graph,
    Session,
    global_step_read,
    last_saved_step,
    originals,
    tf,
)


class HookGroup:
    """All the hooks of one monitored session, called between its `run()` and TensorFlow's.

    A group lives as long as the monitored session; raw sessions come and go below it.

    Attributes:
      hooks: The hooks. Programs add to this list, and take from it, at any time; where a list was
        given, it is that one.
      hooks_to_end: The hooks whose `end` is called; others than `hooks` where a program set them.
      members: The hooks, in the order in which they are called.
      runner: Makes the runs.
      thread_stopper: The name of the hook that asked the coordinator to stop when the session was
        made, or None.
    """

    def __init__(
        self, hooks: Iterable[Any] | None, run_plans: bool = True, as_chief: bool | None = None
    ) -> None:
        """Checks the hooks.

        Args:
          hooks: Any iterable of hooks. Those for chiefs alone are left out in another session.
          run_plans: Whether runs are served by run plans.
          as_chief: Whether the session is made as the chief's; None to read that from TF_CONFIG.
        """
        found = hooks if isinstance(hooks, list) else validate_hooks(hooks)
        validate_hooks(found)
        warn_of_twice(found)
        self._left_out = [hook for hook in found if is_for_chief_alone(hook)]
        if self._left_out and roles.is_chief(as_chief):
            self._left_out = []
        elif self._left_out:
            found = [hook for hook in found if not is_for_chief_alone(hook)]
        self.hooks = found
        self.hooks_to_end: list[Any] = found
        # A copy of the hooks that `members` were made of.
        self._listed = list(found)
        self.members = make_members(found)
        self._listing = threading.Lock()
        self._session: Session | None = None
        self._as_chief = as_chief
        self.runner = Runner(self.members)
        self._run_plans = run_plans
        self.thread_stopper: str | None = None
        self._begun: list[Member] = []
        self._is_new = True
        self._graph: Graph = tf.get_default_graph()

    @property
    def stopper(self) -> str | None:
        """The name of the hook that asked for a stop, or None while none has."""
        return self.runner.stopper

    def list_anew(self) -> None:
        """Makes `members` anew if a program has changed the list `hooks`.

        Raises:
          NotAHookError: The list holds something that is no hook.
        """
        listed, hooks = self._listed, self.hooks
        # By identity, since hooks may be equal to each other.
        if len(listed) == len(hooks) and all(map(operator.is_, listed, hooks)):
            return
        with self._listing:
            self.members = make_members(self.hooks)
            self._listed = list(self.hooks)
            self.runner.replace(self.members, self._global_step())
            if self._session is not None:
                self.runner.connect(self._session, self.runner.plans)

    def begin(self) -> None:
        """Calls every hook's `begin`, in order, on the default graph."""
        self._graph = tf.get_default_graph()
        with roles.beginning(self._as_chief):
            while len(self._begun) < len(self.members):
                member = self.members[len(self._begun)]
                try:
                    member.hook.begin()
                except BaseException as error:
                    note_origin(error, f'{member.name}.begin')
                    raise
                self._begun.append(member)
                self.list_anew()  # It may have added a hook.
        self.runner.begin(self._graph, self._global_step())

    def after_create_session(self, session: Session, coord: Coordinator) -> None:
        """Calls `after_create_session` of the hooks, for a new or a recovered raw session."""
        roles.remember(session, self._as_chief)
        self.list_anew()
        graph = getattr(session, 'graph', self._graph)
        if graph is not self._graph:
            # The creator made the session on a graph of its own.
            self._graph = graph
            self.runner.begin(graph, self._global_step())
        self._session = session
        plans = None
        if self._run_plans and PlanCache.serves(session):
            plans = PlanCache(session)
            plans.install()
        self.runner.connect(session, plans)
        self.thread_stopper = None
        for member in sorted(self.members, key=restores, reverse=True):
            try:
                member.hook.after_create_session(session, coord)
            except BaseException as error:
                note_origin(error, f'{member.name}.after_create_session')
                raise
            if self.thread_stopper is None and coord.should_stop():
                self.thread_stopper = member.name
            if not all(_leaves_variables(layer) for layer in member.layers):
                mark_restored(coord, None)
        for member in self.members:
            answers = answering(member.hook, SupportsSessionIsReady)
            if answers is not None:
                try:
                    answers.session_is_ready(session, coord)
                except BaseException as error:
                    note_origin(error, f'{member.name}.session_is_ready')
                    raise
                if self.thread_stopper is None and coord.should_stop():
                    self.thread_stopper = member.name
        if self._is_new:
            self._is_new = False
            warn_of_shared((member.name, member.layers[-1]) for member in self.members)

    def invalidate_step(self) -> None:
        """Notes that a run without hooks may have advanced the global step."""
        tracker = self.runner.tracker
        if tracker is not None:
            tracker.invalidate_step()

    def wait_for_saves(self) -> None:
        """Waits until no hook of tfhooks' is writing a checkpoint in the background."""
        for member in self.members:
            saver = member.layers[-1]
            if isinstance(saver, CheckpointSaverHook):
                saver.wait_for_save()

    def disconnect(self) -> None:
        """Releases the raw session, which is closed, and with it the memory of its variables."""
        self._session = None
        self.runner.disconnect()

    def _global_step(self) -> Any:
        """Returns the tensor or variable to fetch for the global step, or None if no hook needs it.

        That is the variable itself where run plans know its kind: the read that TensorFlow's hooks
        share checks first whether the variable is initialised, which costs as much as a small step.
        """
        if not any(member.has_schedule for member in self.members):
            return None
        try:
            variable = tf.train.get_global_step(self._graph)
        except TypeError:
            # Something else has that name. Hooks that need the step raised in `begin`.
            return None
        return variable if is_fixed(variable) else global_step_read(self._graph)

    def end(self, session: Session | None) -> None:
        """Calls `end` of every hook, even if another one raised; then raises the first error."""
        errors: list[BaseException] = []
        self.list_anew()
        members = self.members
        if self.hooks_to_end is not self.hooks:
            members = make_members(self.hooks_to_end)
        for member in members:
            try:
                member.hook.end(session)
            except BaseException as error:
                note_origin(error, f'{member.name}.end')
                errors.append(error)
        _raise_first(errors)

    def on_error(self, session: Session | None, error: BaseException) -> None:
        """Calls `on_error` of the hooks that have begun: the session ends by `error`."""
        for member in self._begun:
            if hears_of_errors(member.hook):
                try:
                    member.hook.on_error(session, error)
                except BaseException as another:
                    note_origin(another, f'{member.name}.on_error')
                    add_secondary_errors(error, [another])

    def abandon(self, session: Session | None, error: BaseException) -> None:
        """Tells hooks that have begun that no session can be made: by `on_error`, or by `end`."""
        for member in self._begun:
            tells = hears_of_errors(member.hook)
            try:
                if tells:
                    member.hook.on_error(session, error)
                else:
                    member.hook.end(session)
            except BaseException as another:
                note_origin(another, f'{member.name}.{"on_error" if tells else "end"}')
                add_secondary_errors(error, [another])

    def save(self, session: Session, error: BaseException) -> None:
        """Makes the checkpoint savers among the hooks save, though the session ends by `error`.

        Weights that a hook has found to be bad are not saved.
        """
        for member in self.members:
            # TensorFlow's own saver cannot be told of bad weights.
            knows = answering(member.layers[-1], SupportsSkipFinalSave) is not None
            if member.saves_weights and (knows or not self.runner.bad_weights.found):
                try:
                    member.hook.end(session)
                except BaseException as another:
                    note_origin(another, f'{member.name}.end')
                    add_secondary_errors(error, [another])

    def step(self, session: Session | None = None) -> int | None:
        """The global step as far as it is known; read from `session` if one is given."""
        try:
            if session is not None:
                tensor = tf.train.get_global_step(self._graph)
                if tensor is not None:
                    return int(session.run(tensor))
        except Exception:
            # The step is only for a message, so it must not raise.
            pass
        tracker = self.runner.tracker
        return None if tracker is None else tracker.lower

    def last_saved_step(self) -> int | None:
        """The global step of the last checkpoint that a hook has saved or taken up, or None."""
        steps = [
            last_saved_step(member.layers[-1])
            for member in self.members
            if isinstance(member.layers[-1], originals.CheckpointSaverHook)
        ]
        return max((step for step in steps if step is not None), default=None)

    def find(self, hooks: Iterable[Any]) -> list[Member]:
        """The members that `hooks` names: by the object or by its class.

        Raises:
          TypeError: `hooks` is no list, but for instance a single hook.
          ValueError: It names something that is no hook of this session.
        """
        if isinstance(hooks, str | type) or not isinstance(hooks, Iterable):
            raise TypeError(
                'skip_hooks must be a list of hooks or of their classes. '
                f'got skip_hooks={shown(hooks)} (type={type(hooks).__name__})'
            )
        found = []
        for wanted in hooks:
            meant = [member for member in self.members if is_meant(member.hook, wanted)]
            if not meant and not any(is_meant(hook, wanted) for hook in self._left_out):
                raise ValueError(
                    f'skip_hooks must name hooks of this session. got {wanted!r}, '
                    f'hooks={[member.name for member in self.members]}'
                )
            found += meant
        return found


def _leaves_variables(hook: Any) -> bool:
    """True if it is known that a hook's `after_create_session` changes no variable."""
    if not overrides(hook, 'after_create_session'):
        return True
    return isinstance(hook, StockHook) and is_of_tfhooks(type(hook))


def _raise_first(errors: list[BaseException]) -> None:
    if errors:
        add_secondary_errors(errors[0], errors[1:])
        raise errors[0]
