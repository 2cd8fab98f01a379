"""Advice for each removed name of `tf.contrib` and `tf.estimator`."""

from __future__ import annotations

from pathlib import Path

from tfhooks._legacy.old_names.tables import read

INSTEAD = read(Path(__file__).with_suffix('.ini'))['removed']
"""For a name, or for all names in a module."""


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
