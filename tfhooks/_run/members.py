"""The hooks of one session: checked when it is made, named, and sorted by what they need."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tfhooks._base import log
from tfhooks._base.errors import NotAHookError, shown
from tfhooks._base.hook_types import (
    ALWAYS,
    NextDue,
    SessionRunHook,
    SupportsMeasureCalls,
    SupportsNextDue,
    SupportsOnError,
    SupportsRestore,
    SupportsWrappedHook,
    is_of_tfhooks,
    supports,
)
from tfhooks._run.stock_hooks import StockHook, answering
from tfhooks._tensorflow import originals

_METHODS = ('begin', 'after_create_session', 'before_run', 'after_run', 'end')


@dataclasses.dataclass(frozen=True, eq=False)
class Member:
    """One hook of a session. Hooks may be equal, and need not be hashable; members never are equal.

    Attributes:
      index: Its place among the hooks, from 0.
      hook: The hook.
      name: Its name in messages: its class, or its function where it is made of functions, with its
        index where several have that name.
      asking: The name of its `before_run` in messages.
      has_schedule: Whether it says when it need not be called (`next_due`).
      guards_weights: Whether its `after_run` decides whether the weights may be saved at all.
      saves_weights: Whether it saves the weights.
      layers: The hook, and where it is a wrapper the hook in it, and so on.
      call_target: The object whose `before_run` and `after_run` are called: the hook, or a proxy
        that measures it.
    """

    index: int
    hook: Any
    name: str
    asking: str
    has_schedule: bool
    guards_weights: bool
    saves_weights: bool
    layers: tuple[Any, ...]
    call_target: Any


def validate_hooks(hooks: Iterable[Any] | None, argument: str = 'hooks') -> list[Any]:
    """Checks the hooks that were given to a session, and returns them as a list.

    Args:
      hooks: Any iterable of hooks, iterated once; None for no hooks.
      argument: The name of the argument, for messages.

    Raises:
      NotAHookError: It is a single hook or no iterable, or there is a class or a non-hook in it.
    """
    if hooks is None:
        return []
    if isinstance(hooks, originals.SessionRunHook):
        raise NotAHookError(
            f'{argument} must be a list of hooks. got a single hook: {argument}={shown(hooks)}. '
            f'Write: {argument}=[...]'
        )
    try:
        found = list(hooks)
    except TypeError:
        raise NotAHookError(
            f'{argument} must be an iterable of hooks. got {argument}={shown(hooks)} '
            f'(type={type(hooks).__name__})'
        ) from None
    for index, hook in enumerate(found):
        if isinstance(hook, type):
            raise NotAHookError(
                f'{argument} must hold hooks, not classes. '
                f'got {argument}[{index}]={hook.__name__}. Write: {hook.__name__}(...)'
            )
        missing = [name for name in _METHODS if not callable(getattr(hook, name, None))]
        if missing:
            raise NotAHookError(
                f'{argument} must hold hooks. got {argument}[{index}]={shown(hook)} '
                f'(type={type(hook).__name__}), which lacks {", ".join(missing)}'
            )
    return found


def warn_of_twice(hooks: Iterable[Any]) -> None:
    """Warns of hooks that are listed more than once: each of their methods is called as often."""
    times = Counter(map(id, hooks))
    for hook in {id(hook): hook for hook in hooks}.values():
        if times[id(hook)] > 1:
            log.warning(
                '%s is listed %d times, so each of its methods is called as often. Is it in both '
                'hooks and chief_only_hooks?',
                name_of(hook),
                times[id(hook)],
            )


def make_members(hooks: Iterable[Any] | None) -> tuple[Member, ...]:
    """Checks, names and sorts the hooks of a session; raises as `validate_hooks` does."""
    found = validate_hooks(hooks)
    names = [name_of(hook) for hook in found]
    times = Counter(names)
    names = [name if times[name] == 1 else f'{name}[{index}]' for index, name in enumerate(names)]
    call_target = _called(found, names)
    members = []
    for index, (hook, name) in enumerate(zip(found, names, strict=True)):
        layers = tuple(_layers(hook))
        members.append(
            Member(
                index=index,
                hook=hook,
                name=name,
                asking=f'{name}.before_run',
                has_schedule=has_schedule(hook),
                guards_weights=isinstance(layers[-1], originals.NanTensorHook),
                saves_weights=isinstance(layers[-1], originals.CheckpointSaverHook),
                layers=layers,
                call_target=call_target[index],
            )
        )
    return tuple(members)


def is_for_chief_alone(hook: Any) -> bool:
    """True if a tfhooks hook, or the hook that it wraps, is `chief_only`."""
    return any(
        SessionRunHook in type(layer).__mro__ and layer.chief_only is True
        for layer in _layers(hook)
    )


def restores(member: Member) -> bool:
    """True if a hook, or the hook that it wraps, restores variables in a new session."""
    return any(supports(layer, SupportsRestore) for layer in member.layers)


def is_meant(hook: Any, wanted: Any) -> bool:
    """True if `wanted` is the hook or a class of it; a wrapper also counts as the hook it wraps."""
    if isinstance(wanted, type):
        return any(isinstance(layer, wanted) for layer in _layers(hook))
    return any(layer is wanted for layer in _layers(hook))


def has_schedule(hook: Any) -> bool:
    """True if a hook's `next_due` holds for its `before_run` and `after_run`.

    It does not if a subclass, or the object itself, overrides these methods: they must then be
    called in every run.
    """
    own = getattr(hook, '__dict__', {})
    if not supports(hook, SupportsNextDue):
        return False
    # A program's subclass is called in every run, even if it has a method of that name.
    if isinstance(hook, StockHook) and not is_of_tfhooks(hook.next_due):
        return False
    if 'before_run' in own or 'after_run' in own:
        return 'next_due' in own
    for kind in type(hook).__mro__:
        if 'next_due' in vars(kind):
            return kind is not SupportsNextDue
        if 'before_run' in vars(kind) or 'after_run' in vars(kind):
            return False
    return False


def sleeper(hook: Any) -> SupportsNextDue | None:
    """Returns the object that says when a hook is due, or None if it is called in every run."""
    answers = answering(hook, SupportsNextDue)
    return answers if answers is not None and has_schedule(hook) else None


def next_due(hook: Any) -> NextDue:
    """Returns when a hook is due next: always, if it has no schedule."""
    answers = sleeper(hook)
    return ALWAYS if answers is None else answers.next_due()


def name_of(hook: Any) -> str:
    """Returns a hook's name: that of the function it was made of, or else that of its class."""
    name = getattr(hook, '__name__', None)
    return name if isinstance(name, str) else type(hook).__name__


def _layers(hook: Any) -> Iterator[Any]:
    while hook is not None:
        yield hook
        hook = hook.wrapped_hook if supports(hook, SupportsWrappedHook) else None


def _called(hooks: list[Any], names: list[str]) -> list[Any]:
    """Returns the objects to call: the hooks, or proxies if one hook measures the others."""
    for hook in hooks:
        if supports(hook, SupportsMeasureCalls):
            call_target: list[Any] = hook.measure_calls(zip(hooks, names, strict=True))
            return call_target
    return hooks


def overrides(hook: Any, method: str) -> bool:
    """True if a hook has a `method` of its own, other than the empty one it inherits."""
    if method in getattr(hook, '__dict__', ()):
        return True
    mine = getattr(type(hook), method, None)
    if mine is None:  # A method that it delegates counts as its own.
        return callable(getattr(hook, method, None))
    empty = (SessionRunHook, originals.SessionRunHook)
    return mine not in [getattr(base, method, None) for base in empty]


def hears_of_errors(hook: Any) -> bool:
    """True if a hook has tfhooks' `on_error`; TensorFlow's hooks have none."""
    return supports(hook, SupportsOnError) or (
        SessionRunHook in type(hook).__mro__ and overrides(hook, 'on_error')
    )
