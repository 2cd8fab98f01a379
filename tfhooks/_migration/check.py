"""`python -m tfhooks check`: reports what will not work in programs, without running them.

Neither the programs nor TensorFlow are imported; TensorFlow's files are read instead.
"""

from __future__ import annotations

import argparse
import ast
import gc
import os
import sys
from collections.abc import Iterator, Sequence

from tfhooks._base.extras import pip_install
from tfhooks._legacy import rewriting
from tfhooks._legacy.old_names.of_python_and_numpy import REMOVED
from tfhooks._migration import closed_pipe_ignored
from tfhooks._migration.checking import files as sources
from tfhooks._migration.checking import packages, patterns
from tfhooks._migration.checking import report as reports
from tfhooks._migration.checking.guards import Guard
from tfhooks._migration.checking.installed import Installed
from tfhooks._migration.checking.names import WORKS, NameChecker, Verdict
from tfhooks._migration.checking.program import Program
from tfhooks._migration.checking.project import Project
from tfhooks._migration.checking.report import Finding
from tfhooks._migration.checking.uses import Use

# Python's default of 1,000 is too low for the long sums of generated programs.
_RECURSION_LIMIT = 6000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command to its parser."""
    parser.description = (
        'Reads programs written for TensorFlow 1, without running them, and lists what will not '
        'work under tfhooks, what works otherwise, and what to install.'
    )
    parser.epilog = (
        'Exit code: 0, all runs; 1, something is gone or could not be read; 2, no such path.'
    )
    parser.add_argument(
        'paths', nargs='+', metavar='PATH', help='a program, a notebook, or a folder of them'
    )
    parser.add_argument('--all', action='store_true', help='list also what works')
    parser.add_argument('--json', action='store_true', help='print JSON instead of text')


def main(args: argparse.Namespace) -> int:
    """Runs the command.

    Args:
      args: The arguments of `add_arguments`.

    Returns:
      The exit code.
    """
    for path in args.paths:
        if not os.path.exists(path):
            print(f'tfhooks check: no such file or folder: {path}', file=sys.stderr)
            return 2
    installed = Installed.here()
    if installed is None:
        print(
            'tfhooks check: TensorFlow is not installed for this Python, and names are looked up '
            f'in its files: {pip_install("tensorflow")}',
            file=sys.stderr,
        )
        return 2
    judge = NameChecker(installed)
    files = list(sources.find(args.paths))
    findings = list(_check_files(files, judge, Project(args.paths)))
    report = reports.as_json if args.json else reports.as_text
    with closed_pipe_ignored():
        print(report(findings, len(files), args.all))
    return reports.exit_code(findings)


def _check_files(files: Sequence[str], judge: NameChecker, project: Project) -> Iterator[Finding]:
    collects = gc.isenabled()
    gc.disable()  # It would traverse each growing syntax tree many times.
    try:
        for number, file in enumerate(files):
            yield from check_file(file, judge, project)
            if number % 100 == 99:
                gc.collect()
    finally:
        if collects:
            gc.enable()


def check_file(file: str, judge: NameChecker, project: Project | None = None) -> list[Finding]:
    """Returns the findings in one program, in the order of its lines.

    Args:
      file: Its path.
      judge: Decides whether names work.
      project: The files that it is read with; by default those in its folder.

    Returns:
      The findings; that of an unreadable program is one of them, and no error is raised.
    """
    source = sources.read(file)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        program = (project or Project()).program(file, source)
        findings = list(_findings(file, program, judge))
    except RecursionError:
        findings = [
            Finding(file, 0, 1, 1, 'unreadable', 'is nested too deeply to be looked through')
        ]
    finally:
        sys.setrecursionlimit(limit)
    findings += [
        Finding(file, 0, line, column, 'unreadable', message)
        for line, column, message in source.unreadable
    ]
    if source.cells is not None:
        findings = [_in_cell(finding, source.cells) for finding in findings]
    return sorted(set(findings))


def _in_cell(finding: Finding, cells: Sequence[tuple[int, int]]) -> Finding:
    cell, line = cells[min(finding.line, len(cells)) - 1]
    return finding._replace(cell=cell, line=line)


def _findings(file: str, program: Program, judge: NameChecker) -> Iterator[Finding]:
    stored = program.stored()
    uses = program.uses()
    failed = _failed_tries(uses, judge)
    for use in uses:
        name, verdict = _verdict(use, judge, stored, failed)
        if verdict is None:
            continue
        kind, message, instead, extra = verdict
        yield Finding(file, 0, *_position(use.node), kind, message, instead, name, extra)
    for name, node in rewriting.removed_names(program.tree):
        module, _, last = name.rpartition('.')
        message = f'{last} is gone from {module}; the runner has it in the files of a program'
        instead = REMOVED[name].removeprefix('builtins.')
        instead = '' if instead.startswith('tfhooks.') else instead
        yield Finding(file, 0, *_position(node), 'caution', message, instead, name)
    for name, node in packages.imported(program.tree):
        message = f'{name} is an installed package that was written for TensorFlow 1'
        instead = f'python -m tfhooks --package {name}'
        yield Finding(file, 0, *_position(node), 'caution', message, instead, name)
    for pattern, node in patterns.find(program):
        name, kind, message, instead, row = pattern
        yield Finding(file, 0, *_position(node), kind, message, instead, name, row=row)


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, 'lineno', 1), getattr(node, 'col_offset', 0) + 1


_FAILS = ('gone', 'unknown')


def _failed_tries(uses: Sequence[Use], judge: NameChecker) -> set[int]:
    """Returns the `try` statements whose bodies use a removed name, so that a handler runs."""
    failed = set()
    for use in uses:
        if all(judge.judge(name).kind in _FAILS for name in use.names):
            failed |= {guard.number for guard in use.guards if guard.kind == 'try'}
    return failed


def _verdict(
    use: Use, judge: NameChecker, stored: set[str], failed: set[int]
) -> tuple[str, Verdict | None]:
    """Returns the verdict on a use, after that one of its possible names that it is about."""
    judged = [(name, judge.judge(name)) for name in use.names]
    for name, verdict in judged:
        if verdict.kind not in _FAILS:
            if verdict.kind == 'private' and any(
                judge.judge(origin).kind == 'private' for origin, _ in use.through
            ):
                return name, WORKS  # The import has been reported.
            return name, verdict
    name, verdict = judged[0]
    if any(name == one or name.startswith(f'{one}.') for one in stored):
        return name, None
    guards = list(use.guards)
    for origin, origin_guards in use.through:
        kind = judge.judge(origin).kind
        if kind in _FAILS:
            if origin.rpartition('.')[2][:1].isupper():
                return name, None  # An attribute of a class whose import has been reported.
            guards += origin_guards
    if any(_spares(guard, use, failed) for guard in guards):
        return name, verdict._replace(kind='guarded')
    if not use.is_certain and verdict.kind == 'unknown':
        return name, None
    return name, verdict


def _spares(guard: Guard, use: Use, failed: set[int]) -> bool:
    """True if a program continues although the guarded use fails."""
    if guard.kind == 'handler':
        return guard.number not in failed
    if guard.kind == 'try':
        return guard.imports if use.is_import else guard.attributes or guard.imports
    return True


if __name__ == '__main__':
    _parser = argparse.ArgumentParser(prog='python -m tfhooks check')
    add_arguments(_parser)
    sys.exit(main(_parser.parse_args()))
