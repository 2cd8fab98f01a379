"""`python -m tfhooks contrib` takes the files of tf.contrib from a wheel or an environment."""

from __future__ import annotations

import json
import sys
import sysconfig
import zipfile

import pytest

from tfhooks import _migration
from tfhooks._legacy import contrib_files
from tfhooks._migration import install_contrib

FILES = {
    'tensorflow-1.15.3.dist-info/METADATA': 'Name: tensorflow\n',
    'tensorflow_estimator-1.15.1.dist-info/METADATA': 'Name: tensorflow_estimator\n',
    'tensorflow_core/include/external/com_google_absl/LICENSE': 'Apache License\n',
    'tensorflow_core/contrib/__init__.py': '',
    'tensorflow_core/contrib/crf/__init__.py': 'name = 1\n',
    'tensorflow_core/contrib/learn/data/iris.csv': '1,2\n',
    'tensorflow_core/contrib/seq2seq/_beam_search_ops.so': 'not Python',
    'tensorflow_core/examples/tutorials/mnist/input_data.py': '',
    'tensorflow_core/python/ops/math_ops.py': '',
    'tensorflow_core/python/profiler/profile_context.py': '',
}
TAKEN = {
    'LICENSE',
    'METADATA',
    'ORIGIN.json',
    'contrib/__init__.py',
    'contrib/crf/__init__.py',
    'contrib/learn/data/iris.csv',
    'examples/tutorials/mnist/input_data.py',
    'python/profiler/profile_context.py',
}


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An empty environment, in which the command installs and Python looks."""
    place = tmp_path / 'environment'
    place.mkdir()
    monkeypatch.setattr(sysconfig, 'get_path', lambda name: str(place))
    # Where this environment has the files, they are not to be seen.
    paths = [
        path for path in sys.path if not (contrib_files.Path(path) / 'tfhooks_contrib').exists()
    ]
    monkeypatch.setattr(sys, 'path', [*paths, str(place)])
    yield place
    contrib_files.folder.cache_clear()


def make_wheel(path, files=FILES):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return str(path)


def files_in(place):
    return {str(file.relative_to(place)) for file in place.rglob('*') if file.is_file()}


def test_installs_from_a_wheel(environment, tmp_path, capsys):
    assert _migration.main(['contrib', 'status']) == 1
    assert 'python -m tfhooks contrib install' in capsys.readouterr().out
    wheel = make_wheel(tmp_path / 'tensorflow-1.15.3-cp36-none-any.whl')
    assert _migration.main(['contrib', 'install', '--from', wheel]) == 0
    installed = environment / 'tfhooks_contrib'
    assert files_in(environment) == {f'tfhooks_contrib/{name}' for name in TAKEN}
    assert contrib_files.folder() == installed
    record = json.loads((installed / 'ORIGIN.json').read_text())
    assert record['version'] == '1.15.3'
    assert record['source'] == 'tensorflow-1.15.3-cp36-none-any.whl'
    assert len(record['sha256']) == 64
    assert record['files'] == len(TAKEN) - 3
    assert _migration.main(['contrib', 'status']) == 0
    assert record['sha256'] in capsys.readouterr().out
    assert _migration.main(['contrib', 'remove']) == 0
    assert files_in(environment) == set()
    assert _migration.main(['contrib', 'remove']) == 1


def test_installs_from_an_environment_and_replaces_what_was_there(environment, tmp_path):
    source = tmp_path / 'site-packages'
    for name, text in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    (environment / 'tfhooks_contrib' / 'contrib').mkdir(parents=True)
    (environment / 'tfhooks_contrib' / 'contrib' / 'old.py').touch()
    assert _migration.main(['contrib', 'install', '--from', str(source)]) == 0
    assert files_in(environment) == {f'tfhooks_contrib/{name}' for name in TAKEN}
    assert contrib_files.origin(environment / 'tfhooks_contrib')['sha256'] is None


@pytest.mark.parametrize(
    ('name', 'files', 'why'),
    [
        ('other-1.0-py3-none-any.whl', {'other/__init__.py': ''}, 'is not TensorFlow 1.15'),
        ('tf.whl', {'tensorflow-1.15.0.dist-info/METADATA': ''}, 'no tensorflow_core/contrib'),
        (install_contrib._WHEEL, FILES, 'its SHA-256 is not 29831dda'),
    ],
)
def test_refuses_what_is_not_tensorflow_1_15(environment, tmp_path, capsys, name, files, why):
    wheel = make_wheel(tmp_path / name, files)
    assert _migration.main(['contrib', 'install', '--from', wheel]) == 1
    assert why in capsys.readouterr().err
    assert files_in(environment) == set()


def test_refuses_a_file_outside_of_its_folder(environment, tmp_path, capsys):
    files = {**FILES, 'tensorflow_core/contrib/../../../evil.py': ''}
    assert (
        _migration.main(['contrib', 'install', '--from', make_wheel(tmp_path / 'tf.whl', files)])
        == 1
    )
    assert 'outside of its folder' in capsys.readouterr().err
    assert not list(tmp_path.rglob('evil.py'))


def test_says_what_to_do_where_pip_cannot_download(environment, monkeypatch, capsys):
    monkeypatch.setattr(install_contrib.subprocess, 'call', lambda command, stdout: 1)
    assert _migration.main(['contrib', 'install']) == 1
    assert '--from' in capsys.readouterr().err
    assert files_in(environment) == set()


def test_no_such_source(environment, tmp_path, capsys):
    assert _migration.main(['contrib', 'install', '--from', str(tmp_path / 'nothing.whl')]) == 1
    assert 'nothing.whl' in capsys.readouterr().err
