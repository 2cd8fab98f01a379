"""Makes a program that imports TensorFlow get tfhooks.v1, but no other code in its process.

TensorFlow's own modules, Keras and other libraries go on importing TensorFlow as it is: they are
written for TensorFlow 2, where many a name of TensorFlow 1 means something else. So the importing
file decides. The program is every Python file that is neither Python's own nor installed as a
package.
While such a file is compiled, its import statements are changed: `import tensorflow as tf` into
`import tfhooks.v1 as tf`, and so on. This happens to the syntax tree, so lines and columns stay
where they are, tracebacks do not show it, and it costs nothing when the program runs. It is not
written to bytecode caches. For libraries that make sessions and hooks themselves,
`tfhooks.patch()` is called as soon as TensorFlow is imported; it is not imported before the program
or a library does, since programs set environment variables for it first.

`importlib.import_module('tensorflow...')` is treated the same way, by the file that calls it.
Code that is run from strings (`exec('import tensorflow')`) gets TensorFlow as it is.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import os
import runpy
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, TypeAlias

from tfhooks._legacy import contrib_files, rewriting
from tfhooks._legacy.aliases import alias_spec
from tfhooks._migration.checking.replacements import PACKAGES, replacement

_Context: TypeAlias = contextlib.AbstractContextManager[None]

THEIRS = 'tensorflow'
OURS = 'tfhooks.v1'
# TensorFlow's implementation, which is not part of the API that tfhooks.v1 overlays.
_PRIVATE = ('python', 'core', 'compiler', 'tools', 'lite.python')
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def ours(name: str) -> str:
    """Returns the name of the module that a program gets when it imports TensorFlow's `name`."""
    if name == THEIRS or name.startswith(f'{THEIRS}.'):
        # Editors completed public names as those of `tensorflow._api.v1`.
        return OURS + name.removeprefix(THEIRS).removeprefix('._api.v1')
    return name


class Program:
    """Tells the program's files from others, and compiles them.

    Attributes:
      packages: Installed packages, by name, that count as the program's own.
      removed_names: Whether names that Python, NumPy and SciPy have removed are served.
    """

    def __init__(self, packages: Iterable[str] = (), removed_names: bool = True) -> None:
        self.packages = set(packages)
        self.removed_names = removed_names
        paths = sysconfig.get_paths()
        self._python = tuple(
            os.path.join(paths[name], '') for name in ('stdlib', 'platstdlib') if name in paths
        )
        # By file and not by module name, since a module may have aliases.
        self.has_file = functools.cache(self._has_file)

    def _has_file(self, path: str) -> bool:
        """True if a file is the program's."""
        if path.startswith('<'):
            return False
        path = os.path.abspath(path)
        parts = path.split(os.sep)
        if path.startswith(_PACKAGE) or contrib_files.FOLDER in parts:
            return False
        for place in ('site-packages', 'dist-packages'):
            if place in parts:
                package = parts[len(parts) - parts[::-1].index(place) :][:1]
                return bool(package) and os.path.splitext(package[0])[0] in self.packages
        return not path.startswith(self._python)

    def changes(self, source: bytes) -> bool:
        """True if a file of the program is rewritten before it is compiled."""
        return THEIRS.encode() in source or rewriting.needs(source)

    def compile(self, source: bytes, path: str) -> CodeType:
        """Compiles a file of the program."""
        program: Any = source
        if self.changes(source):
            program = rewriting.parse(source, path, ours, self.removed_names)
        code: CodeType = compile(program, path, 'exec', dont_inherit=True)
        return code


class Finder(MetaPathFinder):
    """Notices the import of TensorFlow, and finds its implementation under the name tfhooks.v1."""

    def __init__(self, when_ready: Callable[[], None], around: Callable[[], _Context]) -> None:
        self._when_ready, self._around = when_ready, around
        self._done = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not self._done and THEIRS in sys.modules:
            self._ready()
        if fullname in (THEIRS, OURS) and not self._done:
            _choose_keras()
            return self._watched(fullname, path, target)
        parent, _, child = fullname.rpartition('.')
        inside = fullname.removeprefix(f'{OURS}.')
        if inside in _PRIVATE and inside != fullname:
            return alias_spec(fullname, importlib.import_module(f'{THEIRS}.{inside}'))
        if parent.startswith(f'{OURS}.') and parent in sys.modules:
            theirs = sys.modules[parent].__name__
            if f'{theirs}.'.startswith(tuple(f'{THEIRS}.{name}.' for name in _PRIVATE)):
                # Another finder would load a second copy of the module by the package's path.
                module = importlib.import_module(f'{theirs}.{child}')
                return alias_spec(fullname, module)
        return None

    def _watched(self, fullname: str, path: Any, target: Any) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, 'find_spec'):
                spec = finder.find_spec(fullname, path, target)
                if spec is not None and spec.loader is not None:
                    self._watch(spec.loader)
                    return spec
        return None

    def _watch(self, loader: Any) -> None:
        """Makes a loader tell when it has executed its module, which it does within the context."""
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            with self._around():
                execute(module)
            self._ready(loaded=module.__name__)

        loader.exec_module = exec_module

    def _ready(self, loaded: str | None = None) -> None:
        """Continues as soon as no part of TensorFlow or tfhooks is half imported."""
        if self._done or _half_imported(loaded):
            return
        self._done = True
        importlib.import_module(OURS)
        # TensorFlow's modules have paths, in which tfhooks.v1 would find more of them.
        sys.meta_path.remove(self)
        sys.meta_path.insert(0, self)
        self._when_ready()


def _choose_keras() -> None:
    """Chooses Keras 2 as `import tfhooks.v1` does, which is too late if a library imports first."""
    if 'TF_USE_LEGACY_KERAS' not in os.environ and importlib.util.find_spec('tf_keras'):
        os.environ['TF_USE_LEGACY_KERAS'] = '1'


def _half_imported(but: str | None) -> bool:
    """True if a part of TensorFlow or tfhooks is being imported, other than `but`."""
    for name, module in list(sys.modules.items()):
        spec = getattr(module, '__spec__', None)
        if (
            getattr(spec, '_initializing', False)
            and name.partition('.')[0] in (THEIRS, 'tfhooks')
            and not name.startswith('tfhooks._migration')
            and name != but
        ):
            return True
    return False


class _NotThere(MetaPathFinder):
    """The last finder: names a missing module as the program does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.startswith(f'{OURS}.'):
            inside = fullname.removeprefix(f'{OURS}.')
            instead = replacement(PACKAGES, inside)
            raise ModuleNotFoundError(
                f'No module named {f"{THEIRS}.{inside}"!r}: neither this TensorFlow nor tfhooks.v1 '
                f'has it{f"; use {instead}" if instead else ""}',
                name=fullname,
            )
        return None


def install(
    program: Program,
    when_ready: Callable[[], None],
    around: Callable[[], _Context] = contextlib.nullcontext,
) -> None:
    """Makes the program's later imports of TensorFlow get tfhooks.v1.

    Args:
      program: The program.
      when_ready: Called once, when TensorFlow and tfhooks.v1 have been imported.
      around: Makes a context in which TensorFlow is imported.
    """
    sys.meta_path.insert(0, Finder(when_ready, around))
    sys.meta_path.append(_NotThere())

    read_code = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if program.has_file(path):
            source = self.get_data(path)
            if program.changes(source):
                return program.compile(source, path)
        return read_code(self, fullname)

    import_module = importlib.import_module

    def import_for(name: str, package: str | None = None) -> ModuleType:
        if name.startswith(THEIRS) and program.has_file(sys._getframe(1).f_code.co_filename):
            name = ours(name)
        return import_module(name, package)

    # `runpy.run_path` reads files with it, and so does a spawned child the program.
    read_file: Callable[..., Any] = vars(runpy)['_get_code_from_file']

    def get_code_from_file(*args: Any) -> Any:
        path = os.fspath(args[-1])
        if not program.has_file(path) or not path.endswith('.py'):
            return read_file(*args)
        with open(path, 'rb') as file:
            code = program.compile(file.read(), os.path.abspath(path))
        # With the name of the file, until Python 3.11.
        return (code, args[-1]) if len(args) > 1 else code

    setattr(SourceFileLoader, 'get_code', get_code)  # noqa: B010
    setattr(importlib, 'import_module', import_for)  # noqa: B010
    setattr(runpy, '_get_code_from_file', get_code_from_file)  # noqa: B010
