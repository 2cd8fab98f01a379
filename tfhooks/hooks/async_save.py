"""Saving in the background: the step waits for a copy of the variables, a thread writes it.

The thread runs the Saver's own save ops, taken into a graph of their own with placeholders where
the variables were, so that the files are byte for byte those of a blocking save.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tfhooks._tensorflow import Tensor, session_interface, tf
from tfhooks.hooks.saved_tensors import SaveOps, UnknownSaverError, save_ops
from tfhooks.triggers import SecondOrStepTimer

# What the copying op is made for on GPUs too. A graph with an op that its device does not have
# cannot run at all.
_COPIED = frozenset(
    ['bfloat16', 'float16', 'float32', 'float64', 'int8', 'int32', 'int64', 'uint8', 'uint64']
)
# Below this size fetching is as quick as copying.
_LARGE = 1 << 20


def add_copies(graph: Any) -> dict[str, Tensor]:
    """Adds an op to `graph` for each large variable that copies it inside TensorFlow.

    Fetching a variable makes numpy copy it, one variable after the other, into memory that is new
    each time. What a copying op returns becomes a numpy array as it is.

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


class _WriterSession(session_interface()):  # type: ignore[misc]
    """What `Saver.save` runs in the background: the copied save ops over copied values."""

    def __init__(self, graph: Any, target: str, run: Callable[[Any], Any], name: str) -> None:
        self._graph = graph
        self._target = target
        self._run = run
        self._name = name

    @property
    def graph(self) -> Any:
        return self._graph

    @property
    def sess_str(self) -> str:
        return self._target

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        if fetches != self._name:
            raise NotImplementedError(f'Only {self._name!r} runs in the background: {fetches=}')
        return self._run(feed_dict)


class BackgroundWriter:
    """Copies what a Saver saves, and lets it write the copy in a thread.

    Args:
      saver: The Saver.
      session: The session that is saved; its graph is finalized.
      copies: What `add_copies` returned for that graph.

    Raises:
      UnknownSaverError: A background save could not be exactly what the Saver's own is.
    """

    def __init__(self, saver: Any, session: Any, copies: Mapping[str, Tensor]) -> None:
        if type(saver).save is not tf.train.Saver.save:
            raise UnknownSaverError(f'{type(saver).__name__} has a save() of its own')
        graph = session.graph
        found = save_ops(saver, graph)
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

    def start(self, values: list[Any], job: Callable[[Any], None]) -> Pending:
        """Runs `job(session)` in a thread; `session` is what `Saver.save` takes there."""

        def run(feed_dict: Any) -> Any:
            feeds = dict(zip(self._feeds, values, strict=True))
            return self._session.run(self._name, {**feeds, **feed_dict})

        session = _WriterSession(self._graph, '', run, self._name)
        return Pending(self._graph, lambda: job(session))

    def close(self) -> None:
        """Closes the private session."""
        self._session.close()


def open_writer(
    saver: Any,
    session: Any,
    copies: Mapping[str, Tensor],
    last: BackgroundWriter | None,
    who: str,
) -> BackgroundWriter | None:
    """A BackgroundWriter for `session` in the place of `last`, or None, with a warning, without."""
    if last is not None:
        last.close()
    try:
        return BackgroundWriter(saver, session, copies)
    except UnknownSaverError as error:
        tf.logging.warning(
            '%s: asynchronous=True cannot write exactly what this Saver writes, since %s. Steps '
            'will wait for their saves.',
            who,
            error,
        )
        return None


class Pending:
    """A save that a thread is writing."""

    def __init__(self, graph: Any, job: Callable[[], None]) -> None:
        self.error: Exception | None = None

        def work() -> None:
            try:
                # A new thread starts without the default graph that a Saver looks for.
                with graph.as_default():
                    job()
            except Exception as error:
                self.error = error

        # Not a daemon: the interpreter waits for the file at exit.
        self._thread = threading.Thread(target=work, name='tfhooks-checkpoint', daemon=False)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the thread has ended."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Waits for the thread to end."""
        self._thread.join()


class Writing(NamedTuple):
    """A save that is being written in the background, and what to go back to if it fails."""

    step: int
    pending: Pending
    timer: SecondOrStepTimer


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
        # The nodes name their inputs `op` where the graph says `op:0`.
        by_input = {name.removesuffix(':0'): placeholder for name, placeholder in inputs.items()}
        tf.import_graph_def(definition, input_map=by_input, name='')
    config = tf.ConfigProto(device_count={'GPU': 0})
    session = tf.Session(graph=private, config=config)
    return session, [inputs[tensor.name] for tensor in found.tensors]
