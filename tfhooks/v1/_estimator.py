"""Loads the package tensorflow-estimator as `tf.estimator`, when it is first used.

Its last release is of 2023. Its imports are redirected, so that it runs with today's TensorFlow and
an Estimator makes tfhooks' sessions and hooks.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tfhooks._legacy.aliases import alias_spec
from tfhooks._legacy.old_names.redirected_imports import ESTIMATOR, OLD_NAMES
from tfhooks.v1 import _old_packages

PACKAGE = ESTIMATOR

imports = functools.cache(_old_packages.Imports)


class _OldNameFinder(MetaPathFinder):
    """Finds the package under the name that it had within TensorFlow.

    It comes first, since Python would else find a second copy of each module by the package's path.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for old, new in OLD_NAMES.items():
            if f'{fullname}.'.startswith(f'{old}.'):
                return alias_spec(fullname, load(new + fullname.removeprefix(old)))
        return None


def install() -> None:
    """Makes later imports of the package, by any of its names, load it with redirected imports."""
    _old_packages.OriginalFinder(PACKAGE, imports).install()
    if not any(isinstance(finder, _OldNameFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OldNameFinder())


def load(name: str) -> Any:
    """Imports tensorflow-estimator or a module in it.

    Args:
      name: Its dotted name.

    Raises:
      ModuleNotFoundError: It is not installed, or has no such module.
    """
    try:
        importlib.import_module(PACKAGE)
    except ModuleNotFoundError as error:
        if error.name != PACKAGE:
            raise
        from tfhooks._base import extras

        raise ModuleNotFoundError(
            f'tensorflow-estimator is not installed: {extras.pip_command(["estimator"])}',
            name=PACKAGE,
        ) from error
    return importlib.import_module(name)
