"""The way that docs/migrating.md describes, walked."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import warm_python

import tfhooks
from tfhooks._migration.checking import report

DOCUMENT = Path(__file__).parents[2] / 'docs' / 'migrating.md'
BLOCK = re.compile(r'(?:<!-- run, exit code (\d) -->\n)?```(\w+)\n(.*?)```', re.DOTALL)


def blocks():
    """The blocks of the document: (exit code or None, language, text)."""
    return [
        (int(code) if code else None, language, text)
        for code, language, text in BLOCK.findall(DOCUMENT.read_text())
    ]


def changed(program, diff):
    """A program after a diff of single lines."""
    for line in diff.splitlines():
        if line.startswith('-'):
            assert program.count(line[1:] + '\n') == 1
            program, before = program.replace(line[1:] + '\n', '@'), program
            assert '@' not in before
        else:
            program = program.replace('@', line[1:] + '\n')
    return program


def test_the_way_from_tensorflow_1(tmp_path):
    pytest.importorskip('tf_keras', reason='the program uses tf.layers')
    # The package of this checkout, or the installed one.
    places = [str(Path(tfhooks.__file__).parents[1]), os.environ.get('PYTHONPATH')]
    environment = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'}
    environment['PYTHONPATH'] = os.pathsep.join(place for place in places if place)
    program = tmp_path / 'train.py'
    output = ''
    for code, language, text in blocks():
        if language == 'python':
            program.write_text(text)
        elif language == 'diff':
            program.write_text(changed(program.read_text(), text))
        elif language == 'text':
            wanted = text.strip().splitlines()
            # Which tf_keras follows from the TensorFlow that is installed.
            lines = re.sub(r'tf_keras 2\.\d+\.\d+', 'tf_keras 2.21.0', output).splitlines()
            assert [line for line in lines if line in wanted] == wanted
        elif code is not None:
            command = [sys.executable, *shlex.split(text)[1:]]
            if 'compare-traces' in command:
                # The last change was the import line: the other way to run it does the same.
                traced = [sys.executable, '-m', 'tfhooks', '--trace', 'old.json', 'train.py']
                shutil.rmtree(tmp_path / 'run')
                _run([*traced, '--train_dir=run'], tmp_path, environment, 0)
            output = _run(command, tmp_path, environment, code)


def _run(command, folder, environment, code):
    done = warm_python.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == code, f'{command}\n{done.stdout}\n{done.stderr}'
    return done.stdout


def test_the_kinds_of_the_document_are_those_of_the_command():
    rows = re.findall(r'^\| `(\w+)`( \(`--all`\))? \| .* \| (\d) \|$', DOCUMENT.read_text(), re.M)
    assert {kind: (code == '1', not all_) for kind, all_, code in rows} == report.KINDS
