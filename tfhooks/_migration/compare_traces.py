"""`python -m tfhooks compare-traces A B`: finds the first difference of two recorded runs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import re
import sys
from typing import Any

# The parts of a trace, the most important first, with their names.
_SECTIONS = {
    'calls': 'what sessions and hooks did',
    'events': 'the event files',
    'checkpoints': 'the checkpoints',
    'files': 'the files written',
    'log': "TensorFlow's log",
}
# A number that is no part of a name such as `loss_1:0` or `model.ckpt-5`.
_NUMBER = re.compile(
    r'(?<![\w.:/<-])([-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\binf\b|\bnan\b))(?![\w:/>])'
)
_WHERE = re.compile(r'^(session \d+)(?:, run (\d+))?: ')
_STEP = re.compile(r' at global step (\d+)$')


@dataclasses.dataclass(frozen=True)
class Difference:
    """The first difference in one part of two traces.

    Attributes:
      section: The part: calls, events, checkpoints, files or log.
      where: The position in it, in words.
      a: The line of the first trace, or None where it has no more.
      b: The line of the second trace, or None where it has no more.
      why: The difference, in words.
      lines: How many lines of the part differ in all.
    """

    section: str
    where: str
    a: str | None
    b: str | None
    why: str
    lines: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this command."""
    parser.epilog = (
        'Exit code: 0 where they are equal, 1 where they differ, 2 where one is unusable.'
    )
    parser.add_argument('a', metavar='A', help='a trace, such as the one of the old machine')
    parser.add_argument('b', metavar='B', help='the other')
    parser.add_argument(
        '--rtol',
        type=float,
        default=1e-4,
        help='by how much of the larger one two numbers may differ (default: %(default)s)',
    )
    parser.add_argument(
        '--atol', type=float, default=1e-6, help='... or by how much at all (default: %(default)s)'
    )
    parser.add_argument(
        '--only', choices=sorted(_SECTIONS), action='append', help='compare this part; repeatable'
    )
    parser.add_argument('--json', action='store_true', help='print the result as JSON')


def main(args: argparse.Namespace) -> int:
    """Compares, prints, and returns the exit code."""
    try:
        records = [_read(path) for path in (args.a, args.b)]
    except (OSError, ValueError) as error:
        if args.json:
            print(json.dumps({'equal': None, 'error': str(error)}))
        else:
            print(f'compare-traces: {error}', file=sys.stderr)
        return 2
    first, second = (record['trace'] for record in records)
    sections = [name for name in _SECTIONS if args.only is None or name in args.only]
    found = [
        difference
        for name in sections
        if (difference := _first_difference(name, first, second, args.rtol, args.atol)) is not None
    ]
    if args.json:
        report = {
            'equal': not found,
            'sections': dict.fromkeys(sections, True) | {d.section: False for d in found},
            'differences': [dataclasses.asdict(difference) for difference in found],
        }
        print(json.dumps(report, indent=1))
    else:
        _print(args, records, sections, found)
    return 1 if found else 0


def _print(
    args: argparse.Namespace,
    records: list[dict[str, Any]],
    sections: list[str],
    found: list[Difference],
) -> None:
    for letter, path, record in zip('AB', (args.a, args.b), records, strict=True):
        made_by = record.get('made_by', {})
        by = ', '.join(f'{name} {version}' for name, version in sorted(made_by.items()))
        print(f'{letter}: {path} ({record.get("program", "?")}; {by})')
    differing = {difference.section for difference in found}
    for name in sections:
        if name not in differing:
            lines = len(records[0]['trace'].get(name, ()))
            print(f'{_SECTIONS[name]}: equal ({lines} lines)')
    for difference in found:
        more = difference.lines - 1
        print(f'{_SECTIONS[difference.section]}: first difference at {difference.where}:')
        print(f'  {difference.why}')
        print(f'  A: {"-" if difference.a is None else difference.a}')
        print(f'  B: {"-" if difference.b is None else difference.b}')
        if more > 0:
            print(f'  and {more} more')


def _read(path: str) -> dict[str, Any]:
    with open(path, encoding='utf-8') as file:
        try:
            record = json.load(file)
        except ValueError as error:
            raise ValueError(f'{path} is no trace: it is not JSON ({error})') from error
    trace = record.get('trace') if isinstance(record, dict) else None
    if not isinstance(trace, dict) or not all(
        isinstance(lines, list) and all(isinstance(line, str) for line in lines)
        for lines in trace.values()
    ):
        raise ValueError(
            f'{path} is no trace: it lacks "trace" with lists of lines. '
            'python -m tfhooks --trace FILE writes one'
        )
    made: dict[str, Any] = record
    return made


def _first_difference(
    section: str,
    first: dict[str, list[str]],
    second: dict[str, list[str]],
    rtol: float,
    atol: float,
) -> Difference | None:
    a, b = first.get(section, []), second.get(section, [])
    reasons = [_why_different(*lines, rtol, atol) for lines in zip(a, b, strict=False)]
    differing = [(at, why) for at, why in enumerate(reasons) if why]
    if len(a) != len(b):
        longer = 'A' if len(a) > len(b) else 'B'
        why = f'only {longer} goes on: A has {len(a)} lines, B has {len(b)}'
        differing += [(at, why) for at in range(len(reasons), max(len(a), len(b)))]
    if not differing:
        return None
    at, why = differing[0]
    line_a = a[at] if at < len(a) else None
    line_b = b[at] if at < len(b) else None
    return Difference(section, _where(section, a, b, at), line_a, line_b, why, len(differing))


def _why_different(a: str, b: str, rtol: float, atol: float) -> str:
    """Describes the difference of two lines; '' if they differ in nothing that matters."""
    if a == b:
        return ''
    parts_a, parts_b = _NUMBER.split(a), _NUMBER.split(b)
    # The text between the numbers.
    if parts_a[::2] != parts_b[::2]:
        return 'one says or does something else'
    for text_a, text_b in zip(parts_a[1::2], parts_b[1::2], strict=True):
        if text_a == text_b:
            continue
        x, y = float(text_a), float(text_b)
        whole = text_a.lstrip('+-').isdigit() and text_b.lstrip('+-').isdigit()
        # Whole numbers are floats where the text says so.
        if whole and not _is_float_text(a):
            return f'{text_a} and {text_b}, which are whole numbers'
        if math.isnan(x) and math.isnan(y):
            continue
        if not math.isclose(x, y, rel_tol=rtol, abs_tol=atol):
            apart = abs(x - y) / max(abs(x), abs(y)) if math.isfinite(x - y) else math.inf
            return (
                f'{text_a} and {text_b} are {apart:.2g} of their size apart, '
                f'more than rtol={rtol:g}'
            )
    return ''


def _is_float_text(line: str) -> bool:
    return 'float' in line or 'summary ' in line


def _where(section: str, a: list[str], b: list[str], at: int) -> str:
    """The position in words: the run and its step, or the line."""
    lines = a if at < len(a) else b
    if section != 'calls':
        return f'line {at + 1}'
    found = _WHERE.match(lines[at])
    if found is None:
        return f'line {at + 1}'
    session, run = found.groups()
    if run is None:
        return f'{session}, outside its runs'
    prefix = f'{session}, run {run}: '
    for line in lines[at:]:
        step = _STEP.search(line)
        if line.startswith(prefix) and step is not None:
            return f'{session}, run {run} (global step {step.group(1)} after it)'
    return f'{session}, run {run}'
