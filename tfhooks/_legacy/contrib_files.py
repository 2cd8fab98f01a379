"""Finds the installed Python files of TensorFlow 1.15's `tf.contrib`."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

FOLDER = 'tfhooks_contrib'
ORIGIN = 'ORIGIN.json'
INSTALL = 'python -m tfhooks contrib install'


@functools.cache
def folder() -> Path | None:
    """Returns the folder that holds `contrib/` and `examples/`, or None if it is not installed."""
    for place in sys.path:
        found = Path(place or '.', FOLDER)
        if (found / ORIGIN).is_file():
            return found
    return None


def origin(installed: Path) -> dict[str, Any]:
    """Reads the record of the origin of the files in a folder."""
    record: dict[str, Any] = json.loads((installed / ORIGIN).read_text())
    return record


def paths(dotted: str) -> list[str]:
    """Returns the directories of the modules of `contrib` or `examples`; none if not installed."""
    place = folder()
    return [] if place is None else [str(place / dotted)]


def names_in(dotted: str) -> list[str]:
    """Lists the installed packages, where `dotted` is `contrib` itself."""
    if dotted != 'contrib' or folder() is None:
        return []
    place = Path(paths('contrib')[0])
    return [file.parent.name for file in place.glob('*/__init__.py')]
