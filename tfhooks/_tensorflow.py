"""The one door: every object tfhooks takes from TensorFlow comes in through this file.

`tf` is `tensorflow.compat.v1`, the public API. Each name that is not public has its own paragraph: why it is needed, and
the public way that is used where a TensorFlow release lacks it. What the objects are to a type checker is said in
`_tensorflow.pyi`, since TensorFlow ships no types.
"""

import tensorflow as _tensorflow

tf = _tensorflow.compat.v1

# The types a plan may hold by identity: immutable elements of a graph.
Tensor = tf.Tensor
Operation = tf.Operation


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
