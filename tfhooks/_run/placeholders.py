"""Finds the fetches by which a run failed on a placeholder or a variable without a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tfhooks._base.errors import CALLER, Problem, UnfedPlaceholderError
from tfhooks._run import feeding
from tfhooks._run.feeding import Feed
from tfhooks._run.fetching import Fetch
from tfhooks._tensorflow import Graph, Operation

_PLACEHOLDERS = ('Placeholder', 'PlaceholderV2')
_UNINITIALIZED = re.compile(r'uninitialized value (\S+)|Could not find variable (\S+?)\. ')
_UNFED = re.compile(r"must feed a value for placeholder tensor '([^']+)'")


def unfed_in_run(
    graph: Graph, fetches: Sequence[Fetch], fed: Sequence[Feed], error: Exception
) -> list[Problem]:
    """Finds the hooks' fetches that need the unfed placeholder, if none of the caller's does."""
    match = _UNFED.search(str(error))
    if match is None:
        return []
    operation = _find(graph, match[1])
    if operation is None:
        return []
    behind = [fetch for fetch in fetches if operation in _reached(fetch, fed)]
    if any(fetch.owner == CALLER for fetch in behind):
        return []
    placeholder = match[1]
    if operation.type in _PLACEHOLDERS:
        placeholder = feeding.describe(operation.outputs[0])
    return [_problem(fetch, placeholder) for fetch in behind]


def uninitialized_in_run(
    graph: Graph, fetches: Sequence[Fetch], fed: Sequence[Feed], error: Exception
) -> list[str]:
    """Lists the fetches that depend on the uninitialized variable that a run's error names."""
    match = _UNINITIALIZED.search(str(error))
    operation = _find(graph, match[1] or match[2]) if match else None
    return [
        f'{fetch.owner}: {fetch.path}'
        for fetch in fetches
        if operation is not None and operation in _reached(fetch, fed)
    ]


def _problem(fetch: Fetch, placeholder: str) -> Problem:
    rule = (
        f'{fetch.path}: {fetch.elements[0].name} depends on a placeholder that nobody feeds in '
        f'this run. placeholder={placeholder}. Feed it, or leave hooks out of this run: '
        'session.run_without_hooks(...), or session.run(..., skip_hooks=[...]), or '
        'tfhooks.only_if(hook, ...)'
    )
    return Problem(fetch.owner, rule, UnfedPlaceholderError)


def _find(graph: Graph, name: str) -> Operation | None:
    """The operation that the runtime calls `name`, or the one whose function holds it."""
    parts = name.split('/')
    for length in range(len(parts), 0, -1):
        try:
            operation = graph.as_graph_element('/'.join(parts[:length]), allow_tensor=False)
        except (KeyError, ValueError):
            continue
        return operation if isinstance(operation, Operation) else None
    return None


def _reached(fetch: Fetch, fed: Sequence[Feed]) -> Iterator[Operation]:
    """Yields the operations that may run for a fetch; those that only a feed needs do not."""
    names = {feed.tensor.name for feed in fed}
    seen: set[Operation] = set()
    todo = [
        element if isinstance(element, Operation) else element.op
        for element in fetch.elements
        if isinstance(element, Operation) or element.name not in names
    ]
    while todo:
        operation = todo.pop()
        if operation in seen:
            continue
        seen.add(operation)
        yield operation
        todo += [tensor.op for tensor in operation.inputs if tensor.name not in names]
        todo += operation.control_inputs
