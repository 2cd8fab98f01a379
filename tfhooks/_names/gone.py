"""What to write instead of the names of `tf.contrib` and `tf.estimator` that are gone."""

from __future__ import annotations

# For a name or for all that is in it.
_GONE = {
    'contrib': 'tf.contrib is gone since TensorFlow 2.0',
    'estimator': 'tf.estimator is gone since TensorFlow 2.16: write the training loop with '
    'tf.train.MonitoredTrainingSession, which takes the same hooks',
}


def sentence(dotted: str) -> str:
    """What is said of a name that is gone: the sentence of the nearest place that has one."""
    place = dotted
    while place not in _GONE:
        place = place.rpartition('.')[0]
    return _GONE[place] if place == dotted else f'tf.{dotted} is gone. {_GONE[place]}'
