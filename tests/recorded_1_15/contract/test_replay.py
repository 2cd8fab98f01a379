"""Programs that ran on TensorFlow 1.15 run again on `tfhooks.v1` and must leave the same traces.

The environment variable CONTRACT_TENSORFLOW names another module to run them on.
`tensorflow.compat.v1`, without tfhooks, must give the recorded traces themselves; the declared
differences are left out there.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from pathlib import Path

import pytest
import warm_python
from differences import DIFFERENCES, Difference, apply

import tfhooks

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MODULE = os.environ.get('CONTRACT_TENSORFLOW', 'tfhooks.v1')
RECORDED = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / 'traces').iterdir())}
DECLARED = DIFFERENCES if MODULE == 'tfhooks.v1' else []


@pytest.fixture(scope='module')
def replayed(tmp_path_factory):
    """What `runner.py` wrote of all programs, run one after another in a process of their own."""
    out = tmp_path_factory.mktemp('replay') / 'traces.json'
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='-1')
    # The same tfhooks as this process's, be it installed or not.
    search = [str(Path(tfhooks.__file__).parent.parent), environment.get('PYTHONPATH', '')]
    environment['PYTHONPATH'] = os.pathsep.join(part for part in search if part)
    command = [sys.executable, str(HERE / 'runner.py'), '--tensorflow', MODULE, '--out', str(out)]
    process = warm_python.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert process.returncode == 0, process.stderr[-4000:]
    return json.loads(out.read_text())


def declared_for(program: str) -> list[Difference]:
    return [difference for difference in DECLARED if difference.program == program]


def as_recorded(
    expected: dict[str, list[str]], actual: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Names an error that is of several classes, `A|B`, by the one that the recorded line names."""

    def resolve(line: str, lines: list[str]) -> str:
        several = re.search(r'raised (\w+(?:\|\w+)+)', line)
        for name in several.group(1).split('|') if several else ():
            single = line.replace(several.group(1), name)
            if single in lines:
                return single
        return line

    return {
        section: [resolve(line, expected.get(section, [])) for line in lines]
        for section, lines in actual.items()
    }


def readable_difference(expected: dict[str, list[str]], actual: dict[str, list[str]]) -> str:
    lines: list[str] = []
    for section in sorted(expected.keys() | actual.keys()):
        lines += difflib.unified_diff(
            expected.get(section, []),
            actual.get(section, []),
            f'{section} (recorded, with the declared differences)',
            f'{section} (replayed on {MODULE})',
            lineterm='',
            n=2,
        )
    return '\n'.join(lines)


@pytest.mark.parametrize('program', sorted(RECORDED))
def test_program_leaves_the_recorded_trace(replayed, program):
    expected = apply(RECORDED[program]['trace'], declared_for(program))
    actual = as_recorded(expected, replayed['traces'][program])
    if actual != expected:
        failure = replayed['failures'].get(program, '')
        difference = readable_difference(expected, actual)
        pytest.fail(f'{program}:\n{difference}\n{failure}', pytrace=False)


@pytest.mark.parametrize('declared', DECLARED, ids=lambda d: f'{d.program}-{d.section}')
def test_declared_difference_is_still_needed(replayed, declared):
    others = [other for other in declared_for(declared.program) if other is not declared]
    undeclared = apply(RECORDED[declared.program]['trace'], others)
    assert undeclared != as_recorded(undeclared, replayed['traces'][declared.program])


@pytest.mark.parametrize('what', sorted({declared.row for declared in DECLARED}))
def test_declared_difference_has_a_row(what):
    table = (ROOT / 'docs' / 'differences.md').read_text()
    rows = [line.lstrip('| ') for line in table.splitlines() if line.startswith('|')]
    assert any(row.startswith(what) for row in rows)


def test_each_program_has_a_trace_from_tensorflow_1_15(replayed):
    assert set(replayed['traces']) == set(RECORDED)
    assert {record['made_by']['tensorflow'] for record in RECORDED.values()} == {'1.15.5'}
    assert all(record['program'] == name for name, record in RECORDED.items())


def test_no_program_failed(replayed):
    assert replayed['failures'] == {}


def test_a_difference_replaces_its_lines_and_no_others():
    trace = {'calls': ['a', 'b', 'c', 'b'], 'log': ['b']}
    first = Difference('p', 'calls', ('b',), ('x', 'b'), 'row')
    second = Difference('p', 'calls', ('b',), (), 'row')
    assert apply(trace, [first])['calls'] == ['a', 'x', 'b', 'c', 'b']
    assert apply(trace, [first, second]) == {'calls': ['a', 'x', 'b', 'c'], 'log': ['b']}
    assert trace['calls'] == ['a', 'b', 'c', 'b']
    assert apply(trace, [Difference('p', 'log', (), ('end',), 'row')])['log'] == ['b', 'end']
    with pytest.raises(ValueError, match="section='log'"):
        apply(trace, [Difference('p', 'log', ('a',), (), 'row')])


def test_an_error_of_several_classes_matches_a_recorded_one():
    recorded = {'calls': ['use raised AttributeError', 'other']}
    both = {'calls': ['use raised TypeError|AttributeError', 'other']}
    neither = {'calls': ['use raised TypeError|ValueError', 'other']}
    assert as_recorded(recorded, both) == recorded
    assert as_recorded(recorded, neither) == neither


def test_a_changed_trace_is_shown_line_by_line():
    text = readable_difference({'calls': ['same', 'old']}, {'calls': ['same', 'new']})
    assert [line for line in text.splitlines() if line[1:] in ('old', 'new')] == ['-old', '+new']
