"""Monitored sessions: made with their hooks, run, recovered, stopped and closed without losing work.

The classes are TensorFlow's to `isinstance`, and stand on TensorFlow's public parts: session creators
initialise and restore, a Coordinator keeps the threads, the raw `tf.compat.v1.Session` runs. What is
here is the life of a session between these parts.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable
from types import SimpleNamespace, TracebackType
from typing import Any

from tfhooks import log
from tfhooks._tensorflow import Graph, RunMetadata, RunOptions, Session, tf, unfinalize
from tfhooks.coordinator import Coordinator
from tfhooks.errors import SessionClosedError, attach, ends_data
from tfhooks.group import HookGroup
from tfhooks.plan import plans_enabled
from tfhooks.preemption import SignalWatch
from tfhooks.reasons import StopReason, of_error
from tfhooks.recovery import (
    PREEMPTION_ERRORS,
    RecoveryPolicy,
    log_lost,
    log_not_created,
    mark_recovered,
    summary,
)


StepContext = tf.train.MonitoredSession.StepContext


class _Monitored:
    """What both kinds of monitored session are."""

    _recovers: bool

    def _open(
        self,
        session_creator: Any,
        hooks: Iterable[Any] | None,
        stop_grace_period_secs: float,
        run_plans: bool | None,
        recovery: RecoveryPolicy | None,
        save_on_error: bool,
        save_on_preemption: bool,
    ) -> None:
        self._graph: Graph = tf.get_default_graph()
        self._graph_was_finalized = self._graph.finalized
        self._creator = session_creator or tf.train.ChiefSessionCreator()
        self._grace = stop_grace_period_secs
        self._policy = recovery or RecoveryPolicy()
        self._save_on_error = save_on_error
        self._session: Session | None = None
        self._coord: Coordinator | None = None
        self._closed = False
        self._was_open = False
        self._stop: StopReason | None = None
        self._lock = threading.RLock()
        self._signals: SignalWatch | None = None
        self._group = HookGroup(hooks, run_plans=plans_enabled(run_plans))
        try:
            self._group.begin()
            self._connect_patiently()
        except BaseException as error:
            self._give_up(error)
            raise
        if save_on_preemption:
            self._signals = SignalWatch(self._on_signal)

    # Making and losing the raw session.

    def _connect(self) -> Session:
        """Makes a raw session with its coordinator and threads, and tells the hooks."""
        try:
            session = self._creator.create_session()
            coord = Coordinator(clean_stop_exception_types=[])
            if self._was_open:
                mark_recovered(coord)
            self._session, self._coord = session, coord
            if self._graph.get_collection(tf.GraphKeys.QUEUE_RUNNERS):
                tf.train.start_queue_runners(sess=session, coord=coord)
            self._group.after_create_session(session, coord)
        except PREEMPTION_ERRORS as error:
            if self._recovers:
                log_not_created(error)
            self._drop()
            raise
        self._was_open = True
        return session

    def _connect_patiently(self) -> Session:
        if not self._recovers:
            return self._connect()
        return self._policy.attempt('create a session', self._connect)

    def _drop(self) -> None:
        """Closes the raw session and its threads, whatever state they are in."""
        session, coord = self._session, self._coord
        self._session = self._coord = None
        if coord is not None:
            try:
                coord.request_stop()
                coord.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
            except Exception as error:
                log.info('While a lost session was being closed: %s', error)
        if session is not None:
            try:
                session.close()
            except Exception as error:
                log.error('An error occurred when closing a lost session: %s', error)

    def _recover(
        self, lost: Session | None, error: Exception, again: Callable[[Session], Any]
    ) -> Any:
        """Makes a new session for the one that was lost by `error`, and runs `again` on it."""
        log_lost(error)
        log.warning('The session was lost and is made again: %s', summary(error))

        def attempt() -> Any:
            nonlocal lost
            with self._lock:
                self._raise_if_closed()
                # Another thread may have recovered it already.
                if self._session is lost and lost is not None:
                    self._drop()
                session = self._session or self._connect()
                lost = session
            try:
                return again(session)
            except PREEMPTION_ERRORS as another:
                log_lost(another)
                raise

        return self._policy.attempt('recover the session', lambda: self._coordinated(attempt))

    def _coordinated(self, action: Callable[[], Any]) -> Any:
        """Runs `action`; an error that a preemption in another thread has caused is raised as that one."""
        try:
            return action()
        except PREEMPTION_ERRORS:
            raise
        except Exception as error:
            cause = self._preemption_in_threads()
            if cause is not None:
                raise cause from error
            raise

    def _preemption_in_threads(self) -> Exception | None:
        try:
            if self._coord is not None:
                self._coord.raise_requested_exception()
        except PREEMPTION_ERRORS as cause:
            return cause
        except Exception:
            # The error of the step itself says more.
            return None
        return None

    def _give_up(self, error: BaseException) -> None:
        """Leaves nothing behind of a session whose construction failed."""
        self._group.abandon(self._session, error)
        self._drop()
        self._closed = True
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
          skip_hooks: Hooks of this session (the objects, or their classes) to leave out of this run.

        Returns:
          The values of `fetches`, as `Session.run` gives them.

        Raises:
          RequestError: Something in what the caller or a hook asks for is wrong; names whose it is.
          RuntimeError: The session is closed, or a stop was requested.
        """
        if self._stop is not None or self._closed:
            self._raise_if_closed()
            raise RuntimeError('Run called even after should_stop requested.')
        skip = self._group.find(skip_hooks) if skip_hooks else ()
        return self._attempt(
            lambda session: self._group.run(
                session, fetches, feed_dict, options, run_metadata, skip
            )
        )

    def _attempt(self, once: Callable[[Session], Any]) -> Any:
        """Calls `once` with the raw session, and again with a new one if that one is lost."""
        session = self._session
        try:
            if session is None:
                raise tf.errors.AbortedError(None, None, 'There is no session.')
            return once(session)
        except Exception as error:
            return self._after_error(session, error, once)
        finally:
            if self._group.stopper is not None and self._stop is None:
                self._note_stop()

    def _after_error(
        self, session: Session | None, error: Exception, again: Callable[[Session], Any]
    ) -> Any:
        """Recovers from the error of a step if it can be recovered from, and raises it if not."""
        lost: Exception | None = error
        if not isinstance(error, PREEMPTION_ERRORS) and not self._was_recovered_meanwhile(session):
            lost = self._preemption_in_threads()
        if lost is None:
            raise error
        if not self._recovers:
            raise lost
        return self._recover(session, lost, again)

    def _was_recovered_meanwhile(self, session: Session | None) -> bool:
        """Whether another thread recovered and so closed the raw session below this one's run."""
        return self._recovers and self._session is not session and not self._closed

    def run_without_hooks(
        self,
        fetches: Any,
        feed_dict: Any = None,
        options: RunOptions | None = None,
        run_metadata: RunMetadata | None = None,
    ) -> Any:
        """Runs without any hook, as `tf.compat.v1.Session.run`, but recovers the session as `run` does."""
        self._raise_if_closed()
        return self._attempt(lambda session: session.run(fetches, feed_dict, options, run_metadata))

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Runs a function of a `StepContext`, which gives it the raw session and a `run` with hooks.

        Args:
          step_fn: Takes one argument named `step_context`. After a recovery it is called again, with the
            new session.

        Returns:
          What `step_fn` returns.

        Raises:
          StopIteration: `step_fn` called `step_context.request_stop()`.
          ValueError: `step_fn` takes other arguments.
        """
        self._raise_if_closed()
        arguments = tuple(inspect.signature(step_fn).parameters)
        if arguments not in (('step_context',), ('self', 'step_context')):
            raise ValueError(
                '`step_fn` may either have one `step_context` argument, or `self` and '
                f"`step_context` arguments if it's an instance method. Got {arguments} instead."
            )

        def once(session: Session) -> Any:
            def run_with_hooks(
                fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
            ) -> Any:
                return self._group.run(session, fetches, feed_dict, options, run_metadata)

            return step_fn(StepContext(session, run_with_hooks))

        return self._attempt(once)

    # Stopping.

    def should_stop(self) -> bool:
        """Whether the loop should end: a hook, a thread, a signal or the caller asked for it, or it is closed."""
        if self._closed or self._stop is not None:
            return True
        coord = self._coord
        if coord is None:
            return True
        try:
            coord.raise_requested_exception()
            stopped = coord.should_stop()
        except PREEMPTION_ERRORS as error:
            if not self._recovers:
                raise
            self._recover(self._session, error, lambda session: None)
            return False
        except Exception:
            if not self._recovers:
                raise
            # The exception comes out of `close`.
            return True
        if stopped:
            self._set_stop('coordinator', 'the coordinator was asked to stop')
        return stopped

    def request_stop(self, reason: str = 'the caller asked for it') -> None:
        """Makes `should_stop()` true from now on; the session can still be closed with all its hooks.

        Args:
          reason: Why; it is logged and kept in `stop_reason`.
        """
        self._set_stop('requested', f'stop requested: {reason}', reason)

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the session stopped, or None while it has not."""
        return self._stop

    def _note_stop(self) -> None:
        hook = self._group.stopper
        self._set_stop('hook', f'{hook} asked for a stop', hook, self._session)

    def _on_signal(self, name: str) -> None:
        self._set_stop('signal', f'signal {name}', name)

    def _set_stop(
        self, kind: str, sentence: str, who: str | None = None, session: Session | None = None
    ) -> None:
        if self._stop is None:
            self._stop = StopReason(kind, sentence, who, self._group.step(session))
            log.info('Training stops: %s.', self._stop)

    # Closing.

    def close(self) -> None:
        """Ends the hooks and closes the session. Closing again does nothing."""
        if not self._closed:
            self._close(None)

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        quiet = error is None or ends_data(error)
        if self._closed:
            return quiet
        if error is not None and self._stop is None:
            self._stop = of_error(error, quiet, self._group.step(self._session if quiet else None))
            log.info('Training stops: %s.', self._stop)
        try:
            self._close(None if quiet else error)
        except BaseException as another:
            if quiet:
                raise
            assert error is not None
            attach(error, [another])
        return quiet

    def _close(self, error: BaseException | None) -> None:
        if self._stop is None:
            self._stop = StopReason('closed', 'the session was closed', None, self._group.step())
        session = self._session
        try:
            if error is None and session is not None:
                self._group.end(session)
            elif error is not None:
                if self._save_on_error and session is not None:
                    self._group.save(session, error)
                self._group.on_error(session, error)
        finally:
            try:
                self._close_session()
            finally:
                self._session = self._coord = None
                self._closed = True
                if self._signals is not None:
                    self._signals.restore()
                if not self._graph_was_finalized:
                    unfinalize(self._graph)

    def _close_session(self) -> None:
        try:
            if self._coord is not None:
                self._coord.request_stop()
                self._coord.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
        finally:
            if self._session is not None:
                try:
                    self._session.close()
                except Exception as error:
                    log.error('An error occurred when closing the session: %s', error)

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise SessionClosedError(f'The session is closed: {self._stop}. Make a new one.')

    # What lies below.

    @property
    def graph(self) -> Graph | None:
        """The graph that was launched in this session, or None when it is closed."""
        return None if self._session is None else self._session.graph

    def raw_session(self) -> Session | None:
        """The `tf.compat.v1.Session` in use now, or None when there is none; it changes with each recovery."""
        return self._session

    # Names of TensorFlow's that programs have come to use, though they are private there.

    def _tf_sess(self) -> Session | None:
        return self._session

    def _is_closed(self) -> bool:
        return self._session is None

    @property
    def _sess(self) -> Session | None:
        return self._session

    @property
    def _coordinated_creator(self) -> SimpleNamespace:
        return SimpleNamespace(tf_sess=self._session, coord=self._coord)


class MonitoredSession(_Monitored, tf.train.MonitoredSession):
    """A session with hooks that initialises, recovers and closes itself.

    Stands for `tf.compat.v1.train.MonitoredSession`, and is one.
    """

    _recovers = True

    def __init__(
        self,
        session_creator: Any = None,
        hooks: Iterable[Any] | None = None,
        stop_grace_period_secs: float = 120,
        *,
        run_plans: bool | None = None,
        recovery: RecoveryPolicy | None = None,
        save_on_error: bool = False,
        save_on_preemption: bool = False,
    ) -> None:
        """Begins the hooks, finalizes the default graph, makes the session and restores it.

        Args:
          session_creator: A `tf.compat.v1.train.SessionCreator`; a ChiefSessionCreator by default.
          hooks: Any iterable of hooks, tfhooks' or TensorFlow's.
          stop_grace_period_secs: How long `close()` waits for threads, in seconds.
          run_plans: Whether runs are served by run plans; by default as the environment variable
            TFHOOKS_RUN_PLANS says, and that is yes.
          recovery: How a lost session is made again.
          save_on_error: Save a checkpoint also when the loop ends by an exception.
          save_on_preemption: On SIGTERM or SIGINT stop after the running step, save and end normally.

        Raises:
          NotAHookError: `hooks` holds something that is no hook.
          ValueError: A hook is listed twice.
        """
        self._open(
            session_creator,
            hooks,
            stop_grace_period_secs,
            run_plans,
            recovery,
            save_on_error,
            save_on_preemption,
        )


class SingularMonitoredSession(_Monitored, tf.train.SingularMonitoredSession):
    """A session with hooks that is not recovered.

    Stands for `tf.compat.v1.train.SingularMonitoredSession`, and is one.
    """

    _recovers = False

    def __init__(
        self,
        hooks: Iterable[Any] | None = None,
        scaffold: Any = None,
        master: str = '',
        config: Any = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
        *,
        run_plans: bool | None = None,
        save_on_error: bool = False,
        save_on_preemption: bool = False,
    ) -> None:
        """Like MonitoredSession, with the arguments of a ChiefSessionCreator instead of one."""
        creator = tf.train.ChiefSessionCreator(
            scaffold=scaffold,
            master=master,
            config=config,
            checkpoint_dir=checkpoint_dir,
            checkpoint_filename_with_path=checkpoint_filename_with_path,
        )
        self._open(
            creator,
            hooks,
            stop_grace_period_secs,
            run_plans,
            None,
            save_on_error,
            save_on_preemption,
        )
