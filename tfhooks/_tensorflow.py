"""The one door: every object tfhooks takes from TensorFlow comes in through this file.

`tf` is `tensorflow.compat.v1`, the public API. Each name that is not public has its own paragraph: why it is needed, and
the public way that is used where a TensorFlow release lacks it. What the objects are to a type checker is said in
`_tensorflow.pyi`, since TensorFlow ships no types.
"""

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
    """The tensor that the stock hooks fetch to know the global step, or None where the graph has no global step.

    TensorFlow's stock hooks share one read of the global step, kept in a graph collection. Sharing it keeps the graph, and
    so `graph.pbtxt`, as TensorFlow's hooks leave it. Fallback: the global step variable itself, which a session fetches
    as a tensor.
    """
    with (graph or tf.get_default_graph()).as_default():
        try:
            from tensorflow.python.training import training_util

            return training_util._get_or_create_global_step_read()
        except (ImportError, AttributeError):
            return tf.train.get_global_step()


def unfinalize(graph):
    """Undoes `graph.finalize()`, as a closing TensorFlow session does. Fallback: the graph stays finalized."""
    undo = getattr(graph, '_unsafe_unfinalize', None)
    if undo is not None:
        undo()


def _expansions():
    """How `Session.run` takes SparseTensor, RaggedTensor and other composites apart, registered types included.

    Needed to bring fetches and feed keys to graph elements exactly as the session does. Fallback: SparseTensor and
    IndexedSlices, by their public attributes.
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
                lambda x, v: list(zip(sparse(x), v)),
                sparse,
            ),
            (
                tf.IndexedSlices,
                lambda x: (slices(x), None),
                lambda x, v: list(zip(slices(x), v)),
                slices,
            ),
            (object, lambda x: ([x], None), lambda x, v: [(x, v)], lambda x: [x]),
        ]


def fetch_components(fetch):
    """The elements that a session fetches for one leaf of a fetch structure."""
    for kind, components, _, _ in _expansions():
        if isinstance(fetch, kind):
            return components(fetch)[0]
    return [fetch]


def feed_components(key, value):
    """The (element, value) pairs that a session feeds for one entry of a feed_dict."""
    for kind, _, components, _ in _expansions():
        if isinstance(key, kind):
            if components is None:
                raise TypeError(f'{key!r} cannot be fed')
            return components(key, value)
    return [(key, value)]


def flatten_feed_dict(feed_dict):
    """A feed_dict with nested keys brought to single ones, as `Session.run` does it.

    Fallback: `tf.nest`, which flattens the same structures but does not compare key and value as strictly.
    """
    try:
        from tensorflow.python.util import nest

        return nest.flatten_dict_items(feed_dict)
    except (ImportError, AttributeError):
        flat = {}
        for key, value in feed_dict.items():
            if isinstance(key, tuple):
                tf.nest.assert_same_structure(key, value)
                flat.update(zip(tf.nest.flatten(key), tf.nest.flatten(value)))
            else:
                flat[key] = value
        return flat


try:
    from tensorflow.python.framework.errors import InaccessibleTensorError
except ImportError:
    # What `Session.run` raises for an operation that may not be fetched; not exported. It is a ValueError.
    InaccessibleTensorError = ValueError
