"""Which placeholders a fetch depends on, and which of them nobody feeds."""

from __future__ import annotations

from collections.abc import Iterable

from tfhooks._tensorflow import GraphElement, Operation, Tensor


def needed(elements: Iterable[GraphElement], fed: Iterable[Tensor] = ()) -> list[Tensor]:
    """The placeholders that must be fed so that `elements` can be computed.

    A placeholder in a branch that may not be taken is left out: it has control inputs, and whether it
    is needed is known only in the run.

    Args:
      elements: Tensors and operations of one graph.
      fed: Tensors that are fed. What lies behind them is not computed.

    Returns:
      The output tensors of the placeholders.
    """
    names = {tensor.name for tensor in fed}
    found: dict[str, Tensor] = {}
    seen: set[Operation] = set()
    todo: list[Operation] = []

    def visit(tensor: Tensor) -> None:
        if tensor.name not in names and tensor.op not in seen:
            seen.add(tensor.op)
            todo.append(tensor.op)

    for element in elements:
        if isinstance(element, Operation):
            if element not in seen:
                seen.add(element)
                todo.append(element)
        else:
            visit(element)
    while todo:
        operation = todo.pop()
        if operation.type == 'Placeholder' and not operation.control_inputs:
            output = operation.outputs[0]
            found[output.name] = output
        for tensor in operation.inputs:
            visit(tensor)
        for control in operation.control_inputs:
            if control not in seen:
                seen.add(control)
                todo.append(control)
    return list(found.values())
