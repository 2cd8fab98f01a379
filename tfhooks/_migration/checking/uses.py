"""A use of a name of TensorFlow's or tfhooks' in a program."""

from __future__ import annotations

import ast
import dataclasses

from tfhooks._migration.checking.guards import Guard

# The packages whose names are checked.
ROOTS = ('tensorflow', 'tensorflow_core', 'tensorflow_estimator', 'tfhooks')


def is_in_question(dotted: str) -> bool:
    """True if a dotted name is in one of the checked packages."""
    return dotted.partition('.')[0] in ROOTS


@dataclasses.dataclass
class Use:
    """A use of a name of a checked package in a program.

    Attributes:
      names: The dotted names that it may stand for; several where the program decides at run time.
      is_certain: Whether it can stand for nothing else.
      is_import: Whether it is in an import statement.
      node: Its node.
        guards: The guards around it.
      through: The imports it depends on: the name that each imports, and its guards.
    """

    names: tuple[str, ...]
    is_certain: bool
    is_import: bool
    node: ast.AST
    guards: tuple[Guard, ...]
    through: tuple[tuple[str, tuple[Guard, ...]], ...] = ()
