"""The report of `python -m tfhooks check`, as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tfhooks._base.extras import pip_command
from tfhooks._legacy import contrib_files
from tfhooks._migration.checking import names

SCHEMA_VERSION = 1
# The package that each extra of tfhooks installs.
PACKAGES = {'contrib': 'tf_slim', 'estimator': 'tensorflow-estimator', 'legacy': 'tf_keras'}
# Each kind, whether a program with it fails, and whether it is listed without `--all`.
KINDS = {
    'gone': (True, True),
    'unknown': (True, True),
    'refused': (True, True),
    'unreadable': (True, True),
    'extra': (False, True),
    'differs': (False, True),
    'caution': (False, True),
    'private': (False, True),
    'guarded': (False, False),
    'works': (False, False),
}


class Finding(NamedTuple):
    """One problem or note about a program.

    Attributes:
      file: The program.
      cell: The cell of a notebook, from 1 on; 0 in a file of Python.
      line: The line, from 1 on.
        column: The column, from 1 on.
      kind: One of `KINDS`.
      message: The sentence about it.
      replacement: The code to write instead, or the package to install; may be empty.
      name: The dotted name that was looked up; of a pattern, the pattern's.
      extra: The extra of tfhooks that it needs, or None.
      row: Of a pattern, the first column of its row in docs/differences.md, or None.
    """

    file: str
    cell: int
    line: int
    column: int
    kind: str
    message: str
    replacement: str = ''
    name: str = ''
    extra: str | None = None
    row: str | None = None

    def fails(self) -> bool:
        """True if the program fails there."""
        return KINDS[self.kind][0]

    def text(self) -> str:
        """One line: `file:line:column: kind: message -> replacement`."""
        file = f'{self.file}[{self.cell}]' if self.cell else self.file
        message = self.message or f'{self.name} works'
        arrow = f' -> {self.replacement}' if self.replacement else ''
        row = f' [docs/differences.md: {self.row}]' if self.row else ''
        line = f'{file}:{self.line}:{self.column}: {self.kind}: {message}{arrow}{row}'
        return ' '.join(line.split()) if '\n' in line else line


def extras(findings: Iterable[Finding]) -> list[str]:
    """Returns the extras that are needed, sorted."""
    needed = (finding.extra for finding in findings if finding.extra)
    return sorted({name for extra in needed for name in extra.split(',')} - {names.FILES})


def installed(extra: str) -> str | None:
    """Returns the packages of an extra with their versions, or None if one is not installed."""
    import importlib.metadata  # Slow to import.

    if extra == names.FILES:
        return str(contrib_files.folder() or '') or None
    try:
        found = [
            f'{package} {importlib.metadata.version(package)}'
            for package in (PACKAGES[name] for name in extra.split(','))
        ]
    except importlib.metadata.PackageNotFoundError:
        return None
    return ', '.join(found)


def _one_an_extra(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yields the findings, but for each extra only the first one, with the number of them."""
    findings = list(findings)
    uses = Counter(finding.extra for finding in findings if finding.kind == 'extra')
    told = set()
    for finding in findings:
        extra = finding.extra if finding.kind == 'extra' else None
        if extra:
            if extra in told:
                continue
            told.add(extra)
            more = uses[extra] - 1
            count = f' (and {more} more {"use" if more == 1 else "uses"})' if more else ''
            finding = finding._replace(message=finding.message + count)
            there = installed(extra)
            if there:
                message = f'{finding.message}; installed: {there}'
                finding = finding._replace(message=message, replacement='')
        yield finding


def needs_files(findings: Iterable[Finding]) -> bool:
    """True if the files of `tf.contrib` are needed."""
    return any(finding.extra == names.FILES for finding in findings)


def exit_code(findings: Iterable[Finding]) -> int:
    """Returns 1 if something is gone, refused or unreadable, else 0."""
    return int(any(finding.fails() for finding in findings))


def as_text(findings: Sequence[Finding], files: int, show_all: bool) -> str:
    """The report for people and grep: a line for each finding, then a summary."""
    listed = findings if show_all else _one_an_extra(findings)
    lines = [finding.text() for finding in listed if show_all or KINDS[finding.kind][1]]
    count = Counter(finding.kind for finding in findings)
    used = len({finding.name for finding in findings if finding.kind == 'works'})
    parts = [f'{count[kind]} {kind}' for kind in KINDS if count[kind] and kind != 'works']
    parts.append(f'{count["works"]} uses of {used} names work')
    lines.append(f'{files} {"program" if files == 1 else "programs"}: {", ".join(parts)}.')
    missing = [extra for extra in extras(findings) if installed(extra) is None]
    if missing:
        lines.append(f'Extras to install: {pip_command(missing)}')
    if needs_files(findings):
        lines.append(f'Files of tf.contrib to install: {contrib_files.INSTALL}')
    failing = len({finding.file for finding in findings if finding.fails()})
    if failing:
        lines.append(f'{failing} of {files} need a change.')
    else:
        lines.append('Nothing is gone.')
    return '\n'.join(lines)


def as_json(findings: Sequence[Finding], files: int, show_all: bool) -> str:
    """The report for programs; its schema is in docs/migrating.md."""
    count = Counter(finding.kind for finding in findings)
    listed = [_entry(finding) for finding in findings if show_all or KINDS[finding.kind][1]]
    wanted = extras(findings)
    report = {
        'schema_version': SCHEMA_VERSION,
        'exit_code': exit_code(findings),
        'programs': files,
        'counts': {kind: count[kind] for kind in KINDS},
        'extras': wanted,
        'extras_installed': [extra for extra in wanted if installed(extra)],
        'install': pip_command(wanted) if wanted else None,
        'contrib_install': contrib_files.INSTALL if needs_files(findings) else None,
        'findings': listed,
    }
    return json.dumps(report, indent=1)


def _entry(finding: Finding) -> dict[str, Any]:
    entry = finding._asdict()
    entry['cell'] = finding.cell or None
    entry['replacement'] = finding.replacement or None
    return entry
