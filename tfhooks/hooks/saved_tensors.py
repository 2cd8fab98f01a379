"""What a Saver writes, read from the ops it added to the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tfhooks._tensorflow import Tensor, tf

# The second one writes the format before TensorFlow 1.0. Their inputs are alike.
_SAVES = frozenset(['SaveV2', 'SaveSlices'])
# The ops a Saver itself makes around these. Anything else comes from a builder of the user's.
_PLUMBING = frozenset(
    [
        'Const',
        'Identity',
        'MergeV2Checkpoints',
        'NoOp',
        'Pack',
        'PlaceholderWithDefault',
        'RegexFullMatch',
        'Select',
        'SelectV2',
        'ShardedFilename',
        'StaticRegexFullMatch',
        'StringJoin',
    ]
)
_COMPARED_BYTES = 1 << 24


class UnknownSaverError(Exception):
    """A Saver's ops are not those that TensorFlow's own Saver makes."""


class SaveOps(NamedTuple):
    """The ops that one run of a Saver's save tensor runs.

    Attributes:
      ops: The ops that save and the plumbing around them.
      keys: The key of each tensor in the checkpoint, in the order of `tensors`.
      slices: The slice of a larger tensor that each is, an empty string for a whole one.
      tensors: The tensors that are written.
    """

    ops: list[Any]
    keys: list[str]
    slices: list[str]
    tensors: list[Tensor]


def save_ops(saver: Any, graph: Any) -> SaveOps:
    """Finds what `saver` writes.

    Raises:
      UnknownSaverError: The Saver's graph holds an op that TensorFlow's Saver does not make.
    """
    found = SaveOps([], [], [], [])
    for op in _reachable(graph.get_tensor_by_name(saver.saver_def.save_tensor_name).op):
        if op.type in _SAVES:
            found.keys.extend(_strings(op.inputs[1]))
            found.slices.extend(_strings(op.inputs[2]))
            found.tensors.extend(op.inputs[3:])
        elif op.type not in _PLUMBING:
            raise UnknownSaverError(f'its save op runs {op.type} {op.name!r}')
        found.ops.append(op)
    if not found.tensors:
        raise UnknownSaverError('it has no op that saves')
    return found


def _reachable(last: Any) -> Iterator[Any]:
    seen = {last}
    waiting = [last]
    while waiting:
        op = waiting.pop()
        yield op
        inputs = op.inputs[:3] if op.type in _SAVES else op.inputs
        for other in [*(tensor.op for tensor in inputs), *op.control_inputs]:
            if other not in seen:
                seen.add(other)
                waiting.append(other)


def _strings(tensor: Any) -> list[str]:
    if tensor.op.type != 'Const':
        raise UnknownSaverError(f'the names in {tensor.name!r} are not constant')
    return [name.decode() for name in tf.make_ndarray(tensor.op.get_attr('value')).ravel()]


def holds_what_is_saved(prefix: str, saver: Any, session: Any, *, in_full: bool = False) -> bool:
    """Whether the checkpoint at `prefix` holds what `saver` would write for `session` now.

    The keys must be the same; of the values, the smaller ones are compared, 16 MiB at most: a
    proof that is cheap beside the restore that came before it. With `in_full` all must have been
    compared.
    """
    try:
        found = save_ops(saver, session.graph)
    except UnknownSaverError:
        return False
    reader = tf.train.load_checkpoint(prefix)
    shapes = reader.get_variable_to_shape_map()
    if set(shapes) != set(found.keys):
        return False
    left = _COMPARED_BYTES
    keys, tensors = [], []
    whole = [
        (int(np.prod(shapes[key], dtype=np.int64)) * max(tensor.dtype.base_dtype.size or 1, 1), i)
        for i, (key, part, tensor) in enumerate(
            zip(found.keys, found.slices, found.tensors, strict=True)
        )
        if not part
    ]
    for size, i in sorted(whole):
        left -= size
        if left < 0:
            break
        keys.append(found.keys[i])
        tensors.append(found.tensors[i])
    if in_full and len(tensors) < len(found.tensors):
        return False
    return all(
        _same(reader.get_tensor(key), value)
        for key, value in zip(keys, session.run(tensors), strict=True)
    )


def could_restore(prefix: str, saver: Any, graph: Any) -> bool:
    """Whether the checkpoint at `prefix` holds all that `saver` restores into `graph`."""
    try:
        found = save_ops(saver, graph)
        shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    except (UnknownSaverError, tf.errors.OpError, ValueError, RuntimeError):
        return False
    return all(
        key in shapes and (part or tensor.shape.is_compatible_with(shapes[key]))
        for key, part, tensor in zip(found.keys, found.slices, found.tensors, strict=True)
    )


def _same(one: Any, other: Any) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype == object:
        return bool(np.array_equal(one, other))
    return bool(one.tobytes() == other.tobytes())  # NaN equals NaN here.
