"""`python -m tfhooks check`: programs of all kinds, reports, exit codes."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tfhooks import _migration
from tfhooks._base.extras import pip_command
from tfhooks._migration import check
from tfhooks._migration.checking import report as reports
from tfhooks._migration.checking.installed import Installed
from tfhooks._migration.checking.names import NameChecker


@functools.cache
def judge():
    return NameChecker(Installed.here())


def run(capsys, *arguments):
    """The exit code, the output and the errors of the command."""
    code = _migration.main(['check', *map(str, arguments)])
    output = capsys.readouterr()
    return code, output.out, output.err


# Files.


def test_a_program_for_python_2_is_said_to_be_one_and_the_others_are_read(tmp_path, capsys):
    (tmp_path / 'a.py').write_text('import tensorflow as tf\nprint "loss", tf.contrib\n')
    (tmp_path / 'b.py').write_text('import tensorflow as tf\ntf.train.Saver\n')
    (tmp_path / 'c.py').write_text('if x\n')
    code, output, _ = run(capsys, tmp_path)
    assert code == 1
    lines = output.splitlines()
    assert lines[0].startswith(f'{tmp_path}/a.py:2:1: unreadable: looks like Python 2')
    assert lines[1].startswith(f'{tmp_path}/c.py:1:5: unreadable: is not Python 3')
    assert lines[2] == '3 programs: 2 unreadable, 2 uses of 2 names work.'


def test_all_of_python_2_in_a_program_is_listed_with_its_way_to_python_3(tmp_path, capsys):
    (tmp_path / 'a.py').write_text(
        'print "loss", 0.05, \'print "no"\'  # 0777\n'
        '"""print "no"\n0777 <> `"""\n'
        'def f(a, (b, c), d=(1, 2)):\n'
        '    if a <> 3: print `a`\n'
        '    print\n'
        '    try: pass\n'
        '    except (A, B), e: raise E, "x"\n'
        '    x = 0777 + 10L + 00 + 1.05\n'
        '    exec "x" in y\n'
    )
    _, output, _ = run(capsys, tmp_path)
    found = [line.partition(': unreadable: looks like Python 2 ') for line in output.splitlines()]
    assert [(where.partition(':')[2], what) for where, _, what in found if what] == [
        (
            '1:1',
            '(print without parentheses): pip install fissix; python -m fissix -w turns most of '
            'it into Python 3',
        ),
        ('4:1', '(a parameter that is a tuple)'),
        ('5:10', '(<> for !=)'),
        ('5:16', '(print without parentheses)'),
        ('5:22', '(backticks for repr())'),
        ('8:5', '(an except with a comma)'),
        ('8:23', '(a raise with a comma)'),
        ('9:9', '(an octal number without 0o)'),
        ('9:16', '(a long integer)'),
        ('10:5', '(exec without parentheses)'),
    ]


def test_a_notebook_is_read_by_cells(tmp_path, capsys):
    cells = [
        ('markdown', 'tf.contrib.rpc'),
        (
            'code',
            ['%matplotlib inline\n', 'import tensorflow as tf\n', '!pip install x \\\n', ' y'],
        ),
        ('code', '%%bash\ntf.contrib.rpc'),
        ('code', 'print "no"'),
        ('code', 'files = !ls\ntf.train?\n  \ntf.contrib.rpc.x'),
    ]
    notebook = {
        'cells': [{'cell_type': kind, 'source': source} for kind, source in cells],
        'metadata': {'kernelspec': {'language': 'python'}},
    }
    (tmp_path / 'a.ipynb').write_text(json.dumps(notebook))
    (tmp_path / 'b.ipynb').write_text('{"cells": 3}')
    notebook['metadata'] = {'kernelspec': {'language': 'R'}}
    (tmp_path / 'c.ipynb').write_text(json.dumps(notebook))
    code, output, _ = run(capsys, tmp_path)
    assert code == 1
    first, second, third = [line for line in output.splitlines() if line.startswith('/')]
    assert first.startswith(f'{tmp_path}/a.ipynb[4]:1:1: unreadable: ')
    assert second.startswith(f'{tmp_path}/a.ipynb[5]:4:1: gone: tf.contrib.rpc.x')
    assert third.startswith(f'{tmp_path}/b.ipynb:1:1: unreadable: is not a notebook')


def test_folders_are_walked_and_what_is_no_program_of_theirs_is_not(tmp_path, capsys):
    for name in ('a/b/c.py', 'a/.hidden/d.py', 'a/env/lib/e.py', 'a/__pycache__/f.py', 'a/g.txt'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('import tensorflow.contrib.rpc')
    (tmp_path / 'a' / 'env' / 'pyvenv.cfg').touch()
    code, output, _ = run(capsys, tmp_path / 'a', tmp_path / 'a' / 'b' / 'c.py')
    assert code == 1
    assert output.splitlines()[-2].startswith('1 program: 1 gone')
    # A file that is named is read whatever its name is.
    code, output, _ = run(capsys, tmp_path / 'a' / 'g.txt')
    assert (code, output.count(': gone:')) == (1, 1)


@pytest.mark.parametrize(
    ('path', 'source'),
    [
        ('a/b/use.py', 'from .common import tf\ntf.contrib.rpc.x'),
        ('a/b/use.py', 'from .common import tf as t\nt.contrib.rpc.x'),
        ('a/b/use.py', 'from a.b.common import tf\ntf.contrib.rpc.x'),
        ('a/b/use.py', 'from common import *\ntf.contrib.rpc.x'),
        ('a/b/c/use.py', 'from ..common import tf\ntf.contrib.rpc.x'),
        ('a/b/c/use.py', 'from .. import tf\ntf.contrib.rpc.x'),
        ('use.py', 'from a.b.other import tf\ntf.contrib.rpc.x'),
    ],
)
def test_a_namespace_that_comes_from_another_file_of_the_project(tmp_path, capsys, path, source):
    files = {
        'a/__init__.py': '',
        'a/b/__init__.py': 'from .other import tf',
        'a/b/common.py': 'from .other import *\nimport tensorflow.contrib.slim as rpc',
        'a/b/other.py': 'from .common import x\nimport tensorflow as tf',
        path: source,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code, output, _ = run(capsys, tmp_path)
    assert code == 1
    gone = [line for line in output.splitlines() if ': gone:' in line]
    assert len(gone) == 1
    assert gone[0].startswith(f'{tmp_path}/{path}:2:1: gone: tf.contrib.rpc.x')


def test_a_name_that_another_file_guards_is_its_own(tmp_path, capsys):
    common = 'try:\n    from tensorflow.contrib import rpc\nexcept ImportError:\n    rpc = None\n'
    (tmp_path / 'common.py').write_text(common)
    (tmp_path / 'use.py').write_text('from common import rpc\ntpu.x\nfrom os import *')
    assert run(capsys, tmp_path)[0] == 0


def test_a_path_that_is_not_there(tmp_path, capsys):
    code, output, errors = run(capsys, tmp_path / 'nowhere')
    assert (code, output) == (2, '')
    assert f'no such file or folder: {tmp_path}/nowhere' in errors


@pytest.mark.parametrize(
    'content',
    [b'', b'\xef\xbb\xbfimport tensorflow', b'\xff\xfe', b'a\0b', b'# coding: latin-1\nx = "\xe9"'],
    ids=['empty', 'bom', 'no text', 'null', 'latin-1'],
)
def test_odd_files(tmp_path, capsys, content):
    (tmp_path / 'a.py').write_bytes(content)
    code, output, _ = run(capsys, tmp_path)
    assert code == (': unreadable:' in output)


@pytest.mark.parametrize('terms', [1500, 60000])
def test_long_sums(tmp_path, capsys, terms):
    (tmp_path / 'a.py').write_text('import tensorflow as tf\nx = ' + ' + '.join(['tf.pi'] * terms))
    code, output, _ = run(capsys, tmp_path)
    assert code == 1
    # Python itself does not read the longest.
    assert ': unknown: tf.pi ' in output or 'nested too deeply' in output


# Reports.

PROGRAM = """import tensorflow as tf
from tensorflow.contrib import slim
tf.layers.dense
tf.train.Saver
tf.train.Saver
tf.contrib.rpc.x
"""


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setitem(reports.PACKAGES, 'contrib', 'no-such-package')
    monkeypatch.setitem(reports.PACKAGES, 'legacy', 'no-such-package')


def test_the_text(tmp_path, capsys, nothing_installed):
    file = tmp_path / 'a.py'
    file.write_text(PROGRAM)
    code, output, _ = run(capsys, file)
    assert code == 1
    lines = output.splitlines()
    assert lines[0].startswith(f'{file}:2:1: extra: tf.contrib.slim works as ')
    assert lines[1] == (
        f'{file}:3:1: extra: tf.layers.dense works with Keras 2 -> {pip_command(["legacy"])}'
    )
    assert lines[2].startswith(f'{file}:6:1: gone: tf.contrib.rpc.x is gone')
    assert lines[3:] == [
        '1 program: 1 gone, 2 extra, 3 uses of 2 names work.',
        f'Extras to install: {pip_command(["contrib", "legacy"])}',
        '1 of 1 need a change.',
    ]
    _, output, _ = run(capsys, file, '--all')
    assert f'{file}:5:1: works: tensorflow.train.Saver works' in output.splitlines()


def test_an_extra_has_one_line_which_says_what_is_installed(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(reports.PACKAGES, 'legacy', 'pytest')
    monkeypatch.setitem(reports.PACKAGES, 'contrib', 'no-such-package')
    file = tmp_path / 'a.py'
    file.write_text(PROGRAM + 'tf.layers.conv2d\ntf.layers.dense\ntf.contrib.slim.conv2d\n')
    _, output, _ = run(capsys, file)
    there = f'installed: pytest {pytest.__version__}'
    assert (
        f'a.py:3:1: extra: tf.layers.dense works with Keras 2 (and 2 more uses); {there}\n'
        in output
    )
    assert output.count(': extra:') == 2
    assert '(and 1 more use) -> pip install "tfhooks[contrib]"' in output
    assert f'\nExtras to install: {pip_command(["contrib"])}\n' in output
    _, output, _ = run(capsys, file, '--all')
    assert output.count(': extra:') == 5
    _, output, _ = run(capsys, file, '--json')
    report = json.loads(output)
    assert (report['extras'], report['extras_installed']) == (['contrib', 'legacy'], ['legacy'])


def test_the_json(tmp_path, capsys, nothing_installed):
    file = tmp_path / 'a.py'
    file.write_text(PROGRAM)
    code, output, _ = run(capsys, file, '--json')
    report = json.loads(output)
    assert code == report['exit_code'] == 1
    assert report['schema_version'] == 1
    assert report['programs'] == 1
    assert report['extras'] == ['contrib', 'legacy']
    assert report['install'] == pip_command(['contrib', 'legacy'])
    counts = {kind: count for kind, count in report['counts'].items() if count}
    assert counts == {'gone': 1, 'extra': 2, 'works': 3}
    second = report['findings'][1]
    assert second == {
        'file': str(file),
        'cell': None,
        'line': 3,
        'column': 1,
        'kind': 'extra',
        'message': 'tf.layers.dense works with Keras 2',
        'replacement': pip_command(['legacy']),
        'name': 'tensorflow.layers.dense',
        'extra': 'legacy',
        'row': None,
    }
    _, output, _ = run(capsys, file, '--json', '--all')
    assert len(json.loads(output)['findings']) == 6


def test_a_program_that_runs(tmp_path, capsys):
    (tmp_path / 'a.py').write_text('import tensorflow as tf\ntf.train.Saver()\n')
    assert run(capsys, tmp_path) == (
        0,
        '1 program: 2 uses of 2 names work.\nNothing is gone.\n',
        '',
    )


def test_neither_programs_nor_tensorflow_are_imported(tmp_path):
    (tmp_path / 'a.py').write_text('import tensorflow as tf\ntf.layers.dense\nraise SystemExit(9)')
    program = (
        'import sys; from tfhooks import _migration; code = _migration.main(sys.argv[1:]); '
        'sys.exit(5 if {"tensorflow", "numpy", "keras"} & set(sys.modules) else code)'
    )
    command = [sys.executable, '-c', program, 'check', str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert ': extra: tf.layers.dense' in done.stdout


# No program is too odd.

SOURCE = Path(__file__)


@functools.cache
def tokens():
    with SOURCE.open('rb') as file:
        return [token.string for token in tokenize.tokenize(file.readline)][1:]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(seed=0, changes=0)
@given(seed=st.integers(0, 2**20), changes=st.integers(0, 6))
def test_no_mutated_program_makes_it_fail(tmp_path, seed, changes):
    chance = random.Random(seed)
    start = chance.randrange(len(tokens()) - 400)
    words = list(tokens()[start : start + 400])
    for _ in range(changes):
        place = chance.randrange(len(words))
        words[place] = chance.choice((*words, 'tf.contrib.x', 'import tensorflow as tf\n', '*'))
    file = tmp_path / 'a.py'
    file.write_text('import tensorflow as tf\n' + ' '.join(words).replace('\n ', '\n'))
    found = check.check_file(str(file), judge())
    lines = len(file.read_text().splitlines()) + 1
    assert all(1 <= one.line <= lines and one.column >= 0 for one in found)
    assert all('\n' not in one.text() for one in found)
