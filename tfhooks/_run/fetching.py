"""Finds the leaves of fetch structures, checks them, and replaces dataclasses by tuples.

TensorFlow's `Session.run` takes nested lists, tuples, dicts, namedtuples and attrs classes. A hook
may also ask in a dataclass: it is run as a tuple, and the result is again of the dataclass.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from tfhooks._base.errors import Problem, RequestTypeError, kind_of, reason, shown
from tfhooks._run.structures import container, is_composite
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
    found = container(value)
    if found is None:
        return
    kind = type(value)
    is_made_by_call = isinstance(value, tuple) or hasattr(kind, '__attrs_attrs__')
    if is_made_by_call and kind is not tuple and not is_composite(value):
        # The constructor of tuples takes one iterable.
        fits = getattr(kind, '__new__', None) is not _TUPLES_CONSTRUCTOR
        try:
            inspect.signature(kind).bind(*found.children)
        except TypeError:
            fits = False
        except ValueError:  # A class without a signature.
            pass
        if not fits:
            yield (
                f'{path}: a {kind.__name__} cannot hold the results, since it is not made of '
                f'{len(found.children)} positional values. Fetch a tuple, a dict or a NamedTuple'
            )
    for step, child in zip(found.steps(), found.children, strict=True):
        yield from _unfit_containers(child, path + step)


def leaves(fetches: Any, path: str = 'fetches') -> Iterator[tuple[str, Any]]:
    """Each leaf of a fetch structure, with the path that leads to it: `fetches['loss'][1]`."""
    found = container(fetches)
    if found is None:
        yield path, fetches
        return
    for step, child in zip(found.steps(), found.children, strict=True):
        yield from leaves(child, path + step)


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
    found = container(fetches)
    if found is None:
        return fetches, None
    parts = [lower(child) for child in found.children]
    rebuilds = [rebuild for _, rebuild in parts]
    if not found.is_dataclass and not any(rebuilds):
        return fetches, None
    build = found.build
    lowered, take_apart = (tuple, tuple) if found.is_dataclass else (build, found.parts)
    return lowered([part for part, _ in parts]), lambda results: build(
        [
            value if rebuild is None else rebuild(value)
            for rebuild, value in zip(rebuilds, take_apart(results), strict=True)
        ]
    )
