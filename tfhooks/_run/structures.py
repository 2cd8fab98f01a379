"""The containers that fetches come in: their children with paths, and results put in their place.

A request's fetches are leaves (tensors, operations, variables, names) in containers (lists, tuples,
named tuples, dicts, attrs instances, and dataclasses of a hook's). `container` is the one place
that knows the kinds; what a leaf means is TensorFlow's to say. Keys and copies of requests, which
every run may need, have walks of their own for the plain kinds.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tfhooks._tensorflow import VARIABLE_MODULES, fetch_components, stands_for_element, tf

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


Builder = Callable[[Sequence[Any]], Any]


class Container(NamedTuple):
    """One container of a fetch structure, of whatever kind.

    Attributes:
      steps: Gives how a path goes on to each child: `[0]`, `['loss']` or `.loss`.
      children: The children, in the order in which their results come.
      build: Makes the container that the results are given in, of one result for each child.
      parts: Takes such a container apart again, in the same order.
      is_dataclass: Whether it is an object of a dataclass, which sessions do not take.
    """

    steps: Callable[[], list[str]]
    children: Sequence[Any]
    build: Builder
    parts: Callable[[Any], Sequence[Any]]
    is_dataclass: bool = False


def container(value: Any) -> Container | None:
    """The container that `value` is, or None where it is a leaf."""
    kind = type(value)
    if isinstance(value, (list, tuple)):
        build: Any = functools.partial(_call, kind)
        if isinstance(value, list) or kind is tuple:
            build = list if isinstance(value, list) else tuple
        return Container(functools.partial(_steps_of_sequence, value), value, build, _same)
    if isinstance(value, Mapping):
        keys = list(value)
        make: Any = kind
        if isinstance(value, collections.defaultdict):
            make = functools.partial(collections.defaultdict, value.default_factory)
        return Container(
            lambda: [f'[{key!r}]' for key in keys],
            list(value.values()),
            lambda results: make(zip(keys, results, strict=True)),
            lambda built: [built[key] for key in keys],
        )
    fields = getattr(kind, '__attrs_attrs__', None)
    if fields is not None:
        take = functools.partial(_attributes, [field.name for field in fields])
        build = functools.partial(_call, kind)
        return Container(lambda: [f'.{field.name}' for field in fields], take(value), build, take)
    if _is_dataclass_instance(value):
        names = [field.name for field in dataclasses.fields(value) if field.init]
        return Container(
            lambda: [f'.{name}' for name in names],
            _attributes(names, value),
            lambda results: dataclasses.replace(value, **dict(zip(names, results, strict=True))),
            functools.partial(_attributes, names),
            is_dataclass=True,
        )
    return None


def _steps_of_sequence(value: Sequence[Any]) -> list[str]:
    names = getattr(type(value), '_fields', None)
    return [f'.{names[i]}' if names else f'[{i}]' for i in range(len(value))]


def _same(results: Any) -> Any:
    return results


def _call(kind: type, results: Sequence[Any]) -> Any:
    return kind(*results)


def _attributes(names: Sequence[str], value: Any) -> list[Any]:
    return [getattr(value, name) for name in names]


def _is_dataclass_instance(value: Any) -> bool:
    """Returns whether a fetch is an object of a dataclass that means nothing to TensorFlow."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return False
    if stands_for_element(value):
        return False
    components = fetch_components(value)
    return len(components) == 1 and components[0] is value


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
    fields = getattr(kind, '__attrs_attrs__', None)
    if fields is not None and not isinstance(fetches, (list, tuple, Mapping)):
        return (kind, *[structure_key(getattr(fetches, field.name)) for field in fields])
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
    if is_fixed(fetches) or type(fetches) in (str, bytes):
        yield fetches
    elif (found := container(fetches)) is not None:
        for child in found.children:
            yield from leaves(child)


def builder(fetches: Any, place: Callable[[Any], int]) -> Builder:
    """Returns a function that puts a flat sequence of values into the structure of `fetches`.

    Args:
        fetches: A structure without composite leaves.
        place: Returns a leaf's position in that sequence.
    """
    found = None if is_fixed(fetches) else container(fetches)
    if found is None:
        return operator.itemgetter(place(fetches))
    in_order = _sequence_builder(found.children, place)
    build = found.build
    return in_order if build is tuple else lambda values: build(in_order(values))


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
