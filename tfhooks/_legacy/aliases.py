"""Finders of modules, and aliases: importing one name gives an existing module of another name."""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _AliasLoader(Loader):
    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = self._module


def alias_spec(name: str, module: ModuleType) -> ModuleSpec:
    """Returns the ModuleSpec by which a finder makes the import of `name` give `module`."""
    return ModuleSpec(name, _AliasLoader(module))


def add_finder(finder: MetaPathFinder, last: bool = False) -> None:
    """Puts a finder first, or last, unless there is an equal one."""
    if finder not in sys.meta_path:
        sys.meta_path.insert(len(sys.meta_path) if last else 0, finder)
