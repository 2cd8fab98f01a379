"""Rewrites a file that was written for TensorFlow 1 to import and use the names of today.

The syntax tree of one file is changed while it is compiled: its lines and columns stay, and no
other code in the process is affected.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from tfhooks._legacy.old_names.of_python_and_numpy import ATTRIBUTES, METHODS, MODULES, REMOVED

_REMOVED = re.compile(rb'\b(' + '|'.join(sorted(ATTRIBUTES)).encode() + rb')\b')
_OLD_MESSAGES = re.compile(rb'\bserialized_pb\s*=')


def needs(source: bytes) -> bool:
    """True if a file may have names that were removed, or messages of an old protoc."""
    return bool(_REMOVED.search(source) or _OLD_MESSAGES.search(source))


def parse(
    source: bytes, path: str, rename: Callable[[str], str], removed: bool = True
) -> ast.Module:
    """Parses a file and rewrites its imports.

    Args:
      source: The file.
      path: Its path, for errors.
      rename: From the dotted name of a module, or of a name in one, to the name that serves it.
      removed: Whether removed names of Python, NumPy and SciPy are served.

    Raises:
      SyntaxError: It is no Python.
    """
    # Not ast.parse, which would be in the traceback of a SyntaxError.
    tree = compile(source, path, 'exec', ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    if _OLD_MESSAGES.search(source):
        tree = _messages(tree)
    removed = removed and bool(_REMOVED.search(source))
    _Rewriter(tree, rename, removed).visit(tree)
    return ast.fix_missing_locations(tree)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, rename: Callable[[str], str], removed: bool) -> None:
        self._given_rename = rename
        self._removed = removed
        # The names by which the file imports modules that lost names.
        self._modules = _imported(tree) if removed else {}

    def _rename(self, name: str) -> str:
        if self._removed and name in REMOVED:
            return REMOVED[name]
        if self._removed and name.startswith('scipy.misc.'):
            return name.replace('scipy.misc', REMOVED['scipy.misc'])
        return self._given_rename(name)

    def visit_Import(self, node: ast.Import) -> ast.Import:
        names: list[ast.alias] = []
        for alias in node.names:
            name = self._rename(alias.name)
            root = alias.name.partition('.')[0]
            if name == alias.name:
                names.append(alias)
            elif alias.name == 'scipy.misc' and alias.asname is None:
                names.append(_alias(alias, root, None))
            else:
                names.append(_alias(alias, name, alias.asname or root))
                if alias.asname is None and '.' in alias.name:
                    # `import tensorflow.a.b` brings in a.b and binds the first of them.
                    names.append(_alias(alias, self._rename(root), root))
        node.names = names
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.ImportFrom]:
        if node.level or node.module is None:
            return [node]
        found: dict[str, list[ast.alias]] = {}
        for alias in node.names:
            module, name = self._rename(node.module), alias.name
            if name != '*':
                module, _, name = self._rename(f'{node.module}.{name}').rpartition('.')
            asname = alias.asname or (alias.name if name != alias.name else None)
            found.setdefault(module, []).append(_alias(alias, name, asname))
        return [
            ast.copy_location(ast.ImportFrom(module, names, 0), node)
            for module, names in found.items()
        ]

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if not self._removed or not isinstance(node.ctx, ast.Load) or node.attr not in ATTRIBUTES:
            return node
        is_module = isinstance(node.value, ast.Name) and (
            f'{self._modules.get(node.value.id)}.{node.attr}' in REMOVED
        )
        if not is_module and node.attr not in METHODS:
            return node
        get = ast.parse(
            "__import__('tfhooks._legacy.python_and_numpy', fromlist=['get']).get", mode='eval'
        ).body
        call = ast.Call(get, [node.value, ast.Constant(node.attr)], [])
        for inner in ast.walk(get):
            ast.copy_location(inner, node)
        return ast.copy_location(call, node)


def removed_names(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yields the removed names of Python, NumPy and SciPy that a file uses, and their nodes."""
    modules = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [f'{modules.get(node.value.id)}.{node.attr}']
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f'{node.module}.{alias.name}' for alias in node.names]
        else:
            continue
        for name in names:
            if name in REMOVED:
                yield name, node


def _alias(at: ast.alias, name: str, asname: str | None) -> ast.alias:
    return ast.copy_location(ast.alias(name=name, asname=asname), at)


def _imported(tree: ast.Module) -> dict[str, str]:
    """Returns the names by which a file imports the modules that lost names."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.name if alias.asname else alias.name.partition('.')[0]
                if bound in MODULES:
                    found[alias.asname or bound] = bound
    return found


def _messages(tree: ast.Module) -> ast.Module:
    """Rewrites the module of an old protoc to build its messages from the descriptor in it."""
    body: list[ast.stmt] = []
    for statement in tree.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.keyword) and node.arg == 'serialized_pb':
                ours = ast.parse(_BUILD).body
                for part in (part for line in ours for part in ast.walk(line)):
                    ast.copy_location(part, statement)
                    if isinstance(part, ast.Call) and not (part.args or part.keywords):
                        part.args = [node.value] if _is_call_of(part, 'AddSerializedFile') else []
                return ast.Module([*body, *ours], [])
        body.append(statement)
    return tree


def _is_call_of(call: ast.Call, method: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == method


_BUILD = """
from google.protobuf import descriptor_pool as _pool
from google.protobuf.internal import builder as _builder
DESCRIPTOR = _pool.Default().AddSerializedFile()
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
"""
