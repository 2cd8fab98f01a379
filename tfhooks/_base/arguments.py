"""Checks the arguments of hooks when they are made."""

from __future__ import annotations

import contextlib
import inspect
import math
import numbers
from collections.abc import Iterator
from typing import Any


def whole(owner: str, name: str, value: Any, *, least: float = 1) -> int | None:
    """Returns `value` as an int of at least `least`; None stays None.

    A float that is a whole number passes, since TensorFlow takes `last_step=1e5` too.

    Args:
      owner: The class whose argument it is.
      name: The argument's name.
      value: The argument.
      least: The smallest value allowed.

    Raises:
      TypeError: It is no whole number.
      ValueError: It is less than `least`.
    """
    if value is None:
        return None
    number(owner, name, value, 'a whole number')
    if not (isinstance(value, numbers.Integral) or float(value).is_integer()):
        raise TypeError(f'{owner}: {name} must be a whole number; {name}={value!r}')
    if value < least:
        # With TensorFlow's word, for programs that search for its text.
        raise ValueError(f'{owner}: {name} must be at least {least}; invalid {name}={value!r}')
    return int(value)


def seconds(owner: str, name: str, value: Any) -> float | None:
    """Returns `value` if it is a positive number of seconds; None stays None.

    Raises:
      TypeError: It is no number.
      ValueError: It is zero, negative, or not a number.
    """
    if value is None:
        return None
    number(owner, name, value, 'a number of seconds')
    if math.isnan(value) or value <= 0:
        raise ValueError(f'{owner}: {name} must be greater than 0 seconds; {name}={value!r}')
    seconds: float = value
    return seconds


def period(owner: str, name: str, value: Any) -> None:
    """Checks a period of a stock hook, which TensorFlow also takes where it is 0 or a fraction.

    Raises:
      TypeError: It is no number, and not None.
      ValueError: It is negative or not a number.
    """
    if value is None:
        return
    number(owner, name, value)
    if not value >= 0:
        raise ValueError(f'{owner}: {name} must be 0 or greater; invalid {name}={value!r}')


@contextlib.contextmanager
def of(owner: str, **values: Any) -> Iterator[None]:
    """Context that adds the owner and the values to a ValueError of TensorFlow's.

    Args:
      owner: The class whose arguments they are.
      **values: The arguments by name.
    """
    try:
        yield
    except ValueError as error:
        given = ', '.join(f'{name}={value!r}' for name, value in values.items())
        raise ValueError(f'{owner}: {str(error).rstrip(".")}; {given}') from None


def number(owner: str, name: str, value: Any, what: str = 'a number') -> None:
    """Raises TypeError, saying that `name` must be `what`, unless `value` is a real number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f'{owner}: {name} must be {what}; {name}={value!r}')


def exactly_one(owner: str, **values: Any) -> None:
    """Raises ValueError unless exactly one of the arguments, given by name, is not None."""
    if sum(value is not None for value in values.values()) != 1:
        *names, last = values
        given = ', '.join(f'{name}={value!r}' for name, value in values.items())
        raise ValueError(
            f'{owner}: exactly one of {", ".join(names)} and {last} must be given; {given}'
        )


def problem_of_call(function: Any, count: int) -> str:
    """Returns why a function cannot be called with `count` arguments, or '' if it can."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # Some functions written in C have no signature.
        return ''
    try:
        signature.bind(*range(count))
    except TypeError as error:
        return str(error)
    return ''


def is_a(owner: str, name: str, value: Any, kinds: Any, what: str) -> None:
    """Raises TypeError, saying that `name` must be `what`, unless `value` is one of `kinds`."""
    if not isinstance(value, kinds):
        raise TypeError(f'{owner}: {name} must be {what}; {name}={value!r}')
