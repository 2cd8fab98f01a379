"""What TensorFlow 1 had and TensorFlow 2 has not, and what to say about it."""

from __future__ import annotations

_GONE = {
    'contrib': 'tf.contrib is gone since TensorFlow 2.0, and tfhooks.v1 has nothing in its place',
    'estimator': 'tf.estimator is gone since TensorFlow 2.16, and tfhooks.v1 has nothing in its '
    'place; the hooks that were tf.estimator.X are tf.train.X',
}


def why(name: str) -> str | None:
    """Why `tf.<name>` is missing, or None where nothing is known of it."""
    return _GONE.get(name)
