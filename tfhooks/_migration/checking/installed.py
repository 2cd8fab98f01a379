"""Reads the names of the installed TensorFlow from its files, without importing it."""

from __future__ import annotations

import ast
import functools
import importlib.util
import symtable
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

# Added to `tf.compat.v1` when it is imported, so that no file of the namespace lists them.
_ADDED = ('flags', 'app.flags')
# Namespaces of Keras 2, each with its place in `tf_keras`.
_FROM_KERAS = {
    'keras': '',
    'layers': '__internal__.legacy.layers',
    'nn.rnn_cell': '__internal__.legacy.rnn_cell',
}
_KERAS_OF_V2 = ('keras', 'losses', 'metrics', 'optimizers', 'initializers')
# The depth to which star imports in star imports are followed.
_STARS = 4


def package_folder(name: str) -> Path | None:
    """Returns the folder of a package, or None where it is not installed."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


class Installed:
    """Looks names up in the files of a TensorFlow, and of the `tf_keras` beside it.

    Args:
      tensorflow: The folder of the package `tensorflow`.
      keras: The folder of the package `tf_keras`, or None where that is not installed.
    """

    def __init__(self, tensorflow: Path, keras: Path | None) -> None:
        self._tensorflow = tensorflow
        self._spaces = {
            'v1': tensorflow / '_api' / 'v2' / 'compat' / 'v1',
            'v2': tensorflow / '_api' / 'v2' / 'compat' / 'v2',
        }
        self._keras = keras / 'api' / '_v1' / 'keras' if keras is not None else None

    @classmethod
    def here(cls) -> Installed | None:
        """Returns the packages of this Python, or None where there is no TensorFlow."""
        folder = package_folder('tensorflow')
        if folder is None or not (folder / '_api').is_dir():
            return None
        return cls(folder, package_folder('tf_keras'))

    def has_public(self, dotted: str, space: str = 'v1') -> bool | None:
        """True if a namespace of TensorFlow's has a name.

        Args:
          dotted: The name, without the leading `tf.`. Parts after a class or a function are
            ignored.
          space: 'v1' for `tf.compat.v1`, 'v2' for `tf.compat.v2`.

        Returns:
          Whether it is there; None if its files are missing.
        """
        if space == 'v2' and dotted.partition('.')[0] in _KERAS_OF_V2:
            return None
        for prefix in (*_FROM_KERAS, *_ADDED):
            if f'{dotted}.'.startswith(f'{prefix}.'):
                if prefix in _ADDED:
                    return True
                rest = f'{_FROM_KERAS[prefix]}{dotted[len(prefix) :]}'.strip('.')
                if self._keras is None:
                    return None
                return self._walk(self._keras, rest.split('.') if rest else [])
        return self._walk(self._spaces[space], dotted.split('.'))

    def _walk(self, folder: Path, parts: Sequence[str]) -> bool:
        for index, part in enumerate(parts):
            names = _names_of(folder / '__init__.py') or _NOTHING
            if (folder / part / '__init__.py').is_file():
                folder = folder / part
            elif (folder / f'{part}.py').is_file() and part not in names.own:
                return True
            else:
                # A module's own name, such as tf.nn.conv2d; deeper parts are of that object.
                return part in names.own or (index > 0 and names.is_open)
        return True

    @functools.cached_property
    def public_ways(self) -> dict[str, tuple[str, ...]]:
        """The names of `tf.compat.v1`, grouped by their last part."""
        ways: dict[str, tuple[str, ...]] = {}
        root = self._spaces['v1']
        for file in sorted(root.rglob('__init__.py')):
            place = file.parent.relative_to(root).parts
            if {'compat', 'raw_ops', '__internal__'} & set(place):
                continue
            for name in sorted((_names_of(file) or _NOTHING).own):
                if not name.startswith('_') and not (file.parent / name).is_dir():
                    ways[name] = (*ways.get(name, ()), '.'.join((*place, name)))
        return ways

    def has_private(self, dotted: str) -> str:
        """Looks up a module `tensorflow.<dotted>`, or a name in one.

        Returns:
          'found', 'no module' or 'no name'.
        """
        folder = self._tensorflow
        parts = dotted.split('.')
        for index, part in enumerate(parts):
            if (folder / part).is_dir():
                folder = folder / part
                continue
            if (folder / f'{part}.py').is_file():
                rest = parts[index + 1 :]
                if not rest or self._defines(folder / f'{part}.py', rest[0], _STARS):
                    return 'found'
                return 'no name'
            if any(folder.glob(f'{part}.*so')) or (folder / f'{part}.pyi').is_file():
                return 'found'
            init = folder / '__init__.py'
            if index and init.is_file() and self._defines(init, part, _STARS):
                return 'found'
            # A missing `package.part` is taken for a name or a module by the case of its first
            # letter.
            is_name = index == len(parts) - 1 and (part[:1].isupper() or index > 2)
            return 'no name' if is_name else 'no module'
        return 'found'

    def _defines(self, file: Path, name: str, stars: int) -> bool:
        names = _names_of(file)
        if names is None or names.is_open or name in names.own or name.startswith('__'):
            return True
        for module in names.stars if stars else ():
            if not module.startswith('tensorflow.'):
                return True
            place = self._tensorflow.joinpath(*module.split('.')[1:])
            files = [place.parent / f'{place.name}.py', place / '__init__.py']
            present = [other for other in files if other.is_file()]
            # Without a Python file it is an extension, whose names cannot be read.
            if not present or self._defines(present[0], name, stars - 1):
                return True
        return False


class _Names(NamedTuple):
    """The names that a file gives to its module.

    Attributes:
      own: Those that it binds.
      stars: The modules of which it has all names.
      is_open: Whether it may have others.
    """

    own: Collection[str] = ()
    stars: Sequence[str] = ()
    is_open: bool = False


_NOTHING = _Names()


@functools.cache
def _names_of(file: Path) -> _Names | None:
    try:
        source = file.read_text(encoding='utf-8')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            table = symtable.symtable(source, str(file), 'exec')
            # The table does not say which module a star is of.
            tree = ast.parse(source if 'import *' in source else '')
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    own = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported()
    }
    stars = [
        '' if node.level else node.module or ''
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == '*'
    ]
    # Generated protocol buffers define their names when they are imported.
    is_generated = file.name.endswith('_pb2.py')
    is_open = is_generated or '__getattr__' in own or '' in stars
    return _Names(own, [star for star in stars if star], is_open)
