"""The errors, each with the bases that make it what TensorFlow raises in the same place.

    NotAHookError            TypeError, AttributeError
    SessionClosedError       RuntimeError, AttributeError
    RequestError             Exception
      RequestTypeError         TypeError
        RequestOverflowError     RequestValueError, OverflowError
        RequestStringError       tf.errors.InternalError
          NoneFedError             ValueError
      RequestValueError        ValueError
        RequestAccessError       TensorFlow's InaccessibleTensorError, a ValueError
      ReturnTypeError          TypeError, AttributeError
      ConflictError            RuntimeError
        FedTwiceError            ValueError
      UnfedPlaceholderError    tf.errors.InvalidArgumentError
      MixedRequestError        the class of each mistake, where one request has several kinds
    CheckpointSaveError      Exception; an error of it is also of the type that TensorFlow raised

NanLossDuringTrainingError is in `tfhooks._hooks.nan_tensor`, StopRequestedError in
`tfhooks._session.stop_reasons`. Public classes have `tfhooks` as their module, so that tracebacks
show the names that programs import.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from tfhooks._base import log
from tfhooks._tensorflow import InaccessibleTensorError, tf


class NotAHookError(TypeError, AttributeError):
    """An object given to a session as a hook is no hook. TensorFlow finds out when it calls it.

    Example:
      ```python
      try:
          tfhooks.MonitoredSession(hooks=[tfhooks.NanTensorHook])  # The class instead of a hook.
      except tfhooks.NotAHookError as error:
          print(error)  # ...NanTensorHook...
      ```
    """

    __module__ = 'tfhooks'


class SessionClosedError(RuntimeError, AttributeError):
    """A monitored session was used after it was closed.

    TensorFlow raises RuntimeError for a raw session, and AttributeError for a monitored one.

    Example:
      ```python
      session = tfhooks.MonitoredSession()
      session.close()
      try:
          session.run(train_op)
      except tfhooks.SessionClosedError as error:
          print(error)  # ...closed...
      ```
    """

    __module__ = 'tfhooks'


# A process of the cluster went away, and a new session may find it again.
PREEMPTION_ERRORS = (tf.errors.AbortedError, tf.errors.UnavailableError)

# The name of the caller as the owner of a request.
CALLER = 'the caller'


def shown(value: Any) -> str:
    """Returns a value as messages show it: short, and even if its `repr` raises."""
    try:
        text = repr(value)
    except Exception:
        text = f'<{type(value).__name__}>'
    return text if len(text) <= 80 else text[:77] + '...'


def reason(error: BaseException) -> str:
    """Returns the message of an error in one short line."""
    text = ' '.join(str(error.args[0] if error.args else error).split())
    return text if len(text) <= 300 else text[:297] + '...'


class Problem(NamedTuple):
    """One mistake in a request.

    Attributes:
      owner: The owner of the request: `'MyHook.before_run'` or `'the caller'`.
      text: The place, the rule and the values.
      kind: The class of error for this mistake.
    """

    owner: str
    text: str
    kind: type[RequestError]

    def __str__(self) -> str:
        return f'{self.owner}: {self.text}'


class RequestError(Exception):
    """The request for one `run()` is wrong, and nothing has been run.

    Attributes:
      problems: All mistakes in the request, each a `Problem`.

    Example:
      ```python
      with tfhooks.MonitoredSession() as session:
          try:
              session.run(['los:0', 'wait:0'])
          except tfhooks.RequestError as error:
              print(len(error.problems))  # 2
      ```
    """

    __module__ = 'tfhooks'

    # The code of the error that TensorFlow's runtime would raise.
    _code: int | None = None

    def __init__(self, message: str = '', problems: Sequence[Problem] = ()) -> None:
        if isinstance(self, tf.errors.OpError):
            tf.errors.OpError.__init__(self, None, None, message, self._code)
        else:
            Exception.__init__(self, message)
        self.problems = tuple(problems)
        self._text = message

    def __str__(self) -> str:
        # The other base classes would show the error in other ways, or not at all.
        return self._text


class RequestTypeError(RequestError, TypeError):
    """A fetch, a feed or an option is of the wrong kind."""


class RequestValueError(RequestError, ValueError):
    """A fetch or a feed has a value that cannot be used."""


class RequestOverflowError(RequestTypeError, RequestValueError, OverflowError):
    """A number to feed does not fit its dtype. The type that TensorFlow raises depends on numpy."""


class RequestStringError(RequestTypeError, tf.errors.InternalError):
    """A value fed to a tensor of strings holds something that is no string.

    TensorFlow finds out in its runtime, as an internal error.
    """

    _code = tf.errors.INTERNAL


class NoneFedError(RequestStringError, ValueError):
    """None is fed. TensorFlow feeds nan for it, or refuses it in one of several ways."""


class RequestAccessError(RequestValueError, InaccessibleTensorError):
    """A fetch is an operation that may not be fetched from outside its function or block."""


class ReturnTypeError(RequestError, TypeError, AttributeError):
    """`before_run` returned something other than None or a SessionRunArgs, or one with wrong parts.

    TensorFlow raises AttributeError there, when it looks for `fetches` on what was returned.
    """


class ConflictError(RequestError, RuntimeError):
    """Two parties of one run have requests that exclude each other.

    Example:
      ```python
      x = tf.placeholder(tf.float32, [], name='x')
      feeds_one = tfhooks.FeedFnHook(lambda: {x: 1.0})
      with tfhooks.MonitoredSession(hooks=[feeds_one]) as session:
          try:
              session.run(x, {x: 2.0})
          except tfhooks.ConflictError as error:
              print(error)  # ...x:0...
      ```
    """

    __module__ = 'tfhooks'


class FedTwiceError(ConflictError, ValueError):
    """One party feeds a tensor twice."""


class UnfedPlaceholderError(RequestError, tf.errors.InvalidArgumentError):
    """A hook fetches something that depends on a placeholder which nobody feeds in this run.

    Example:
      ```python
      x = tf.placeholder(tf.float32, [], name='x')
      with tfhooks.MonitoredSession(hooks=[tfhooks.NanTensorHook(x * loss)]) as session:
          try:
              session.run(train_op)
          except tfhooks.UnfedPlaceholderError as error:
              print(error)  # NanTensorHook...x...
      ```
    """

    __module__ = 'tfhooks'

    _code = tf.errors.INVALID_ARGUMENT


@functools.cache
def _class_of(kinds: tuple[type[RequestError], ...]) -> type[RequestError]:
    if len(kinds) == 1:
        return kinds[0]
    # Subclasses come before their bases, as Python's method resolution order needs it.
    bases = tuple(
        kind for kind in kinds if not any(k is not kind and issubclass(k, kind) for k in kinds)
    )
    if len(bases) == 1:
        return bases[0]
    return type(
        'MixedRequestError', bases, {'__doc__': 'Several kinds of mistakes in one request.'}
    )


def request_error(problems: Sequence[Problem]) -> RequestError:
    """Returns one error that reports all `problems` and is an instance of each of their kinds."""
    if len(problems) == 1:
        message = str(problems[0])
    else:
        lines = [f'  {number}. {problem}' for number, problem in enumerate(problems, 1)]
        message = '\n'.join([f'{len(problems)} things are wrong in this request:', *lines])
    return _class_of(tuple(dict.fromkeys(p.kind for p in problems)))(message, problems)


def kind_of(error: Exception) -> type[RequestError]:
    """Returns the class of request error that also has the type of `error`."""
    if isinstance(error, InaccessibleTensorError) and InaccessibleTensorError is not ValueError:
        return RequestAccessError
    if isinstance(error, OverflowError):
        return RequestOverflowError
    if isinstance(error, TypeError):
        return RequestTypeError
    if isinstance(error, ValueError):
        return RequestValueError
    kind: Any = type(error)
    return _also(kind)


@functools.cache
def _also(kind: Any) -> type[RequestError]:
    """Returns a class of request error that is also of `kind`, raised by a value's own code."""
    try:
        return type('RequestValueError', (RequestValueError, kind), {'__module__': __name__})
    except TypeError:  # A class that cannot be subclassed, or not beside ValueError.
        return RequestValueError


def note_origin(error: BaseException, owner: str) -> None:
    """Adds a note to `error` that names the hook method it was raised in."""
    if getattr(error, 'raised_in', None) is not None:
        return
    # An error may refuse new attributes; it is raised all the same.
    with contextlib.suppress(Exception):
        error.raised_in = owner  # type: ignore[attr-defined]
        add_note(error, f'raised in {owner}()')


def ends_data(error: BaseException) -> bool:
    """True if an exception that left the loop means the end of the data.

    It does if the caller's own `run()` raised it, the hooks that feed that run included. What a
    hook raises after the run, or at the end, is an error whatever its type.
    """
    if type(error) not in (tf.errors.OutOfRangeError, StopIteration):
        return False
    raised_in = getattr(error, 'raised_in', None)
    return raised_in is None or raised_in.endswith('.before_run')


def add_secondary_errors(error: BaseException, others: Sequence[BaseException]) -> None:
    """Adds later errors to `error`, as notes and in `other_errors`, so that they do not hide it."""
    others = [other for other in others if other is not error]
    if not others:
        return
    for other in others:
        where = getattr(other, 'raised_in', None)
        place = f' in {where}()' if where else ''
        add_note(error, f'and then{place} {type(other).__name__}: {other}')
    error.other_errors = (*getattr(error, 'other_errors', ()), *others)  # type: ignore[attr-defined]


def add_note(error: BaseException, note: str) -> None:
    """Adds a line to the traceback of `error`."""
    if sys.version_info >= (3, 11):
        error.add_note(note)
    else:
        # Python 3.10 shows no notes in a traceback, so they are logged: as text, since a handler
        # that keeps records would keep the error, and with it the session.
        error.__notes__ = [*getattr(error, '__notes__', ()), note]  # type: ignore[attr-defined]
        log.error('%s: %s', note, str(error))


class CheckpointSaveError(Exception):
    """A checkpoint could not be written. The error is also of the class that TensorFlow raised.

    Its type is never exactly OutOfRangeError or StopIteration, so a session does not take it for
    end of data, whatever the error of the file system was.

    Attributes:
      hook: The hook that was saving.
      path: The prefix of the checkpoint's files.
      step: The global step of the checkpoint.
      error: The error that TensorFlow raised.

    Example:
      ```python
      try:
          with tfhooks.MonitoredTrainingSession(checkpoint_dir=directory) as session:
              session.run(train_op)
      except tfhooks.CheckpointSaveError as error:  # Such as a disk that is full.
          print(f'{error.path}: {error.error}')
      ```
    """

    __module__ = 'tfhooks'

    hook: object = None
    path: str = ''
    step: int = -1
    error: Exception | None = None


_save_error_classes: dict[Any, type[CheckpointSaveError]] = {}


def _save_error_class(kind: type[Exception]) -> type[CheckpointSaveError]:
    if issubclass(CheckpointSaveError, kind):
        return CheckpointSaveError
    made = _save_error_classes.get(kind)
    if made is None:
        try:
            made = type(
                'CheckpointSaveError', (CheckpointSaveError, kind), {'__module__': 'tfhooks'}
            )
        except TypeError:  # A class that cannot be subclassed.
            made = CheckpointSaveError
        _save_error_classes[kind] = made
    return made


def checkpoint_save_error(
    message: str, error: Exception, *, hook: Any = None, path: str = '', step: int = -1
) -> CheckpointSaveError:
    """Returns a CheckpointSaveError that is also an instance of the type of `error`.

    TensorFlow reports ESTALE and the like by the errors of a lost session, from which sessions
    recover. These become an UnknownError, since another session would not find the files either.
    """
    is_taken_for_loss = isinstance(error, (tf.errors.AbortedError, tf.errors.UnavailableError))
    kind = _save_error_class(tf.errors.UnknownError if is_taken_for_loss else type(error))
    made: CheckpointSaveError
    if issubclass(kind, OSError) and isinstance(error, OSError) and error.errno is not None:
        made = kind(error.errno, message)
    else:
        made = kind.__new__(kind, message)
        arguments: tuple[Any, ...] = (message,)
        init: Any = Exception.__init__
        if isinstance(error, tf.errors.OpError):
            was: Any = error
            init = tf.errors.OpError.__init__
            # Without the op, whose stack trace would end the message.
            code = tf.errors.UNKNOWN if is_taken_for_loss else was.error_code
            arguments = (was.node_def, None, message, code)
        init(made, *arguments)
    made.hook, made.path, made.step, made.error = hook, path, step, error
    made.__cause__ = error
    return made
