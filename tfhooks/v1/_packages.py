"""Loads tensorflow-estimator and tf_slim, which are written for an earlier TensorFlow, when used.

Their last releases are of 2023 and of 2020; the first is `tf.estimator`, and most of `tf.contrib`
became the second. Their imports are redirected, so that they run with today's TensorFlow, with
tfhooks' sessions and hooks.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tfhooks._legacy.aliases import add_finder, alias_spec
from tfhooks._legacy.old_names import redirected_imports
from tfhooks.v1 import _old_packages


@dataclasses.dataclass(frozen=True)
class Package:
    """A package that an extra of tfhooks installs.

    Attributes:
      name: What is imported.
      distribution: The name by which pip knows it.
      extra: The extra.
      imports: Returns the answers to its import statements, always the same object.
    """

    name: str
    distribution: str
    extra: str
    imports: Callable[[], _old_packages.Imports]

    def load(self, name: str) -> Any:
        """Imports the package or a module in it.

        Args:
          name: Its dotted name.

        Raises:
          ModuleNotFoundError: It is not installed, or has no such module.
        """
        try:
            importlib.import_module(self.name)
        except ModuleNotFoundError as error:
            if error.name != self.name:
                raise
            from tfhooks._base import extras

            command = extras.pip_command([self.extra])
            text = f'{self.distribution} is not installed: {command}'
            raise ModuleNotFoundError(text, name=self.name) from error
        return importlib.import_module(name)


ESTIMATOR = Package(
    redirected_imports.ESTIMATOR,
    'tensorflow-estimator',
    'estimator',
    functools.cache(_old_packages.Imports),
)
SLIM = Package(
    'tf_slim',
    'tf_slim',
    'contrib',
    functools.cache(lambda: _old_packages.Imports(redirected_imports.SERVED_TO_CONTRIB)),
)


@dataclasses.dataclass(frozen=True)
class _OldNameFinder(MetaPathFinder):
    """Finds tensorflow-estimator under the names that it had within TensorFlow.

    It comes first, since Python would else find a second copy of each module by the package's path.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for old, new in redirected_imports.OLD_NAMES.items():
            if f'{fullname}.'.startswith(f'{old}.'):
                return alias_spec(fullname, ESTIMATOR.load(new + fullname.removeprefix(old)))
        return None


def install() -> None:
    """Makes later imports of the packages, by any of their names, load them so."""
    for package in (ESTIMATOR, SLIM):
        add_finder(_old_packages.OriginalFinder(package.name, package.imports))
    add_finder(_OldNameFinder())
