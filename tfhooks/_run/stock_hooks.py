"""The fast way of stock hooks: they are called when they are due instead of in every run.

A stock hook that is exactly tfhooks' own and untouched goes the fast way: a `FastWay` beside it
keeps its state, reads the global step exactly and says when it is due. Every other one (a
subclass, a hook whose fields, methods or timer were changed from outside, one whose class was
patched) goes TensorFlow's way: TensorFlow's own methods, called in every run, with TensorFlow's
fields, cadence and cost. `FastWay.is_open` is the one place that decides.
"""

from __future__ import annotations

import contextlib
import copy
import operator
import weakref
from collections.abc import Iterable
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from tfhooks._base.hook_types import (
    ALWAYS,
    NextDue,
    SupportsNextDue,
    SupportsSessionIsReady,
    is_of_tfhooks,
    supports,
)
from tfhooks._base.locks import Lock
from tfhooks._tensorflow import originals
from tfhooks._timing.timer import WATCHER, SecondOrStepTimer

if TYPE_CHECKING:
    from tfhooks._base.hook_types import SessionRunHook

    PlainHook = SessionRunHook
else:

    class PlainHook:
        """Stands for SessionRunHook, whose metaclass would conflict with that of a subclass."""

        __class_getitem__ = classmethod(lambda cls, item: cls)


_T = TypeVar('_T')

# The attributes that tfhooks adds to a stock hook; no subclass has one of these names. The second
# one, which savers have, is there in whatever way the hook goes.
_KEY, _STATE = '_tfhooks_fast_way', '_tfhooks_state'
_METHODS = ('begin', 'after_create_session', 'before_run', 'after_run', 'end')
# Stands for a function that a program has put into a class, and is never there.
_PATCHED = object()
# For each class, the names of functions in it and the functions.
_Functions: TypeAlias = list[tuple[type, list[str], list[Any]]]


def is_defined_in(owner: type, function: Any) -> bool:
    """True if a function of a class is its own, and not one that a program has put there."""
    # By the globals, since `functools.wraps` gives the new function the `__module__` of the old.
    return bool(getattr(function, '__globals__', {}).get('__name__') == owner.__module__)


def _functions_of(owner: type, names: Iterable[str]) -> tuple[type, list[str], list[Any]]:
    found = [vars(owner).get(name) for name in names]
    # This module may be imported after a class was patched.
    given = [f if f is None or is_defined_in(owner, f) else _PATCHED for f in found]
    return owner, list(names), given


# The functions of each stock hook as they were defined, to see whether one was patched since.
_unpatched: dict[type, _Functions] = {}
_unpatched_timer: _Functions = [
    _functions_of(
        owner,
        (
            'reset',
            'should_trigger_for_step',
            'update_last_triggered_step',
            'last_triggered_step',
        ),
    )
    for owner in (SecondOrStepTimer, originals.SecondOrStepTimer)
]


def _nobody() -> None:
    """Replaces the weak reference to a hook while its FastWay is copied or pickled."""


class _Changes:
    """Counts changes of stock hooks from outside, so that sessions notice when there was one."""

    count = 0


changes = _Changes()


class _OwnWriters(set[int]):
    """The threads that set fields for the hook itself: each is one of them inside `with`."""

    def __enter__(self) -> None:
        self.add(get_ident())

    def __exit__(self, *error: Any) -> None:
        self.discard(get_ident())


class FastWay(SupportsNextDue, SupportsSessionIsReady):
    """State and methods of a stock hook while it is exactly tfhooks' own and untouched.

    Its methods stand for those of the hook. TensorFlow's fields that change from run to run are not
    on the hook meanwhile: `lazy` names them, and `field` gives their values.

    Attributes:
      kind: The class of tfhooks that the hook must be of.
      extended: Whether the hook was made with arguments that TensorFlow's has not. No program
        written for TensorFlow does that, so its subclasses and its changes stay on this way.
      lock: Guards the state, since several threads may share a session.
      decides_after_run: Whether the hook fetches nothing in the run in which it is due.
      standing_request: The request that `before_run` returns in every run, or None if it varies.
    """

    lazy: tuple[str, ...] = ()
    decides_after_run = True
    standing_request: Any = None

    def __init__(self, hook: Any, kind: type, *, extended: bool = False) -> None:
        """Puts a hook on the fast way; the last call in the hook's constructor."""
        self._hook = weakref.ref(hook)
        self.kind = kind
        self.extended = extended
        self.lock = Lock()
        self._changed = False
        self._is_left = False
        self._is_begun = False
        self._own_writers = _OwnWriters()
        self._fields = frozenset(vars(hook))
        self._watch(self.timer)
        vars(hook)[_KEY] = self

    @property
    def hook(self) -> Any:
        """The hook, held weakly so that it is freed as soon as nobody else has it."""
        return self._hook()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), '_hook': _nobody, '_own_writers': _OwnWriters()}

    @property
    def timer(self) -> Any:
        """The hook's timer, or None where it has none."""
        return vars(self._hook()).get('_timer')

    def _watch(self, timer: Any) -> None:
        if type(timer) is SecondOrStepTimer:
            vars(timer)[WATCHER] = self
            if not timer.is_regular():
                self._changed = True

    def own_writes(self) -> _OwnWriters:
        """Context in which what this thread sets on the hook and its timer is no outside change."""
        return self._own_writers

    def trigger(self, step: int) -> tuple[float | None, int | None]:
        """Notes that the hook acts now, at `step`.

        Returns:
          The seconds and the steps since it last acted; None and None the first time.
        """
        with self._own_writers:
            elapsed: tuple[float | None, int | None] = self.timer.update_last_triggered_step(step)
        return elapsed

    def note_change(self, name: str | None = None) -> None:
        """Notes that a field of the hook, or of its timer, was set or read."""
        if get_ident() in self._own_writers:
            return
        if name is None or name in self._fields or hasattr(self.kind, name) or name in self.lazy:
            if not self.extended or type(self.timer) is not SecondOrStepTimer:
                self._changed = True
            changes.count += 1

    def is_left(self) -> bool:
        """True if the hook has left the fast way."""
        return self._is_left

    def is_open(self) -> bool:
        """True if the hook may go the fast way now."""
        if self._changed or self._is_left:
            return False
        hook = self._hook()
        return (
            (type(hook) is self.kind or self.extended)
            and _stands(_unpatched[self.kind])
            and (vars(hook).get('_timer') is None or _stands(_unpatched_timer))
        )

    def leave(self, session: Any, runs: int | None = None) -> None:
        """Switches the hook to TensorFlow's way, with the fields that TensorFlow's hook would have.

        Args:
          session: The raw session, or None before there is one.
          runs: How many runs of the session have been made, if that is known.
        """
        if self._is_left:
            return
        self._is_left = True
        if self._is_begun and session is not None:
            for name, value in self.fields_to_leave(session, runs).items():
                vars(self.hook).setdefault(name, value)

    def fields_to_leave(self, session: Any, runs: int | None) -> dict[str, Any]:
        """The values of the fields `lazy` with which TensorFlow's methods continue."""
        return {name: self.field(name) for name in self.lazy}

    def field(self, name: str) -> Any:
        """The value that TensorFlow's hook would have in one of the fields `lazy`."""
        raise AttributeError(name)

    def of_copy(self, hook: Any) -> FastWay:
        """Returns the FastWay for a copy of the hook. A shallow copy gets a timer of its own."""
        if self.hook is None:  # This is a copy, too.
            self._hook = weakref.ref(hook)
            return self
        other = copy.copy(self)
        other._hook, other.lock = weakref.ref(hook), Lock()
        timer = copy.copy(self.timer)
        if timer is not None:
            vars(hook)['_timer'] = timer
            other._watch(timer)
        return other

    @property
    def tensorflow(self) -> Any:
        """TensorFlow's methods of the hook."""
        return super(StockHook, self.hook)

    # The methods of the hook.

    def begin(self) -> None:
        self._is_begun = True
        before = set(vars(self.hook))
        with self.own_writes():
            self.tensorflow.begin()
        self._fields |= set(vars(self.hook)) - before
        for name in self.lazy:
            vars(self.hook).pop(name, None)

    def after_create_session(self, session: Any, coord: Any) -> None:
        pass

    def next_due(self) -> NextDue:
        return ALWAYS

    def before_run(self, run_context: Any) -> Any:
        return None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        pass

    def session_is_ready(self, session: Any, coord: Any) -> None:
        pass

    def end(self, session: Any) -> None:
        self.tensorflow.end(session)

    def has_nothing_to_do(self, results: Any) -> bool:
        """True if `after_run` may be left out; for hooks that have a `standing_request`."""
        return False

    def is_bad(self, loss: Any) -> Any:
        """Marks the values of the loss that stop training; for hooks that look at the loss."""
        raise NotImplementedError

    def step_went_back(self, step: int) -> None:
        """Continues the cadence from `step`, to which the global step has gone back."""
        if self.timer is not None and self.timer.last_triggered_step() is not None:
            with self.lock, self.own_writes():
                self.timer.rewind(step)


class StockHook(PlainHook[Any], SupportsNextDue):
    """Base of tfhooks' stock hooks: sends each call to the FastWay or to TensorFlow's method."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_of_tfhooks(cls) and originals.SessionRunHook in cls.__mro__:
            classes = cls.__mro__[: cls.__mro__.index(originals.SessionRunHook)]
            _unpatched[cls] = [
                _functions_of(
                    owner,
                    {
                        *_METHODS,
                        *(n for n, v in vars(owner).items() if callable(v) and n[:2] != '__'),
                    },
                )
                for owner in classes
                if owner not in StockHook.__mro__  # tfhooks' own bases, which no program patches.
            ]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        fast = vars(self).get(_KEY)
        if fast is not None:
            fast.note_change(name)

    def __getattr__(self, name: str) -> Any:
        fast = vars(self).get(_KEY)
        if fast is None or name not in fast.lazy or fast.is_left():
            raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
        fast.note_change(name)
        return fast.field(name)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        fast = state.get(_KEY)
        if fast is not None:
            vars(self)[_KEY] = fast.of_copy(self)

    def begin(self) -> None:
        """Begins a new session on the default graph.

        Raises:
          RuntimeError: The hook needs a global step and the graph has none.
        """
        fast = _way(self, None)
        if fast is None:
            super().begin()
        else:
            fast.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Starts the cadence at the session's global step."""
        fast = _way(self, session)
        if fast is None:
            super().after_create_session(session, coord)
        else:
            fast.after_create_session(session, coord)

    def next_due(self) -> NextDue:
        """Returns when the hook may be due next; see `tfhooks.SupportsNextDue`."""
        fast = fast_way(self)
        return ALWAYS if fast is None else fast.next_due()

    def before_run(self, run_context: Any) -> Any:
        """Requests the hook's fetches, if it may be due in the run."""
        fast = _way(self, run_context.session, getattr(run_context, '_tfhooks_runs', None))
        return super().before_run(run_context) if fast is None else fast.before_run(run_context)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Lets the hook act, if it is due."""
        fast = vars(self).get(_KEY)
        # Where `before_run` went the fast way, there are no results for TensorFlow's `after_run`.
        if fast is None or fast.is_left():
            super().after_run(run_context, run_values)
        else:
            fast.after_run(run_context, run_values)

    def end(self, session: Any) -> None:
        """Ends the hook's work in the session."""
        fast = _way(self, session)
        if fast is None:
            super().end(session)
        else:
            fast.end(session)


def _stands(functions: _Functions) -> bool:
    for owner, names, given in functions:
        # Some thirty functions whenever something is due, so the loop over them runs in C.
        if not all(map(operator.is_, map(vars(owner).get, names), given)):
            return False
    return True


def fast_way(hook: Any) -> FastWay | None:
    """Returns the FastWay of a stock hook that may use it now, or None."""
    fast: FastWay | None = getattr(hook, '__dict__', {}).get(_KEY)
    return fast if fast is not None and fast.is_open() else None


def answering(hook: Any, kind: type[_T]) -> _T | None:
    """Returns the object that implements a `Supports` protocol for a hook, or None if none does.

    For a stock hook that is its state or its FastWay, since a program's subclass may use these
    names for something else.
    """
    answers: Any = hook
    if isinstance(hook, StockHook):
        state: _T | None = vars(hook).get(_STATE)
        if state is not None and supports(state, kind):
            return state
        answers = fast_way(hook)
    return answers if supports(answers, kind) else None


def own_writes(hook: Any) -> contextlib.AbstractContextManager[None]:
    """Context in which what this thread sets on a stock hook and its timer is no outside change."""
    fast = fast_way(hook)
    return contextlib.nullcontext() if fast is None else fast.own_writes()


def _way(hook: StockHook, session: Any, runs: int | None = None) -> FastWay | None:
    """Returns the FastWay of a hook that may use it now; any other hook leaves it for good."""
    fast: FastWay | None = vars(hook).get(_KEY)
    if fast is None or fast.is_open():
        return fast
    fast.leave(session, runs)
    return None
