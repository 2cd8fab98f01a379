"""Runs, stops and closes a monitored session, without losing work.

It is made of TensorFlow's public parts: session creators initialise and restore, a Coordinator
keeps the threads, the raw `tf.compat.v1.Session` runs. `lifecycle` holds these; the HookGroup calls
the hooks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tfhooks._base import arguments, log, roles
from tfhooks._base.errors import (
    PREEMPTION_ERRORS,
    SessionClosedError,
    add_secondary_errors,
    ends_data,
)
from tfhooks._run.plan_cache import plans_enabled
from tfhooks._session import forks, hints, process_defaults
from tfhooks._session.hook_group import HookGroup
from tfhooks._session.lifecycle import Lifecycle
from tfhooks._session.private_attributes import PrivateNames
from tfhooks._session.recovery_policy import RecoveryPolicy
from tfhooks._session.signals import SignalWatch
from tfhooks._session.step_fn import StepContext
from tfhooks._session.step_fn import check as check_step_fn
from tfhooks._session.stop_reasons import Stopping, StopReason, of_error, of_hook
from tfhooks._tensorflow import (
    Graph,
    RunMetadata,
    RunOptions,
    Session,
    tf,
    unfinalize,
    worker_context,
)

if TYPE_CHECKING:
    from typing_extensions import Self


_CREATORS = tf.train.ChiefSessionCreator, tf.train.WorkerSessionCreator


class Monitored(PrivateNames):
    """The base of both kinds of monitored session."""

    StepContext = StepContext

    def _open(
        self,
        session_creator: Any,
        hooks: Iterable[Any] | None,
        stop_grace_period_secs: float,
        run_plans: bool | None,
        policy: RecoveryPolicy | None,
        save_on_error: bool,
        save_on_preemption: bool,
    ) -> None:
        self._graph: Graph = tf.get_default_graph()
        self._graph_was_finalized = self._graph.finalized
        self._save_on_error = save_on_error or process_defaults.save_on_error
        self._closed = False
        # The exception by which a `with` block is being left, for `_close_internal`.
        self._leaving: BaseException | None = None
        # The thread that calls `end` if no stop was requested: the hooks may still run something.
        self._ending_in: int | None = None
        self._stopping = Stopping()
        self._signals: SignalWatch | None = None
        owner = type(self).__name__
        arguments.is_a(owner, 'recovery', policy, RecoveryPolicy | None, 'a tfhooks.RecoveryPolicy')
        creator = session_creator
        if not creator:
            context = worker_context()
            creator = context.session_creator() if context else tf.train.ChiefSessionCreator()
        if tf.executing_eagerly() and isinstance(creator, _CREATORS):
            raise RuntimeError(f'{owner}: {hints.EAGER}')
        self._group = HookGroup(
            process_defaults.with_hooks(hooks),
            run_plans=plans_enabled(run_plans),
            as_chief=roles.made_as(creator),
        )
        self._life = Lifecycle(
            creator,
            self._group,
            self._graph,
            policy,
            stop_grace_period_secs,
        )
        stopping = self._stopping
        self._life.asked_to_stop = lambda: stopping.refuses
        self._life.recovered = stopping.forget_hooks
        forks.watch(self)
        try:
            self._group.begin()
            self._life.open()
        except BaseException as error:
            hints.hint(error, self._graph)
            self._give_up(error)
            raise
        if save_on_preemption or process_defaults.watches_signals():
            self._signals = SignalWatch(self._on_signal)

    def _give_up(self, error: BaseException) -> None:
        """Closes a session whose construction failed; leaves the graph as it is, for a retry."""
        self._closed = True
        try:
            self._group.abandon(self._life.half_made(), error)
        finally:
            self._life.drop()
            if not self._graph_was_finalized:
                unfinalize(self._graph)

    # Running.

    def run(
        self,
        fetches: Any,
        feed_dict: Any = None,
        options: RunOptions | None = None,
        run_metadata: RunMetadata | None = None,
        *,
        skip_hooks: Iterable[Any] = (),
    ) -> Any:
        """Runs one step with all hooks, and recovers the session if it is lost.

        Args:
          fetches: As for `tf.compat.v1.Session.run`, like the three that follow.
          feed_dict: What to feed. No tensor that a hook feeds too.
          options: `tf.compat.v1.RunOptions` of this run; never changed.
          run_metadata: A `tf.compat.v1.RunMetadata` to be filled.
          skip_hooks: Hooks of this session, the objects or their classes, to leave out of this run.

        Returns:
          The values of `fetches`, as `Session.run` gives them.

        Raises:
          RequestError: The request of the caller or of a hook is wrong; names which.
          SessionClosedError: The session is closed.
          StopRequestedError: A hook, a signal or `request_stop` asked for a stop.
          TypeError: `skip_hooks` is no list.
          ValueError: It names no hook of this session.
        """
        if self._stopping.refuses:
            self._refuse()
        group, life, runner = self._group, self._life, self._group.runner
        group.list_anew()
        skip = group.find(skip_hooks) if skip_hooks else ()
        session = life.session
        try:
            if session is None:
                result = life.run(self._once(fetches, feed_dict, options, run_metadata, skip))
            else:
                try:
                    result = runner.run(session, fetches, feed_dict, options, run_metadata, skip)
                except Exception as error:
                    once = self._once(fetches, feed_dict, options, run_metadata, skip)
                    result = life.run_again(session, error, once)
        finally:
            if runner.stopper is not None:
                self._hook_stops()
        life.runs += 1
        return result

    def _once(
        self,
        fetches: Any,
        feed_dict: Any,
        options: RunOptions | None,
        run_metadata: RunMetadata | None,
        skip: Any,
    ) -> Callable[[Session], Any]:
        """Returns a function that makes one run with hooks on a raw session."""
        return functools.partial(
            self._group.runner.run,
            fetches=fetches,
            feed_dict=feed_dict,
            options=options,
            run_metadata=run_metadata,
            skip=skip,
        )

    def run_without_hooks(
        self,
        fetches: Any,
        feed_dict: Any = None,
        options: RunOptions | None = None,
        run_metadata: RunMetadata | None = None,
    ) -> Any:
        """Runs without any hook, as `tf.compat.v1.Session.run`, but recovers as `run` does.

        Unlike `run` it still runs when a stop was requested.

        Raises:
          SessionClosedError: The session is closed.
        """
        self._raise_if_closed()
        try:
            result = self._life.run(
                lambda session: session.run(fetches, feed_dict, options, run_metadata)
            )
            self._life.runs += 1
            return result
        finally:
            self._group.invalidate_step()

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Runs a function of a StepContext, which gives it the raw session and a `run` with hooks.

        Args:
          step_fn: Takes one argument named `step_context`. After a recovery it is called again,
            with the new session.

        Returns:
          What `step_fn` returns.

        Raises:
          SessionClosedError: The session is closed.
          StopIteration: `step_fn` called `step_context.request_stop()`.
          ValueError: `step_fn` takes other arguments.
        """
        self._raise_if_closed()
        check_step_fn(step_fn)

        given = self._tf_sess
        is_replaced = getattr(given, '__func__', None) is not PrivateNames._tf_sess

        def once(session: Session) -> Any:
            def run_with_hooks(
                fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
            ) -> Any:
                if self._stopping.refuses:
                    self._refuse()
                self._group.list_anew()
                if context.gave_session:
                    self._group.invalidate_step()
                try:
                    return self._group.runner.run(
                        session, fetches, feed_dict, options, run_metadata
                    )
                finally:
                    if self._group.stopper is not None:
                        self._hook_stops()

            context = StepContext(given() if is_replaced else session, run_with_hooks)
            try:
                return step_fn(context)
            finally:
                if context.gave_session:
                    self._group.invalidate_step()

        result = self._life.run(once)
        self._life.runs += 1
        return result

    def _refuse(self) -> None:
        if self._is_ending_hooks():
            return
        self._raise_if_closed()
        if self._life.closes_elsewhere():
            raise SessionClosedError(f'The session is being closed: {self.stop_reason}.')
        self._notice()
        self._stopping.refuse()

    def _is_ending_hooks(self) -> bool:
        """True if a hook's `end` is the caller, in a session that nobody asked to stop."""
        return self._ending_in == get_ident() and self._group.stopper is None

    def _raise_if_closed(self) -> None:
        if self._closed:
            advice = forks.ADVICE if self._life.is_forked else 'Make a new one.'
            raise SessionClosedError(f'The session is closed: {self.stop_reason}. {advice}')

    def _is_forked(self, reason: str) -> None:
        """Makes the session a closed one in a fork, where it can neither run nor end."""
        config = getattr(self._life.creator, '_config', None)
        # With a negative number all runs in the thread that calls, which a fork has.
        needs_threads = config is None or config.inter_op_parallelism_threads >= 0
        if needs_threads and not self._closed:
            self._life.forget()
            self._closed = self._stopping.refuses = True
            self._stopping.reason = StopReason('closed', reason)

    # Stopping.

    def should_stop(self) -> bool:
        """True if the loop should end: a hook, a thread, a signal or the caller asked for it.

        Raises:
          Exception: A SingularMonitoredSession raises what a thread reported to the coordinator. A
            MonitoredSession raises it in `close()`.
        """
        stopping = self._stopping
        if stopping.refuses and not self._is_ending_hooks():
            self._notice()
            return True
        try:
            stopped = self._life.should_stop()
        except PREEMPTION_ERRORS:
            raise
        except Exception as error:
            if not self._life.recovers:
                raise
            stopping.ask(of_error(error, end_of_data=False))
            stopped = True
        if stopped:
            self._threads_stop()
        return stopped

    def request_stop(self, reason: str = 'the caller asked for it') -> None:
        """Makes `should_stop()` true from now on; `close()` will end the hooks as usual.

        May be called from any thread and from a signal handler.

        Args:
          reason: Why; it is logged and kept in `stop_reason`.
        """
        self._stopping.ask(StopReason('requested', f'stop requested: {reason}', reason))

    @property
    def stop_reason(self) -> StopReason | None:
        """The reason why the session stopped, or None while it has not."""
        return self._stopping.reason

    def _hook_stops(self) -> None:
        if not self._stopping.refuses and self._group.stopper is not None:
            self._stopping.ask(of_hook(self._group.stopper))
            self._notice()

    def _threads_stop(self) -> None:
        stopping, hook, failure = self._stopping, self._group.thread_stopper, self._life.failure
        if failure is not None:
            stopping.ask(of_error(failure, end_of_data=False))
        if hook is not None:
            stopping.ask(StopReason('coordinator', f'{hook} asked for a stop', hook))
        stopping.ask(StopReason('coordinator', 'the coordinator was asked to stop'))
        self._notice()

    def _on_signal(self, name: str) -> None:
        # Called in a signal handler, so it must not wait for a lock.
        self._stopping.ask(StopReason('signal', f'signal {name}', name))

    def _notice(self, exactly: bool = True) -> None:
        session = self._life.session if exactly else None
        self._stopping.notice(lambda: self._group.step(session))

    # Closing.

    def close(self) -> None:
        """Ends the hooks and closes the session. Closing again does nothing.

        Raises:
          Exception: What a hook's `end` raised, or what a thread reported to the coordinator. All
            hooks are ended and the session is closed nevertheless.
        """
        if self._life.begin_close():
            self._close_internal()

    def __enter__(self) -> Self:
        """Returns the session.

        Raises:
          SessionClosedError: It is closed.
        """
        self._raise_if_closed()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        quiet = error is None or ends_data(error) or self._stopping.ends_loop(error)
        if not self._life.begin_close():
            return quiet
        if error is not None:
            if not quiet:
                hints.hint(error, self._graph)
                self._stopping.fail(error)
            reason = of_error(error, quiet)
            self._stopping.ask(reason)
            if self._life.runs == 0 and reason.kind == 'end of data':
                log.warning(
                    'The data ended before the first run returned, so nothing was trained: %s. '
                    'Is the input empty?',
                    reason,
                )
        try:
            self._leaving = None if quiet else error
            self._close_internal(None if quiet else kind)
        except BaseException as another:
            if error is None or quiet:
                raise
            add_secondary_errors(error, [another])
        return quiet

    def _close_internal(self, exception_type: type[BaseException] | None = None) -> None:
        """Closes the session; programs override this, as in TensorFlow.

        Args:
          exception_type: The class of the exception by which the session ends, or None.
        """
        error, self._leaving = self._leaving, None
        if error is None and exception_type is not None:
            # A program has called this method.
            error = RuntimeError(f'The session ends by {exception_type.__name__}.')
        self._life.begin_close()
        if not self._stopping.refuses:
            self._ending_in = get_ident()
        self._stopping.ask(StopReason('closed', 'the session was closed'))
        session = self._life.session
        errors: list[BaseException] = []
        try:
            is_alive = not isinstance(error, PREEMPTION_ERRORS)
            _attempt(lambda: self._notice(exactly=is_alive), errors)
            cause = error or self._life.failure
            if cause is None and session is None:
                # The hooks cannot end on a session: the creation of a new one was interrupted.
                cause = tf.errors.AbortedError(None, None, 'The session is lost.')
            with self._graph.as_default():
                if cause is None:
                    _attempt(lambda: self._group.end(session), errors)
                else:
                    if self._save_on_error and session is not None:
                        self._group.save(session, cause)
                    elif isinstance(cause, KeyboardInterrupt):
                        self._warn_of_lost_steps()
                    self._group.on_error(session, cause)
            if self._outer is not None:
                _attempt(self._outer.close, errors)
            _attempt(self._life.close, errors)
        finally:
            self._closed = self._stopping.refuses = True
            self._ending_in = None
            if self._signals is not None:
                self._signals.stop()
            if not self._graph_was_finalized:
                unfinalize(self._graph)
        errors = [e for e in errors if not self._stopping.ends_loop(e)]
        if errors:
            add_secondary_errors(errors[0], errors[1:])
            raise errors[0]

    def _warn_of_lost_steps(self) -> None:
        step = None if self.stop_reason is None else self.stop_reason.step
        saved = self._group.last_saved_step()
        if step is not None and saved is not None and step > saved:
            log.warning(
                '%d steps since the checkpoint of global step %d are lost. '
                'save_on_preemption=True saves at Ctrl-C, save_on_error=True after any error.',
                step - saved,
                saved,
            )

    # The raw session.

    @property
    def graph(self) -> Graph | None:
        """The graph that was launched in this session, or None when it is closed."""
        session = self._life.session
        return None if session is None else session.graph

    def raw_session(self) -> Session | None:
        """The `tf.compat.v1.Session` in use now, or None; it changes with each recovery."""
        return self._life.session

    if not TYPE_CHECKING:  # A type checker is to find what is not there.

        def __getattr__(self, name):
            text = f'{type(self).__name__!r} object has no attribute {name!r}'
            if not name.startswith('_') and hasattr(Session, name):
                raise AttributeError(
                    f"{text}: that is the raw tf.Session's, session.raw_session().{name}. What "
                    'that session runs, it runs without hooks.',
                    name=name,
                    obj=None,  # Or Python would go on with a name that is spelt like this one.
                )
            raise AttributeError(text, name=name, obj=self)


def _attempt(action: Callable[[], None], errors: list[BaseException]) -> None:
    try:
        action()
    except BaseException as error:
        errors.append(error)
