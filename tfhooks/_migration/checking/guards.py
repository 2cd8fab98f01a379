"""What keeps a program running where a name is gone: `try`, and questions about the version."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import NamedTuple

IMPORT_ERRORS = frozenset({'ImportError', 'ModuleNotFoundError'})
_ANY_ERROR = {'Exception', 'BaseException'}
_VERSIONS = {'__version__', 'VERSION', 'TYPE_CHECKING', '__git_version__', 'GIT_VERSION'}
_QUESTIONS = {'hasattr', 'find_spec', 'find_loader'}
_EXITS = ('exit', '_exit', 'quit', 'abort')


class Guard(NamedTuple):
    """A place that a program reaches only where something is there, or is not.

    Attributes:
      kind: 'try': what it guards may fail; 'handler': runs only where the `try` of this number
        failed; 'test': behind a question about TensorFlow's version or names.
      number: Which `try` it is.
      imports: Whether it survives a failing import.
      attributes: Whether it survives a missing attribute.
    """

    kind: str
    number: int = 0
    imports: bool = True
    attributes: bool = True


def handles(handler: ast.ExceptHandler, errors: Collection[str]) -> bool:
    """Whether a program goes on after an error of one of some kinds."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise):
        return False
    call = last.value if isinstance(last, ast.Expr) else None
    if isinstance(call, ast.Call) and _last(call.func) in _EXITS:
        return False
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_last(kind) in {*errors, *_ANY_ERROR} for kind in kinds)


def version_guard(known: Collection[str], test: ast.expr) -> Guard | None:
    """The guard that a condition is, where it asks which TensorFlow this is.

    Args:
      known: The variables of the program that hold the answer to such a question.
      test: The condition.
    """
    asks = _VERSIONS | _QUESTIONS
    for node in ast.walk(test):
        # `'name' in dir(tf)`; an attribute of this name is no question.
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'dir':
            return Guard('test')
        if isinstance(node, ast.Attribute) and node.attr in asks:
            return Guard('test')
        if isinstance(node, ast.Name) and (node.id in asks or node.id in known):
            return Guard('test')
    return None


def _last(node: ast.expr) -> str:
    return str(getattr(node, 'attr', getattr(node, 'id', '')))
