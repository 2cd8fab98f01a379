"""Names that Python, NumPy and SciPy had when programs of TensorFlow 1 were written."""

from __future__ import annotations

from pathlib import Path

from tfhooks._legacy.old_names.tables import read

_TABLES = read(Path(__file__).with_suffix('.ini'))

REMOVED = _TABLES['removed']
"""By dotted name: what serves in its place, as a dotted name."""

METHODS = _TABLES['methods']
"""Of NumPy's arrays: each with what it is called now."""

MODULES = frozenset(name.rpartition('.')[0] for name in REMOVED)
"""The modules whose names are in question."""

ATTRIBUTES = frozenset(name.rpartition('.')[2] for name in REMOVED) | frozenset(METHODS)
"""Without their modules, as an attribute is written."""
