"""How tfhooks is installed: the commands that are printed, those of the documents, the package."""

from __future__ import annotations

import pathlib
import re

import pytest

from tfhooks._names import extras

ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path
    for place in ('*.md', 'docs/**/*.md', 'examples/**/*.md', 'benchmarks/*.md')
    for path in ROOT.glob(place)
    if path.name != 'CHANGELOG.md'
)
in_checkout = pytest.mark.skipif(
    not (ROOT / 'tfhooks').is_dir(), reason='the package is installed, its files are not here'
)


# Commands that errors, `check` and the smoke test print.


def install(folder, package, version):
    """Lets a package count as installed, before the real one."""
    metadata = folder / f'{package.replace("-", "_")}-{version}.dist-info' / 'METADATA'
    metadata.parent.mkdir()
    metadata.write_text(f'Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n')


@pytest.mark.parametrize(
    ('version', 'pin'), [('2.18.1', '2.18.1'), ('2.22.0rc0', '2.22.0rc0'), ('2.17.0+nv', '2.17.0')]
)
def test_the_tensorflow_that_is_installed_stays(monkeypatch, tmp_path, version, pin):
    install(tmp_path, 'tensorflow', version)
    monkeypatch.syspath_prepend(tmp_path)
    command = f'pip install "tfhooks[contrib,legacy]" "tensorflow=={pin}"'
    assert extras.pip_command(['legacy', 'contrib']) == command
    assert extras.pip_command(['legacy,contrib', 'legacy']) == command
    assert extras.pip_install('pillow') == f'pip install "pillow" "tensorflow=={pin}"'
    with_libraries = f'pip install "tensorflow[and-cuda]=={pin}"'
    assert extras.pip_install('tensorflow[and-cuda]') == with_libraries


def test_tensorflow_cpu_counts_and_without_either_there_is_no_pin(monkeypatch, tmp_path):
    monkeypatch.setattr('sys.path', [str(tmp_path)])
    assert extras.pip_command(['legacy']) == 'pip install "tfhooks[legacy]"'
    install(tmp_path, 'tensorflow-cpu', '2.18.1')
    monkeypatch.setattr('sys.path', [str(tmp_path), ''])
    assert extras.pip_command(['legacy']) == 'pip install "tfhooks[legacy]" "tensorflow==2.18.1"'


@in_checkout
def test_one_function_makes_all_commands():
    written = {
        str(path.relative_to(ROOT))
        for path in (ROOT / 'tfhooks').rglob('*.py')
        if 'pip install' in path.read_text(encoding='utf-8')
    }
    assert len(written) == 1, written


# Commands of the documents.


@pytest.mark.skipif(not DOCUMENTS, reason='the documents are not here')
def test_commands_of_the_documents_need_no_index_for_tfhooks():
    """But those that a tfhooks prints that is installed, which have a pin of TensorFlow."""
    wrong = []
    for path in DOCUMENTS:
        for line in path.read_text(encoding='utf-8').splitlines():
            for command in re.findall(r'pip install [^`|>]*', line):
                if 'tfhooks' not in command or '.whl' in command:
                    continue
                if not re.search(r'"tfhooks\[[\w,]+\]" "tensorflow==[\d.]+"', command):
                    wrong.append((path.name, line))
    assert wrong == []


@pytest.mark.skipif(not DOCUMENTS, reason='the documents are not here')
def test_extras_that_may_upgrade_tensorflow_are_installed_with_a_pin():
    wrong = [
        (path.name, command)
        for path in DOCUMENTS
        for command in re.findall(r'pip install [^`\n]*', path.read_text(encoding='utf-8'))
        if re.search(r'\[[^\]]*legacy', command) and 'tensorflow==' not in command
    ]
    assert wrong == []
