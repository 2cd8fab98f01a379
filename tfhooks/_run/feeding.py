"""Resolves the keys of a feed_dict to tensors, and finds mistakes in its keys and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfhooks._base.errors import (
    CALLER,
    ConflictError,
    FedTwiceError,
    NoneFedError,
    Problem,
    RequestError,
    RequestOverflowError,
    RequestStringError,
    RequestTypeError,
    RequestValueError,
    ReturnTypeError,
    kind_of,
    reason,
    shown,
)
from tfhooks._tensorflow import Graph, Tensor, as_array, feed_components, flatten_feed_dict, tf

_FLOATS = frozenset([tf.float16, tf.bfloat16, tf.float32, tf.float64])
_NUMBERS = _FLOATS | {
    getattr(tf, f'{sign}int{bits}') for sign in ('', 'u') for bits in (8, 16, 32, 64)
}


class Feed(NamedTuple):
    """One tensor fed by one party.

    Attributes:
      owner: The name of the hook, or of the caller, that feeds it.
      key: The key as it stands in the feed_dict, for messages.
      tensor: The tensor it means.
      value: The value to feed.
    """

    owner: str
    key: str
    tensor: Tensor
    value: Any


def describe(tensor: Tensor) -> str:
    """A tensor as error messages show it: name, dtype and shape."""
    return f'{tensor.name} (dtype={tensor.dtype.name}, shape={tensor.get_shape()})'


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f'ndarray (dtype={value.dtype}, shape={value.shape})'
    return f'{shown(value)} (type={type(value).__name__})'


def is_given(feed_dict: Any) -> bool:
    """True if a feed_dict is not empty; TensorFlow accepts an empty one of any kind."""
    return feed_dict is not None and not (
        isinstance(feed_dict, (Mapping, list, tuple, set, str)) and not feed_dict
    )


def examine(
    graph: Graph, owner: str, feed_dict: Any, exact: bool = True
) -> tuple[list[Feed], list[Problem]]:
    """Checks every key and value of one party's feed_dict.

    Args:
      graph: The graph that is run.
      owner: Whose feeds they are.
      feed_dict: The party's feed_dict, of any type.
      exact: See `value_problem`.

    Returns:
      The feeds found, and the mistakes in keys and values.
    """
    found, problems = resolve(graph, owner, feed_dict)
    values = [value_problem(graph, feed, exact) for feed in found]
    return found, problems + [problem for problem in values if problem is not None]


def resolve(graph: Graph, owner: str, feed_dict: Any) -> tuple[list[Feed], list[Problem]]:
    """Resolves every key of a feed_dict to the tensors it stands for.

    Returns:
      The feeds found, and a problem for each key that stands for no tensor.
    """
    found: list[Feed] = []
    problems: list[Problem] = []
    if not is_given(feed_dict):
        return found, problems
    if not isinstance(feed_dict, Mapping):
        rule = f'feed_dict must be a dict from tensors to values. got {_shown(feed_dict)}'
        return found, [Problem(owner, rule, ReturnTypeError)]
    for nested_key, nested_value in feed_dict.items():
        place = f'feed_dict[{_key(nested_key)}]'
        try:
            flat = flatten_feed_dict({nested_key: nested_value})
            pairs = [pair for key, value in flat.items() for pair in feed_components(key, value)]
        except Exception as error:
            rule = f'{place}: key and value must have the same structure. {reason(error)}'
            problems.append(Problem(owner, rule, kind_of(error)))
            continue
        for key, value in pairs:
            try:
                tensor = graph.as_graph_element(key, allow_tensor=True, allow_operation=False)
            except Exception as error:
                rule = f'{place}: the key must be a tensor of the graph. {reason(error)}'
                problems.append(Problem(owner, rule, RequestTypeError))
            else:
                found.append(Feed(owner, place, tensor, value))
    return found, problems


def value_problem(graph: Graph, feed: Feed, exact: bool) -> Problem | None:
    """Returns the mistake in the value of a feed, or None.

    Args:
      graph: The graph that is run.
      feed: The feed.
      exact: Also refuse what `Session.run` would silently change: a fraction fed to an integer
        tensor, an integer that wraps around, an imaginary part that is dropped, a number that
        becomes inf.
    """

    def problem(rule: str, kind: type[RequestError]) -> Problem:
        expected = f'expected={describe(feed.tensor)}, received={_shown(feed.value)}'
        return Problem(feed.owner, f'{feed.key}: {rule}. {expected}', kind)

    value, dtype = feed.value, feed.tensor.dtype.as_numpy_dtype
    if value is None:
        return problem('None cannot be fed', NoneFedError)
    if isinstance(value, Tensor):
        rule = 'the value of a feed must be data: a number, string, list or ndarray, not a Tensor'
        return problem(rule, RequestTypeError)
    if not graph.is_feedable(feed.tensor):
        return problem('the tensor may not be fed', RequestValueError)
    if hasattr(value, 'to_numpy_array'):  # A TensorHandle: its tensor is in the runtime already.
        return None
    try:
        with np.errstate(all='ignore'):
            if isinstance(value, int) and not _int_fits(value, dtype):
                return problem("the number must fit the tensor's dtype", RequestOverflowError)
            array = as_array(value, dtype)
    except Exception as error:
        rule = f"the value must be convertible to the tensor's dtype: {reason(error)}"
        return problem(rule, kind_of(error))
    if not feed.tensor.get_shape().is_compatible_with(array.shape):
        rule = f"the shape {array.shape} must be compatible with the tensor's"
        return problem(rule, RequestValueError)
    if dtype is object and not all(map(_is_string, array.flat)):
        return problem('a tensor of strings must be fed strings or bytes', RequestStringError)
    if exact and not _is_kept(value, array, feed.tensor.dtype):
        rule = f"the value must fit the tensor's dtype: {feed.tensor.dtype.name} would change it"
        return problem(rule, RequestValueError)
    return None


def surely_good(key: Any, value: Any) -> bool:
    """True if a feed needs no further check, but for its shape, which a session compares."""
    if not isinstance(key, Tensor):
        return False
    kind = type(value)
    if kind is float:
        return -448.0 <= value <= 448.0 and key.dtype in _FLOATS
    if kind is int:
        return 0 <= value <= 127 and key.dtype in _NUMBERS
    if kind is bool:
        return bool(key.dtype == tf.bool)
    if not isinstance(value, np.ndarray):
        return False
    dtype = key.dtype.as_numpy_dtype
    return dtype is not object and bool(value.dtype == dtype)


def fed_twice(fed: Sequence[Feed]) -> list[Problem]:
    """The tensors that two parties feed, or that a hook feeds twice, however they are spelled."""
    problems = []
    first: dict[str, Feed] = {}
    for feed in fed:
        other = first.setdefault(feed.tensor.name, feed)
        if other is feed or other.owner == feed.owner == CALLER:
            continue
        # The wording keeps TensorFlow's own sentences, which programs and people search for.
        if other.owner == feed.owner:
            by = 'one hook twice'
        else:
            by = 'a SessionRunHook and user' if other.owner == CALLER else 'two hooks'
        rule = (
            f'Same tensor is fed by {by}. tensor={describe(feed.tensor)}, '
            f'fed by {other.owner} as {other.key} and by {feed.owner} as {feed.key}. '
            'Feed it in one place only'
        )
        kind = FedTwiceError if other.owner == feed.owner else ConflictError
        problems.append(Problem(feed.owner, rule, kind))
    return problems


def _key(key: Any) -> str:
    return key.name if isinstance(key, Tensor) else shown(key)


def _int_fits(value: int, dtype: Any) -> bool:
    if dtype is object:
        return False
    return bool(dtype(np.array(value).astype(dtype)) == value)


def _is_string(item: Any) -> bool:
    if isinstance(item, str):
        try:
            item.encode()
        except UnicodeEncodeError:
            return False
        return True
    return isinstance(item, bytes)


def _is_kept(value: Any, array: np.ndarray[Any, Any], dtype: Any) -> bool:
    """True if an array of a tensor's dtype holds the values that were given, up to rounding."""
    given = np.asarray(value)
    if given.dtype == array.dtype or array.dtype.kind == 'O' or given.dtype.kind in 'mM':
        return True
    given, array = _plain(given), _plain(array)
    if given.dtype.kind in 'SU':
        return bool(array.dtype.kind != 'b')
    if given.dtype.kind == 'O' and any(item is None for item in given.flat):
        return False
    if dtype.is_integer or dtype.is_bool or dtype.is_quantized:
        return bool(np.array_equal(given, array))
    if given.dtype.kind == 'c' and array.dtype.kind != 'c' and given.imag.any():
        return False
    overflown = ~np.isfinite(array)
    if not overflown.any():
        return True
    if given.dtype.kind == 'O':
        return bool(np.array_equal(given[overflown], array[overflown]))
    return not bool(np.any(np.isfinite(given[overflown])))


def _plain(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same numbers in a dtype of numpy's own: quantized and small types are extensions."""
    if array.dtype.names:
        array = array[array.dtype.names[0]]
    return array.astype(np.float64) if array.dtype.kind == 'V' else array
