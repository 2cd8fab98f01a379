"""Resolves imports between the files of a project, such as `from common import tf`."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tfhooks._migration.checking import files
from tfhooks._migration.checking.program import Program

# Only whole namespaces, since another file's use of a name that one file guards is no mistake.
_NAMESPACES = {
    'tensorflow',
    'tensorflow.compat.v1',
    'tensorflow.compat.v2',
    'tfhooks',
    'tfhooks.v1',
}
_NOTHING: Mapping[str, str] = {}


class _File(NamedTuple):
    """The namespaces that a file defines, and its imports from other files."""

    own: Mapping[str, str]
    imports: Sequence[ast.ImportFrom]


class Project:
    """The files of a project.

    Args:
      paths: The files and folders that are read; modules are looked for in these folders alone, and
        beside the file that imports.
    """

    def __init__(self, paths: Sequence[str] = ()) -> None:
        self._roots = [os.path.abspath(path) for path in paths if os.path.isdir(path)]
        self._files: dict[str, _File] = {}
        self._given: dict[str, Mapping[str, str]] = {}

    def program(self, file: str, source: files.Source) -> Program:
        """Analyses one program of the project."""
        folder = os.path.dirname(os.path.abspath(file))

        def given_by(module: str, level: int) -> Mapping[str, str]:
            other = self._find(folder, module, level)
            if other is None:
                return _NOTHING
            if other not in self._given:
                self._given[other] = self._namespaces(other, {})
            return self._given[other]

        return Program(source.tree, given_by)

    def _namespaces(self, file: str, known: dict[str, Mapping[str, str]]) -> Mapping[str, str]:
        """The namespaces that a file gives; `known` ends import cycles."""
        if file in known:
            return known[file]
        found: dict[str, str] = {}
        known[file] = found
        folder = os.path.dirname(file)
        for statement in self._read(file).imports:
            other = self._find(folder, statement.module or '', statement.level)
            given = self._namespaces(other, known) if other is not None else _NOTHING
            for alias in statement.names:
                if alias.name == '*':
                    found.update(given)
                elif alias.name in given:
                    found[alias.asname or alias.name] = given[alias.name]
        found.update(self._read(file).own)
        return found

    def _read(self, file: str) -> _File:
        if file not in self._files:
            tree = files.read(file).tree
            imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
            self._files[file] = _File(Program(tree).namespaces(_NAMESPACES), imports)
        return self._files[file]

    def _find(self, folder: str, module: str, level: int) -> str | None:
        """The file of a module that a file in a folder imports, or None if it is none of these."""
        if not level and module.partition('.')[0] in sys.stdlib_module_names:
            return None
        for base in self._bases(folder, level):
            place = os.path.join(base, *module.split('.')) if module else base
            for file in (f'{place}.py', os.path.join(place, '__init__.py')):
                if os.path.isfile(file):
                    return file
        return None

    def _bases(self, folder: str, level: int) -> list[str]:
        """The folders in which modules are looked for."""
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return [folder]
        bases = [folder]
        for root in self._roots:
            while folder.startswith(root + os.sep):
                folder = os.path.dirname(folder)
                bases.append(folder)
        return bases
