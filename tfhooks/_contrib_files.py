"""Where the Python files of `tf.contrib` of TensorFlow 1.15 are, once they are installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = 'tfhooks_contrib'
ORIGIN = 'ORIGIN.json'
INSTALL = 'python -m tfhooks contrib install'


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
