"""Which placeholders a fetch depends on, and whose fetch needs one that nobody feeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tfhooks import feeding
from tfhooks._tensorflow import Graph, GraphElement, Operation, Tensor
from tfhooks.errors import CALLER, Problem, UnfedPlaceholderError
from tfhooks.feeding import Feed
from tfhooks.fetching import Fetch

_PLACEHOLDERS = ('Placeholder', 'PlaceholderV2')
# Where one of the inputs decides which of the others count: the number of the deciding one.
_DECIDED_BY = {
    'Switch': 1,
    'RefSwitch': 1,
    'If': 0,
    'StatelessIf': 0,
    'Case': 0,
    'StatelessCase': 0,
}
_UNFED = re.compile(r"must feed a value for placeholder tensor '([^']+)'")


def needed(elements: Iterable[GraphElement], fed: Iterable[Tensor] = ()) -> list[Tensor]:
    """The placeholders that must be fed so that `elements` can be computed, whatever happens.

    A placeholder in a branch that may not be taken is left out, and one behind a branch that is
    decided before the run: whether these are needed is known only in the run.

    Args:
      elements: Tensors and operations of one graph.
      fed: Tensors that are fed. What lies behind them is not computed.

    Returns:
      The output tensors of the placeholders.
    """
    return [
        operation.outputs[0]
        for operation in _reached(elements, fed, surely=True)
        # In a branch it has control inputs.
        if operation.type in _PLACEHOLDERS and not operation.control_inputs
    ]


def unfed(fetches: Sequence[Fetch], fed: Sequence[Feed]) -> list[Problem]:
    """The hooks' fetches that surely need a placeholder which nobody feeds.

    What the caller's own fetches lack too is left to the run, which says it as it always did.
    """
    tensors = [feed.tensor for feed in fed]
    hooks = [element for fetch in fetches if fetch.who != CALLER for element in fetch.elements]
    missing = {tensor.name for tensor in needed(hooks, tensors)}
    if missing:
        callers = [e for fetch in fetches if fetch.who == CALLER for e in fetch.elements]
        missing -= {tensor.name for tensor in needed(callers, tensors)}
    if not missing:
        return []
    return [
        _problem(fetch, feeding.describe(tensor))
        for fetch in fetches
        if fetch.who != CALLER
        for tensor in needed(fetch.elements, tensors)
        if tensor.name in missing
    ]


def unfed_in_run(
    graph: Graph, fetches: Sequence[Fetch], fed: Sequence[Feed], error: Exception
) -> list[Problem]:
    """The hooks' fetches behind a run's error about a placeholder, if the caller's are not."""
    match = _UNFED.search(str(error))
    if match is None:
        return []
    operation = _find(graph, match[1])
    if operation is None:
        return []
    tensors = [feed.tensor for feed in fed]
    behind = [f for f in fetches if operation in set(_reached(f.elements, tensors))]
    if any(fetch.who == CALLER for fetch in behind):
        return []
    placeholder = match[1]
    if operation.type in _PLACEHOLDERS:
        placeholder = feeding.describe(operation.outputs[0])
    return [_problem(fetch, placeholder) for fetch in behind]


def _problem(fetch: Fetch, placeholder: str) -> Problem:
    rule = (
        f'{fetch.path}: {fetch.elements[0].name} depends on a placeholder that nobody feeds in '
        f'this run. placeholder={placeholder}. Feed it, or leave hooks out of this run: '
        'session.run_without_hooks(...), or session.run(..., skip_hooks=[...]), or set the '
        "hook's when_fed=[placeholder]"
    )
    return Problem(fetch.who, rule, UnfedPlaceholderError)


def _find(graph: Graph, name: str) -> Operation | None:
    """The operation that the runtime calls `name`: it, or the one whose function holds it."""
    parts = name.split('/')
    for length in range(len(parts), 0, -1):
        try:
            operation = graph.as_graph_element('/'.join(parts[:length]), allow_tensor=False)
        except (KeyError, ValueError):
            continue
        return operation if isinstance(operation, Operation) else None
    return None


def _reached(
    elements: Iterable[GraphElement], fed: Iterable[Tensor], surely: bool = False
) -> Iterator[Operation]:
    """The operations that are run for `elements`; `surely` leaves out what may be cut off."""
    names = {tensor.name for tensor in fed}
    seen: set[Operation] = set()
    todo: list[Operation] = []

    def visit(operation: Operation) -> None:
        if operation not in seen:
            seen.add(operation)
            todo.append(operation)

    for element in elements:
        if isinstance(element, Operation):
            visit(element)
        elif element.name not in names:
            visit(element.op)
    while todo:
        operation = todo.pop()
        yield operation
        inputs: Iterable[Tensor] = operation.inputs
        if surely and operation.type in _DECIDED_BY:
            deciding = operation.inputs[_DECIDED_BY[operation.type]]
            if _is_constant(deciding, names):
                inputs = [deciding]
        for tensor in inputs:
            if tensor.name not in names:
                visit(tensor.op)
        for control in operation.control_inputs:
            visit(control)


def _is_constant(tensor: Tensor, fed: set[str]) -> bool:
    """Whether a tensor may be known before the run: it comes of constants alone."""
    todo, seen = [tensor], {tensor.name}
    while todo:
        tensor = todo.pop()
        operation = tensor.op
        if tensor.name in fed or operation.op_def.is_stateful:
            return False
        if not operation.inputs and operation.type != 'Const':
            return False
        for source in operation.inputs:
            if source.name not in seen:
                seen.add(source.name)
                todo.append(source)
    return True
