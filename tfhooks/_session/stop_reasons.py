"""The reason why a training ended, and the error of runs after a stop was requested."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tfhooks._base import log

# The kinds of reasons after which `run` raises, and those of them after which the error ends the
# loop as if it had called `should_stop()`.
_REFUSING = frozenset({'hook', 'requested', 'signal', 'closed'})
_ENDING = frozenset({'requested', 'signal'})


class StopReason(str):
    """The reason why a monitored session stopped: a sentence, with its parts as attributes.

    Attributes:
      kind: 'hook', 'requested', 'end of data', 'signal', 'error', 'coordinator' or 'closed'.
      who: The hook, the operation that ran out of data, the signal, the exception's class, or what
        the caller gave as the reason; or None.
      step: The global step at which the session noticed it; None before that, or where there is no
        global step.

    Example:
      ```python
      with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(last_step=10)]) as session:
          while not session.should_stop():
              session.run(train_op)
      reason = session.stop_reason
      print(reason.kind, reason.who, reason.step)  # hook StopAtStepHook 10
      ```
    """

    kind: str
    who: str | None
    step: int | None
    _sentence: str

    def __new__(
        cls, kind: str, sentence: str, who: str | None = None, step: int | None = None
    ) -> StopReason:
        at = '' if step is None else f' at global step {step}'
        reason = super().__new__(cls, sentence + at)
        reason.kind, reason.who, reason.step = kind, who, step
        reason._sentence = sentence
        return reason

    def noticed_at(self, step: int | None) -> StopReason:
        """The same reason with the global step at which it was noticed."""
        return StopReason(self.kind, self._sentence, self.who, step)

    def __reduce__(self) -> Any:
        return StopReason, (self.kind, self._sentence, self.who, self.step)


class Stopping:
    """The state of a session's stop: its reason, and whether runs are refused.

    Its attributes may be set in a signal handler, so setting them needs no lock.

    Attributes:
      reason: The reason, or None while there is none.
      refuses: Whether no further run with hooks is made.
    """

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self.refuses = False
        self._by_hooks_alone = True
        self._to_notice = threading.Lock()

    def ask(self, reason: StopReason) -> None:
        """Keeps the first reason that is given. May be called in a signal handler."""
        if self.reason is None:
            self.reason = reason
        if reason.kind in _REFUSING:
            self.refuses = True
            self._by_hooks_alone = self._by_hooks_alone and reason.kind == 'hook'

    def forget_hooks(self) -> None:
        """Takes back that hooks requested a stop, unless something else has requested one, too.

        Called when a lost session was made again: it has gone back to an earlier step, from which
        the hooks will request a stop again in time.
        """
        if self.refuses and self._by_hooks_alone:
            self.reason, self.refuses = None, False
            self._to_notice = threading.Lock()

    def fail(self, error: BaseException) -> None:
        """Makes an error the reason, in the place of an earlier one."""
        if not isinstance(error, StopRequestedError):
            self.reason = of_error(error, end_of_data=False)
            self._to_notice = threading.Lock()

    def notice(self, step: Callable[[], int | None]) -> None:
        """Adds the global step to the reason and logs it, once for each reason.

        Args:
          step: Gives the global step. Not called the second time.
        """
        if self.reason is not None and self._to_notice.acquire(blocking=False):
            self.reason = self.reason.noticed_at(step())
            log.info('The session stops: %s.', self.reason)

    def refuse(self) -> None:
        """Raises StopRequestedError."""
        raise StopRequestedError(
            f'Run called even after should_stop requested. The reason: {self.reason}.'
        )

    def ends_loop(self, error: BaseException) -> bool:
        """True if `error` ends a loop that was asked to stop and never calls `should_stop()`."""
        return (
            isinstance(error, StopRequestedError)
            and self.reason is not None
            and self.reason.kind in _ENDING
        )


class StopRequestedError(RuntimeError):
    """`run` was called though a hook, a signal or `request_stop` had asked for a stop.

    TensorFlow raises RuntimeError there. Where a signal or `request_stop` asked, a `with` block
    that this error leaves ends normally, for a loop that does not call `should_stop()`.

    Example:
      ```python
      with tfhooks.MonitoredSession() as session:
          session.request_stop('enough')
          try:
              session.run(train_op)
          except tfhooks.StopRequestedError as error:
              print(error)  # ...enough...
      ```
    """

    __module__ = 'tfhooks'


def of_hook(hook: str) -> StopReason:
    """Returns the reason for a stop that a hook has requested."""
    return StopReason('hook', f'{hook} asked for a stop', hook)


def of_error(error: BaseException, end_of_data: bool) -> StopReason:
    """Returns the reason for a stop by an exception that left the loop."""
    name = type(error).__name__
    if not end_of_data:
        first_line = str(error).partition('\n')[0]
        where = getattr(error, 'raised_in', None)
        place = f' in {where}' if where else ''
        return StopReason('error', f'error{place}: {name}: {first_line}', name)
    asker = getattr(error, 'asked_by', None)
    if asker is not None:
        return StopReason('requested', f'{asker} asked for a stop', asker)
    operation: Any = getattr(error, 'op', None) or getattr(error, 'node_def', None)
    who = getattr(operation, 'name', None) or getattr(error, 'raised_in', None)
    source = f' of {who}' if who else f' ({name})'
    return StopReason('end of data', f'end of data{source}', who)
