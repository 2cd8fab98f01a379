"""The operations of `tf.contrib` whose kernels this TensorFlow has."""

from __future__ import annotations

from typing import Any

from tfhooks._tensorflow import tf


def call(operation: str, **arguments: Any) -> Any:
    """Adds an operation to the graph.

    Args:
      operation: Its name, such as 'LSTMBlockCell'.
      **arguments: Its inputs and attributes, and `name`.

    Raises:
      NotFoundError: Its kernel was removed with TensorFlow 1.
    """
    function: Any = _OURS.get(operation) or getattr(tf.raw_ops, operation, None)
    if function is None:
        raise tf.errors.NotFoundError(
            None,
            None,
            f'{operation}: the kernel of this operation was in a library of tf.contrib that went '
            'with TensorFlow 1, and no Python file can stand for it',
        )
    return function(**arguments)


def gather_tree(
    step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: Any = None
) -> Any:
    """Stands for the operation GatherTree: reads the final beams of a search backwards.

    Args:
      step_ids: The tokens, `[max_time, batch_size, beam_width]`, int32.
      parent_ids: The beam that each came from, of the same shape.
      max_sequence_lengths: The lengths of the beams of each entry, `[batch_size]`, int32.
      end_token: The token that ends a beam, a scalar.
      name: A name scope.

    Returns:
      The beams, of the shape of `step_ids`; `end_token` after the first one, and after the end.

    Raises:
      InvalidArgumentError: When it runs, a parent is no beam.
    """
    with tf.name_scope(name, 'GatherTree', [step_ids, parent_ids, max_sequence_lengths]):
        step_ids = tf.convert_to_tensor(step_ids)
        parent_ids = tf.convert_to_tensor(parent_ids, step_ids.dtype)
        end_token = tf.convert_to_tensor(end_token, step_ids.dtype)
        lengths = tf.convert_to_tensor(max_sequence_lengths)
        shape = tf.shape(step_ids)
        ends = tf.fill(shape, end_token)
        # At its last step, each beam is read at its own index.
        beams = tf.zeros_like(step_ids[0]) + tf.range(shape[2], dtype=step_ids.dtype)

        def step_before(following: Any, now: Any) -> Any:
            time, tokens, parents, end = now
            beam, _ = following
            is_inside = tf.broadcast_to((time < lengths)[:, None], shape[1:])
            return (
                tf.where(is_inside, tf.gather(parents, beam, batch_dims=1), beam),
                tf.where(is_inside, tf.gather(tokens, beam, batch_dims=1), end),
            )

        times = tf.range(shape[0], dtype=lengths.dtype)
        steps = (times, step_ids, parent_ids, ends)
        _, found = tf.scan(step_before, steps, (beams, beams), reverse=True, back_prop=False)
        has_ended = tf.cumsum(tf.cast(tf.equal(found, ends), tf.int32), exclusive=True) > 0
        found = tf.where(has_ended, ends, found)
        found.set_shape(step_ids.shape)
        return found


def sparse_feature_cross(dense: Any, **arguments: Any) -> Any:
    """Stands for the operation SparseFeatureCrossV2, which is called SparseCross today."""
    return tf.raw_ops.SparseCross(dense_inputs=dense, **arguments)


_OURS = {'GatherTree': gather_tree, 'SparseFeatureCrossV2': sparse_feature_cross}
