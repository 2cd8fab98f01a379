"""Structures that `Session.run` can fetch: their keys, copies of them, and results in their form.

A request's fetches are leaves (tensors, operations, variables, names) in containers (lists, tuples,
named tuples, dicts, attrs instances). Everything here is about the containers; what a leaf means is
TensorFlow's to say.
"""

from __future__ import annotations

import collections
import collections.abc
import copy
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tfhooks._tensorflow import VARIABLE_MODULES, tf

_MAPPINGS = (dict, collections.OrderedDict, collections.defaultdict)
# The exact types whose instances are told apart by identity: they stand for one graph element for
# as long as they live. The set grows as classes are met.
_fixed_types: set[type] = set()
_composite_types = {tf.SparseTensor, tf.IndexedSlices, tf.RaggedTensor}


class UnservedError(Exception):
    """A request that no plan is made for; `args[0]` is the reason, a few words for the counters."""


def is_fixed(leaf: Any) -> bool:
    """True if `leaf` means the same graph element for as long as it lives."""
    kind = type(leaf)
    if kind in _fixed_types:
        return True
    if (
        isinstance(leaf, (tf.Tensor, tf.Operation))
        or kind in _composite_types
        or kind.__module__ in VARIABLE_MODULES
    ):
        _fixed_types.add(kind)
        return True
    return False


def is_flat(children: Iterable[Any]) -> bool:
    """True if all of `children` surely are leaves that `is_fixed`; some that are may be missed."""
    return _fixed_types.issuperset(map(type, children))


def is_composite(leaf: Any) -> bool:
    """True if `leaf` is one of TensorFlow's own objects made of several tensors."""
    return type(leaf) in _composite_types


def is_named_tuple(kind: type) -> bool:
    """True if `kind` is a named tuple, built by its fields and read as a plain tuple is."""
    return issubclass(kind, tuple) and hasattr(kind, '_fields') and kind.__iter__ is tuple.__iter__


def attrs_values(fetches: Any) -> list[Any] | None:
    """The fields of an instance of an attrs class in order, None for any other object."""
    fields = getattr(type(fetches), '__attrs_attrs__', None)
    return None if fields is None else [getattr(fetches, field.name) for field in fields]


def structure_key(fetches: Any) -> Any:
    """A hashable value, equal for two structures if they ask for the same in the same form.

    Leaves count by identity, so the key holds good only as long as somebody keeps the leaves alive;
    names by value.

    Raises:
        UnservedError: for an object whose meaning may change from one call to the next.
    """
    kind = type(fetches)
    if kind in _fixed_types:
        return id(fetches)
    if kind is list or kind is tuple:
        fixed = _fixed_types
        return (kind, *[id(x) if type(x) in fixed else structure_key(x) for x in fetches])
    if kind in _MAPPINGS:
        fixed = _fixed_types
        return (
            kind,
            id(getattr(fetches, 'default_factory', None)),
            *[name if type(name) is str else _by_identity(name) for name in fetches],
            *[id(x) if type(x) in fixed else structure_key(x) for x in fetches.values()],
        )
    if kind is str or kind is bytes:
        return fetches
    if is_fixed(fetches):
        return id(fetches)
    if is_named_tuple(kind):
        return (kind, *map(structure_key, fetches))
    values = attrs_values(fetches)
    if values is not None and not isinstance(fetches, (list, tuple, collections.abc.Mapping)):
        return (kind, *map(structure_key, values))
    raise UnservedError(f'fetch of type {kind.__name__}')


def _by_identity(name: Any) -> tuple[type, int]:
    return (type(name), id(name))


def feed_keys_key(feed_dict: Any) -> tuple[Any, ...]:
    """A hashable value for the keys of a feed dict in their order, by identity; names by value.

    Raises:
        UnservedError: for a key that is not one tensor, or a feed dict that is not a dict.
    """
    if type(feed_dict) not in _MAPPINGS:
        raise UnservedError(f'feed_dict of type {type(feed_dict).__name__}')
    if _fixed_types.issuperset(map(type, feed_dict)):
        return tuple(map(id, feed_dict))
    return tuple(map(_feed_key, feed_dict))


def _feed_key(key: Any) -> Any:
    if type(key) in (str, bytes):
        return key
    if is_fixed(key) and not is_composite(key):
        return id(key)
    raise UnservedError(f'feed key of type {type(key).__name__}')


def frozen(fetches: Any) -> Any:
    """Copies the containers, not the leaves, so that the caller's later changes do not matter."""
    kind = type(fetches)
    if kind in (list, tuple):
        return kind(map(frozen, fetches))
    if kind in _MAPPINGS:
        duplicate = copy.copy(fetches)
        for name in duplicate:
            duplicate[name] = frozen(duplicate[name])
        return duplicate
    if is_fixed(fetches) or kind in (str, bytes):
        return fetches
    if is_named_tuple(kind):
        # Skips a `__new__` of its own, which expects results.
        return tuple.__new__(kind, map(frozen, fetches))
    duplicate = copy.copy(fetches)
    for field in kind.__attrs_attrs__:
        # This works for frozen and for slotted attrs classes.
        object.__setattr__(duplicate, field.name, frozen(getattr(fetches, field.name)))
    return duplicate


def leaves(fetches: Any) -> Iterable[Any]:
    """The leaves of `fetches` in order."""
    kind = type(fetches)
    if is_fixed(fetches) or kind in (str, bytes):
        yield fetches
        return
    if kind in _MAPPINGS:
        children = fetches.values()
    elif isinstance(fetches, (list, tuple)):
        children = fetches
    else:
        children = attrs_values(fetches) or ()
    for child in children:
        yield from leaves(child)


Builder = Callable[[Sequence[Any]], Any]


def builder(fetches: Any, place: Callable[[Any], int]) -> Builder:
    """Returns a function that puts a flat sequence of values into the structure of `fetches`.

    Args:
        fetches: A structure without composite leaves.
        place: Returns a leaf's position in that sequence.
    """
    kind = type(fetches)
    if is_fixed(fetches) or kind in (str, bytes):
        return operator.itemgetter(place(fetches))
    if kind in _MAPPINGS:
        return _mapping_builder(fetches, _sequence_builder(list(fetches.values()), place))
    if kind is tuple:
        return _sequence_builder(fetches, place)
    if isinstance(fetches, list):
        in_order = _sequence_builder(fetches, place)
        return lambda values: list(in_order(values))
    children = fetches if isinstance(fetches, tuple) else attrs_values(fetches) or ()
    in_order = _sequence_builder(children, place)
    return lambda values: kind(*in_order(values))


def _sequence_builder(
    children: Sequence[Any], place: Callable[[Any], int]
) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Like `builder`, for a tuple of `children`; `operator.itemgetter` does it for leaves."""
    if all(is_fixed(child) or type(child) in (str, bytes) for child in children):
        places = [place(child) for child in children]
        if len(places) > 1:
            return operator.itemgetter(*places)
        if not places:
            return lambda values: ()
        only = places[0]
        return lambda values: (values[only],)
    parts = [builder(child, place) for child in children]
    return lambda values: tuple([part(values) for part in parts])


def _mapping_builder(fetches: Any, in_order: Builder) -> Builder:
    kind = type(fetches)
    names = list(fetches)
    if kind is dict:
        return lambda values: dict(zip(names, in_order(values), strict=True))
    if kind is collections.defaultdict:
        factory = fetches.default_factory
        return lambda values: collections.defaultdict(
            factory, zip(names, in_order(values), strict=True)
        )
    return lambda values: kind(zip(names, in_order(values), strict=True))
