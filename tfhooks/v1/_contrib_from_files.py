"""Loads the files of TensorFlow 1.15's `tf.contrib` unchanged, where they are installed.

`python -m tfhooks contrib install` puts them into the environment. Their import statements are
answered as those of tensorflow-estimator are; two kinds of generated files, the wrappers of
operations and the messages of an old protoc, are made anew from what is in them.
"""

from __future__ import annotations

import ast
import functools
import pkgutil
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tfhooks._base import extras
from tfhooks._legacy import contrib_files, rewriting
from tfhooks._legacy.aliases import add_finder
from tfhooks._legacy.old_names import redirected_imports
from tfhooks.v1 import _old_packages, _packages


class _WithoutEstimator(_old_packages.Absent):
    """Stands for a module of tensorflow-estimator where that is not installed."""

    def error(self, dotted: str) -> Exception:
        command = extras.pip_command(['estimator'])
        return ModuleNotFoundError(f'{dotted}: tensorflow-estimator is not installed: {command}')


class _Imports(_old_packages.Imports):
    """The answers to the files' imports; most files import tensorflow-estimator without need."""

    def find(self, dotted: str) -> Any:
        place, estimator = self.place_of(dotted), _packages.ESTIMATOR
        if f'{place}.'.startswith(f'{estimator.name}.'):
            try:
                estimator.load(estimator.name)
            except ModuleNotFoundError as error:
                if error.name != estimator.name:
                    raise
                return self._made.setdefault(place, _WithoutEstimator(place))
        return super().find(dotted)


@functools.cache
def _imports() -> _old_packages.Imports:
    imports = _Imports(redirected_imports.SERVED_TO_CONTRIB)
    # Two removed files of TensorFlow's own that those of contrib import.
    add_finder(_old_packages.OriginalFinder(contrib_files.FOLDER, lambda: imports))
    return imports


def find_spec(fullname: str, dotted: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Returns the spec of a module among the files; None if there is none or it is not served.

    Args:
      fullname: The name of the module.
      dotted: Its name in TensorFlow 1, without `tensorflow.`.
      path: The directories of its package.
    """
    place = contrib_files.folder()
    if place is None or '.'.join(dotted.split('.')[:2]) in redirected_imports.NOT_FROM_FILES:
        return None
    spec = PathFinder.find_spec(fullname, path if '.' in dotted else [str(place)])
    if spec is not None and isinstance(spec.loader, SourceFileLoader):
        spec.loader = _Loader(fullname, spec.loader.path, _imports())
    return spec


class _Loader(_old_packages.Loader):
    def get_code(self, fullname: str) -> CodeType | None:
        path = Path(self.path)
        if path.name.startswith('gen_') and path.parent.name == 'ops':
            return compile(_operations(path.read_bytes()), self.path, 'exec', dont_inherit=True)
        if path.name.endswith('_pb2.py'):
            tree = rewriting.parse(path.read_bytes(), self.path, lambda name: name)
            return compile(tree, self.path, 'exec', dont_inherit=True)
        return super().get_code(fullname)

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        for dotted, place in redirected_imports.LAID_OVER_THE_FILES.items():
            module_name, _, name = dotted.rpartition('.')
            if module.__name__ == f'tfhooks.v1.{module_name}':
                vars(module)[name] = pkgutil.resolve_name(place)


def _operations(source: bytes) -> ast.Module:
    """Returns the functions of a generated file, rewritten to call operations of `tf.raw_ops`."""
    body = ast.parse('from tfhooks._tensorflow import tf as _dtypes').body  # For defaults.
    body += ast.parse('from tfhooks.v1._contrib_ops import call').body
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        operation = next((op for op in map(_applied, ast.walk(node)) if op), None)
        if operation is None:
            continue
        given = [ast.keyword(arg.arg, ast.Name(arg.arg, ast.Load())) for arg in node.args.args]
        call = ast.Call(ast.Name('call', ast.Load()), [ast.Constant(operation)], given)
        docstring = node.body[:1] if ast.get_docstring(node) else []
        node.body, node.decorator_list = [*docstring, ast.Return(call)], []
        names = ast.Assign([ast.Name(operation, ast.Store())], ast.Name(node.name, ast.Load()))
        body += [node, names]
    return ast.fix_missing_locations(ast.Module(body, []))


def _applied(node: ast.AST) -> str | None:
    """The operation that a call in a generated file adds to the graph, or None."""
    if isinstance(node, ast.Call) and getattr(node.func, 'attr', '') == '_apply_op_helper':
        return str(ast.literal_eval(node.args[0]))
    return None
