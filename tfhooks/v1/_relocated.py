"""Makes relocated names of `tensorflow.python` available at their old places.

TensorFlow's modules get a `__getattr__` for names that they lack, and are not changed otherwise.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tfhooks._legacy.aliases import add_finder, alias_spec
from tfhooks._legacy.old_names import relocated
from tfhooks._tensorflow import private_module, tf, unexported

PACKAGES = ('compiler', 'core', 'python', 'pywrap_tensorflow', 'tools')
"""What `tf` had in TensorFlow 1 beside its public names."""


def __getattr__(name: str) -> ModuleType:
    if name not in PACKAGES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    module = private_module(f'python.{name}' if name == 'pywrap_tensorflow' else name)
    if module is None:
        raise AttributeError(f'tensorflow.{name} is not in this TensorFlow')
    return module


def _relocated(module: ModuleType, names: Mapping[str, str], name: str) -> Any:
    """The `__getattr__` of a module from which names were moved, without its first arguments."""
    value = _find(names[name]) if name in names else None
    if value is None:
        raise AttributeError(f'module {module.__name__!r} has no attribute {name!r}')
    return value


def _find(place: str) -> Any:
    """Returns the object at a dotted name, or None where this TensorFlow has moved it again."""
    root, _, rest = place.partition('.')
    if root == 'tf':
        found: Any = tf
        for part in rest.split('.'):
            found = getattr(found, part, None)
        return found
    module, _, name = place.rpartition('.')
    try:
        return private_module(rest) or unexported(module, name)
    except AttributeError:
        return None


@dataclasses.dataclass(frozen=True)
class _Finder(MetaPathFinder):
    """Finds relocated modules; the last finder, so only where TensorFlow has none of that name."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if f'{fullname}.'.startswith('tf_keras.legacy_tf_layers.'):
            # TensorFlow's own `layers.normalization` looks for it there.
            name = fullname.replace('tf_keras', 'tf_keras.src', 1)
            return alias_spec(fullname, importlib.import_module(name))
        place = relocated.target(fullname.removeprefix('tensorflow.'))
        module = None if place is None else _find(place)
        return alias_spec(fullname, module) if isinstance(module, ModuleType) else None


def give_back() -> None:
    """Makes the names in `tfhooks._legacy.old_names.relocated` available at their old places."""
    for place, names in relocated.NAMES.items():
        module = private_module(f'python.{place}')
        if module is not None and '__getattr__' not in vars(module):
            vars(module)['__getattr__'] = functools.partial(_relocated, module, names)
    add_finder(_Finder(), last=True)
