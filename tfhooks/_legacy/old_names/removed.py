"""What to write instead of the names of `tf.contrib` and `tf.estimator` that are gone."""

from __future__ import annotations

from tfhooks._legacy.old_names import removed_estimator, removed_layers, removed_modules

# For a name, or for all that is in it.
INSTEAD = {
    **removed_modules.INSTEAD,
    **removed_layers.INSTEAD,
    **removed_estimator.INSTEAD,
}


def sentence(dotted: str, before: str = '') -> str:
    """What is said of a name that is gone: the advice for it, or for the nearest place it is in.

    Args:
      dotted: The name.
      before: What is advised before that.
    """
    place = dotted
    while place not in INSTEAD:
        place = place.rpartition('.')[0]
    since = '2.16' if dotted.startswith('estimator') else '2.0'
    return f'tf.{dotted} is gone since TensorFlow {since}: {before}{INSTEAD[place]}'
