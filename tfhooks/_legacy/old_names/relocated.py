"""Names of modules of `tensorflow.python` that programs import, and their places today."""

from __future__ import annotations

from pathlib import Path

from tfhooks._legacy.old_names.tables import read

NAMES = read(Path(__file__).with_suffix('.ini'))
"""By module, without the leading `tensorflow.python.`: each name, with where it is today."""


def target(dotted: str) -> str | None:
    """Returns the place of a name today, or None if it was not moved.

    Args:
      dotted: The name without the leading `tensorflow.`, such as 'python.framework.ops.Tensor'.
        Anything after the name, such as a method, is ignored.
    """
    parts = dotted.split('.')
    for length in range(2, len(parts)):
        found = NAMES.get('.'.join(parts[1:length]), {}).get(parts[length])
        if found is not None and parts[0] == 'python':
            return found
    return None
