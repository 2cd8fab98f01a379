"""Loads packages written for an earlier TensorFlow, such as tensorflow-estimator, unchanged.

A finder gives each of their modules an `__import__` of its own, which import statements call by
the language's rules. It redirects removed and relocated names, and those of hooks and sessions, by
the tables in `tfhooks._legacy.old_names.redirected_imports`. TensorFlow's modules and all others
are not changed.
"""

from __future__ import annotations

import abc
import builtins
import dataclasses
import functools
import importlib
import importlib.util
import pkgutil
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from tfhooks._legacy.aliases import alias_spec
from tfhooks._legacy.old_names import redirected_imports


class Imports:
    """The answers to a package's import statements.

    Attributes:
      served: From the dotted names of modules and of names in them to the dotted names that replace
        them: `tfhooks._legacy.old_names.redirected_imports.SERVED` and additions.
      builtins: Python's builtins with the `__import__` of the package, to be its modules'
        `__builtins__`.
    """

    def __init__(self, more: Mapping[str, str] | None = None) -> None:
        """Makes the answers.

        Args:
          more: Entries beside or instead of those in `SERVED`, in the same form.
        """
        self.served = {**redirected_imports.SERVED, **(more or {})}
        remade = {*redirected_imports.COPIED, *redirected_imports.ABSENT}
        special = [*self.served, *redirected_imports.OVERLAID, *remade]
        # Every module above a name that is served is seen through a view.
        self._viewed = {
            '.'.join(name.split('.')[:depth])
            for name in special
            for depth in range(1, name.count('.') + 1)
        }.union(redirected_imports.OVERLAID)
        self._remade = self._viewed | remade
        self._made: dict[str, Any] = {}
        self._lock = threading.RLock()
        self.builtins = {**vars(builtins), '__import__': self._import}

    def find(self, dotted: str) -> Any:
        """Returns the replacement for a module of TensorFlow's or a name in it, or None.

        Raises:
          ImportError: The replacement cannot be imported.
        """
        if dotted in self.served and dotted not in self._viewed:
            return pkgutil.resolve_name(self.served[dotted])
        if dotted not in self._remade:
            return None
        with self._lock:
            if dotted not in self._made:
                self._made[dotted] = self._make(dotted)
        return self._made[dotted]

    def place_of(self, dotted: str) -> str:
        """Returns the dotted name of a module today; it may have moved with its package."""
        place, rest = dotted, ''
        while place and place not in self.served:
            place, _, last = place.rpartition('.')
            rest = f'.{last}{rest}'
        return f'{self.served[place]}{rest}' if place else dotted

    def _make(self, dotted: str) -> ModuleType:
        if dotted in redirected_imports.ABSENT:
            return Absent(dotted)
        if dotted in redirected_imports.COPIED:
            return copy_of(dotted)
        return _View(dotted, self)

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        top = self.find(name.partition('.')[0])
        if level or top is None:
            return builtins.__import__(name, globals, locals, fromlist, level)
        found: ModuleType | None = self.find(name)
        if not isinstance(found, _View | Absent) and name not in redirected_imports.COPIED:
            place = self.place_of(name)
            if fromlist:
                return builtins.__import__(place, globals, locals, fromlist)
            importlib.import_module(place)
        # Without a list, the statement is `import a.b` and wants `a`.
        return found if fromlist and found is not None else top


@functools.cache
def copy_of(dotted: str) -> ModuleType:
    """Returns a copy of a module of TensorFlow's with redirected imports, one for all packages.

    Raises:
      ModuleNotFoundError: This TensorFlow has no such module.
    """
    spec = importlib.util.find_spec(dotted)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f'No module named {dotted!r}', name=dotted)
    module = importlib.util.module_from_spec(spec)
    vars(module)['__builtins__'] = Imports().builtins
    spec.loader.exec_module(module)
    return module


class _View(ModuleType):
    """A module of TensorFlow's as the package sees it: replacements come before its own names."""

    def __init__(self, name: str, imports: Imports) -> None:
        super().__init__(name)
        module = pkgutil.resolve_name(imports.place_of(name))
        vars(self).update(__path__=[], _imports=imports, _module=module)

    def __getattr__(self, name: str) -> Any:
        if name == '__all__':
            return [key for key in dir(self._module) if not key.startswith('_')]
        dotted = f'{self.__name__}.{name}'
        found = None if name.startswith('__') else self._imports.find(dotted)
        if found is not None:
            return found
        try:
            value = getattr(self._module, name)
        except AttributeError:
            # A module that is not imported yet, or nothing.
            try:
                return importlib.import_module(f'{self._module.__name__}.{name}')
            except ModuleNotFoundError:
                pass
            raise
        over = redirected_imports.OVERLAID.get(self.__name__)
        return value if over is None else getattr(importlib.import_module(over), name, value)


class Absent(ModuleType):
    """A removed module: each name in it is a class that cannot be instantiated."""

    def __getattr__(self, name: str) -> Any:
        if name == '__all__':
            # After `import *` the other module has every name, too.
            return ['__getattr__']
        if name.startswith('__'):
            raise AttributeError(f'module {self.__name__!r} has no attribute {name!r}')
        return self.__dict__.setdefault(name, _absent(f'{self.__name__}.{name}', self.error))

    def error(self, dotted: str) -> Exception:
        """Returns the error to raise when a name of the module is used."""
        return NotImplementedError(f'{dotted} is not in this TensorFlow')


class _AbsentType(abc.ABCMeta):
    """Metaclass of classes that can be imported and subclassed but not called, or be modules."""

    _dotted: str
    _error: Callable[[str], Exception]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise cls._error(cls._dotted)

    def __getattr__(cls, name: str) -> Any:
        dotted = f'{cls._dotted}.{name}'
        if name.startswith('__') or not cls.__name__.islower():
            raise AttributeError(str(cls._error(dotted)), name=name, obj=cls)
        return _absent(dotted, cls._error)


def _absent(dotted: str, error: Callable[[str], Exception]) -> type:
    fields = {'_dotted': dotted, '_error': staticmethod(error)}
    return _AbsentType(dotted.rpartition('.')[2], (), fields)


class Loader(SourceFileLoader):
    """Loads a file with an `__import__` of its own."""

    def __init__(self, name: str, path: str, imports: Imports) -> None:
        super().__init__(name, path)
        self._imports = imports

    def exec_module(self, module: ModuleType) -> None:
        vars(module)['__builtins__'] = self._imports.builtins
        super().exec_module(module)


@dataclasses.dataclass(frozen=True)
class OriginalFinder(MetaPathFinder):
    """Finds the modules of one package, to be loaded with redirected imports.

    Attributes:
      package: The name of the package.
      imports: Returns the answers to its import statements, always the same object; called when the
        package is first imported.
      path: The directories of the package; by default `sys.path`.
    """

    package: str
    imports: Callable[[], Imports] = dataclasses.field(compare=False)
    path: Sequence[str] | None = dataclasses.field(default=None, compare=False)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not f'{fullname}.'.startswith(f'{self.package}.'):
            return None
        imports = self.imports()
        if fullname in imports.served:
            return alias_spec(fullname, imports.find(fullname))
        spec = PathFinder.find_spec(fullname, self.path if path is None else path)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(fullname, spec.loader.path, imports)
        return spec
