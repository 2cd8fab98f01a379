"""`python -m tfhooks env`: describes this machine, for a bug report."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator

import tfhooks
from tfhooks._legacy import contrib_files
from tfhooks._migration import closed_pipe_ignored, quiet

# TensorFlow under any of its names, its dependencies, then the packages of tfhooks' extras.
_PACKAGES = (
    *('tfhooks', 'tensorflow', 'tensorflow-cpu', 'keras', 'numpy', 'protobuf', 'absl-py'),
    *('tf_keras', 'tensorflow-estimator', 'tf_slim', 'tqdm'),
)
_OFTEN_UNDER_ANOTHER_NAME = ('tensorflow', 'tensorflow-cpu')
# By full name, since other variables with these prefixes may hold secrets.
_VARIABLES = (
    *('CUDA_VISIBLE_DEVICES', 'LD_LIBRARY_PATH', 'TFHOOKS_RUN_PLANS', 'TF_CONFIG'),
    *('TF_CPP_MIN_LOG_LEVEL', 'TF_DETERMINISTIC_OPS', 'TF_ENABLE_ONEDNN_OPTS'),
    *('TF_FORCE_GPU_ALLOW_GROWTH', 'TF_GPU_ALLOCATOR', 'TF_USE_LEGACY_KERAS'),
    *('TF_XLA_FLAGS', 'XLA_FLAGS'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds none: the command takes no arguments."""


def main(options: argparse.Namespace) -> int:
    """Prints the facts, a line each."""
    with closed_pipe_ignored():
        for name, value in facts():
            print(f'{name}: {value}', flush=True)
    return 0


def facts() -> Iterator[tuple[str, str]]:
    """Yields the facts about this machine, each after its name."""
    yield 'Python', f'{platform.python_version()} ({sys.executable})'
    yield 'platform', platform.platform()
    for package in _PACKAGES:
        version = tfhooks.__version__ if package == 'tfhooks' else _version(package)
        if version is not None or package not in _OFTEN_UNDER_ANOTHER_NAME:
            yield package, version or 'not installed'
    yield 'files of tf.contrib', str(contrib_files.folder() or 'not installed')
    for name in _VARIABLES:
        if name in os.environ:
            yield name, os.environ[name]
    try:
        yield from _facts_of_tensorflow()
    except Exception as error:  # The report will be about this error.
        yield 'TensorFlow cannot be used', f'{type(error).__name__}: {error}'


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _facts_of_tensorflow() -> Iterator[tuple[str, str]]:
    quiet.install()
    with quiet.without_banner():
        import tensorflow as tf
    yield 'tf.__version__', tf.__version__
    build = tf.sysconfig.get_build_info()
    wanted = ('cuda_version', 'cudnn_version', 'rocm_version')
    built = ', '.join(f'{name} {build[name]}' for name in wanted if build.get(name))
    yield 'built for', built or 'CPUs'
    for device in tf.config.list_physical_devices():
        details = tf.config.experimental.get_device_details(device)
        name = details.get('device_name', '')
        yield 'device', f'{device.name.removeprefix("/physical_device:")} {name}'.rstrip()
