"""A use of a name of TensorFlow's or tfhooks' in a program."""

from __future__ import annotations

import ast
import dataclasses

from tfhooks._migration.checking.guards import Guard

# The packages whose names are in question.
ROOTS = ('tensorflow', 'tensorflow_core', 'tensorflow_estimator', 'tfhooks')


def is_in_question(dotted: str) -> bool:
    """Whether a dotted name is of one of the packages."""
    return dotted.partition('.')[0] in ROOTS


@dataclasses.dataclass
class Use:
    """A name of a library in question, where a program asks for it.

    Attributes:
      names: What it may stand for, as dotted names; more than one where the program decides later.
      is_certain: Whether it can stand for nothing else.
      is_import: Whether an import statement asks.
      node: Where.
      guards: What it is guarded by.
      through: The imports it hangs on: what each imports, and what that is guarded by.
    """

    names: tuple[str, ...]
    is_certain: bool
    is_import: bool
    node: ast.AST
    guards: tuple[Guard, ...]
    through: tuple[tuple[str, tuple[Guard, ...]], ...] = ()
