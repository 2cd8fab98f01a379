"""The names of `tf.contrib` and `tf.estimator` in TensorFlow 1.15, and those that files restore.

`tests/recorded_1_15/gone/record_names.py` wrote names_1_15.ini.
"""

from __future__ import annotations

import difflib
import functools
from pathlib import Path

from tfhooks._legacy.old_names.tables import read

LOST = read(Path(__file__).with_name('not_in_files.ini'))['lost']
"""Those that do not work with the files either, each with the reason."""


@functools.cache
def recorded() -> dict[str, list[str]]:
    """Returns the names by module."""
    table = read(Path(__file__).with_name('names_1_15.ini'))['1.15']
    return {place: names.split() for place, names in table.items()}


def comes_back(dotted: str) -> bool:
    """True if a name works where the files of `tf.contrib` are installed."""
    parts = dotted.split('.')
    if parts[0] != 'contrib':
        return False
    if any('.'.join(parts[:depth]) in LOST for depth in range(1, len(parts) + 1)):
        return False
    if len(parts) > 2 and 'python' in parts:  # A file that was not public.
        return '.'.join(parts[:2]) in recorded()
    place, _, name = dotted.rpartition('.')
    return dotted in recorded() or name in recorded().get(place, ())


def meant(dotted: str) -> str | None:
    """Returns the name of TensorFlow 1.15's that an unknown one is a misspelling of, or None."""
    place, _, name = dotted.rpartition('.')
    names = recorded().get(place, [])
    if name in names or dotted in recorded():
        return None
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
    return f'{place}.{found[0]}' if found else None
