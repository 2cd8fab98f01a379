"""SessionRunHook and the types of its methods, typed and interchangeable with TensorFlow's."""

from __future__ import annotations

import math
from abc import ABCMeta
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, overload

from tfhooks._tensorflow import (
    Coordinator,
    Operation,
    RunMetadata,
    RunOptions,
    Session,
    Tensor,
    originals,
    tf,
)

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVarWithDefault

    ResultT = _TypeVarWithDefault('ResultT', default=Any, covariant=True)
    _FetchesT = TypeVar('_FetchesT')
    _Key = TypeVar('_Key')
    _Element = Tensor | Operation | str
else:
    ResultT = TypeVar('ResultT')


class Interchangeable(metaclass=ABCMeta):  # noqa: B024
    """A base class for classes that stand for one of TensorFlow's.

    Such a class is a subclass of TensorFlow's. With this base, objects and subclasses of
    TensorFlow's class also count as its own for `isinstance` and `issubclass`.
    """

    _original: type | None = None

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        # Of the class itself, since a program's subclass of it does not stand for TensorFlow's.
        original = vars(cls).get('_original')
        return original in other.__mro__ or NotImplemented


if TYPE_CHECKING:

    class SessionRunArgs(tf.train.SessionRunArgs, Generic[ResultT]):
        """A hook's request: what to run, fetch and feed together with the caller's `run()`.

        Is `tf.compat.v1.train.SessionRunArgs`. The structure of `fetches` is that of
        `SessionRunValues.results`: a Tensor or a name gives its value, an Operation None, a
        list, tuple, dict, NamedTuple or dataclass of them an object of that same class holding the
        values.

        Attributes:
          fetches: A Tensor, an Operation, a name, or any structure of them; None to fetch nothing.
          feed_dict: A dict from graph elements to the values to feed; no element may be fed twice
            in one run, by whomever. None to feed nothing.
          options: A `tf.compat.v1.RunOptions` to merge into the run's own, or None.

        Example:
          ```python
          class FetchLoss(tfhooks.SessionRunHook):
              def before_run(self, run_context):
                  return tfhooks.SessionRunArgs({'loss': loss}, feed_dict={loss: 5.0})

              def after_run(self, run_context, run_values):
                  print(run_values.results['loss'])  # 5.0

          with tfhooks.MonitoredSession(hooks=[FetchLoss()]) as session:
              session.run(loss)
          ```
        """

        fetches: Any
        feed_dict: Mapping[Any, Any] | None
        options: RunOptions | None

        @overload
        def __init__(
            self: SessionRunArgs[Any],
            fetches: _Element,
            feed_dict: Mapping[Any, Any] | None = None,
            options: RunOptions | None = None,
        ) -> None: ...

        @overload
        def __init__(
            self: SessionRunArgs[list[Any]],
            fetches: list[_Element] | list[Tensor] | list[Operation] | list[str],
            feed_dict: Mapping[Any, Any] | None = None,
            options: RunOptions | None = None,
        ) -> None: ...

        @overload
        def __init__(
            self: SessionRunArgs[dict[_Key, Any]],
            fetches: dict[_Key, Tensor]
            | dict[_Key, Operation]
            | dict[_Key, str]
            | dict[_Key, _Element],
            feed_dict: Mapping[Any, Any] | None = None,
            options: RunOptions | None = None,
        ) -> None: ...

        @overload
        def __init__(
            self: SessionRunArgs[None],
            fetches: None,
            feed_dict: Mapping[Any, Any] | None = None,
            options: RunOptions | None = None,
        ) -> None: ...

        @overload
        def __init__(
            self: SessionRunArgs[_FetchesT],
            fetches: _FetchesT,
            feed_dict: Mapping[Any, Any] | None = None,
            options: RunOptions | None = None,
        ) -> None: ...

        def __init__(self, fetches: Any, feed_dict: Any = None, options: Any = None) -> None: ...

    class SessionRunValues(tf.train.SessionRunValues, Generic[ResultT]):
        """The results of a run for one hook, and the run's options and metadata.

        Is `tf.compat.v1.train.SessionRunValues`.

        Attributes:
          results: The values of the hook's own fetches, in their structure; None if it had none.
          options: The `tf.compat.v1.RunOptions` the run was made with, all requests merged.
          run_metadata: The `tf.compat.v1.RunMetadata` of the run; filled as far as the options
            asked.

        Example:
          ```python
          class PrintLoss(tfhooks.SessionRunHook):
              def before_run(self, run_context):
                  return tfhooks.SessionRunArgs([loss])

              def after_run(self, run_context, run_values):
                  print(*run_values.results)  # 4.0

          with tfhooks.MonitoredSession(hooks=[PrintLoss()]) as session:
              session.run(loss)
          ```
        """

        results: ResultT
        options: RunOptions
        run_metadata: RunMetadata

        def __init__(
            self, results: ResultT, options: RunOptions, run_metadata: RunMetadata
        ) -> None: ...

    class SessionRunContext(tf.train.SessionRunContext):
        """The context of one `run()` call, which hooks are given.

        Is `tf.compat.v1.train.SessionRunContext`. `original_args` holds the caller's request (the
        fetches, the feeds, a copy of the options), `session` the raw session, `stop_requested`
        whether a hook has requested a stop in this run.

        Example:
          ```python
          class StopAfterOneRun(tfhooks.SessionRunHook):
              def after_run(self, run_context, run_values):
                  print(run_context.original_args.fetches is train_op)  # True
                  run_context.request_stop()

          with tfhooks.MonitoredSession(hooks=[StopAfterOneRun()]) as session:
              while not session.should_stop():
                  session.run(train_op)
          ```
        """

        def __init__(self, original_args: SessionRunArgs[Any], session: Session) -> None: ...

        @property
        def original_args(self) -> SessionRunArgs[Any]: ...

        @property
        def session(self) -> Session: ...

        @property
        def stop_requested(self) -> bool: ...

        def request_stop(self) -> None: ...

else:
    # At run time these are TensorFlow's own classes, so that any subclass of them counts.
    SessionRunArgs = tf.train.SessionRunArgs
    SessionRunValues = tf.train.SessionRunValues
    SessionRunContext = tf.train.SessionRunContext


class SessionRunHook(Interchangeable, tf.train.SessionRunHook, Generic[ResultT]):
    """Base of hooks, whose methods are called around the `run()` calls of a monitored session.

    Stands for `tf.compat.v1.train.SessionRunHook`; every TensorFlow hook is an instance of this
    class, and every hook of this class works in TensorFlow's own monitored sessions.

    `SessionRunHook[ResultT]` gives the type of the results that `before_run` requests.

    Attributes:
      chief_only: True for a hook that takes part in the chief's session alone: a worker's session
        leaves it out, as MonitoredTrainingSession does with `chief_only_hooks`. It is read when the
          session is made. See `tfhooks.chief_only` for hooks of other classes.

    Example:
      ```python
      class PrintLoss(tfhooks.SessionRunHook[dict[str, float]]):
          def before_run(self, run_context):
              return tfhooks.SessionRunArgs({'loss': loss})

          def after_run(self, run_context, run_values):
              print(run_values.results['loss'])  # 4.0

      with tfhooks.MonitoredSession(hooks=[PrintLoss()]) as session:
          session.run(loss)
      ```
    """

    chief_only: bool = False

    _original = originals.SessionRunHook

    def begin(self) -> None:
        """Called once, before the session is made, on its graph: it may add operations to it.

        A second call on the same graph should not change the graph.
        """

    def after_create_session(self, session: Session, coord: Coordinator) -> None:
        """Called whenever a session has been made: at the start, and after each recovery.

        Args:
          session: The raw `tf.compat.v1.Session`. Its graph is finalized: no operation can be
            added.
          coord: The `tf.train.Coordinator` of the session's threads.
        """

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[ResultT] | None:
        """Called before each `run()`.

        Args:
          run_context: The call about to be made.

        Returns:
          The request to run together with the caller's, or None.
        """
        return None

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[ResultT]
    ) -> None:
        """Called after each `run()` that raised nothing.

        Args:
          run_context: The one that `before_run` was given.
          run_values: The results of the request of `before_run`.
        """

    def end(self, session: Session) -> None:
        """Called at the end of the session, unless it ends by an exception.

        `tf.errors.OutOfRangeError` and `StopIteration` raised by `run()` mean the end of the data:
        `end` is called then.

        Args:
          session: The raw session, which can still run final operations.
        """

    def on_error(self, session: Session | None, error: BaseException) -> None:
        """Called instead of `end` when the session ends by an exception. Not in TensorFlow.

        Args:
          session: The raw session, or None where there is none any more. It may be broken.
          error: The exception, which is raised on after this call whatever this call does.
        """


class Hook(Protocol):
    """The type of hooks for type checkers: any object that has a hook's methods.

    TensorFlow's hooks count, and untyped ones; a class does not, since its methods need an object.
    """

    def begin(self) -> Any:
        """As `SessionRunHook.begin`."""

    def after_create_session(self, session: Any, coord: Any, /) -> Any:
        """As `SessionRunHook.after_create_session`."""

    def before_run(self, run_context: Any, /) -> Any:
        """As `SessionRunHook.before_run`."""

    def after_run(self, run_context: Any, run_values: Any, /) -> Any:
        """As `SessionRunHook.after_run`."""

    def end(self, session: Any, /) -> Any:
        """As `SessionRunHook.end`."""


class Tensors(Protocol):
    """The type of a dict, list, tuple or set of tensors or names, for type checkers.

    A single name is not one: `in` takes any object for these, and only a str for a str.
    """

    def __contains__(self, item: object, /) -> bool:
        """True if an object is in the container."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Iterates over the container."""
        ...


class NextDue(NamedTuple):
    """The next time at which a hook with a schedule needs to be called.

    Attributes:
      step: The hook must be called in every run that may end at this global step or a later one.
      time: The hook must be called in every run that begins at this time or later, in seconds of
        `time.monotonic()`; one that decides after the run in every run that ends then.
      runs: The hook must be called in every run before which this many runs of the monitored
        session, or more, have succeeded.

    Example:
      ```python
      print(tfhooks.NextDue(step=100))  # NextDue(step=100, time=inf, runs=inf)
      print(tfhooks.NextDue(runs=0))  # NextDue(step=inf, time=inf, runs=0)
      never = tfhooks.NextDue()
      ```
    """

    step: float = math.inf
    time: float = math.inf
    runs: float = math.inf


NEVER = NextDue()
ALWAYS = NextDue(-math.inf, -math.inf, -math.inf)


class SupportsNextDue:
    """A base class for hooks that say when they need to be called next. Not in TensorFlow.

    Such a hook has a schedule: tfhooks' sessions call its `before_run` and `after_run` only in runs
    in which it may be due, and at least in the first run of each session. As with the classes
    below, a hook has to name this one as a base; an attribute of the same name is not enough. A
    subclass that overrides `before_run` or `after_run`, and not `next_due`, is called in every run.

    Attributes:
      decides_after_run: Whether the hook fetches nothing. Its `before_run` is then not called, and
        its `after_run` is if it is due when the run has ended.

    Example:
      ```python
      class SayHundred(tfhooks.SessionRunHook, tfhooks.SupportsNextDue):
          decides_after_run = True

          def next_due(self):
              return tfhooks.NextDue(step=100)

          def after_run(self, run_context, run_values):  # In the first run, too.
              if run_context.session.run(tf.train.get_global_step()) == 100:
                  print('a hundred steps')
      ```
    """

    decides_after_run: bool = False

    def next_due(self) -> NextDue:
        """Returns when the hook may be due next; called after each run that called the hook."""
        raise NotImplementedError

    def step_went_back(self, step: int) -> None:
        """Called where the global step is found to have gone back within a session.

        Args:
          step: The global step now.
        """


class SupportsSessionIsReady:
    """A base class for hooks that are called when a session is ready, after all other hooks.

    TensorFlow's own sessions do not call them.
    """

    def session_is_ready(self, session: Session, coord: Coordinator) -> None:
        """Called after the `after_create_session` of all hooks, with the same arguments."""
        raise NotImplementedError


class SupportsOnError:
    """A base class for hooks that are told of the error by which a session ends."""

    def on_error(self, session: Session | None, error: BaseException) -> None:
        """Called instead of `end`, as `SessionRunHook.on_error`."""
        raise NotImplementedError


class SupportsStepNotIncreased:
    """A base class for hooks that are told of runs which leave the global step unchanged."""

    def step_not_increased(self, step: int) -> None:
        """Called with the global step when a run is known not to have increased it."""
        raise NotImplementedError


class SupportsSkipFinalSave:
    """A base class for hooks that save the weights."""

    def skip_final_save(self, reason: str) -> None:
        """Called with the reason when the weights are known to be bad, with '' when good again."""
        raise NotImplementedError


class SupportsMeasureCalls:
    """A base class for hooks that measure the time of the other hooks of a session."""

    def measure_calls(self, hooks: Iterable[tuple[Any, str]]) -> list[Any]:
        """Called with each hook and its name; returns the objects to call instead."""
        raise NotImplementedError


class SupportsRestore:
    """A base class for hooks that restore variables when a session has been made.

    Their `after_create_session` is called before those of all other hooks, which then read, save or
    send the restored values.
    """


class SupportsWrappedHook:
    """A base class for hooks around a hook, which sessions treat by the kind of the one inside.

    Attributes:
      wrapped_hook: The hook inside.
    """

    wrapped_hook: Any


def is_of_tfhooks(definition: Any) -> bool:
    """True if a class or function is defined in tfhooks, and not in TensorFlow or a program."""
    module = getattr(definition, '__module__', None)
    return isinstance(module, str) and module.startswith('tfhooks.')


def supports(hook: Any, kind: type) -> bool:
    """True if the class of an object names `kind` among its bases.

    Unlike for `isinstance`, TensorFlow's own classes do not count.
    """
    return kind in type(hook).__mro__
