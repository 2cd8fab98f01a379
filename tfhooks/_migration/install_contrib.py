"""`python -m tfhooks contrib`: installs the Python files of `tf.contrib` of TensorFlow 1.15.

They are taken from the user's own copy of TensorFlow 1.15, a wheel or an environment, or from the
one wheel of the package index that has them. None of them is run here.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tfhooks._base import extras
from tfhooks._legacy import contrib_files as files
from tfhooks._legacy.old_names import redirected_imports

_WHEEL = 'tensorflow-1.15.5-cp37-cp37m-manylinux2010_x86_64.whl'
_SHA256 = '29831dda98d668067de75403b2fca0d06a2f026ef6f217fa2ca873c20b4ee4d3'
_DOWNLOAD = (
    *('pip', 'download', '--no-deps', '--only-binary=:all:', '--python-version', '37'),
    *('--implementation', 'cp', '--abi', 'cp37m', '--platform', 'manylinux2010_x86_64'),
)
# Removed files of TensorFlow's own that the files of contrib import.
_GONE = [
    place.removeprefix(f'{files.FOLDER}.').replace('.', '/')
    for place in redirected_imports.SERVED_TO_CONTRIB.values()
    if place.startswith(f'{files.FOLDER}.')
]
_TAKEN = re.compile(
    rf'tensorflow(_core)?/(?P<path>(contrib|examples)/.+\.(py|csv)|({"|".join(_GONE)})\.py)'
)
_LICENCE = re.compile(r'tensorflow(_core)?/include/.*com_google_absl/LICENSE')
_METADATA = re.compile(r'tensorflow(_gpu|_cpu)?-(1\.15\.\d+)\.dist-info/METADATA')


# Packages beside TensorFlow that the files import.
_EXTRAS = {'estimator': 'tensorflow_estimator', 'legacy': 'tf_keras'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command to its parser."""
    parser.description = (
        'Installs the Python files of tf.contrib and of tensorflow.examples.tutorials, of '
        'TensorFlow 1.15, into this environment: for `import tfhooks.v1` and `python -m tfhooks`.'
    )
    commands = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    install = commands.add_parser('install', help='install them; downloads 110 MB without --from')
    install.add_argument(
        '--from',
        dest='source',
        metavar='PATH',
        help='a wheel of TensorFlow 1.15, or the site-packages of an environment that has it',
    )
    commands.add_parser('status', help='say whether they are installed, and where from')
    commands.add_parser('remove', help='remove them')


def main(args: argparse.Namespace) -> int:
    """Runs the command.

    Args:
      args: The arguments of `add_arguments`.

    Returns:
      The exit code: 0, or 1 if nothing is or could be installed.
    """
    files.folder.cache_clear()
    installed = files.folder()
    files.folder.cache_clear()
    if args.action == 'install':
        try:
            with _source(args.source) as source:
                target = _install(source)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            print(f'tfhooks contrib install: {error}', file=sys.stderr)
            return 1
        print(_status(target))
        return 0
    if installed is None:
        print(f'The files of tf.contrib are not installed: {files.INSTALL}')
        return 1
    if args.action == 'remove':
        shutil.rmtree(installed)
        print(f'Removed {installed}')
    else:
        print(_status(installed))
    return 0


def _status(installed: Path) -> str:
    record = files.origin(installed)
    missing = [name for name, package in _EXTRAS.items() if not importlib.util.find_spec(package)]
    needs = f'\nThey need: {extras.pip_command(missing)}' if missing else ''
    return (
        f'{record["files"]} files of TensorFlow {record["version"]} in {installed}\n'
        f'from {record["source"]}'
        + (f', SHA-256 {record["sha256"]}' if record['sha256'] else '')
        + needs
    )


@contextlib.contextmanager
def _source(given: str | None) -> Iterator[Path]:
    """Context that gives the wheel or the site-packages to take the files from."""
    if given is not None:
        yield Path(given)
        return
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, '-m', *_DOWNLOAD, 'tensorflow==1.15.5', '--dest', directory]
        if subprocess.call(command, stdout=sys.stderr) != 0:
            raise OSError(
                f'pip could not download {_WHEEL}. Without network, give a copy of that file, or '
                'the site-packages of an environment with TensorFlow 1.15, as --from'
            )
        yield Path(directory, _WHEEL)


def _install(source: Path) -> Path:
    """Installs all files, or none.

    Raises:
      OSError: The source cannot be read, or the environment not be written.
      ValueError: The source is not TensorFlow 1.15.
    """
    target = Path(sysconfig.get_path('purelib'), files.FOLDER)
    staged = Path(tempfile.mkdtemp(prefix=f'.{files.FOLDER}-', dir=target.parent))
    try:
        staged.chmod(0o755)
        _unpack(source, staged)
        if target.exists():
            shutil.rmtree(target)
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return target


def _unpack(source: Path, target: Path) -> None:
    version, count = '', 0
    for name, read in _members(source):
        found = _METADATA.fullmatch(name)
        if found:
            version = found[2]
            (target / 'METADATA').write_bytes(read())
        elif _LICENCE.fullmatch(name):
            (target / 'LICENSE').write_bytes(read())
        elif taken := _TAKEN.fullmatch(name):
            path = target / taken['path']
            if '..' in path.parts:
                raise ValueError(f'{source} has a file outside of its folder: {name}')
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(read())
            count += 1
    if not version or not (target / 'contrib' / '__init__.py').is_file():
        raise ValueError(f'{source} is not TensorFlow 1.15, or has no tensorflow_core/contrib')
    record = {
        'version': version,
        'source': str(source if source.is_dir() else source.name),
        'sha256': None if source.is_dir() else _digest(source),
        'files': count,
    }
    (target / files.ORIGIN).write_text(json.dumps(record, indent=1) + '\n')


def _members(source: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yields the files of a wheel or a site-packages: each name, and a function that reads it."""
    if source.is_dir():
        for folder in sorted(source.glob('tensorflow*')):
            for place, _, names in os.walk(folder):
                for name in sorted(names):
                    path = Path(place, name)
                    yield path.relative_to(source).as_posix(), path.read_bytes
        return
    if source.name == _WHEEL and _digest(source) != _SHA256:
        raise ValueError(
            f'{source} is not the file that it should be: its SHA-256 is not {_SHA256}'
        )
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            yield info.filename, functools.partial(archive.read, info)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
