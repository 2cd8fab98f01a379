"""All names that tfhooks takes from TensorFlow, with a fallback for each private one.

`tf` is `tensorflow.compat.v1`, the public API. The docstring or comment of each private name says
why it is needed, and the fallback where a TensorFlow release lacks it. Types are declared in
`_tensorflow.pyi`, since TensorFlow ships none, with the private fields that tfhooks' hooks inherit
from TensorFlow's and programs override.
The private names that `tf.contrib` exported are data, in `_legacy/old_names/available.ini`;
`unexported` imports them.
"""

import contextlib
import importlib as _importlib
import inspect
import operator as _operator
import sys as _sys
import traceback as _traceback
import types as _types
import typing as _typing

import numpy as _numpy
import tensorflow as _tensorflow

tf = _tensorflow.compat.v1

Graph = tf.Graph
Tensor = tf.Tensor
Operation = tf.Operation
GraphElement = (Tensor, Operation)
Session = tf.Session
RunOptions = tf.RunOptions
RunMetadata = tf.RunMetadata
Coordinator = tf.train.Coordinator


def global_step_read(graph=None):
    """Returns the tensor that the stock hooks fetch for the global step, or None if there is none.

    TensorFlow's stock hooks share one read of the global step, kept in a graph collection. Sharing
    it keeps the graph, and so `graph.pbtxt`, as TensorFlow's hooks leave it. Fallback: the global
    step variable itself, which a session fetches as a tensor.
    """
    with (graph or tf.get_default_graph()).as_default():
        try:
            from tensorflow.python.training import training_util

            return training_util._get_or_create_global_step_read()
        except (ImportError, AttributeError):
            return tf.train.get_global_step()


def made_global_step_read(graph):
    """Returns the tensor that `global_step_read` has made in a graph, or None. Fallback: None.

    TensorFlow keeps it in a collection, whose key is private.
    """
    try:
        from tensorflow.python.training import training_util

        found = graph.get_collection(training_util.GLOBAL_STEP_READ_KEY)
    except (ImportError, AttributeError):
        return None
    return found[0] if found else None


def unfinalize(graph):
    """Undoes `graph.finalize()`, as a closing TensorFlow session does.

    Fallback: the graph stays finalized.
    """
    undo = getattr(graph, '_unsafe_unfinalize', None)
    if undo is not None:
        undo()


def saves_to(hook):
    """Returns the directory and the Saver of a CheckpointSaverHook, TensorFlow's own included.

    They have no public names; they show savers that share a directory. Fallback: None.
    """
    try:
        return hook._checkpoint_dir, hook._get_saver()
    except (AttributeError, RuntimeError):
        return None


def last_saved_step(hook):
    """Returns the global step at which a CheckpointSaverHook, also TensorFlow's own, saved last.

    It has no public name; the steps lost at Ctrl-C are counted from it. Fallback: None.
    """
    try:
        step = hook._timer.last_triggered_step()
        return None if step is None else int(step)
    except (AttributeError, TypeError):
        return None


def _expansions():
    """Returns the functions by which `Session.run` takes SparseTensor and other composites apart.

    Needed to bring fetches and feed keys to graph elements exactly as the session does. Fallback:
    SparseTensor and IndexedSlices, by their public attributes.
    """
    try:
        from tensorflow.python.client import session

        return session._REGISTERED_EXPANSIONS
    except (ImportError, AttributeError):

        def sparse(x):
            return [x.indices, x.values, x.dense_shape]

        def slices(x):
            parts = [x.values, x.indices]
            return parts if x.dense_shape is None else [*parts, x.dense_shape]

        return [
            (
                tf.SparseTensor,
                lambda x: (sparse(x), None),
                lambda x, v: list(zip(sparse(x), v, strict=False)),
                sparse,
            ),
            (
                tf.IndexedSlices,
                lambda x: (slices(x), None),
                lambda x, v: list(zip(slices(x), v, strict=False)),
                slices,
            ),
            (object, lambda x: ([x], None), lambda x, v: [(x, v)], lambda x: [x]),
        ]


# The method that returns the graph element an object stands for.
_ELEMENT_OF = '_as_graph_element'


def stands_for_element(value):
    """True if an object is no graph element but stands for one, as a variable does.

    Such objects have a private method, which classes of libraries may have, too.
    Fallback: variables only.
    """
    return hasattr(value, _ELEMENT_OF) or isinstance(value, _tensorflow.Variable)


def fetch_components(fetch):
    """Returns the elements that a session fetches for one leaf of a fetch structure."""
    for kind, components, _, _ in _expansions():
        if isinstance(fetch, kind):
            return components(fetch)[0]
    return [fetch]


def feed_components(key, value):
    """Returns the (element, value) pairs that a session feeds for one entry of a feed_dict."""
    for kind, _, components, _ in _expansions():
        if isinstance(key, kind):
            if components is None:
                raise TypeError(f'{key!r} cannot be fed')
            return components(key, value)
    return [(key, value)]


def flatten_feed_dict(feed_dict):
    """Flattens nested keys of a feed_dict, as `Session.run` does.

    Fallback: `tf.nest`, which flattens the same structures but does not compare key and value as
    strictly.
    """
    try:
        from tensorflow.python.util import nest

        return nest.flatten_dict_items(feed_dict)
    except (ImportError, AttributeError):
        flat = {}
        for key, value in feed_dict.items():
            if isinstance(key, tuple):
                tf.nest.assert_same_structure(key, value)
                flat.update(zip(tf.nest.flatten(key), tf.nest.flatten(value), strict=True))
            else:
                flat[key] = value
        return flat


try:
    from tensorflow.python.framework.errors import InaccessibleTensorError
except ImportError:
    # `Session.run` raises it for an operation that may not be fetched. It is a ValueError, and not
    # exported.
    InaccessibleTensorError = ValueError


# Session creators: classes here, since a name of an untyped module cannot be an annotation.
ChiefSessionCreator = tf.train.ChiefSessionCreator
Scaffold = tf.train.Scaffold
SessionCreator = tf.train.SessionCreator
WorkerSessionCreator = tf.train.WorkerSessionCreator


def eager_has_run():
    """True if this process executes eagerly and has begun to: its eager context is set up.

    Needed because switching to TensorFlow 1 behaviour afterwards succeeds, and fails later.
    Fallback: False, so that the user gets TensorFlow's own error when an eager tensor is used in a
    graph.
    """
    try:
        from tensorflow.python.eager import context

        current = context.context_safe()
        return tf.executing_eagerly() and current is not None and current._initialized
    except (ImportError, AttributeError):
        return False


def without_deprecation_warnings():
    """Returns a context in which TensorFlow logs no deprecation of its own API.

    Needed because `disable_v2_behavior()` calls a deprecated function, about which the user can do
    nothing. Fallback: a context in which it is logged.
    """
    try:
        from tensorflow.python.util import deprecation

        return deprecation.silence()
    except (ImportError, AttributeError):
        return contextlib.nullcontext()


# Run plans. TensorFlow analyses fetches and feeds anew in every `Session.run`; the parts that do
# the analysis and the call below it are private, so plans take them from here. Fallback for all of
# them together: `session_parts()` is None, no plan is made, and every request goes to the session's
# own `run`.

# TensorFlow's own variables always stand for one and the same graph element; a variable of a
# distribution strategy or of automatic casting stands for another one in another context. Their
# classes are told by where they are defined. Fallback: a variable of any other module is not
# planned for, and requests with it go to the session's own `run`.
VARIABLE_MODULES = frozenset(
    f'tensorflow.python.ops.{name}' for name in ('resource_variable_ops', 'ref_variable')
)

is_closed = _operator.attrgetter('_closed')


def session_parts():
    """Returns the private parts of TensorFlow that plans are made of, or None if one is missing."""
    try:
        from tensorflow.core.protobuf import config_pb2
        from tensorflow.python.client import pywrap_tf_session, session
        from tensorflow.python.ops import session_ops

        base = session.BaseSession
        for name in (
            '_do_call',
            '_extend_graph',
            '_call_tf_sessionrun',
            '_make_callable_from_options',
        ):
            getattr(base, name)
        return _types.SimpleNamespace(
            # Validates fetches, and finds the distinct elements that they stand for.
            fetch_handler=session._FetchHandler,
            # Converts a fed value, before it is compared with the tensor's shape.
            as_array=_as_array(),
            # Registered conversions of fetches and feeds; the last entry takes any object as it is.
            expansions=session._REGISTERED_EXPANSIONS,
            tensor_handle=session_ops.TensorHandle,
            callable_options=config_pb2.CallableOptions,
            run_callable=pywrap_tf_session.TF_SessionRunCallable,
            base_session=base,
        )
    except (ImportError, AttributeError):
        return None


def _as_array():
    """Returns the function by which `Session.run` converts a fed value. Fallback: numpy's own."""
    try:
        from tensorflow.python.util import numpy_compat
    except ImportError:
        return _numpy.asarray
    from tensorflow.python.client import session

    # A release may carry numpy_compat and yet not use it for feeds: then feeds are converted by
    # numpy.
    return numpy_compat.np_asarray if hasattr(session, 'numpy_compat') else _numpy.asarray


def unique_elements(handler):
    """Returns the distinct elements that a fetch handler fetches, in TensorFlow's order."""
    return handler._fetch_mapper.unique_fetches()


def build_results(handler, values):
    """Puts the values of `unique_elements(handler)` back into the structure of the fetches."""
    return handler._fetch_mapper.build_results(values)


def is_in_process(session):
    """True if a session runs in this process, not by the protocol of a remote one."""
    return not session._target


# From about this size on, copying a result costs more than a C-level callable saves.
LARGE_BYTES = 1 << 16


def direct_call(parts, session, feeds, fetches, targets, on_large):
    """Returns a function from a list of arrays to a list of results: a C-level callable.

    `on_large` is called after a run whose results were costly to copy.
    """
    options = parts.callable_options()
    options.feed.extend(tensor.name for tensor in feeds)
    options.fetch.extend(tensor.name for tensor in fetches)
    options.target.extend(operation.name for operation in targets)
    # Releases the C-level callable when the last plan and the last call that use it are gone.
    owner = session._make_callable_from_options(options)
    handle = owner._handle
    run_callable = parts.run_callable
    op_error = tf.errors.OpError
    c_session = session._session
    # The callable returns memory that constants and variables may use too; `Session.run` copies
    # results that are in use elsewhere, which cannot be seen from here. Scalars are numpy scalars,
    # and strings new objects.
    shared = [
        index
        for index, tensor in enumerate(fetches)
        if tensor.shape.rank != 0 and tensor.dtype.base_dtype != tf.string
    ]

    def call(arrays, owner=owner):
        try:
            values = run_callable(c_session, handle, arrays, None)
        except op_error as error:
            return session._do_call(_reraise, [error])
        for index in shared:
            value = values[index]
            if type(value) is _numpy.ndarray:
                if value.nbytes > LARGE_BYTES:
                    on_large()
                values[index] = value.copy()
        return values

    return call


def shared_call(session, feeds, fetches, targets):
    """Returns a function from a list of arrays to a list of results: the call of `Session.run`."""
    session._extend_graph()
    inputs = [tensor._as_tf_output() for tensor in feeds]
    outputs = [tensor._as_tf_output() for tensor in fetches]
    operations = [operation._c_op for operation in targets]
    call_session = session._call_tf_sessionrun
    op_error = tf.errors.OpError

    def call(arrays):
        try:
            feeds = dict(zip(inputs, arrays, strict=True))
            return call_session(None, feeds, outputs, operations, None)
        except op_error as error:
            return session._do_call(_reraise, [error])

    return call


def extend(session):
    """Extends the session by the operations that were added to its graph."""
    session._extend_graph()


def _reraise(errors):
    # No frame keeps the error, to avoid a reference cycle that would keep the fed values alive.
    raise errors.pop()


def saver_lists(saver):
    """Returns a Saver's lists of its checkpoints: an opaque value for `restore_saver_lists`.

    A save that fails when the state file is written has already taken the oldest checkpoint off the
    Saver's list and put the failed one on it. The lists with their times are private. Fallback: the
    names of the checkpoints, which are public.
    """
    try:
        return list(saver._last_checkpoints), list(saver._checkpoints_to_be_deleted)
    except AttributeError:
        return list(saver.last_checkpoints), None


def restore_saver_lists(saver, lists):
    """Restores the result of `saver_lists`. Fallback: the times are read anew from the files."""
    last, doomed = lists
    if doomed is None:
        saver.recover_last_checkpoints(last)
    else:
        saver.set_last_checkpoints_with_time(list(last))
        saver._checkpoints_to_be_deleted = list(doomed)


class _Renamed(list):
    """A Saver's list of checkpoints to remove, (prefix, time), whose `pop` renames the prefix."""

    def __init__(self, entries, rename):
        super().__init__(entries)
        self._rename = rename

    def pop(self, index: _typing.SupportsIndex = -1):
        prefix, time = super().pop(index)
        return self._rename(prefix), time


@contextlib.contextmanager
def pruning_by(saver, rename):
    """Context in which `saver` removes an old checkpoint under the name that `rename` returns.

    A Saver removes by patterns, and only its private list of checkpoints to remove comes before
    that. Fallback: the Saver removes all files that match the name as a pattern.
    """
    doomed = getattr(saver, '_checkpoints_to_be_deleted', None)
    if not isinstance(doomed, list):
        yield
        return
    saver._checkpoints_to_be_deleted = _Renamed(doomed, rename)
    try:
        yield
    finally:
        saver._checkpoints_to_be_deleted = list(saver._checkpoints_to_be_deleted)


def session_interface():
    """Returns the base class of all sessions, which `Saver.save` needs a session to be.

    Fallback: the session class itself.
    """
    for kind in tf.Session.__mro__:
        if kind.__name__ == 'SessionInterface':
            return kind
    return tf.Session


def event_file_of(writer):
    """Returns the path of the event file that a FileWriter writes to, or None if it is unknown.

    Only the native writer knows its file's name, and TensorFlow keeps it private. Fallback: None,
    and the caller looks for any event file in the directory.
    """
    try:
        return writer.event_writer._ev_writer.FileName()
    except AttributeError:
        return None


def forget_event_writer(output_dir):
    """Removes the writer of `output_dir` from the cache; returns whether that was possible.

    The public cache can only be cleared as a whole, which would close other directories' writers.
    Fallback: False, and the caller closes and reopens the cached writer.
    """
    cache = tf.summary.FileWriterCache
    try:
        with cache._lock:
            cache._cache.pop(output_dir, None)
    except AttributeError:
        return False
    return True


def worker_context():
    """Returns the worker context in which the distribute coordinator runs this thread, or None.

    The coordinator keeps it in a private module, in which TensorFlow's monitored sessions look what
    this worker is to save. Fallback: None, as in a thread that no coordinator runs.
    """
    try:
        from tensorflow.python.distribute import distribute_coordinator_context

        return distribute_coordinator_context.get_current_worker_context()
    except (ImportError, AttributeError):
        return None


def distribute_coordinator():
    """Returns the module that runs a strategy's work on each task of a cluster, for an Estimator.

    It is not exported. Fallback: an error that says that such a strategy cannot be used.
    """
    try:
        from tensorflow.python.distribute import distribute_coordinator as module

        return module
    except ImportError as error:
        raise NotImplementedError(
            'an Estimator cannot train on a cluster with a distribution strategy in this '
            f'TensorFlow, which has no distribute coordinator; version={_tensorflow.__version__!r}'
        ) from error


def strategy_of(context):
    """Returns the distribution strategy of a `worker_context()`, or None.

    It tells whether the other workers save apart from the chief. Fallback: None, and they do not.
    """
    return getattr(context, '_strategy', None)


def runs_as_tensorflow(session):
    """True if nothing on a session's way to the C API is overridden or patched.

    An instance's own `run` is ignored. Libraries that watch runs put functions of their own
    into the class of all sessions, so a function must also come from TensorFlow's file.
    """
    parts = session_parts()
    if parts is None or type(session).run is not parts.base_session.run:
        return False
    file = parts.fetch_handler.__init__.__code__.co_filename
    for name in (
        'run',
        '_run',
        '_do_run',
        '_do_call',
        '_extend_graph',
        '_call_tf_sessionrun',
        '_make_callable_from_options',
    ):
        function = getattr(type(session), name)
        if function is not getattr(parts.base_session, name):
            return False
        if getattr(getattr(function, '__code__', None), 'co_filename', None) != file:
            return False
        if name != 'run' and name in vars(session):
            return False
    return True


class _UseDefault:
    """A readable value that equals the "not given" of TensorFlow's MonitoredTrainingSession.

    TensorFlow's is a bare `object()`, not exported, and is taken from the signature. Either may be
    passed to either function, since TensorFlow compares by `==`, too.
    """

    _tensorflows = (
        inspect.signature(tf.train.MonitoredTrainingSession)
        .parameters['save_checkpoint_secs']
        .default
    )

    def __eq__(self, other):
        return isinstance(other, _UseDefault) or other is self._tensorflows

    def __hash__(self):
        return hash(self._tensorflows)

    def __repr__(self):
        return 'USE_DEFAULT'


USE_DEFAULT = _UseDefault()


def as_array(value, dtype):
    """Converts a fed value as `Session.run` does before it checks the shape; see `_as_array`."""
    return _as_array()(value, dtype)


# TensorFlow's own hooks and sessions, also while `tfhooks.patch()` has replaced them.
originals = _types.SimpleNamespace(
    **{name: value for name, value in vars(tf.train).items() if isinstance(value, type)}
)


def creator_of(session):
    """Returns the SessionCreator of one of TensorFlow's monitored sessions, or None if unknown.

    It tells whether the session is the chief's, and TensorFlow keeps it private. Fallback: None,
    and TF_CONFIG decides.
    """
    try:
        return session._coordinated_creator._session_creator
    except AttributeError:
        return None


def master_of(creator):
    """Returns the server that a SessionCreator makes its sessions on, or '' if unknown.

    TensorFlow keeps it private. Fallback: '', and the server is not checked beforehand.
    """
    return getattr(creator, '_master', '')


def half_made_sessions(error):
    """Returns the sessions that a SessionManager was making when `error` was raised in it.

    The manager makes them within its methods and, if that fails, keeps no reference to them. They
    are found as variables of those methods, in the traceback. Fallback: none, and the garbage
    collector closes them.
    """
    methods = {
        getattr(method, '__code__', None) for method in vars(originals.SessionManager).values()
    }
    frames = [frame for frame, _ in _traceback.walk_tb(error.__traceback__)]
    variables = [frame.f_locals.values() for frame in frames if frame.f_code in methods]
    return {value for values in variables for value in values if isinstance(value, Session)}


def xplane():
    """Returns the module of the protocol buffer XSpace, which TensorBoard's profile plugin reads.

    TensorFlow writes such files, and exports no class for them. Fallback: None, and ProfilerHook
    writes none. That holds also where a program has loaded another copy of the definitions.
    """
    try:
        from tensorflow.tsl.profiler.protobuf import xplane_pb2
    except (ImportError, TypeError):
        return None
    return xplane_pb2


def unexported(module, name):
    """Returns a name that `tf.contrib` exported and that TensorFlow still has in a private module.

    `tfhooks._legacy.old_names` lists them: `nest.flatten_up_to`, `smart_cond`, `tf.contrib.summary`
    and the like are not public now, and nothing public does the same. Fallback: an AttributeError,
    and `tfhooks.v1` says that the name is gone.
    """
    try:
        return getattr(_importlib.import_module(module), name)
    except ImportError as error:
        raise AttributeError(f'TensorFlow {tf.__version__} has no {module}') from error


def private_module(name):
    """Returns the module `tensorflow.<name>`, which programs for TensorFlow 1 import from.

    `tfhooks._legacy.old_names.relocated` lists them. Fallback: None, and nothing is added to it.
    """
    try:
        return _importlib.import_module(f'tensorflow.{name}')
    except ImportError:
        return None


def training_modules():
    """Returns TensorFlow's modules that define or list its hooks and sessions.

    Libraries import from these too, so `tfhooks.patch()` replaces them.
    Fallback: a module that a release lacks is left out.
    """
    found = []
    for name in (
        'session_run_hook',
        'basic_session_run_hooks',
        'monitored_session',
        'training',
    ):
        with contextlib.suppress(ImportError):
            found.append(_importlib.import_module(f'tensorflow.python.training.{name}'))
    return found


def compat_modules():
    """Returns all modules that programs may have as `tf.compat.v1`: the public one and its file.

    `import tensorflow.compat.v1.train` looks into the file. Fallback: the public module alone.
    """
    return [tf, *filter(None, [_sys.modules.get('tensorflow._api.v2.compat.v1')])]


def is_internal(module):
    """True if a module, given by its name, is TensorFlow's and not public.

    Names of `tf.contrib` are taken from such modules by `unexported`. Fallback: False, and they are
    imported.
    """
    return f'{module}.'.startswith('tensorflow.python.')
