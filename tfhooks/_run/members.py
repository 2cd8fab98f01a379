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
    supports,
)
from tfhooks._run.fast_way import StockHook, answering
from tfhooks._tensorflow import originals

_METHODS = ('begin', 'after_create_session', 'before_run', 'after_run', 'end')


@dataclasses.dataclass(frozen=True, eq=False)
class Member:
    """One hook of a session. Hooks may be equal, and need not be hashable; members never are equal.

    Attributes:
      index: Its place among the hooks, from 0.
      hook: The hook.
      name: How messages name it: its class, or its function where it is made of functions, with its
        place where several have that name.
      asking: How messages name its `before_run`.
      has_schedule: Whether it says when it need not be called (`next_due`).
      guards_weights: Whether its `after_run` decides whether the weights may be saved at all.
      saves_weights: Whether it saves the weights.
      layers: The hook, and where it is a wrapper the hook in it, and so on.
      call_target: What `before_run` and `after_run` are called of: the hook, or what measures it.
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
    """Takes the hooks out of an argument of a session, each checked.

    Args:
      hooks: Any iterable of hooks, taken once; None for no hooks.
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
    """Whether a hook of tfhooks', or the hook in it where it is a wrapper, is `chief_only`."""
    return any(
        SessionRunHook in type(layer).__mro__ and layer.chief_only is True
        for layer in _layers(hook)
    )


def restores(member: Member) -> bool:
    """Whether a hook, or the one in it, restores variables when a session has been made."""
    return any(supports(layer, SupportsRestore) for layer in member.layers)


def is_meant(hook: Any, wanted: Any) -> bool:
    """Whether `wanted` is the hook, or a class of it; a wrapper is what is in it, too."""
    if isinstance(wanted, type):
        return any(isinstance(layer, wanted) for layer in _layers(hook))
    return any(layer is wanted for layer in _layers(hook))


def has_schedule(hook: Any) -> bool:
    """Whether a hook's `next_due` speaks for its `before_run` and `after_run`.

    It does not where a subclass or the object itself has other ones than the class that says when
    it is due: those are to be called in every run.
    """
    own = getattr(hook, '__dict__', {})
    if not supports(hook, SupportsNextDue):
        return False
    if isinstance(hook, StockHook):
        # A subclass of a program's is called in every run, whatever it has under that name.
        module = getattr(hook.next_due, '__module__', None)
        if not (isinstance(module, str) and module.startswith('tfhooks.')):
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
    """What says when a hook that `sleeps` is due next; None where it is called in every run."""
    answers = answering(hook, SupportsNextDue)
    return answers if answers is not None and has_schedule(hook) else None


def next_due(hook: Any) -> NextDue:
    """When a hook is to be called next, which is always where it does not say."""
    answers = sleeper(hook)
    return ALWAYS if answers is None else answers.next_due()


def name_of(hook: Any) -> str:
    """What a hook is called: by the function it was made of, or else by its class."""
    name = getattr(hook, '__name__', None)
    return name if isinstance(name, str) else type(hook).__name__


def _layers(hook: Any) -> Iterator[Any]:
    while hook is not None:
        yield hook
        hook = hook.wrapped_hook if supports(hook, SupportsWrappedHook) else None


def _called(hooks: list[Any], names: list[str]) -> list[Any]:
    """What to call in the runs: the hooks, unless one of them wants to measure the others."""
    for hook in hooks:
        if supports(hook, SupportsMeasureCalls):
            call_target: list[Any] = hook.measure_calls(zip(hooks, names, strict=True))
            return call_target
    return hooks


def overrides(hook: Any, method: str) -> bool:
    """Whether a hook has a `method` of its own, other than the empty one it inherits."""
    if method in getattr(hook, '__dict__', ()):
        return True
    mine = getattr(type(hook), method, None)
    if mine is None:  # What it hands on to another object is its own, too.
        return callable(getattr(hook, method, None))
    empty = (SessionRunHook, originals.SessionRunHook)
    return mine not in [getattr(base, method, None) for base in empty]


def hears_of_errors(hook: Any) -> bool:
    """Whether a hook has an `on_error` in the sense of tfhooks; TensorFlow's hooks have none."""
    return supports(hook, SupportsOnError) or (
        SessionRunHook in type(hook).__mro__ and overrides(hook, 'on_error')
    )
