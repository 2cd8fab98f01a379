"""Advice for each removed name of `tf.contrib` and `tf.estimator`."""

from __future__ import annotations

from tfhooks._legacy.old_names import removed_estimator, removed_layers, removed_modules

# For a name, or for all names in a module.
INSTEAD = {
    **removed_modules.INSTEAD,
    **removed_layers.INSTEAD,
    **removed_estimator.INSTEAD,
}


def sentence(dotted: str, before: str = '') -> str:
    """Returns the error text for a removed name: the advice for it, or for the nearest module.

    Args:
      dotted: The name.
      before: Advice to put before that.
    """
    place = dotted
    while place not in INSTEAD:
        place = place.rpartition('.')[0]
    since = '2.16' if dotted.startswith('estimator') else '2.0'
    return f'tf.{dotted} is gone since TensorFlow {since}: {before}{INSTEAD[place]}'
