"""Import statements that are answered by a module that is there already, under another name."""

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
    """What a finder returns so that importing `name` gives `module`."""
    return ModuleSpec(name, _AliasLoader(module))
