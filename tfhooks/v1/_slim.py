"""Loads `tf_slim`, which most of `tf.contrib` became, when it is first used.

Its last release is of 2020. Its imports are redirected as those of the files of `tf.contrib` are,
so that it runs with today's TensorFlow, with tfhooks' sessions and hooks.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType

from tfhooks._legacy.old_names import redirected_imports
from tfhooks.v1 import _old_packages

_PACKAGE = 'tf_slim'


@functools.cache
def _imports() -> _old_packages.Imports:
    return _old_packages.Imports(redirected_imports.SERVED_TO_CONTRIB)


def install() -> None:
    """Makes later imports of the package load it with redirected imports."""
    _old_packages.OriginalFinder(_PACKAGE, _imports).install()


def load(name: str) -> ModuleType:
    """Imports `tf_slim` or a module in it.

    Args:
      name: Its dotted name.

    Raises:
      ModuleNotFoundError: It is not installed, or has no such module.
    """
    try:
        importlib.import_module(_PACKAGE)
    except ModuleNotFoundError as error:
        if error.name != _PACKAGE:
            raise
        from tfhooks._base import extras

        command = extras.pip_command(['contrib'])
        raise ModuleNotFoundError(f'tf_slim is not installed: {command}', name=_PACKAGE) from error
    return importlib.import_module(name)
