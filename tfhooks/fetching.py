"""Fetch structures: their leaves with the path to each, what is wrong with a leaf, and dataclasses.

TensorFlow's `Session.run` takes nested lists, tuples, dicts, namedtuples and attrs classes. A hook may
also ask in a dataclass: it is run as a tuple, and the result is an object of the dataclass again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from tfhooks._tensorflow import (
    Graph,
    GraphElement,
    InaccessibleTensorError,
    Operation,
    fetch_components,
)

Rebuild: TypeAlias = 'Callable[[Any], Any]'


def is_dataclass_instance(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def leaves(fetches: Any, path: str = 'fetches') -> Iterator[tuple[str, Any]]:
    """Each leaf of a fetch structure, with the path that leads to it: `fetches['loss'][1]`."""
    for step, value in _children(fetches):
        if step is None:
            yield path, value
        else:
            yield from leaves(value, path + step)


def _children(value: Any) -> Iterator[tuple[str | None, Any]]:
    kind = type(value)
    if isinstance(value, (list, tuple)):
        names = getattr(kind, '_fields', None)
        for index, item in enumerate(value):
            yield (f'.{names[index]}' if names else f'[{index}]'), item
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield f'[{key!r}]', item
    elif getattr(kind, '__attrs_attrs__', None) is not None:
        for attribute in kind.__attrs_attrs__:
            yield f'.{attribute.name}', getattr(value, attribute.name)
    elif is_dataclass_instance(value):
        for field in dataclasses.fields(value):
            if field.init:
                yield f'.{field.name}', getattr(value, field.name)
    else:
        yield None, value


def elements(graph: Graph, leaf: Any) -> list[GraphElement]:
    """The graph elements that a session fetches for one leaf.

    Raises:
      TypeError: The leaf is None or nothing that a graph knows.
      ValueError: It is not in this graph, or it may not be fetched.
    """
    if leaf is None:
        raise TypeError('None cannot be fetched')
    found = []
    for component in fetch_components(leaf):
        try:
            element = graph.as_graph_element(component, allow_tensor=True, allow_operation=True)
        except TypeError as error:
            raise TypeError(
                f'a fetch must be a Tensor, an Operation or a name. got {leaf!r} '
                f'(type={type(leaf).__name__}). {error}'
            ) from None
        except (ValueError, KeyError) as error:
            reason = error.args[0] if error.args else error
            raise ValueError(
                f'{leaf!r} cannot be interpreted as a Tensor of the graph. {reason}'
            ) from None
        operation = element if isinstance(element, Operation) else element.op
        if not graph.is_fetchable(operation):
            raise InaccessibleTensorError(
                f'operation={operation.name} has been marked as not fetchable: it is defined in '
                'another function or block'
            )
        found.append(element)
    return found


def lower(fetches: Any) -> tuple[Any, Rebuild | None]:
    """Brings dataclasses in a fetch structure to tuples, which every session takes.

    Returns:
      The structure to fetch, and the function that makes the asked-for structure of its results;
      None where nothing had to be changed.
    """
    if is_dataclass_instance(fetches):
        names = [field.name for field in dataclasses.fields(fetches) if field.init]
        parts = [lower(getattr(fetches, name)) for name in names]
        return tuple(part for part, _ in parts), lambda results: dataclasses.replace(
            fetches,
            **{name: _raise(part, value) for name, part, value in zip(names, parts, results)},
        )
    if isinstance(fetches, (list, tuple)):
        parts = [lower(item) for item in fetches]
        if all(rebuild is None for _, rebuild in parts):
            return fetches, None
        make = _maker(type(fetches))
        return make([part for part, _ in parts]), lambda results: make(
            [_raise(part, value) for part, value in zip(parts, results)]
        )
    if isinstance(fetches, dict):
        named = {key: lower(item) for key, item in fetches.items()}
        if all(rebuild is None for _, rebuild in named.values()):
            return fetches, None
        return {key: part for key, (part, _) in named.items()}, lambda results: {
            key: _raise(part, results[key]) for key, part in named.items()
        }
    return fetches, None


def _raise(part: tuple[Any, Rebuild | None], value: Any) -> Any:
    rebuild = part[1]
    return value if rebuild is None else rebuild(value)


def _maker(kind: type) -> Callable[[list[Any]], Any]:
    if hasattr(kind, '_fields'):
        return lambda items: kind(*items)
    return kind
