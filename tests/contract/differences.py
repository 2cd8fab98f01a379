"""Where tfhooks is meant to do something else than what the traces recorded.

Each entry stands for one place in one program's trace: instead of these recorded lines, those. It
belongs to a row of docs/differences.md, and must still be true: a replay fails where a declared
difference does not happen any more.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """One replacement of lines in a recorded trace.

    Attributes:
      program: The program's name, `topic.function`.
      section: The section of its trace: calls, log, files, checkpoints or events.
      instead_of: The recorded lines, which follow each other; at least one.
      these: The lines that tfhooks leaves in their place.
      row: How the `What` of the row in docs/differences.md begins.
    """

    program: str
    section: str
    instead_of: tuple[str, ...]
    these: tuple[str, ...]
    row: str


DIFFERENCES: list[Difference] = []


def apply(trace: dict[str, list[str]], differences: list[Difference]) -> dict[str, list[str]]:
    """Makes the trace that is expected from the one that was recorded.

    Args:
      trace: The recorded trace, from a section's name to its lines. Not changed.
      differences: What to replace in it, each one place, searched in order.

    Returns:
      The expected trace.

    Raises:
      ValueError: If the recorded lines of a difference are not in the trace.
    """
    expected = {section: list(lines) for section, lines in trace.items()}
    begin = dict.fromkeys(expected, 0)
    for difference in differences:
        lines, wanted = expected[difference.section], list(difference.instead_of)
        for at in range(begin[difference.section], len(lines) - len(wanted) + 1):
            if lines[at : at + len(wanted)] == wanted:
                lines[at : at + len(wanted)] = difference.these
                begin[difference.section] = at + len(difference.these)
                break
        else:
            raise ValueError(
                'A difference replaces lines that the trace does not have (after those of the '
                f'difference before it): program={difference.program!r} '
                f'section={difference.section!r} instead_of={difference.instead_of!r}.'
            )
    return expected
