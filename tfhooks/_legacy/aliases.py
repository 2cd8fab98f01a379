"""Aliases of modules: importing one name gives an existing module of another name."""

from __future__ import annotations

import sys
from importlib.abc import Loader
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
