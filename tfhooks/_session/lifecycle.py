"""Creates, recovers and closes the raw session below a monitored one.

A monitored session lives from its construction to its `close()`; the raw `tf.compat.v1.Session` and
its coordinator come and go meanwhile. Several threads may run at a time: one of them notices the
loss and makes the next session, the others take that one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import get_ident
from typing import Any

from tfhooks._base import log
from tfhooks._base.errors import PREEMPTION_ERRORS, SessionClosedError
from tfhooks._checkpoints.restored import mark_restored
from tfhooks._session import hints, recovery_policy, servers
from tfhooks._session.coordinator import Coordinator
from tfhooks._session.creators import restored_by
from tfhooks._session.hook_group import HookGroup
from tfhooks._session.recovery_policy import RecoveryPolicy
from tfhooks._session.stop_reasons import StopRequestedError
from tfhooks._tensorflow import Graph, Session, master_of, tf


class Lifecycle:
    """Holds the raw session of one monitored session, and makes it again when it is lost.

    Attributes:
      creator: The `tf.compat.v1.train.SessionCreator` that makes the raw sessions.
      session: The raw session, or None while there is none. It is set after `after_create_session`
        of the hooks.
      coord: The coordinator of its threads, or None.
      failure: The error with which recovery gave up, or None.
      runs: How many runs have succeeded; counted by the owner.
      is_forked: Whether this process is a fork of the one in which the session was made.
      asked_to_stop: Set by the owner: returns whether the session was asked to stop.
      recovered: Set by the owner: called when a lost session was made again.
    """

    def __init__(
        self,
        creator: Any,
        group: HookGroup,
        graph: Graph,
        policy: RecoveryPolicy | None,
        grace_secs: float,
    ) -> None:
        """Stores the arguments; `open()` creates the session.

        Args:
          creator: A `tf.compat.v1.train.SessionCreator`.
          group: The hooks, which have begun.
          graph: The graph that will be launched.
          policy: How a lost session is made again, or None if it is not.
          grace_secs: How long to wait for the threads of a session that is closed, in seconds.
        """
        self.asked_to_stop: Callable[[], bool] = lambda: False
        self.recovered: Callable[[], None] = lambda: None
        self.session: Session | None = None
        self.coord: Coordinator | None = None
        self.failure: Exception | None = None
        self.runs = 0
        self.recovers = policy is not None
        self._policy = policy or RecoveryPolicy(tries=1)
        self.creator = creator
        self._group = group
        self._graph = graph
        self._grace_secs = grace_secs
        # Held while a session is made or dropped, and never by a signal handler.
        self._lock = threading.RLock()
        # Held while hooks are told of a session, so that none is told when they have been ended.
        self._telling = threading.RLock()
        self._first_close = threading.Lock()
        self._closer: int | None = None
        self._made: tuple[Session, Coordinator] | None = None
        self._was_open = False
        self.is_forked = False
        self._closing = False
        self._idle_losses = 0
        self._runs_at_loss = -1

    # Making and losing.

    def open(self) -> None:
        """Creates the first session; tries as often as the policy says."""
        if self.recovers:
            servers.fail_fast(master_of(self.creator))
        self._policy.attempt('create a session', self._connect)

    def half_made(self) -> Session | None:
        """Returns the session in use, or the one whose creation has just failed."""
        return self._made[0] if self._made is not None else None

    def _connect(self) -> Session:
        # A thread that recovers has a default graph of its own.
        with self._lock, self._graph.as_default():
            try:
                if self.recovers:
                    servers.check(master_of(self.creator))
                # A checkpoint that is still being written may be the newest.
                self._group.wait_for_saves()
                session = self._create()
                coord = Coordinator(clean_stop_exception_types=[])
                coord.asked_to_stop = self.asked_to_stop
                if self._was_open:
                    recovery_policy.mark_recovered(coord)
                mark_restored(coord, restored_by(self.creator))
                self._made = session, coord
                with self._telling:
                    self._raise_if_closing()
                    if self._graph.get_collection(tf.GraphKeys.QUEUE_RUNNERS):
                        tf.train.start_queue_runners(sess=session, coord=coord)
                    self._group.after_create_session(session, coord)
                    self.session, self.coord = session, coord
                    if self._was_open:
                        self.recovered()
            except PREEMPTION_ERRORS as error:
                if self.recovers:
                    recovery_policy.log_not_created(error)
                self.drop()
                raise
            except BaseException:
                # A first session is dropped later, after the hooks have been told.
                if self._was_open:
                    self.drop()
                raise
            self._was_open = True
            return session

    def _create(self) -> Session:
        try:
            session: Session = self.creator.create_session()
        except BaseException as error:
            hints.hint_of_making(error, self.creator)
            servers.close_half_made(error)
            raise
        return session

    def drop(self) -> None:
        """Closes the raw session and its threads, whatever state they are in."""
        with self._lock:
            made, self._made = self._made, None
            self.session = self.coord = None
            self._group.disconnect()
            if made is None:
                return
            session, coord = made
            try:
                coord.request_stop()
                coord.join(stop_grace_period_secs=self._grace_secs, ignore_live_threads=True)
            except Exception as error:
                log.info('While a lost session was being closed: %s', error)
            try:
                servers.close(session)
            except Exception as error:
                recovery_policy.log_not_closed(error)

    def _lose(self, session: Session | None, error: Exception, tell: Callable[[Any], None]) -> None:
        """Drops `session` because of `error`, unless another thread has done it."""
        with self._lock:
            if session is None or self.session is not session or self._closing:
                return
            tell(error)
            self.drop()

    def cause(self, session: Session | None, error: Exception) -> Exception | None:
        """Returns the loss of the session by which a run raised `error`, or None if by none."""
        if isinstance(error, PREEMPTION_ERRORS):
            return error
        if self.recovers and self.session is not session and not self._closing:
            return tf.errors.AbortedError(
                None, None, f'The session was lost below this run: {recovery_policy.summary(error)}'
            )
        try:
            if self.coord is not None:
                self.coord.raise_requested_exception()
        except PREEMPTION_ERRORS as reported:
            return reported
        except Exception:
            # The error of the run is the one to raise.
            return None
        return None

    # Running.

    def run(self, once: Callable[[Session], Any]) -> Any:
        """Calls `once` with the raw session, and again with a new one if that one is lost."""
        session = self.session
        if session is None:
            return self._recover(once)
        try:
            return once(session)
        except Exception as error:
            return self.run_again(session, error, once)

    def run_again(
        self, session: Session | None, error: Exception, once: Callable[[Session], Any]
    ) -> Any:
        """Calls `once` with a new session if `error` lost this one, or else raises `error`.

        Args:
          session: The raw session on which the run was made, or None if there was none.
          error: What that run raised.
          once: Makes the run again, given a raw session.
        """
        lost = self.cause(session, error)
        try:
            self._raise_if_closed_by(session, error)
            if lost is None or self._closing:
                hints.hint(error, self._graph)
                raise error
            if not self.recovers:
                raise lost
        finally:
            # Breaks the reference cycle of error and frame, which would keep all that was fed.
            del error
        self._lose(session, lost, recovery_policy.log_lost)
        return self._recover(once)

    def _recover(self, once: Callable[[Session], Any], failed: Exception | None = None) -> Any:
        """Creates a session if there is none and calls `once` with it, as often as the policy says.

        Args:
          once: Makes a run, given a raw session.
          failed: An error that counts as the first attempt.
        """

        tried = False

        def attempt() -> Any:
            nonlocal failed, tried
            if tried and self.asked_to_stop():
                raise StopRequestedError(
                    'A stop was requested while a lost session was made again.'
                )
            tried = True
            if failed is not None:
                error, failed = failed, None
                raise error
            with self._lock:
                self._raise_if_closing()
                session = self.session or self._connect()
                self._raise_if_closing()
            try:
                return once(session)
            except Exception as error:
                lost = self.cause(session, error)
                self._raise_if_closed_by(session, error)
                if lost is None:
                    raise
                self._lose(session, lost, recovery_policy.log_lost)
                if lost is error:
                    raise
                raise lost from error

        try:
            result = self._policy.attempt('recover the session', attempt, self.asked_to_stop)
        except Exception as error:
            if self.session is None:
                self.failure = error
            raise
        self.failure = None
        return result

    def _raise_if_closed_by(self, session: Session | None, error: Exception) -> None:
        if self.closes_elsewhere() and _is_of_closing(session, error):
            raise SessionClosedError('The session was closed during this run.') from error

    def _raise_if_closing(self) -> None:
        if self._closing:
            raise SessionClosedError('The session is being closed, so it is not made again.')

    # Stopping.

    def should_stop(self) -> bool:
        """True if the coordinator was stopped; recovers from a loss that a thread reported to it.

        Raises:
          Exception: What was reported to the coordinator, except a loss that is recovered from.
        """
        while True:
            session, coord = self.session, self.coord
            if coord is None:
                # Another thread is making a session, or recovery was given up.
                return self.failure is not None or self._closing
            try:
                coord.raise_requested_exception()
                stopped = coord.should_stop()
            except PREEMPTION_ERRORS as error:
                if not self.recovers:
                    raise
                self._recover_unasked(session, error)
                return False
            if not stopped or self.coord is coord:
                return stopped

    def _recover_unasked(self, session: Session | None, error: Exception) -> None:
        """Recovers from a loss that a thread reported; waits if nothing ran since the last one."""
        self._idle_losses = 0 if self.runs != self._runs_at_loss else self._idle_losses + 1
        self._runs_at_loss = self.runs
        self._lose(session, error, recovery_policy.log_lost_unasked)
        if self._idle_losses >= self._policy.tries:
            self.failure = error
            raise error
        self._recover(lambda _: None, failed=error if self._idle_losses else None)

    # Closing.

    def begin_close(self) -> bool:
        """Begins to close; returns False if another call has begun before.

        Waits for `after_create_session` calls under way; none is made from now on.
        """
        with self._first_close:
            first, self._closing = not self._closing, True
        if first:
            self._closer = get_ident()
            if self._telling.acquire(timeout=min(self._grace_secs, threading.TIMEOUT_MAX)):
                self._telling.release()
        return first

    def forget(self) -> None:
        """Drops the session in a fork, where its threads and the holders of its locks are not."""
        self.is_forked = self._closing = True
        # It stays in `_made`, since deleting it would wait for its threads.
        self.session = self.coord = None
        self._closer = get_ident()
        self._first_close = threading.Lock()

    def closes_elsewhere(self) -> bool:
        """True if another thread is closing the session."""
        return self._closing and self._closer != get_ident()

    def close(self) -> None:
        """Stops and joins the threads, and closes the raw session.

        Raises:
          Exception: What was reported to the coordinator.
        """
        made, self._made = self._made, None
        try:
            if made is not None:
                session, coord = made
                try:
                    coord.request_stop()
                    coord.join(stop_grace_period_secs=self._grace_secs, ignore_live_threads=True)
                except PREEMPTION_ERRORS as error:
                    if not self.recovers:
                        raise
                    recovery_policy.log_not_closed(error)
                finally:
                    try:
                        session.close()
                    except Exception as error:
                        recovery_policy.log_not_closed(error)
        finally:
            self.session = self.coord = None
            self._group.disconnect()


def _is_of_closing(session: Session | None, error: Exception) -> bool:
    """True if a run has failed because its session was closed meanwhile."""
    if isinstance(error, (tf.errors.CancelledError, *PREEMPTION_ERRORS)):
        return True
    # As TensorFlow says it: 'Attempted to use a closed Session.'
    return isinstance(error, RuntimeError) and (session is None or 'closed' in str(error))
