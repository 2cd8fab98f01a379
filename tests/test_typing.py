"""What type checkers say of hooks: `tests/typing/` holds samples and what is expected of them.

`# E: code` is an error of mypy with that code in that line, which pyright finds too, `# P` an error
that pyright alone finds, `# R: type` a revealed type. All other lines must be free of errors.
"""

from __future__ import annotations

import collections
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

SAMPLES = pathlib.Path(__file__).parent / 'typing'
ROOT = SAMPLES.parent.parent
PROGRAMS = ['good_hooks.py', 'bad_hooks.py', 'v1_program.py']
# Of `tf` and of what has names from more than one place in it.
_NAMES = """
import tfhooks.v1 as tf
for where in ('tf', 'tf.app', 'tf.compat', 'tf.train'):
    print(*(f'{where}.{name}' for name in dir(eval(where)) if name[0] != '_'), sep='\\n')
"""


def run(*arguments):
    environment = {**os.environ, 'MYPYPATH': str(ROOT), 'PYTHONPATH': str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=SAMPLES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def expected(sample, mark):
    """What the comments of a sample announce, by line."""
    lines = (SAMPLES / sample).read_text().splitlines()
    found = [(n, re.search(rf'# {mark}(?:: (.*))?$', line)) for n, line in enumerate(lines, 1)]
    return {n: match[1] for n, match in found if match}


@pytest.fixture(scope='module')
def mypy(tmp_path_factory):
    if importlib.util.find_spec('mypy') is None:
        pytest.skip('mypy is not installed: pip install tfhooks[dev]')
    cache = str(tmp_path_factory.mktemp('mypy'))
    options = ['--strict', '--no-error-summary', '--config-file=', f'--cache-dir={cache}']
    ran = run('-m', 'mypy', *options, '--ignore-missing-imports', *PROGRAMS)
    errors, revealed = collections.defaultdict(set), {}
    for line in ran.stdout.splitlines():
        match = re.match(r'(?:.*[/\\])?(\w+\.py):(\d+): (error|note): (.*)$', line)
        assert match, line
        sample, number, kind, text = match[1], int(match[2]), match[3], match[4]
        if kind == 'error':
            errors[sample, number].add(re.search(r'\[([\w-]+)\]$', text)[1])
        elif text.startswith('Revealed type is'):
            revealed[sample, number] = text.split('"')[1]
    assert ran.stderr == ''
    return errors, revealed


@pytest.mark.parametrize('sample', PROGRAMS)
def test_mypy_finds_exactly_the_expected_errors(mypy, sample):
    errors = {number: codes for (name, number), codes in mypy[0].items() if name == sample}
    assert errors == {n: set(codes.split()) for n, codes in expected(sample, 'E').items()}
    assert {name for name, _ in mypy[0]} <= {'bad_hooks.py', 'v1_program.py'}


def test_mypy_knows_the_types_of_results(mypy):
    revealed = {number: text for (name, number), text in mypy[1].items() if name == 'good_hooks.py'}
    assert revealed == expected('good_hooks.py', 'R')
    assert len(revealed) >= 7


@pytest.fixture(scope='module')
def names_of_tf(tmp_path_factory):
    """A program that uses each public name that there is when it runs."""
    # In a process of its own, where TensorFlow 1 behaviour may be switched on.
    names = run('-c', _NAMES).stdout
    assert names.count('\n') > 700
    path = tmp_path_factory.mktemp('names') / 'names.py'
    path.write_text(f'import tfhooks.v1 as tf\n{names}')
    return path


@pytest.fixture(scope='module')
def pyright(names_of_tf):
    if importlib.util.find_spec('pyright') is None:
        pytest.skip('pyright is not installed: pip install tfhooks[dev]')
    files = [*PROGRAMS, str(names_of_tf)]
    ran = run('-m', 'pyright', '--outputjson', '--pythonpath', sys.executable, *files)
    try:
        found = json.loads(ran.stdout[ran.stdout.index('{') :])
        assert found['summary']['filesAnalyzed'] == len(files)
        return found['generalDiagnostics']
    except ValueError:
        pytest.skip(f'pyright does not run here: {(ran.stderr or ran.stdout).strip()[-200:]}')


@pytest.mark.parametrize('sample', [*PROGRAMS, 'names.py'])
def test_pyright_finds_errors_in_the_same_lines(pyright, sample):
    lines = {
        found['range']['start']['line'] + 1
        for found in pyright
        if found['severity'] == 'error' and pathlib.Path(found['file']).name == sample
    }
    own = {} if sample == 'names.py' else {**expected(sample, 'E'), **expected(sample, 'P')}
    assert lines == set(own)


def test_an_editable_install_is_a_path_that_type_checkers_follow(tmp_path):
    for name in ('setup.cfg', 'setup.py', 'pyproject.toml', 'README.md', 'LICENSE', 'tfhooks'):
        if not (ROOT / name).exists():
            pytest.skip('the package is installed, its sources are not beside the tests')
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    build = 'from setuptools import build_meta; build_meta.build_editable(".")'
    subprocess.run([sys.executable, '-c', build], cwd=tmp_path, capture_output=True, check=True)
    (wheel,) = tmp_path.glob('*.whl')
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith('.pth'))
        assert archive.read(path).decode().strip() == str(tmp_path)


def test_every_module_of_the_package_passes_mypy(tmp_path):
    if importlib.util.find_spec('mypy') is None:
        pytest.skip('mypy is not installed: pip install tfhooks[dev]')
    if not (ROOT / 'tfhooks').is_dir():
        pytest.skip('the package is installed, its sources are not beside the tests')
    config = str(ROOT / 'setup.cfg')
    ran = run(
        '-m',
        'mypy',
        '--strict',
        f'--config-file={config}',
        f'--cache-dir={tmp_path}',
        str(ROOT / 'tfhooks'),
    )
    assert ran.stdout.startswith('Success'), ran.stdout
