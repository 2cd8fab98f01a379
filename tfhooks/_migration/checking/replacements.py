"""Replacements for removed names of TensorFlow 1 outside `tf.contrib` and `tf.estimator`.

`tests/recorded_1_15/names/record_names.py` lists the names of 1.15, and a test compares these
tables with them.
"""

from __future__ import annotations

from pathlib import Path

from tfhooks._legacy.old_names import tables

_TABLES = tables.read(Path(tables.__file__).with_name('removed_outside_contrib.ini'))

GONE = _TABLES['gone']
PACKAGES = _TABLES['packages']
GONE_ESTIMATOR = _TABLES['gone from tensorflow-estimator']
REMOVED = _TABLES['unreadable']
OLDER = _TABLES['older']


def replacement(table: dict[str, str], dotted: str) -> str | None:
    """Returns the entry of a table for a name, or else for the nearest module that it is in."""
    while dotted:
        if dotted in table:
            return table[dotted]
        dotted = dotted.rpartition('.')[0]
    return None
