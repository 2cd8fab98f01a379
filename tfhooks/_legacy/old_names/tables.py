"""Reads the data files: tables of names, in the format of `configparser`."""

from __future__ import annotations

import configparser
from pathlib import Path


class _Parser(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr  # The default makes it lower-case.


def read(path: Path) -> dict[str, dict[str, str]]:
    """Reads a data file.

    Args:
      path: The file: sections, with rows of a name, a colon and what is said of it, or of a name
        alone. Lines that begin with `#` are comments.

    Returns:
      By section: by name, the rest of the row; empty where that is a name alone.

    Raises:
      configparser.Error: A line is none of these, or a name is in a section twice.
    """
    parser = _Parser(delimiters=(':',), comment_prefixes=('#',), allow_no_value=True)
    parser.read_string(path.read_text(encoding='utf-8'), str(path))
    return {
        section: {name: text or '' for name, text in parser.items(section)}
        for section in parser.sections()
    }
