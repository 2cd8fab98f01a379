"""Feeds: the graph elements behind the keys of a feed_dict, and what is wrong with a key or a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tfhooks._tensorflow import Graph, Tensor, feed_components, flatten_feed_dict
from tfhooks.errors import (
    Problem,
    RequestError,
    RequestTypeError,
    RequestValueError,
    kind_of,
)


class Feed(NamedTuple):
    """One tensor fed by one party.

    Attributes:
      who: Whose feed it is.
      key: The key as it stands in the feed_dict, for messages.
      tensor: The tensor it means.
      value: What is to be fed.
    """

    who: str
    key: str
    tensor: Tensor
    value: Any


def describe(tensor: Tensor) -> str:
    """A tensor as error messages show it: name, dtype and shape."""
    return f'{tensor.name} (dtype={tensor.dtype.name}, shape={tensor.get_shape()})'


def _shown(value: Any) -> str:
    text = repr(value)
    text = text if len(text) <= 60 else text[:57] + '...'
    if isinstance(value, np.ndarray):
        return f'ndarray (dtype={value.dtype}, shape={value.shape})'
    return f'{text} (type={type(value).__name__})'


def resolve(
    graph: Graph, who: str, feed_dict: Mapping[Any, Any]
) -> tuple[list[Feed], list[Problem]]:
    """Brings every key of a feed_dict to the tensors it stands for.

    Returns:
      The feeds found, and what is wrong with the keys that stand for none.
    """
    found: list[Feed] = []
    problems: list[Problem] = []
    if not isinstance(feed_dict, Mapping):
        rule = f'feed_dict must be a dict from tensors to values. got {_shown(feed_dict)}'
        return found, [Problem(who, rule, RequestTypeError)]
    for nested_key, nested_value in feed_dict.items():
        place = f'feed_dict[{_key(nested_key)}]'
        try:
            flat = flatten_feed_dict({nested_key: nested_value})
            pairs = [pair for key, value in flat.items() for pair in feed_components(key, value)]
        except (TypeError, ValueError) as error:
            rule = f'{place}: key and value must have the same structure. {error}'
            problems.append(Problem(who, rule, kind_of(error)))
            continue
        for key, value in pairs:
            try:
                tensor = graph.as_graph_element(key, allow_tensor=True, allow_operation=False)
            except (TypeError, ValueError, KeyError) as error:
                reason = error.args[0] if error.args else error
                rule = f'{place}: the key must be a tensor of the graph. {reason}'
                problems.append(Problem(who, rule, RequestTypeError))
            else:
                found.append(Feed(who, place, tensor, value))
    return found, problems


def value_problem(graph: Graph, feed: Feed, exact: bool) -> Problem | None:
    """What is wrong with the value of a feed, or None.

    Args:
      graph: The graph that is run.
      feed: The feed.
      exact: Also refuse what `Session.run` would silently change: a fraction fed to an integer tensor,
        an integer that wraps around, an imaginary part that is dropped.
    """

    def problem(rule: str, kind: type[RequestError]) -> Problem:
        expected = f'expected={describe(feed.tensor)}, received={_shown(feed.value)}'
        return Problem(feed.who, f'{feed.key}: {rule}. {expected}', kind)

    value, dtype = feed.value, feed.tensor.dtype.as_numpy_dtype
    if value is None:
        return problem('None cannot be fed', RequestTypeError)
    if isinstance(value, Tensor):
        rule = 'the value of a feed must be data: a number, string, list or ndarray, not a Tensor'
        return problem(rule, RequestTypeError)
    if not graph.is_feedable(feed.tensor):
        return problem('the tensor may not be fed', RequestValueError)
    if hasattr(value, 'to_numpy_array'):  # A TensorHandle: its tensor is in the runtime already.
        return None
    try:
        if isinstance(value, int) and not _int_fits(value, dtype):
            return problem("the number must fit the tensor's dtype", RequestTypeError)
        array = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        return problem(
            f"the value must be convertible to the tensor's dtype: {error}", kind_of(error)
        )
    if not feed.tensor.get_shape().is_compatible_with(array.shape):
        rule = f"the shape {array.shape} must be compatible with the tensor's"
        return problem(rule, RequestValueError)
    if exact and not _kept(value, array):
        rule = f"the value must fit the tensor's dtype: {dtype.__name__} would change it"
        return problem(rule, RequestValueError)
    return None


def surely_good(key: Any, value: Any) -> bool:
    """Whether a feed needs no closer look: an array of the very dtype of a tensor given as such."""
    return (
        isinstance(value, np.ndarray)
        and isinstance(key, Tensor)
        and value.dtype == key.dtype.as_numpy_dtype
    )


def _key(key: Any) -> str:
    return key.name if isinstance(key, Tensor) else repr(key)


def _int_fits(value: int, dtype: Any) -> bool:
    if dtype is object:
        return False
    return bool(dtype(np.array(value).astype(dtype)) == value)


def _kept(value: Any, array: np.ndarray[Any, Any]) -> bool:
    given = np.asarray(value)
    if given.dtype == array.dtype or given.dtype.kind in 'OSUV' or array.dtype.kind in 'OSUV':
        return True
    if array.dtype.kind in 'iub' or given.dtype.kind == 'c' != array.dtype.kind:
        return bool(np.array_equal(given, array))
    return True
