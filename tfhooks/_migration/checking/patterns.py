"""Patterns of code that behave differently under tfhooks and can be found without running it.

Each is anchored to a row of docs/differences.md. A pattern is reported only where it is certain:
code that is one only for some values of variables is ignored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tfhooks._legacy.old_names.tables import read
from tfhooks._migration.checking import hook_patterns, session_patterns
from tfhooks._migration.checking.calls_and_classes import Facts, is_interesting
from tfhooks._migration.checking.program import Program


class Pattern(NamedTuple):
    """One pattern.

    Attributes:
      name: Its name, in JSON.
      kind: 'differs': runs, and does something else; 'refused': raises an error; 'caution': works
        as in TensorFlow, which is not what it seems.
      message: The text of the finding.
      replacement: The code to write instead; may be empty.
      row: The first column of its row in docs/differences.md.
    """

    name: str
    kind: str
    message: str
    replacement: str
    row: str


PATTERNS = {
    name: Pattern(name, **fields)
    for name, fields in read(Path(__file__).with_suffix('.ini')).items()
}


def find(program: Program) -> Iterator[tuple[Pattern, ast.AST]]:
    """Yields the patterns in one program, each with its node."""
    if not is_interesting(program):
        return
    facts = Facts(program)
    for name, node in (*session_patterns.find(facts), *hook_patterns.find(facts)):
        yield PATTERNS[name], node
