"""Whether operations have kernels for GPUs, by the registry of a TensorFlow built with them.

So a run without a GPU finds what one with a GPU would refuse. Where an operation may be placed is
looked at of the whole graph, as TensorFlow does, and not of what is run alone.
"""

from __future__ import annotations

import functools

from tensorflow.python.framework import kernels


@functools.cache
def _for_gpus(kind):
    """The kernels of a kind of operation: those that GPUs have of their own, or with others."""
    found = kernels.get_registered_kernels_for_op(kind).kernel
    return [kernel for kernel in found if kernel.device_type in ('GPU', 'DEFAULT')]


def _serves(kernel, node):
    return not kernel.label and all(
        rule.name in node.attr
        and {node.attr[rule.name].type or None, *node.attr[rule.name].list.type} - {None}
        <= set(rule.allowed_values.list.type)
        for rule in kernel.constraint
    )


def lacking(graph, device):
    """The operations that ask for `device`, and could not be there if it were a GPU."""
    return [
        f'{node.name} = {node.op}({dict(node.attr)})'
        for node in graph.as_graph_def().node
        if node.device.upper().endswith(device.lstrip('/'))
        and not any(_serves(kernel, node) for kernel in _for_gpus(node.op))
    ]
