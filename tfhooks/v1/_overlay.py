"""A namespace of TensorFlow's with some names replaced or added."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tfhooks._legacy.aliases import alias_spec


class Overlay(ModuleType):
    """A module whose missing names are looked up, once each, in a module of TensorFlow's.

    Names in the module itself hide TensorFlow's. A name that neither has raises AttributeError,
    with the reason where one is known.
    """

    if TYPE_CHECKING:  # Not at run time, where a module's annotations would be those of its class.
        _upstream: Any
        _own: Mapping[str, Any]
        _why_missing: Callable[[str], str | None]

    def __getattr__(self, name: str) -> Any:
        # TensorFlow's lazy modules have a __wrapped__, which inspect would follow.
        if '_upstream' not in self.__dict__ or name == '__wrapped__':
            raise AttributeError(name)
        # setdefault, so that two threads get the same object.
        return self.__dict__.setdefault(name, self._look_up(name))

    def _look_up(self, name: str) -> Any:
        if name in self._own:
            return getattr(self._own[name], name)
        try:
            return getattr(self._upstream, name)
        except AttributeError as error:
            why = self._why_missing(name)
            if why is not None:
                # Not with `obj=self`: Python would go on with a name that is spelt like this one.
                raise AttributeError(why, name=name, obj=None) from error
            text = f'module {self.__name__!r} has no attribute {name!r}'
            raise AttributeError(text, name=name, obj=self) from error
        except ImportError as error:
            why = self._why_missing(name)
            if why is None:
                raise
            raise ImportError(why) from error

    def __dir__(self) -> list[str]:
        try:
            upstream = dir(self._upstream)
        except ImportError:  # TensorFlow raises it where a part of Keras is missing.
            upstream = []
        own = self.__all__ + [name for name in self.__dict__ if name.startswith('__')]
        return sorted({name for name in [*upstream, *own] if name[:1] != '_' or name[:2] == '__'})

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        # TensorFlow's modules can be pickled and copied, so objects that hold one can.
        return importlib.import_module, (self.__name__,)


def lay_over(
    module: ModuleType,
    upstream: Any,
    *,
    own: Mapping[str, Any] | None = None,
    why_missing: Callable[[str], str | None] = lambda name: None,
) -> None:
    """Turns a module into an `Overlay` of `upstream`.

    Args:
      module: The module; it may be one that is being imported, or a fresh one.
      upstream: The module of TensorFlow's to lay it over.
      own: From names that are taken from elsewhere to the module to take each from when it is first
        used. Names that the module has already need no entry.
      why_missing: Called with a name that TensorFlow lacks; returns the text of the error, or None.
    """
    vars(module).update(_upstream=upstream, _own=own or {}, _why_missing=why_missing)
    # With a path, `import tfhooks.v1.train.experimental` uses the finder below.
    vars(module).setdefault('__path__', [])
    names = {*vars(upstream).get('__all__', ()), *(own or {})}
    vars(module)['__all__'] = sorted(name for name in names if not name.startswith('_'))
    module.__class__ = Overlay


@dataclasses.dataclass(frozen=True)
class AliasFinder(MetaPathFinder):
    """Finds `package.a.b` as attribute `b` of `package.a`: TensorFlow's modules under our names.

    It comes before the finders of files, which would find a second copy of each module by the paths
    of TensorFlow's namespaces.
    """

    package: str

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent_name, _, child = fullname.rpartition('.')
        if f'{parent_name}.'.startswith(f'{self.package}.') and parent_name in sys.modules:
            parent = sys.modules[parent_name]
            try:
                module = getattr(parent, child)
            except (AttributeError, ImportError) as error:
                why = parent._why_missing(child) if isinstance(parent, Overlay) else None
                if why is not None:
                    # Not with `name=`, with which `from package import child` raises an error that
                    # says less.
                    raise ModuleNotFoundError(why) from error
                return None
            if isinstance(module, ModuleType) and module is not sys.modules.get(fullname):
                return alias_spec(fullname, module)
        return None
