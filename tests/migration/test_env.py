"""`python -m tfhooks env`: what there is on this machine, for a bug report."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys

import tensorflow as tf
from cli_programs import RUNNER, python

import tfhooks
from tfhooks._migration import env


def test_what_is_here(tmp_path):
    done = python(
        tmp_path,
        *RUNNER,
        'env',
        CUDA_VISIBLE_DEVICES='-1',
        TF_VAR_password='secret',
        run=subprocess.run,
    )
    assert done.returncode == 0, done.stderr
    facts = dict(line.split(': ', 1) for line in done.stdout.splitlines())
    assert facts['Python'].startswith(f'{platform.python_version()} (')
    assert facts['tf.__version__'] == tf.__version__
    for package in ('numpy', 'keras', 'protobuf', 'absl-py'):
        assert facts[package] == importlib.metadata.version(package)
    assert facts['CUDA_VISIBLE_DEVICES'] == '-1'
    assert facts['device'].startswith('CPU:0')
    assert 'secret' not in done.stdout + done.stderr
    assert '] oneDNN' not in done.stderr


def test_a_reader_that_has_seen_enough(tmp_path):
    command = [sys.executable, *RUNNER, 'env']
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as process:
        assert process.stdout.readline().startswith('Python: ')
        process.stdout.close()
        assert 'BrokenPipeError' not in process.stderr.read()
    assert process.returncode == 0


def test_a_tensorflow_that_cannot_be_imported(monkeypatch):
    def fails():
        raise ImportError('libcudart.so: no such file')

    monkeypatch.setattr(env, '_facts_of_tensorflow', fails)
    facts = dict(env.facts())
    assert facts['tfhooks'] == tfhooks.__version__
    assert facts['TensorFlow cannot be used'] == 'ImportError: libcudart.so: no such file'


def test_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(env, '_PACKAGES', ('no-such-package', 'tensorflow-cpu'))
    monkeypatch.setattr(env, '_facts_of_tensorflow', lambda: ())
    facts = dict(env.facts())
    assert facts['no-such-package'] == 'not installed'
    assert 'tensorflow-cpu' not in facts
