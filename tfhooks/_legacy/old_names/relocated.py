"""Names of modules of `tensorflow.python` that programs import, and their places today.

These modules were never public, but programs of TensorFlow 1 import from them all the same: a
custom optimizer its `control_flow_ops.cond`, a hook its `ops.Tensor`. If a name was only moved,
it can be served at its old place.
"""

from __future__ import annotations


def _public(place: str, names: str) -> dict[str, str]:
    return {name: f'tf.{place}{name}' for name in names.split()}


NAMES: dict[str, dict[str, str]] = {
    'framework.graph_util': _public('graph_util.', 'convert_variables_to_constants'),
    'framework.ops': _public(
        '',
        'IndexedSlices Tensor convert_to_tensor_or_indexed_slices '
        'register_tensor_conversion_function',
    ),
    'ops.array_ops': _public('', 'stack unstack'),
    'ops.control_flow_ops': _public('', 'Assert case cond switch_case while_loop'),
    'ops.nn': _public('nn.', 'bidirectional_dynamic_rnn dynamic_rnn raw_rnn static_rnn'),
    'ops.random_ops': _public('', 'random_crop'),
    'ops.variables': {
        **_public('', 'is_variable_initialized'),
        'RefVariable': 'tensorflow.python.ops.ref_variable.RefVariable',
        'VariableV1': 'tf.Variable',
    },
    'pywrap_tensorflow': _public('train.', 'NewCheckpointReader'),
    'training': {
        'gen_training_ops': 'tensorflow.python.ops.gen_training_ops',
        'training_ops': 'tensorflow.python.ops.gen_training_ops',
    },
    'util.nest': {'is_sequence': 'tf.nest.is_nested'},
}
"""By module, without the leading `tensorflow.python.`: each name, with where it is today."""


def target(dotted: str) -> str | None:
    """Returns the place of a name today, or None if it was not moved.

    Args:
      dotted: The name without the leading `tensorflow.`, such as 'python.framework.ops.Tensor'.
        Anything after the name, such as a method, is ignored.
    """
    parts = dotted.split('.')
    for length in range(2, len(parts)):
        found = NAMES.get('.'.join(parts[1:length]), {}).get(parts[length])
        if found is not None and parts[0] == 'python':
            return found
    return None
