"""Makes `tfhooks.v1.contrib`, `tfhooks.v1.estimator` and the modules in them when first used.

`tfhooks._legacy.old_names` lists their names; each name is looked up when it is first used.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tfhooks import _tensorflow
from tfhooks._legacy import contrib_files, old_names
from tfhooks._legacy.old_names import available, redirected_imports
from tfhooks.v1 import _old_packages, _packages, _startup

_PACKAGE = 'tfhooks.v1'


class NameGoneError(AttributeError):
    """A name of TensorFlow 1.15's is missing; the message says what to use or to install."""


def _dict_of(module: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = vars(ModuleType)['__dict__'].__get__(module)
    return found


class Place(ModuleType):
    """A module of `tf.contrib` or `tf.estimator`, with those of its names that still work.

    Any other name raises NameGoneError, and ModuleNotFoundError where it is imported.
    """

    def __getattr__(self, name: str) -> Any:
        # Python itself looks up names with two underscores.
        if name.startswith('__'):
            raise AttributeError(f'module {self.__name__!r} has no attribute {name!r}')
        return _dict_of(self).setdefault(name, self._look_up(name))

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        """All names that work, for programs that look for a class by its name."""
        for name in names_in(self._dotted):
            with contextlib.suppress(NameGoneError):
                getattr(self, name)
        return _dict_of(self)

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system sets a module in its parent. Where a function has the module's name, the
        # parent keeps the function, as in TensorFlow.
        if self._dotted == 'contrib' and name != _attribute(name):
            return
        if not isinstance(value, Place) or is_place(f'{self._dotted}.{name}'):
            super().__setattr__(name, value)

    @property
    def _dotted(self) -> str:
        return _dotted(self.__name__)

    def _look_up(self, name: str) -> Any:
        dotted = f'{self._dotted}.{name}'
        try:
            if name in contrib_files.names_in(self._dotted):
                return importlib.import_module(f'{self.__name__}.{_attribute(name)}')
            if is_place(dotted):
                return importlib.import_module(f'{self.__name__}.{name}')
            return resolve(dotted)
        except (AttributeError, ImportError) as error:
            # Not with `obj=self`: Python would go on with a name of it that is spelt like this one.
            raise NameGoneError(str(error), name=name, obj=None) from error

    def __dir__(self) -> list[str]:
        dunders = [name for name in _dict_of(self) if name.startswith('__')]
        return sorted({*names_in(self._dotted), *contrib_files.names_in(self._dotted), *dunders})

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        # TensorFlow's modules can be pickled and copied, so objects that hold one can.
        return importlib.import_module, (self.__name__,)


def _attribute(name: str) -> str:
    """Returns the attribute of `tf.contrib` for a module's name, where the files are installed."""
    if contrib_files.folder() is None:
        return name
    return redirected_imports.ROOT.get(name, name)


def _dotted(module_name: str) -> str:
    return module_name.removeprefix(f'{_PACKAGE}.')


def is_place(dotted: str) -> bool:
    """True if `tf.<dotted>` is a module of ours, and not an alias of something else."""
    return available.target(dotted) == f'{_PACKAGE}.{dotted}'


def names_in(dotted: str) -> list[str]:
    """Lists the names in a module that work if the extras that they need are installed."""
    names = {
        name.rpartition('.')[2]
        for name in [*available.AVAILABLE, *available.PLACES]
        if name.rpartition('.')[0] == dotted
    }
    if 'python' in dotted.split('.'):
        # A file that was not public may have had any of the public names.
        names |= set(names_in('.'.join(dotted.split('.')[:2])))
    return sorted(names - {'*', 'python'})


def resolve(dotted: str) -> Any:
    """Returns the object that `tf.<dotted>` stands for now.

    Raises:
      NameGoneError: It is gone, or an extra of tfhooks that it needs is not installed.
    """
    found = old_names.look_up(dotted)
    if found is None or found.status in ('gone', 'files'):
        raise NameGoneError(found.instead if found else f'tf.{dotted} is not in TensorFlow 1.15')
    place, _, name = found.instead.rpartition('.')
    needs_keras_2 = 'legacy' in (found.extra or '').split(',')
    problem = _startup.legacy_keras_problem() if needs_keras_2 else None
    if problem is not None:
        raise NameGoneError(f'tf.{dotted} {problem}')
    try:
        if place.partition('.')[0] == 'tf':
            value: Any = sys.modules[_PACKAGE]
            for part in found.instead.split('.')[1:]:
                value = getattr(value, part)
            return value
        if place.partition('.')[0] == _packages.SLIM.name:
            return _in_slim(place, name)
        if place.partition('.')[0] == _packages.ESTIMATOR.name:
            return getattr(_packages.ESTIMATOR.load(place), name)
        if place in redirected_imports.COPIED:  # With tfhooks' sessions.
            return getattr(_old_packages.copy_of(place), name)
        if _tensorflow.is_internal(place):
            return _tensorflow.unexported(place, name)
        return getattr(importlib.import_module(place), name)
    except (AttributeError, ImportError) as error:
        raise NameGoneError(f'tf.{dotted} cannot be had: {error}') from error


def _in_slim(place: str, name: str) -> Any:
    module = _packages.SLIM.load(place)
    try:
        return getattr(module, name)
    except AttributeError:
        return _packages.SLIM.load(f'{place}.{name}')


def _need_slim(dotted: str) -> None:
    try:
        _packages.SLIM.load('tf_slim')
    except ImportError as error:
        raise ModuleNotFoundError(f'tf.{dotted} cannot be had: {error}') from error


class _PlaceLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Place(
            spec.name, f'`tf.{_dotted(spec.name)}` of TensorFlow 1: what of it still works.'
        )

    def exec_module(self, module: ModuleType) -> None:
        _dict_of(module)['__all__'] = names_in(_dotted(module.__name__))


@dataclasses.dataclass(frozen=True)
class PlaceFinder(MetaPathFinder):
    """Finds the modules of `tf.contrib` and `tf.estimator`; its errors say what to use instead."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        dotted = _dotted(fullname)
        root = dotted.partition('.')[0]
        if dotted == fullname or root not in ('contrib', 'estimator', 'examples'):
            return None
        spec = None
        if contrib_files.folder() is not None and dotted != 'contrib':
            from tfhooks.v1 import _contrib_from_files

            spec = _contrib_from_files.find_spec(fullname, dotted, path)
        if spec is not None or root == 'examples':
            return spec
        if dotted in available.PLACES and (is_place(dotted) or 'python' in dotted.split('.')):
            if available.extra(dotted, f'{_PACKAGE}.{dotted}') == 'contrib':
                _need_slim(dotted)
            spec = ModuleSpec(fullname, _PlaceLoader(), is_package=True)
            if dotted == 'contrib':
                spec.submodule_search_locations = contrib_files.paths('contrib')
            return spec
        try:
            resolve(dotted)
        except NameGoneError as error:
            # Not with `name=`, with which `from package import child` raises an error that says
            # less.
            raise ModuleNotFoundError(str(error)) from error
        return None  # An alias of another module, which the finder of aliases has.


@dataclasses.dataclass(frozen=True)
class NoContrib(MetaPathFinder):
    """The last finder: its error for `tensorflow.contrib` says how to import it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == 'tensorflow.contrib':
            raise ModuleNotFoundError(
                f'No module named {fullname!r}: it is gone since TensorFlow 2.0. Import what '
                f'works of it from {_PACKAGE}, as in `from {_PACKAGE}.contrib import slim`, or run '
                'the program as it is by `python -m tfhooks train.py`.',
                name=fullname,
            )
        return None


def __getattr__(name: str) -> Any:
    """Imports the two packages, for the overlay of `tfhooks.v1`."""
    if name in ('contrib', 'estimator'):
        return importlib.import_module(f'{_PACKAGE}.{name}')
    raise AttributeError(name)
