"""Saving in the background: the step waits for a copy of the variables, a thread writes it.

The thread runs the Saver's own save ops, taken into a graph of their own with placeholders where
the variables were, so that the files are byte for byte those of a blocking save.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Any, NamedTuple

from tfhooks._base.errors import PREEMPTION_ERRORS
from tfhooks._checkpoints.saved_tensors import (
    SaveOps,
    UnknownSaverError,
    is_tensorflows_own,
    save_ops,
)
from tfhooks._tensorflow import Tensor, session_interface, tf

# The dtypes for which GPUs have the copying op, too. A graph with an op that its device does not
# have cannot run at all.
_COPIED = frozenset(
    ['bfloat16', 'float16', 'float32', 'float64', 'int8', 'int32', 'int64', 'uint8', 'uint64']
)
# Dtypes that no numpy array can hold, such as the state of an iterator.
_OPAQUE = (tf.variant, tf.resource)
# Below this size fetching is as quick as copying.
_LARGE = 1 << 20


def add_copies(graph: Any) -> dict[str, Tensor]:
    """Adds an op to `graph` for each large variable that copies it inside TensorFlow.

    Fetching a variable makes numpy copy it, one variable after the other, into memory that is new
    each time. The result of a copying op becomes a numpy array without another copy.

    Returns:
      The copies by the name of the op that holds the variable.
    """
    copies = {}
    with graph.as_default(), tf.name_scope('tfhooks_snapshot'):
        for variable in tf.global_variables():
            dtype = variable.dtype.base_dtype
            shape = variable.shape
            if dtype.name not in _COPIED or not shape.is_fully_defined():
                continue
            if math.prod(shape.as_list()) * dtype.size < _LARGE:
                continue
            holder = _holder(variable.value())
            with tf.control_dependencies(None), tf.device(variable.device):
                copies[holder] = tf.raw_ops.DeepCopy(x=variable.value())
    return copies


def _holder(tensor: Tensor) -> str:
    op = tensor.op
    while op.type in ('Identity', 'ReadVariableOp'):
        op = op.inputs[0].op
    return op.name


class WriterSession(session_interface()):  # type: ignore[misc]
    """The session that `Saver.save` is given in a thread: runs copied save ops on copied values."""

    def __init__(self, graph: Any, run: Callable[[Any], Any], name: str) -> None:
        self._graph = graph
        self._run = run
        self._name = name

    @property
    def graph(self) -> Any:
        return self._graph

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        if fetches != self._name:
            raise NotImplementedError(f'Only {self._name!r} runs in the background: {fetches=}')
        return self._run(feed_dict)


class BackgroundWriter:
    """Copies the tensors that a Saver saves, and lets it write the copies in a thread.

    Args:
      saver: The Saver.
      session: The session that is saved; its graph is finalized.
      copies: What `add_copies` returned for that graph.

    Raises:
      UnknownSaverError: A background save might not equal the Saver's own.
    """

    def __init__(self, saver: Any, session: Any, copies: Mapping[str, Tensor]) -> None:
        if not is_tensorflows_own(saver):
            raise UnknownSaverError(f'{type(saver).__name__} has a save() of its own')
        graph = session.graph
        found = save_ops(saver, graph)
        for key, tensor in zip(found.keys, found.tensors, strict=True):
            if tensor.dtype.base_dtype in _OPAQUE:
                raise UnknownSaverError(f'{key!r} is no array: dtype={tensor.dtype.name}')
        self.session = session
        self._name = saver.saver_def.save_tensor_name
        self._graph = graph
        on_gpu = any(device.device_type == 'GPU' for device in session.list_devices())
        self._tensors = [
            tensor
            if on_gpu and 'CPU' not in str(tensor.op.device).upper()
            else copies.get(_holder(tensor), tensor)
            for tensor in found.tensors
        ]
        self._session, self._feeds = _private_session(found, graph)

    def snapshot(self) -> list[Any]:
        """Copies the variables into host memory.

        Returns:
          One numpy array for each tensor that is saved.
        """
        values: list[Any] = self.session.run(self._tensors)
        return values

    def start(self, values: list[Any], job: Callable[[Any], None], step: int) -> Pending:
        """Runs `job(session)` in a thread, with a session for `Saver.save` that has the values."""

        def run(feed_dict: Any) -> Any:
            feeds = dict(zip(self._feeds, values, strict=True))
            return self._session.run(self._name, {**feeds, **feed_dict})

        future: Future[None] = Future()

        def work() -> None:
            try:
                job(WriterSession(self._graph, run, self._name))
                future.set_result(None)
            except BaseException as error:
                # The next run or the end raises it, but a session that fails may reach neither.
                tf.logging.error('The background save of step %d failed: %s', step, error)
                future.set_exception(error)

        # Not a daemon: the interpreter waits for the file at exit.
        threading.Thread(target=work, name='tfhooks-checkpoint', daemon=False).start()
        return Pending(step, future)

    def close(self) -> None:
        """Closes the private session."""
        self._session.close()


class Pending(NamedTuple):
    """A save that a thread is writing.

    Attributes:
      step: The global step of the checkpoint.
      outcome: Has ended when the thread has; with the error, if it raised one.
    """

    step: int
    outcome: Future[None]


class BackgroundSaves:
    """The saves of one hook that are written by a thread, one at a time.

    They are made between `open` and `close`. Where a background save might not equal the Saver's
    own, nothing is opened, and a warning says once that steps wait for their saves.

    Args:
      is_wanted: Whether there are any; if not, nothing is ever opened.

    Attributes:
      writer: Copies and writes the variables of the open session; None if steps wait for saves.
      pending: The save that was started and not yet taken by `take`, or None.
    """

    def __init__(self, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        self._copies: dict[str, Tensor] = {}
        self._has_warned = False
        self.writer: BackgroundWriter | None = None
        self.pending: Pending | None = None

    def begin(self, graph: Any) -> None:
        """Adds copying ops to `graph`, which is not finalized yet."""
        if self._is_wanted:
            self._copies = add_copies(graph)

    def open(self, saver: Any, session: Any, owner: str) -> None:
        """Prepares to save `session` by `saver`; `owner` is named in the warning."""
        self.close()
        if not self._is_wanted:
            return
        try:
            self.writer = BackgroundWriter(saver, session, self._copies)
        except UnknownSaverError as error:
            self._warn(owner, f'cannot write exactly what this Saver writes, since {error}')

    def start(self, step: int, job: Callable[[Any], None], owner: str) -> bool:
        """Copies the variables, and runs `job(session)` in a thread on the copies.

        Args:
          step: The global step of the checkpoint.
          job: Saves, given the session to pass to `Saver.save`.
          owner: Named in the warning where the variables cannot be copied.

        Returns:
          Whether the thread runs. If not, as nothing is open or the variables cannot be copied, the
          caller must save.
        """
        if self.writer is None:
            return False
        try:
            values = self.writer.snapshot()
        except PREEMPTION_ERRORS:
            raise
        except Exception as error:
            self.close()
            self._warn(owner, f'cannot copy the variables ({type(error).__name__}: {error})')
            return False
        self.pending = self.writer.start(values, job, step)
        return True

    def wait(self) -> None:
        """Waits until nothing is being written."""
        pending = self.pending
        if pending is not None:
            wait([pending.outcome])

    def take(self) -> Pending | None:
        """Waits for the save that was started and returns it; None if there is none."""
        pending, self.pending = self.pending, None
        if pending is not None:
            wait([pending.outcome])
        return pending

    def close(self) -> None:
        """Closes the writer; `take` still returns a save that is being written."""
        writer, self.writer = self.writer, None
        if writer is not None:
            self.wait()
            writer.close()

    def _warn(self, owner: str, reason: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            tf.logging.warning(
                '%s: asynchronous=True %s. Steps will wait for their saves.', owner, reason
            )


def _private_session(found: SaveOps, graph: Any) -> tuple[Any, list[Tensor]]:
    definition = tf.GraphDef()
    definition.versions.CopyFrom(graph.graph_def_versions)
    for op in found.ops:
        node = definition.node.add()
        node.CopyFrom(op.node_def)
        node.device = ''
        node.attr.pop('_class', None)
    private = tf.Graph()
    with private.as_default():
        inputs = {}
        for i, tensor in enumerate(found.tensors):
            if tensor.name not in inputs:
                inputs[tensor.name] = tf.placeholder(tensor.dtype.base_dtype, name=f'saved_{i}')
        # NodeDefs call an input `op` that the graph calls `op:0`.
        by_input = {name.removesuffix(':0'): placeholder for name, placeholder in inputs.items()}
        tf.import_graph_def(definition, input_map=by_input, name='')
    config = tf.ConfigProto(device_count={'GPU': 0})
    session = tf.Session(graph=private, config=config)
    return session, [inputs[tensor.name] for tensor in found.tensors]
