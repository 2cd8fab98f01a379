"""Finds the leaves of fetch structures, checks them, and replaces dataclasses by tuples.

TensorFlow's `Session.run` takes nested lists, tuples, dicts, namedtuples and attrs classes. A hook
may also ask in a dataclass: it is run as a tuple, and the result is again of the dataclass.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tfhooks._base.errors import Problem, RequestTypeError, kind_of, reason, shown
from tfhooks._run.structures import attrs_values, is_composite
from tfhooks._tensorflow import (
    Graph,
    GraphElement,
    InaccessibleTensorError,
    Operation,
    Tensor,
    fetch_components,
    stands_for_element,
)

Rebuild: TypeAlias = 'Callable[[Any], Any]'

FOREIGN = 'It is not an element of this graph'

_TUPLES_CONSTRUCTOR: Any = tuple.__new__


class Fetch(NamedTuple):
    """One leaf of what one party fetches.

    Attributes:
      owner: The name of the hook, or of the caller, that fetches it.
      path: Where it stands in the structure: `fetches['loss'][1]`.
      elements: The graph elements that a session computes for it.
    """

    owner: str
    path: str
    elements: list[GraphElement]


def is_dataclass_instance(value: Any) -> bool:
    """True if a fetch is an object of a dataclass that means nothing to TensorFlow itself."""
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return False
    if stands_for_element(value):
        return False
    components = fetch_components(value)
    return len(components) == 1 and components[0] is value


def examine(graph: Graph, owner: str, fetches: Any) -> tuple[list[Fetch], list[Problem]]:
    """Checks every leaf of what one party fetches.

    Returns:
      The fetches found, and the mistakes in the others.
    """
    found: list[Fetch] = []
    problems: list[Problem] = []
    for path, leaf in leaves(fetches):
        try:
            found.append(Fetch(owner, path, elements(graph, leaf)))
        except Exception as error:
            problems.append(Problem(owner, f'{path}: {reason(error)}', kind_of(error)))
    problems += [Problem(owner, text, RequestTypeError) for text in _unfit_containers(fetches)]
    return found, problems


def _unfit_containers(value: Any, path: str = 'fetches') -> Iterator[str]:
    """Yields the mistakes in containers that a session could not build of the results.

    TensorFlow would find them only after the run.
    """
    children = [(step, child) for step, child in _children(value) if step is not None]
    kind = type(value)
    held_in_order = isinstance(value, tuple) or attrs_values(value) is not None
    if held_in_order and kind is not tuple and not is_composite(value):
        # The constructor of tuples takes one iterable.
        fits = getattr(kind, '__new__', None) is not _TUPLES_CONSTRUCTOR
        try:
            inspect.signature(kind).bind(*[child for _, child in children])
        except TypeError:
            fits = False
        except ValueError:  # A class without a signature.
            pass
        if not fits:
            yield (
                f'{path}: a {kind.__name__} cannot hold the results, since it is not made of '
                f'{len(children)} positional values. Fetch a tuple, a dict or a NamedTuple'
            )
    for step, child in children:
        yield from _unfit_containers(child, path + str(step))


def leaves(fetches: Any, path: str = 'fetches') -> Iterator[tuple[str, Any]]:
    """Each leaf of a fetch structure, with the path that leads to it: `fetches['loss'][1]`."""
    for step, value in _children(fetches):
        if step is None:
            yield path, value
        else:
            yield from leaves(value, path + step)


def _children(value: Any) -> Iterable[tuple[str | None, Any]]:
    if isinstance(value, (list, tuple)):
        names = getattr(type(value), '_fields', None)
        return [(f'.{names[i]}' if names else f'[{i}]', item) for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return [(f'[{key!r}]', item) for key, item in value.items()]
    values = attrs_values(value)
    if values is not None:
        names = [attribute.name for attribute in type(value).__attrs_attrs__]
        return [(f'.{name}', item) for name, item in zip(names, values, strict=True)]
    if is_dataclass_instance(value):
        return [(f'.{name}', getattr(value, name)) for name in _asked(value)]
    return [(None, value)]


def may_be_element(leaf: Any) -> bool:
    """True if a graph may know a leaf: a name, or an object that stands for graph elements."""
    if isinstance(leaf, (str, bytes, Tensor, Operation)) or stands_for_element(leaf):
        return True
    # Only a composite has components other than itself.
    return leaf is not None and any(part is not leaf for part in fetch_components(leaf))


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
                f'a fetch must be a Tensor, an Operation or a name. got {shown(leaf)} '
                f'(type={type(leaf).__name__}). {reason(error)}'
            ) from None
        except (ValueError, KeyError) as error:
            # TensorFlow shows an operation with all its attributes.
            why = FOREIGN if isinstance(component, GraphElement) else reason(error)
            raise ValueError(
                f'{shown(leaf)} cannot be interpreted as a Tensor of the graph. {why}'
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
    """Replaces dataclasses in a fetch structure by tuples, which every session takes.

    Returns:
      The structure to fetch, and the function that makes the asked-for structure of its results;
      None where nothing had to be changed.
    """
    children: Sequence[Any]
    lowered: Callable[[Sequence[Any]], Any]
    raised: Callable[[Sequence[Any]], Any]
    kind = type(fetches)
    if isinstance(fetches, (list, tuple)):
        children = fetches
        lowered = raised = _sequence_maker(kind)
    elif isinstance(fetches, Mapping):
        children = list(fetches.values())
        lowered = raised = _mapping_maker(fetches)
    elif (values := attrs_values(fetches)) is not None:
        children = values
        lowered = raised = _sequence_maker(kind)
    elif is_dataclass_instance(fetches):
        names = _asked(fetches)
        children = [getattr(fetches, name) for name in names]
        lowered = tuple

        def replaced(results: Sequence[Any]) -> Any:
            return dataclasses.replace(fetches, **dict(zip(names, results, strict=True)))

        raised = replaced

    else:
        return fetches, None
    parts = [lower(child) for child in children]
    rebuilds = [rebuild for _, rebuild in parts]
    if lowered is raised and not any(rebuilds):
        return fetches, None
    in_order = _in_order(fetches)
    return lowered([part for part, _ in parts]), lambda results: raised(
        [
            value if rebuild is None else rebuild(value)
            for rebuild, value in zip(rebuilds, in_order(results), strict=True)
        ]
    )


def _asked(fetches: Any) -> list[str]:
    """The fields of a dataclass that are fetched: those it is made with."""
    return [field.name for field in dataclasses.fields(fetches) if field.init]


def _sequence_maker(kind: type) -> Callable[[Sequence[Any]], Any]:
    """Returns the function by which a session makes a list, tuple, namedtuple or attrs object."""
    if issubclass(kind, list):
        return list
    return tuple if kind is tuple else lambda items: kind(*items)


def _mapping_maker(fetches: Mapping[Any, Any]) -> Callable[[Sequence[Any]], Any]:
    make: Any = type(fetches)
    if isinstance(fetches, collections.defaultdict):
        make = functools.partial(collections.defaultdict, fetches.default_factory)
    keys = list(fetches)
    return lambda items: make(zip(keys, items, strict=True))


def _in_order(fetches: Any) -> Callable[[Any], Sequence[Any]]:
    """Returns the function that takes a result apart, in the order of the fetches."""
    if isinstance(fetches, (list, tuple)):
        return lambda results: results
    if isinstance(fetches, Mapping):
        keys = list(fetches)
        return lambda results: [results[key] for key in keys]
    if attrs_values(fetches) is not None:
        return lambda results: attrs_values(results) or []
    return lambda results: results
