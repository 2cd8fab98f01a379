"""Recorded traces: of a program on TensorFlow 1.15.5 and now; and what comparing them says."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path

import places
import pytest
import warm_python

from tfhooks._migration import compare_traces, main, trace_recorder

HERE = places.RECORDED / 'traced'
RECORDED = HERE / 'line_1_15.json'


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """The traces of the program by the runner and by the recorder alone, with its output."""
    folder = tmp_path_factory.mktemp('traces')
    program = str(HERE / 'line.py')
    done = {}
    recorder = [trace_recorder.__file__]
    for name, arguments in [('runner', ['-m', 'tfhooks']), ('alone', recorder)]:
        trace, directory = folder / f'{name}.json', folder / name
        script = HERE / 'line.py' if name == 'runner' else folder / 'line.py'
        # Alone it runs what is written for the TensorFlow of the day.
        text = Path(program).read_text().replace('import tensorflow as', _V1)
        (folder / 'line.py').write_text(text)
        finished = warm_python.run(
            [
                *(sys.executable, *arguments, '--trace', str(trace), str(script)),
                f'--train_dir={directory}',
            ],
            env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout == 'losses: 12, the last one 0.0685\n'
        done[name] = trace
    return done


_V1 = 'import tensorflow.compat.v1 as tf; tf.disable_v2_behavior(); tf = tf or '


def compare(capsys, *arguments):
    """The exit code of `compare-traces` and what it prints."""
    code = main(['compare-traces', *map(str, arguments)])
    return code, capsys.readouterr()


def test_program_does_what_it_did_on_tensorflow_1_15(runs, capsys):
    code, printed = compare(capsys, RECORDED, runs['runner'])
    assert code == 0, printed.out
    assert 'tensorflow 1.15.5' in printed.out
    assert printed.out.count('equal') == 5


def test_recorder_needs_no_tfhooks(runs, capsys):
    """The same file, run by itself under TensorFlow's own sessions.

    At which step TensorFlow's own SummarySaverHook writes is a matter of chance.
    """
    parts = [part for name in ('calls', 'checkpoints', 'files', 'log') for part in ('--only', name)]
    code, printed = compare(capsys, RECORDED, runs['alone'], *parts)
    assert code == 0, printed.out
    assert json.loads(runs['alone'].read_text())['trace']['events']


def test_trace_says_what_happened(runs):
    trace = json.loads(runs['runner'].read_text())['trace']
    assert list(trace) == ['calls', 'checkpoints', 'events', 'files', 'log']
    calls = trace['calls']
    assert calls[0].startswith("session 1: MonitoredSession with hooks ['SummarySaverHook', ")
    assert calls[1] == 'session 1, run 1: run([<Momentum>, <loss:0>])'
    assert 'FedLoss.before_run asks for' in calls[2]
    assert 'feeding {<x:0>: ndarray(float32, [16], mean=' in calls[2]
    assert "is given {'loss': numpy.float32(4.4000001)}" in calls[3]
    assert calls[4].endswith(' at global step 1')
    assert calls[-2:] == ['session 1: is closed after 12 runs', 'session 1: FedLoss.end']
    assert '<dir1>/model.ckpt-12.index' in trace['files']
    assert 'Saving checkpoints for 12 into <dir1>/model.ckpt.' in trace['log']
    assert '<dir1>: step 5: session_log CHECKPOINT' in trace['events']
    assert any(line.startswith('<dir1>/model.ckpt-12: slope is ') for line in trace['checkpoints'])


# Comparing, without running anything.


@pytest.fixture
def recorded():
    return json.loads(RECORDED.read_text())


def written(tmp_path, record):
    path = tmp_path / 'changed.json'
    path.write_text(json.dumps(record))
    return path


def changed(record, section, at, old, new):
    record = copy.deepcopy(record)
    lines = record['trace'][section]
    assert old in lines[at]
    lines[at] = lines[at].replace(old, new)
    return record


def test_number_that_differs(recorded, tmp_path, capsys):
    at = next(i for i, line in enumerate(recorded['trace']['calls']) if '0.80797845' in line)
    other = written(tmp_path, changed(recorded, 'calls', at, '0.80797845', '0.8088'))
    code, printed = compare(capsys, RECORDED, other)
    assert code == 1
    assert 'session 1, run 6 (global step 6 after it)' in printed.out
    assert '0.80797845 and 0.8088 are 0.001 of their size apart' in printed.out
    assert 'the event files: equal' in printed.out
    assert compare(capsys, RECORDED, other, '--rtol', '0.01')[0] == 0
    assert compare(capsys, RECORDED, other, '--only', 'files')[0] == 0
    code, printed = compare(capsys, '--json', RECORDED, other)
    report = json.loads(printed.out)
    assert code == 1
    assert report['equal'] is False
    assert report['sections']['calls'] is False
    assert report['sections']['events'] is True
    assert [d['section'] for d in report['differences']] == ['calls']
    assert report['differences'][0]['where'] == 'session 1, run 6 (global step 6 after it)'
    assert compare(capsys, '--json', RECORDED, RECORDED)[0] == 0


def test_what_is_missing_or_more(recorded, tmp_path, capsys):
    shorter = copy.deepcopy(recorded)
    del shorter['trace']['calls'][-1]
    del shorter['trace']['files'][3]
    code, printed = compare(capsys, RECORDED, written(tmp_path, shorter))
    assert code == 1
    assert 'at session 1, outside its runs' in printed.out
    assert 'only A goes on' in printed.out
    assert 'the files written: first difference at line 4' in printed.out
    code, printed = compare(capsys, written(tmp_path, shorter), RECORDED)
    assert 'only B goes on' in printed.out


@pytest.mark.parametrize(
    ('a', 'b', 'expected'),
    [
        ('loss = 1.0', 'loss = 1.00001', ''),
        ('loss = 1.0', 'loss = 1.1', '0.091 of their size'),
        ('x float(2)', 'x float(2.0001)', ''),
        ('x float(nan)', 'x float(nan)', ''),
        ('x float(nan)', 'x float(1)', 'inf of their size'),
        ('x float(0)', 'x float(1e-9)', ''),
        ('x numpy.float32(-1)', 'x numpy.float32(1)', '2 of their size'),
        ('numpy.int64(100000)', 'numpy.int64(100001)', 'whole numbers'),
        ('after 100000 runs', 'after 100001 runs', 'whole numbers'),
        ('run(<a_1:0>)', 'run(<a_2:0>)', 'something else'),
        ('run(<a:0>)', 'run(<a:1>)', 'something else'),
        ('model.ckpt-100000', 'model.ckpt-100001', 'something else'),
        ('raised ValueError', 'raised KeyError', 'something else'),
        ('[1, 2]', '[1, 2, 3]', 'something else'),
        ('x float(1e+10)', 'x float(10000000001)', ''),
    ],
)
def test_when_two_lines_differ(a, b, expected):
    found = compare_traces._why_different(a, b, rtol=1e-4, atol=1e-6)
    assert (expected in found) if expected else found == ''


@pytest.mark.parametrize('text', ['', '{}', '[]', '{"trace": {"calls": 3}}', None])
def test_unusable_file(tmp_path, capsys, text):
    path = tmp_path / 'no_trace.json'
    if text is not None:
        path.write_text(text)
    code, printed = compare(capsys, RECORDED, path)
    assert code == 2
    assert 'no_trace.json' in printed.err
    code, printed = compare(capsys, RECORDED, path, '--json')
    assert code == 2
    assert json.loads(printed.out)['equal'] is None


def test_traces_of_the_contract_can_be_compared(capsys):
    path = places.RECORDED / 'contract' / 'traces' / 'saving.by_steps.json'
    assert compare(capsys, path, path)[0] == 0
