"""Guards that keep a program running without a name: `try`, and tests of the version."""

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
    """A condition around code that may use removed names.

    Attributes:
      kind: 'try': the code may fail; 'handler': runs only where the `try` of this number failed;
        'test': runs depending on TensorFlow's version or names.
      number: The number of the `try`.
      imports: Whether the program continues after a failing import.
      attributes: Whether the program continues after a missing attribute.
    """

    kind: str
    number: int = 0
    imports: bool = True
    attributes: bool = True


def handles(handler: ast.ExceptHandler, errors: Collection[str]) -> bool:
    """True if a program continues after an error of one of some kinds."""
    match handler.body[-1]:
        case ast.Raise():
            return False
        case ast.Expr(ast.Call(function)) if last_part(function) in _EXITS:
            return False
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(last_part(kind) in {*errors, *_ANY_ERROR} for kind in kinds)


def version_guard(known: Collection[str], test: ast.expr) -> Guard | None:
    """Returns the guard for a condition that tests TensorFlow's version or names, or None.

    Args:
      known: The variables of the program that hold the result of such a test.
      test: The condition.
    """
    asks = _VERSIONS | _QUESTIONS
    for node in ast.walk(test):
        match node:
            # `'name' in dir(tf)`; an attribute of this name is no test.
            case ast.Call(ast.Name('dir')):
                return Guard('test')
            case ast.Attribute(attr=name) if name in asks:
                return Guard('test')
            case ast.Name(name) if name in asks or name in known:
                return Guard('test')
    return None


def last_part(node: ast.expr) -> str:
    """Returns the last part of a dotted name; empty for any other expression."""
    return str(getattr(node, 'attr', getattr(node, 'id', '')))
