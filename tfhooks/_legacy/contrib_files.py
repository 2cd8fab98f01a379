"""Where the Python files of `tf.contrib` of TensorFlow 1.15 are, once they are installed."""

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
    """The folder that holds `contrib/` and `examples/`, or None where it is not installed."""
    for place in sys.path:
        found = Path(place or '.', FOLDER)
        if (found / ORIGIN).is_file():
            return found
    return None


def origin(installed: Path) -> dict[str, Any]:
    """The record of where the files in a folder came from."""
    record: dict[str, Any] = json.loads((installed / ORIGIN).read_text())
    return record


def paths(dotted: str) -> list[str]:
    """The directory in which the modules of `contrib` or `examples` are; none if not installed."""
    place = folder()
    return [] if place is None else [str(place / dotted)]


def names_in(dotted: str) -> list[str]:
    """The packages that are installed, where `dotted` is `contrib` itself."""
    if dotted != 'contrib' or folder() is None:
        return []
    place = Path(paths('contrib')[0])
    return [file.parent.name for file in place.glob('*/__init__.py')]
