"""`python -m tfhooks check`: names, where they come from, what guards them, and reports."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tfhooks import cli
from tfhooks.cli import check, check_names, check_table
from tfhooks.cli.check_installed import Installed

NAMES = Path(__file__).parent / 'names_1_15' / 'names_1_15.txt'
FAILS = ('gone', 'unknown')


@functools.cache
def judge():
    return check_names.Judge(Installed.here())


def findings(folder, source, name='program.py'):
    """What is found in a program: (line, kind, name), without what works."""
    file = folder / name
    file.write_text(source)
    return [
        (found.line, found.kind, found.name)
        for found in check.check_file(str(file), judge())
        if found.kind != 'works'
    ]


def failing(folder, source):
    """The names of a program that fail."""
    return [name for _, kind, name in findings(folder, source) if kind in FAILS]


def run(capsys, *arguments):
    """The exit code, the output and the errors of the command."""
    code = cli.main(['check', *map(str, arguments)])
    output = capsys.readouterr()
    return code, output.out, output.err


# Names.


@functools.cache
def names_of_1_15():
    names = set()
    for line in NAMES.read_text().splitlines():
        place, _, inside = line.partition(':')
        names |= {f'{place}.{name}'.lstrip('.') for name in inside.split()}
    return sorted(names)


def is_there(dotted):
    value = tf
    for part in dotted.split('.'):
        try:
            value = getattr(value, part)
        except (AttributeError, ImportError):
            return False
    return True


def test_every_name_of_1_15_is_judged_as_the_running_tensorflow_has_it():
    wrong = {}
    for name in names_of_1_15():
        if name.split('.')[0] in ('keras', 'layers') or name.startswith('nn.rnn_cell'):
            continue  # Which Keras these are of is chosen when TensorFlow is imported.
        kind = judge().judge(f'tensorflow.{name}').kind
        if (kind not in FAILS) != is_there(name):
            wrong[name] = kind
    assert not wrong
    assert len(names_of_1_15()) > 3500


def test_every_name_that_the_table_calls_gone_was_in_1_15_and_is_gone():
    assert set(check_table.GONE) <= set(names_of_1_15())
    for name in check_table.GONE:
        verdict = judge().judge(f'tensorflow.{name}')
        assert verdict.kind == 'gone', name
        assert verdict.replacement == check_table.GONE[name]


@pytest.mark.parametrize('table', ['GONE', 'OLDER', 'PACKAGES'])
def test_the_replacements_in_the_tables_exist(table):
    for name, instead in getattr(check_table, table).items():
        first = instead.split('(')[0].split(',')[0].split(' ')[0]
        if first.startswith('tf.'):
            kind = judge().judge(f'tensorflow.{first[3:]}').kind
            assert kind in ('works', 'extra'), f'{name} -> {first}'


@pytest.mark.parametrize(
    ('dotted', 'kind', 'says'),
    [
        ('tensorflow.train.MonitoredTrainingSession', 'works', ''),
        ('tensorflow.compat.v1.train.Saver', 'works', ''),
        ('tensorflow.Session.run', 'works', ''),
        ('tensorflow.flags.FLAGS.batch_size', 'works', ''),
        ('tensorflow.__version__', 'works', ''),
        ('tfhooks.v1.train.Scaffold', 'works', ''),
        ('tfhooks.EvalHook', 'works', ''),
        ('tensorflow.compat.v2.io.gfile', 'works', ''),
        ('tensorflow.estimator.SessionRunHook', 'works', ''),
        ('tensorflow.contrib.learn.ModeKeys.TRAIN', 'works', ''),
        ('tensorflow.layers.dense', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.nn.rnn_cell.LSTMCell', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.keras.layers.Dense', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.contrib.rnn.BasicLSTMCell', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.contrib.slim.conv2d', 'extra', 'pip install "tfhooks[contrib]"'),
        ('tfhooks.v1.contrib.slim.conv2d', 'extra', 'pip install "tfhooks[contrib]"'),
        ('tensorflow.contrib.tpu.TPUEstimator', 'gone', ''),
        ('tensorflow.estimator.Estimator', 'gone', ''),
        ('tensorflow.keras.utils.multi_gpu_model', 'gone', 'tf.distribute.MirroredStrategy'),
        ('tensorflow.pack', 'gone', 'tf.stack'),
        ('tensorflow.train.SummaryWriter', 'gone', 'tf.summary.FileWriter'),
        ('tensorflow.examples.tutorials.mnist', 'gone', 'tf.keras.datasets.mnist'),
        ('tensorflow_estimator.python.estimator.estimator', 'gone', ''),
        ('tensorflow_estimator.python.estimator.model_fn.ModeKeys.TRAIN', 'gone', 'v1.estimator.'),
        ('tensorflow.python.framework.ops', 'private', ''),
        ('tensorflow.core.framework.summary_pb2.Summary', 'private', ''),
        ('tensorflow.python.training.basic_session_run_hooks.StopAtStepHook', 'private', ''),
        ('tensorflow.python.ops.array_ops.stack', 'gone', 'tf.stack'),
        ('tensorflow.python.no_such_module.x', 'gone', ''),
        ('tensorflow.python.framework.ops.no_such_name', 'gone', ''),
        ('tensorflow.optimizers.Adam', 'unknown', 'tf.compat.v2.optimizers.Adam'),
        ('tensorflow.no_such_name', 'unknown', ''),
        ('tensorflow.train.no_such_name', 'unknown', ''),
    ],
)
def test_what_is_said_of_a_name(dotted, kind, says):
    verdict = judge().judge(dotted)
    assert verdict.kind == kind
    assert says in verdict.replacement
    assert bool(verdict.message) == (kind != 'works')


# How a program comes to a name.


@pytest.mark.parametrize(
    'source',
    [
        'import tensorflow as tf\ntf.contrib.tpu.x',
        'import tensorflow\ntensorflow.contrib.tpu.x',
        'import tensorflow.compat.v1 as tf\ntf.contrib.tpu.x',
        'import tfhooks.v1 as tf\ntf.contrib.tpu.x',
        'from tensorflow.compat import v1 as tf\ntf.contrib.tpu.x',
        'import tensorflow as tf\ntf.compat.v1.contrib.tpu.x',
        'import tensorflow as tf\nt = tf.contrib\nt.tpu.x',
        'import tensorflow as tf\ntf = tf.compat.v1\ntf.contrib.tpu.x',
        'import tensorflow as tf\na, t = 1, tf.contrib\nt.tpu.x',
        'import tensorflow as tf\nt: object = tf.contrib\ndef f():\n    return t.tpu.x',
        'import tensorflow as tf\ndef f():\n    t = tf.contrib\n    return [t.tpu.x for _ in "a"]',
        'import tensorflow as tf\nclass A:\n    def f(self, x=tf.contrib.tpu.x): pass',
        'import tensorflow as tf\ngetattr(tf.contrib.tpu, "x")',
        'import importlib\ntf = importlib.import_module("tensorflow")\ntf.contrib.tpu.x',
        'def f():\n    global tf\n    import tensorflow as tf\ndef g():\n    tf.contrib.tpu.x',
        'import tensorflow as tf\n(lambda y: tf.contrib.tpu.x)(1)',
        'import tensorflow as tf\nif (t := tf.contrib):\n    t.tpu.x',
        'import tensorflow as tf\nprint(f"{tf.contrib.tpu.x}")',
    ],
)
def test_a_name_is_followed_to_where_it_comes_from(tmp_path, source):
    found = failing(tmp_path, source)
    assert any(name.endswith('.contrib.tpu.x') for name in found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ('source', 'found'),
    [
        ('from tensorflow.contrib import tpu', [(1, 'gone', 'tensorflow.contrib.tpu')]),
        ('import tensorflow.contrib.tpu', [(1, 'gone', 'tensorflow.contrib.tpu')]),
        ('from tensorflow.contrib.tpu import *', [(1, 'gone', 'tensorflow.contrib.tpu')]),
        (
            'from tensorflow.python.framework import ops\nops.Graph\nops.nowhere',
            [
                (1, 'private', 'tensorflow.python.framework.ops'),
                (3, 'gone', 'tensorflow.python.framework.ops.nowhere'),
            ],
        ),
        (
            'from tensorflow.estimator import Estimator\nEstimator.train\nEstimator()',
            [(1, 'gone', 'tensorflow.estimator.Estimator')],
        ),
        ('from tensorflow import keras', [(1, 'extra', 'tensorflow.keras')]),
    ],
)
def test_what_an_import_asks_for_is_said_once_and_there(tmp_path, source, found):
    assert findings(tmp_path, source) == found


@pytest.mark.parametrize(
    'source',
    [
        'def f(tf):\n    tf.contrib.x',
        'import tensorflow as tf\ndef f(tf):\n    tf.blah',
        'import tensorflow as tf\n[tf.blah for tf in (1, 2)]',
        'import tensorflow as tf\ndef f():\n    tf = object()\n    tf.contrib.x',
        'import tensorflow as tf\nfor tf in ():\n    tf.blah',
        'from .tensorflow import contrib\ncontrib.tpu',
        'from . import tensorflow as tf\ntf.contrib.tpu',
        'import tensorflow_probability as tf\ntf.contrib.tpu',
        'import numpy as tf\ntf.contrib.tpu',
        'tf.contrib.tpu',
        'import tensorflow as tf\ntf.contrib = object()\ntf.contrib.x',
        'import tensorflow as tf\nsetattr(tf, "blah", 1)\ntf.blah',
        'import tensorflow as tf\nclass tf:\n    pass\ntf.blah',
        'import tensorflow as tf\nwith open("x") as tf:\n    tf.blah',
        'import tensorflow as tf\nmatch 1:\n    case tf:\n        tf.blah',
    ],
)
def test_what_is_not_tensorflow_s_is_left_alone(tmp_path, source):
    assert failing(tmp_path, source) == []


@pytest.mark.parametrize(
    'source',
    [
        'try:\n    from tensorflow.contrib import tpu\nexcept ImportError:\n    tpu = None\ntpu.x',
        'try:\n    import tensorflow.contrib.tpu as t\nexcept Exception:\n    pass\nt.x',
        'import tensorflow as tf\ntry:\n    t = tf.contrib.tpu\nexcept AttributeError:\n    t = 0',
        'import tensorflow as tf\ntry:\n    t = tf.contrib.tpu\nexcept (OSError, Exception): t = 0',
        'import tensorflow as tf\nif hasattr(tf, "contrib"):\n    tf.contrib.tpu.x',
        'import tensorflow as tf\nx = tf.contrib.tpu if hasattr(tf, "contrib") else None',
        'import tensorflow as tf\nhasattr(tf, "contrib") and tf.contrib.tpu.x',
        'import tensorflow as tf\nif tf.__version__ < "2":\n    from tensorflow.contrib import tpu',
        'import tensorflow as tf\nOLD = tf.__version__[0] == "1"\nif OLD:\n    tf.contrib.tpu',
        'try:\n    import tensorflow.train\nexcept ImportError:\n    import tensorflow.contrib.tpu',
        'from contextlib import *\nwith suppress(ImportError):\n    import tensorflow.contrib.tpu',
        'import tensorflow as tf\ngetattr(tf.train, "x", None)',
    ],
)
def test_what_a_program_guards_is_no_error(tmp_path, source):
    found = findings(tmp_path, source)
    assert {kind for _, kind, _ in found} <= {'guarded'}
    assert found or 'getattr' in source


@pytest.mark.parametrize(
    'source',
    [
        'try:\n    from tensorflow.contrib import tpu\nexcept ValueError:\n    pass',
        'try:\n    from tensorflow.contrib import tpu\nexcept ImportError:\n    raise',
        'try:\n    from tensorflow.contrib import tpu\nexcept ImportError:\n    sys.exit(1)',
        'try:\n    import tensorflow as tf\nexcept ImportError:\n    tf = None\ntf.contrib.tpu',
        'try:\n    import tensorflow.contrib.a\nexcept Exception:\n    import tensorflow.contrib.b',
        'import tensorflow as tf\nif DEBUG:\n    tf.contrib.tpu',
        'import tensorflow as tf\ntry:\n    def f(): tf.contrib.tpu\nexcept Exception:\n    f = 0',
        'import tensorflow as tf\nif x:\n    c = tf.contrib.tpu\nelse:\n    c = tf.blah\nc.y',
    ],
)
def test_what_does_not_guard(tmp_path, source):
    assert failing(tmp_path, source)


def test_one_of_two_ways_that_works_is_enough(tmp_path):
    source = 'import tensorflow as tf\nrnn = tf.contrib.rnn if OLD else tf.nn\nrnn.dynamic_rnn'
    assert findings(tmp_path, source) == []


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


def test_a_notebook_is_read_by_cells(tmp_path, capsys):
    cells = [
        ('markdown', 'tf.contrib.tpu'),
        (
            'code',
            ['%matplotlib inline\n', 'import tensorflow as tf\n', '!pip install x \\\n', ' y'],
        ),
        ('code', '%%bash\ntf.contrib.tpu'),
        ('code', 'print "no"'),
        ('code', 'files = !ls\ntf.train?\n  \ntf.contrib.tpu.x'),
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
    assert second.startswith(f'{tmp_path}/a.ipynb[5]:4:1: gone: tf.contrib.tpu.x')
    assert third.startswith(f'{tmp_path}/b.ipynb:1:1: unreadable: is not a notebook')


def test_folders_are_walked_and_what_is_no_program_of_theirs_is_not(tmp_path, capsys):
    for name in ('a/b/c.py', 'a/.hidden/d.py', 'a/env/lib/e.py', 'a/__pycache__/f.py', 'a/g.txt'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('import tensorflow.contrib.tpu')
    (tmp_path / 'a' / 'env' / 'pyvenv.cfg').touch()
    code, output, _ = run(capsys, tmp_path / 'a', tmp_path / 'a' / 'b' / 'c.py')
    assert code == 1
    assert output.splitlines()[-2].startswith('1 program: 1 gone')
    # A file that is named is read whatever its name is.
    code, output, _ = run(capsys, tmp_path / 'a' / 'g.txt')
    assert (code, output.count(': gone:')) == (1, 1)


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
tf.contrib.tpu.x
"""


def test_the_text(tmp_path, capsys):
    file = tmp_path / 'a.py'
    file.write_text(PROGRAM)
    code, output, _ = run(capsys, file)
    assert code == 1
    lines = output.splitlines()
    assert lines[0].startswith(f'{file}:2:1: extra: tf.contrib.slim works as ')
    assert lines[1] == (
        f'{file}:3:1: extra: tf.layers.dense works with Keras 2 -> pip install "tfhooks[legacy]"'
    )
    assert lines[2].startswith(f'{file}:6:1: gone: tf.contrib.tpu.x is gone')
    assert lines[3:] == [
        '1 program: 1 gone, 2 extra, 3 uses of 2 names work.',
        'Extras to install: pip install "tfhooks[contrib,legacy]"',
        '1 of 1 need a change.',
    ]
    _, output, _ = run(capsys, file, '--all')
    assert f'{file}:5:1: works: tensorflow.train.Saver works' in output.splitlines()


def test_the_json(tmp_path, capsys):
    file = tmp_path / 'a.py'
    file.write_text(PROGRAM)
    code, output, _ = run(capsys, file, '--json')
    report = json.loads(output)
    assert code == report['exit_code'] == 1
    assert report['schema_version'] == 1
    assert report['programs'] == 1
    assert report['extras'] == ['contrib', 'legacy']
    assert report['install'] == 'pip install "tfhooks[contrib,legacy]"'
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
        'replacement': 'pip install "tfhooks[legacy]"',
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
        'import sys; from tfhooks import cli; code = cli.main(sys.argv[1:]); '
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
