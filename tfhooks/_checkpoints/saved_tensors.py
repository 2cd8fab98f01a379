"""Finds the tensors that a Saver writes, from the ops that it added to the graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tfhooks._checkpoints import checkpoint_files
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
        'ShardedFilespec',
        'StaticRegexFullMatch',
        'StringJoin',
    ]
)


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


def is_tensorflows_own(saver: Any) -> bool:
    """True if `saver.save` is that of TensorFlow's Saver."""
    own = getattr(saver, '__dict__', {})
    return (
        isinstance(saver, tf.train.Saver)
        and type(saver).save is tf.train.Saver.save
        and 'save' not in own
    )


def save_ops(saver: Any, graph: Any) -> SaveOps:
    """Finds the ops and tensors of a save by `saver`.

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


def read(prefix: str, reader: Any, key: str) -> Any:
    """Reads the value of `key` in the checkpoint at `prefix` by `reader`, or else by a restore op.

    For the format before TensorFlow 1.0, TensorFlow's reader cannot join the parts of a partitioned
    variable, nor read all types. The restore op can.
    """
    try:
        return np.asarray(reader.get_tensor(key))
    except tf.errors.UnimplementedError:
        dtype = reader.get_variable_to_dtype_map()[key]
        config = tf.ConfigProto(device_count={'GPU': 0})
        with tf.Graph().as_default(), tf.Session(config=config) as session:
            return session.run(
                tf.raw_ops.RestoreV2(
                    prefix=prefix, tensor_names=[key], shape_and_slices=[''], dtypes=[dtype]
                )
            )[0]


class Fit(NamedTuple):
    """The differences between a checkpoint and what a Saver restores: a line for each name.

    Attributes:
      missing: Names that are not in the checkpoint.
      different: Names with another shape or dtype there.
      unexpected: Names that are only there.
    """

    missing: list[str]
    different: list[str]
    unexpected: list[str]


def fit(prefix: str, saver: Any, graph: Any) -> Fit:
    """Compares the checkpoint at `prefix` with what `saver` restores into `graph`.

    Raises:
      UnknownSaverError: The Saver's ops are not TensorFlow's.
      tf.errors.OpError: The checkpoint cannot be read.
    """
    found = save_ops(saver, graph)
    reader = tf.train.NewCheckpointReader(prefix)
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    reshapes = _reshapes(saver, graph)
    missing, different = {}, {}
    for key, part, tensor in zip(found.keys, found.slices, found.tensors, strict=True):
        shape, dtype = _full_shape(part, tensor), tensor.dtype.base_dtype
        if key not in shapes:
            missing[key] = f'{key}: not found in checkpoint; shape={shape}'
            continue
        there = tf.TensorShape(shapes[key])
        if reshapes and shape.num_elements() in (None, there.num_elements()):
            shape = there
        wrong = difference(shape, dtype, there, dtypes[key])
        if wrong:
            different[key] = f'{key}: {wrong}'
    unexpected = [
        f'{key}: only in the checkpoint; shape={tf.TensorShape(shapes[key])}'
        for key in sorted(set(shapes) - set(found.keys))
    ]
    return Fit(list(missing.values()), list(different.values()), unexpected)


def difference(shape: Any, dtype: Any, saved_shape: Any, saved_dtype: Any) -> str:
    """Returns in what a tensor differs from the one in a checkpoint, or '' if in nothing."""
    found = []
    if not shape.is_compatible_with(saved_shape):
        found.append(f'shape={shape}, in the checkpoint {tf.TensorShape(saved_shape)}')
    if dtype != saved_dtype:
        found.append(f'dtype={dtype.name}, in the checkpoint {saved_dtype.name}')
    return '; '.join(found)


def _full_shape(part: str, tensor: Tensor) -> Any:
    """The shape of the whole variable, from a slice such as '5 2 0,2:-' where it is a part."""
    return tf.TensorShape([int(size) for size in part.split(' ')[:-1]]) if part else tensor.shape


def _reshapes(saver: Any, graph: Any) -> bool:
    """True if the Saver was made with `reshape=True`."""
    last = graph.get_operation_by_name(saver.saver_def.restore_op_name)
    return any(op.type == 'Reshape' for op in _reachable(last))


def could_restore(prefix: str, saver: Any, graph: Any) -> bool:
    """True if the checkpoint at `prefix` holds all that `saver` restores into `graph`."""
    try:
        with checkpoint_files.readable(prefix) as name:
            found = fit(name, saver, graph)
    except (UnknownSaverError, tf.errors.OpError, ValueError, RuntimeError):
        return False
    return not found.missing and not found.different
