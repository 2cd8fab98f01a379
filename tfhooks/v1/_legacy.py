"""`tf.layers` and `tf.nn.rnn_cell` without Keras 2: namespaces whose errors say what to do."""

from __future__ import annotations

from types import ModuleType

from tfhooks._tensorflow import tf
from tfhooks.v1._overlay import lay_over


def without_keras_2(package: str, problem: str) -> dict[str, ModuleType]:
    """Builds the namespaces that need Keras 2, with errors for its names.

    Args:
      package: The name of the package that they are to be in.
      problem: The text of the error for each name.

    Returns:
      The modules by name. In TensorFlow's own, each name says "not available with Keras 3".
    """

    def explained(name: str, upstream: object) -> ModuleType:
        module = ModuleType(f'{package}.{name}', f'`tf.{name}`, which {problem}.')
        lay_over(
            module,
            upstream,
            # Python itself looks up names with underscores.
            why_missing=lambda missing: (
                None if missing.startswith('_') else f'tf.{name}.{missing} {problem}.'
            ),
        )
        return module

    nn = ModuleType(f'{package}.nn', tf.nn.__doc__)
    vars(nn)['rnn_cell'] = explained('nn.rnn_cell', tf.nn.rnn_cell)
    lay_over(nn, tf.nn)
    return {'layers': explained('layers', tf.layers), 'nn': nn}
