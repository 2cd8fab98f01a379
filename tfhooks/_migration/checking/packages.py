"""Finds installed packages written for TensorFlow 1, which the runner must be told of."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator

from tfhooks._migration.checking.installed import package_folder

_OLD = re.compile(
    rb'\btf\.(?:Session|placeholder|get_variable|global_variables_initializer|contrib)\b'
    rb'|\btensorflow\.contrib\b'
)
_NEW = re.compile(rb'\bcompat\.v1\b|\bcompat import v1\b')
# TensorFlow's own packages, and those that tfhooks loads itself.
_KNOWN = ('keras', 'tf_keras', 'tf_slim', 'tfhooks', 'tensorboard')
_MOST_FILES = 300


def imported(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Yields the imported packages that were written for TensorFlow 1, each with its statement."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or '']
        for name in names:
            root = name.partition('.')[0]
            if is_for_tensorflow_1(root):
                assert isinstance(node, ast.stmt)
                yield root, node


@functools.cache
def is_for_tensorflow_1(name: str) -> bool:
    """True if an installed package uses TensorFlow 1, and never `compat.v1`."""
    if not name or name in _KNOWN or name in sys.stdlib_module_names or 'tensorflow' in name:
        return False
    folder = package_folder(name)
    if folder is None or not {'site-packages', 'dist-packages'} & set(folder.parts):
        return False
    found = False
    for number, file in enumerate(sorted(folder.rglob('*.py'))):
        source = file.read_bytes() if number < _MOST_FILES and file.is_file() else b''
        if _NEW.search(source):
            return False
        found = found or bool(_OLD.search(source))
    return found
