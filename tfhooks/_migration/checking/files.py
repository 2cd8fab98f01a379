"""Finds programs, and turns each into a syntax tree."""

from __future__ import annotations

import ast
import json
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfhooks._base.extras import pip_install
from tfhooks._legacy.rewriting import needs
from tfhooks._migration.checking.uses import ROOTS

_SKIPPED = {'__pycache__', 'node_modules'}
# Cell magics whose cell is still Python.
_PYTHON_MAGICS = ('%%time', '%%timeit', '%%capture', '%%prun')
_MAGIC = re.compile(r'^(\s*)(?:(\w+)\s*=\s*)?[!%?]')
# Patterns of Python 2, to be searched for in code whose strings and comments are blank.
_PYTHON_2 = {
    name: re.compile(pattern, re.MULTILINE)
    for name, pattern in {
        'print without parentheses': r'(?:^|[:;])\s*(print)[ \t]+[^\s(=.,\[]',
        'exec without parentheses': r'(?:^|[:;])\s*(exec)[ \t]+["\'\w]',
        'a raise with a comma': r'(?:^|[:;])\s*(raise)[ \t]+[\w.]+\s*,',
        'an except with a comma': r'^\s*(except)\s+(?:[\w.]+|\([^)\n]*\))\s*,\s*\w+\s*:',
        'a parameter that is a tuple': r'\b(def)\s+\w+\((?:[^()\n]*,)?\s*\(',
        'an octal number without 0o': r'(?<![\w.])(0+[1-7][0-7]*)\b(?!\.)',
        'a long integer': r'(?<![\w.])(\d+[lL])\b',
        '<> for !=': r'(<>)',
        'backticks for repr()': r'(`)[^`\n]+`',
    }.items()
}
_BLANKED = re.compile(r'("""|\'\'\'|"|\')((?:\\.|(?!\1)[^\\])*?)\1|(#)([^\n]*)', re.DOTALL)
_FISSIX = f': {pip_install("fissix")}; python -m fissix -w turns most of it into Python 3'
# With `tf`, since a file may take that from another file of the project.
_IN_QUESTION = re.compile(rf'{"|".join(ROOTS)}|\btf\b'.encode())


class Unreadable(NamedTuple):
    """An error in reading a program.

    Attributes:
      line: The line, from 1 on; in a notebook, in all its code cells joined.
      column: The column, from 1 on.
      message: The reason.
    """

    line: int
    column: int
    message: str


class Source(NamedTuple):
    """One program.

    Attributes:
      tree: The syntax tree of the code that could be read.
      unreadable: The errors in the rest.
      cells: For each line of a notebook's code, its cell, from 1 on, and its line in it; None for
        a file of Python.
    """

    tree: ast.Module
    unreadable: Sequence[Unreadable] = ()
    cells: Sequence[tuple[int, int]] | None = None


def find(paths: Sequence[str]) -> Iterator[str]:
    """Yields the programs under some paths, sorted within each; a path may also be a file."""
    seen = set()
    for path in paths:
        for file in [path] if not os.path.isdir(path) else sorted(_under(path)):
            if file not in seen:
                seen.add(file)
                yield file


def _under(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith('.')
            and name not in _SKIPPED
            and not os.path.exists(os.path.join(place, name, 'pyvenv.cfg'))
        ]
        for name in files:
            if name.endswith(('.py', '.ipynb')) and not name.startswith('.'):
                yield os.path.join(place, name)


def read(file: str) -> Source:
    """Reads a program; never raises for its content, or for a file that cannot be opened."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        return Source(_EMPTY, [Unreadable(1, 1, f'cannot be opened: {error.strerror}')])
    if file.endswith('.ipynb'):
        return _read_notebook(content)
    tree = _parse(content)
    if not isinstance(tree, ast.Module):
        return Source(_EMPTY, tree)
    # Most files of most folders do not use TensorFlow.
    return Source(tree if _IN_QUESTION.search(content) or needs(content) else _EMPTY)


def _parse(source: bytes | str) -> ast.Module | list[Unreadable]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # Such as an invalid escape, which is no error yet.
            return ast.parse(source)
    except SyntaxError as error:
        return _mistakes(source, error)
    except (RecursionError, MemoryError):
        return [Unreadable(1, 1, 'is nested too deeply for Python to read')]
    except ValueError as error:
        return [Unreadable(1, 1, f'is not a program: {error}')]


def _mistakes(source: bytes | str, error: SyntaxError) -> list[Unreadable]:
    """Returns the syntax error, and all other code in the program that only Python 2 accepts."""
    text = source.decode('latin-1') if isinstance(source, bytes) else source
    text = _BLANKED.sub(_blank, text.replace('\r\n', '\n'))
    found = []
    for name, pattern in _PYTHON_2.items():
        for match in pattern.finditer(text):
            place = match.start(1)
            line, column = text.count('\n', 0, place) + 1, place - text.rfind('\n', 0, place)
            found.append((line, column, name))
    reason = ' '.join(str(error.msg).split())
    first = error.lineno or 1
    if not found and 'consistent use of tabs' not in reason:
        return [Unreadable(first, error.offset or 1, f'is not Python 3 ({reason})')]
    if all(line != first for line, _, _ in found):
        found.append((first, error.offset or 1, reason))
    return [
        Unreadable(line, column, f'looks like Python 2 ({name})' + ('' if number else _FISSIX))
        for number, (line, column, name) in enumerate(sorted(found))
    ]


def _blank(match: re.Match[str]) -> str:
    quote, inside = match[1] or match[3], match[2] if match[1] else match[4]
    end = quote if match[1] else ''
    return quote + re.sub(r'[^\n]', ' ', inside) + end


def _read_notebook(content: bytes) -> Source:
    try:
        notebook = json.loads(content)
        language = _language(notebook)
        cells = [
            (number, _text(cell))
            for number, cell in enumerate(_cells(notebook), 1)
            if cell.get('cell_type') == 'code'
        ]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        return Source(_EMPTY, [Unreadable(1, 1, f'is not a notebook: {error}')])
    if language not in ('python', 'ipython'):
        return Source(_EMPTY)
    tree, unreadable = ast.Module([], []), []
    places: list[tuple[int, int]] = []
    for number, text in cells:
        lines = _without_magics(text.splitlines())
        first = len(places)
        places += [(number, line) for line in range(1, len(lines) + 1)]
        part = _parse('\n'.join(lines) + '\n')
        if isinstance(part, ast.Module):
            ast.increment_lineno(part, first)
            tree.body += part.body
            continue
        for one in part:
            unreadable.append(one._replace(line=min(first + one.line, len(places)) or 1))
    return Source(tree, unreadable, places or [(1, 1)])


def _language(notebook: Any) -> str:
    metadata = notebook.get('metadata', {})
    kernel = metadata.get('kernelspec', {}).get('language')
    return str(kernel or metadata.get('language_info', {}).get('name') or 'python').lower()


def _cells(notebook: Any) -> list[Any]:
    if 'cells' in notebook:
        return list(notebook['cells'])
    # Notebooks of format 3 and before have sheets.
    return [cell for sheet in notebook.get('worksheets', []) for cell in sheet.get('cells', [])]


def _text(cell: Any) -> str:
    source = cell.get('source', cell.get('input', ''))
    return source if isinstance(source, str) else ''.join(source)


def _without_magics(lines: Sequence[str]) -> list[str]:
    """Returns a cell's lines, with IPython's own replaced so that the others keep their numbers."""
    first = next((line.strip() for line in lines if line.strip()), '')
    if first.startswith('%%') and not first.startswith(_PYTHON_MAGICS):
        return [''] * len(lines)
    kept = []
    goes_on = False
    for line in lines:
        magic = _MAGIC.match(line)
        if goes_on or line.strip().startswith('%%'):
            kept.append('')
        elif magic:
            target = f'{magic[2]} = None' if magic[2] else 'pass'
            kept.append(f'{magic[1]}{target}')
        elif line.rstrip().endswith('?') and '#' not in line:
            kept.append('')
        else:
            kept.append(line)
        goes_on = (goes_on or bool(magic)) and line.rstrip().endswith('\\')
    return kept


_EMPTY = ast.Module([], [])
