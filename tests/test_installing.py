"""How tfhooks is installed and released: printed and documented commands, package, workflows."""

from __future__ import annotations

import configparser
import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

import tfhooks
from tfhooks._base import extras

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
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding='utf-8'))
    for path in sorted((ROOT / '.github' / 'workflows').glob('*.yml'))
}
needs_workflows = pytest.mark.skipif(not WORKFLOWS, reason='the workflows are not here')


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
    with_libraries = extras.installed_tensorflow('[and-cuda]')
    assert extras.pip_install(with_libraries) == f'pip install "tensorflow[and-cuda]=={pin}"'
    assert extras.pip_install('pillow') == 'pip install pillow'


def test_tensorflow_cpu_counts_and_without_either_there_is_no_pin(monkeypatch, tmp_path):
    monkeypatch.setattr('sys.path', [str(tmp_path)])
    assert extras.pip_command(['legacy']) == 'pip install "tfhooks[legacy]"'
    assert extras.installed_tensorflow() == 'tensorflow'
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


# The package.


def settings():
    """What setup.cfg says."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg', encoding='utf-8')
    return parser


def addresses():
    """The addresses of the project, by name."""
    lines = settings()['metadata']['project_urls'].strip().splitlines()
    return dict(line.split(' = ') for line in lines)


def test_the_version_is_that_of_the_package():
    assert re.fullmatch(r'\d+\.\d+\.\d+', tfhooks.__version__)
    try:
        installed = importlib.metadata.version('tfhooks')
    except importlib.metadata.PackageNotFoundError:
        pytest.skip('tfhooks is in the path, and not installed')
    assert installed == tfhooks.__version__


@pytest.mark.skipif(not (ROOT / 'CITATION.cff').exists(), reason='the documents are not here')
def test_changelog_and_citation_have_the_version():
    changelog = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    assert re.search(rf'^## \[{re.escape(tfhooks.__version__)}\] - ', changelog, re.MULTILINE)
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert citation['version'] == tfhooks.__version__
    assert citation['repository-code'] == addresses()['Source']
    assert citation['license'] == settings()['metadata']['license_expression']


CONSOLE = """
import sys
from tfhooks.__main__ import console

if __name__ == '__main__':
    sys.exit(console())
"""
PROGRAM = """
import sys

print(sys.argv[1:], sys.path[0])
sys.exit(3)
"""


def test_the_command_does_what_the_module_does(tmp_path):
    """pip makes a script such as this one, in a folder of its own."""
    command = tmp_path / 'bin' / 'tfhooks'
    command.parent.mkdir()
    command.write_text(CONSOLE)
    for folder in ('one', 'one/package'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / '__init__.py').touch()
        (tmp_path / folder / 'program.py').write_text(PROGRAM)

    def ran(*arguments):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path / 'one',
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    for arguments in (
        ['--version'],
        ['package/program.py', 'a', '--b'],
        ['-m', 'package.program', 'a'],
        ['check', 'no_such_file.py'],
    ):
        by_module, by_command = ran('-m', 'tfhooks', *arguments), ran(command, *arguments)
        assert by_command.stdout == by_module.stdout, arguments
        assert by_command.stderr == by_module.stderr, arguments
        assert by_command.returncode == by_module.returncode, arguments
        if arguments == ['--version']:
            assert by_module.stdout == f'tfhooks {tfhooks.__version__}\n'
        elif 'a' in arguments:
            assert by_module.returncode == 3


@in_checkout
def test_links_of_the_readme_are_whole_where_an_index_shows_it():
    program = 'import setup; print(setup.description())'
    done = subprocess.run(
        [sys.executable, '-c', program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    base = f'{addresses()["Source"]}/blob/v{tfhooks.__version__}/'
    links = re.findall(r'\]\(([^)]*)\)', done.stdout)
    assert len(links) > 30
    assert [link for link in links if not link.startswith(base)] == []
    files = {link.removeprefix(base).partition('#')[0] for link in links}
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert f'{base}README.md#a-program-for-tensorflow-1' in links


@in_checkout
@needs_workflows
def test_classifiers_name_the_pythons_that_are_checked():
    classifiers = re.findall(r'Python :: (3\.\d+)$', settings()['metadata']['classifiers'], re.M)
    checked = WORKFLOWS['ci']['jobs']['check']['strategy']['matrix']['python']
    assert classifiers == checked
    assert settings()['options']['python_requires'] == f'>={checked[0]}'


@in_checkout
@needs_workflows
def test_versions_of_the_tools_are_the_same_everywhere():
    pinned = settings()['options.extras_require']
    for extra in ('dev', 'docs', 'release'):
        lines = pinned[extra].split()
        assert [line for line in lines if not re.fullmatch(r'[\w-]+==[\d.]+', line)] == []
    hooks = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())['repos'][0]['hooks']
    wanted = {tool for hook in hooks for tool in hook['additional_dependencies']}
    assert wanted <= set(pinned['dev'].split())


@pytest.mark.skipif(not (ROOT / 'mkdocs.yml').exists(), reason='the site is not here')
def test_the_site_has_every_page():
    """The stage `docs` fails else, which takes longer to say so."""
    listed = re.findall(r'- (?:[^:\n]+: )?([\w/]+\.md)$', (ROOT / 'mkdocs.yml').read_text(), re.M)
    pages = {str(path.relative_to(ROOT / 'docs')) for path in (ROOT / 'docs').rglob('*.md')}
    assert pages - set(listed) == set()


# Workflows.


@needs_workflows
def test_actions_are_pinned_by_hash_and_say_their_version():
    used = [
        line.strip().removeprefix('- ')
        for path in (ROOT / '.github' / 'workflows').glob('*.yml')
        for line in path.read_text(encoding='utf-8').splitlines()
        if re.match(r'[\s-]*uses: (?!\./)', line)
    ]
    assert len(used) > 10
    pinned = re.compile(r'uses: ([\w-]+/[\w-]+)@[0-9a-f]{40} # v\d+\.\d+\.\d+')
    assert [line for line in used if not pinned.fullmatch(line)] == []
    # One version of each.
    assert len(set(used)) == len({pinned.fullmatch(line)[1] for line in used})


@needs_workflows
def test_no_push_runs_what_its_pull_request_runs():
    for name, workflow in WORKFLOWS.items():
        events = workflow[True]  # YAML reads `on` as true.
        if 'push' in events:
            assert events['push'] in ({'branches': ['main']}, {'tags': ['v*']}), name
        assert workflow['permissions'] == {'contents': 'read'}, name


@needs_workflows
def test_the_gpu_job_waits_for_no_runner_that_is_not_there():
    job = WORKFLOWS['gpu']['jobs']['gpu']
    assert job['if'] == "vars.GPU_RUNNER != ''"
    assert 'vars.GPU_RUNNER' in job['runs-on']
