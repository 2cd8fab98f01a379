"""`python -m tfhooks.smoke`, and why there is no GPU."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys

import pytest
import tensorflow

from tfhooks.smoke import __main__ as smoke
from tfhooks.smoke import checks, models, reasons

NAMES = [name for name, _ in checks.CHECKS]


def child(*arguments, **environment):
    """Runs the smoke test as CI does."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return subprocess.run(
        [sys.executable, '-m', 'tfhooks.smoke', *arguments],
        env={**os.environ, 'PYTHONPATH': path, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# The command.


def test_on_a_cpu_every_check_passes_and_has_its_line():
    done = child('--device', 'cpu')
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[name, 'ok'] for name in NAMES]
    assert all(re.search(r'\S \(\d+\.\d s\)$', line) for line in lines)
    assert 'executed on /job:localhost/replica:0/task:0/device:CPU:0' in lines[0]
    assert 'Traceback' not in done.stderr


def test_without_a_gpu_one_line_says_why():
    done = child('--device', 'gpu', '--json', CUDA_VISIBLE_DEVICES='')
    assert done.returncode == 2, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report['checks'] == []
    assert report['status'] == 2
    assert report['tensorflow'] == tensorflow.__version__
    said = [line for line in done.stderr.splitlines() if line.startswith('smoke: ')]
    assert said == [f'smoke: no GPU: {"; ".join(report["reasons"])}']
    assert 'Traceback' not in done.stderr
    if tensorflow.test.is_built_with_cuda():
        assert "CUDA_VISIBLE_DEVICES='' hides all GPUs" in said[0]
    else:
        assert 'is built for CPUs alone' in said[0]


def test_a_check_that_fails_fails_all(monkeypatch, capsys):
    def fails(device, directory):
        assert os.listdir(directory) == []
        raise checks.CheckFailed(f'{device} is\nnot well')

    found = [('breaks', fails), ('works', lambda device, directory: f'{device} is well')]
    monkeypatch.setattr(checks, 'CHECKS', found)
    assert smoke.main(['--device', 'cpu']) == 1
    out, err = capsys.readouterr()
    assert re.sub(r'\d\.\d s', 'N s', out).splitlines() == [
        'breaks       FAILED  CheckFailed: /CPU:0 is not well (N s)',
        'works        ok      /CPU:0 is well (N s)',
    ]
    assert 'Traceback' in err
    assert smoke.main(['--device', 'cpu', '--json']) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(check['name'], check['ok']) for check in report['checks']] == [
        ('breaks', False),
        ('works', True),
    ]


def test_without_tensorflow_it_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'tensorflow', None)
    assert smoke.main(['--device', 'cpu']) == 1
    assert capsys.readouterr().err.startswith('smoke: TensorFlow cannot be imported: ')


def test_another_device_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        smoke.main(['--device', 'tpu'])
    assert caught.value.code == 2
    assert "invalid choice: 'tpu'" in capsys.readouterr().err


@pytest.mark.parametrize('name', NAMES)
def test_a_device_that_is_not_there_fails_each_check(name, tmp_path):
    # Nothing may be moved to another device without a word.
    with pytest.raises(tensorflow.errors.InvalidArgumentError, match='GPU:7'):
        dict(checks.CHECKS)[name]('/GPU:7', str(tmp_path))


# The reasons.

LIBRARIES = [
    *('libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11'),
    *('libcusparse.so.12', 'libcusolver.so.11', 'libcudnn.so.9'),
]


class Driver:
    """What a driver's library answers."""

    def __init__(self, status, version):
        self._status, self._version = status, version

    def cuInit(self, flags):
        assert flags == 0
        return self._status

    def cuDriverGetVersion(self, pointer):
        pointer._obj.value = self._version
        return 0


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A function that makes this machine another one, as far as TensorFlow and ctypes tell."""

    def made(
        *,
        built='cuda',
        cuda='12.5.1',
        cudnn='9',
        visible=None,
        driver=(0, 12080),
        missing=(),
        nvidia_smi=None,
    ):
        def load(name):
            if name in missing:
                raise OSError(f'{name}: cannot open shared object file')
            return Driver(*driver) if name == 'libcuda.so.1' else object()

        monkeypatch.setattr(
            tensorflow.compat.v1.test, 'is_built_with_cuda', lambda: built == 'cuda'
        )
        build = {'cuda_version': cuda, 'cudnn_version': cudnn}
        monkeypatch.setattr(tensorflow.compat.v1.sysconfig, 'get_build_info', lambda: build)
        monkeypatch.setattr(ctypes, 'CDLL', load)
        monkeypatch.setattr(sys, 'path', [str(tmp_path)])
        monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
        if visible is not None:
            monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
        if nvidia_smi is not None:
            program = tmp_path / 'nvidia-smi'
            program.write_text(f'#!/bin/sh\n{nvidia_smi}\n')
            program.chmod(0o755)
        monkeypatch.setenv('PATH', str(tmp_path))

    return made


NO_DRIVER = {'missing': ['libcuda.so.1']}


@pytest.mark.parametrize(
    ('about', 'says'),
    [
        ({'built': 'cpu', **NO_DRIVER}, [f'{tensorflow.__version__} is built for CPUs alone']),
        ({'visible': ''}, ["CUDA_VISIBLE_DEVICES='' hides all GPUs"]),
        ({'visible': '-1'}, ["CUDA_VISIBLE_DEVICES='-1' hides all GPUs"]),
        ({'visible': 'NoDevFiles'}, ["CUDA_VISIBLE_DEVICES='NoDevFiles' hides all GPUs"]),
        ({'visible': '', 'driver': (100, 12080)}, ['hides all GPUs']),
        (
            NO_DRIVER,
            [r'no NVIDIA driver: libcuda.so.1 cannot be loaded \(libcuda.* there is no nvidia-smi'],
        ),
        (
            {**NO_DRIVER, 'nvidia_smi': 'echo GPU 0: NVIDIA H100'},
            ['though nvidia-smi says: GPU 0: NVIDIA H100; is its folder in LD_LIBRARY_PATH'],
        ),
        (
            {'driver': (100, 12080)},
            ['cuInit returned 100: the driver finds no GPU; in a'],
        ),
        ({'visible': '9', 'driver': (101, 12080)}, ['101: CUDA_VISIBLE_DEVICES names a GPU']),
        ({'driver': (803, 12080)}, ['803: .* different versions']),
        ({'driver': (7, 12080)}, ['cuInit returned 7: see']),
        (
            {'driver': (0, 11040)},
            [
                'too old: it serves CUDA 11.4 at most, and .* '
                f'{tensorflow.__version__} is built for CUDA 12.5.1'
            ],
        ),
        (
            {'missing': ['libcudnn.so.9', 'libcublas.so.12']},
            [r'CUDA 12.5.1 cannot be loaded: libcublas.so.12, libcudnn.so.9: pip install'],
        ),
        ({'missing': LIBRARIES}, [f'cannot be loaded: {", ".join(LIBRARIES)}: ']),
        ({'missing': LIBRARIES, 'cuda': '99', 'cudnn': '8.9.7'}, ['too old']),
        (
            {'cuda': '99', 'cudnn': '8.9.7', 'driver': (0, 99000), 'missing': ['libcudnn.so.8']},
            ['cannot be loaded: libcudnn.so.8: '],
        ),
        (
            {'visible': '', 'driver': (0, 11040), 'missing': ['libcudnn.so.9']},
            ['hides all GPUs', 'too old', 'libcudnn.so.9'],
        ),
        ({}, ['the cause is another one: run with TF_CPP_MIN_LOG_LEVEL=0']),
        ({'driver': (0, 12020), 'visible': '0,1'}, ['the cause is another one']),
        ({'driver': (0, 13000)}, ['the cause is another one']),
        ({'nvidia_smi': 'echo GPU 0: old'}, ['gpu_device; nvidia-smi says: GPU 0: old']),
        ({'cuda': '', 'driver': (0, 9000)}, ['the cause is another one']),
    ],
)
def test_each_reason(machine, about, says):
    machine(**about)
    found = reasons.why_no_gpu()
    assert len(found) == len(says), found
    for reason, text in zip(found, says, strict=True):
        assert re.search(text, reason), reason
        assert '\n' not in reason


def test_a_library_of_another_kind_is_no_driver(machine, monkeypatch):
    machine()
    monkeypatch.setattr(ctypes, 'CDLL', lambda name: object())
    assert 'the cause is another one' in reasons.why_no_gpu()[0]


def test_a_library_may_come_with_a_package_of_nvidia(machine, tmp_path):
    machine(missing=['libcudnn.so.9'])
    assert 'libcudnn.so.9' in reasons.why_no_gpu()[0]
    folder = tmp_path / 'nvidia' / 'cudnn' / 'lib'
    folder.mkdir(parents=True)
    (folder / 'libcudnn.so.9').touch()
    assert 'the cause is another one' in reasons.why_no_gpu()[0]


class Cupti:
    """What NVIDIA's library for tracing answers."""

    def __init__(self, status, text):
        self._status, self._text = status, text
        self.subscribers = 0

    def cuptiSubscribe(self, subscriber, callback, data):
        assert callback(None, 0, 0, None) is None
        self.subscribers += not self._status
        return self._status

    def cuptiUnsubscribe(self, subscriber):
        self.subscribers -= 1

    def cuptiGetResultString(self, status, text):
        assert status == self._status
        text._obj.value = self._text


@pytest.mark.parametrize(
    ('status', 'text', 'says'),
    [
        (0, None, None),
        (
            35,
            b'CUPTI_ERROR_INSUFFICIENT_PRIVILEGES',
            r'INSUFFICIENT_PRIVILEGES \(35\): run as root',
        ),
        (15, b'CUPTI_ERROR_NOT_INITIALIZED', r'fails with CUPTI_ERROR_NOT_INITIALIZED \(15\)$'),
        (999, None, r'an error without a name \(999\)$'),
    ],
)
def test_cupti_is_asked_why_there_are_no_kernels(monkeypatch, tmp_path, status, text, says):
    # It lies where NVIDIA's packages have it, and not where the loader looks.
    cupti = Cupti(status, text)
    path = tmp_path / 'nvidia' / 'cuda_cupti' / 'lib' / 'libcupti.so.12'

    def load(name):
        if name != str(path):
            raise OSError(f'{name}: not here')
        return cupti

    monkeypatch.setattr(ctypes, 'CDLL', load)
    monkeypatch.setattr(sys, 'path', [str(tmp_path)])
    build = {'cuda_version': '12.5.1'}
    monkeypatch.setattr(tensorflow.compat.v1.sysconfig, 'get_build_info', lambda: build)
    missing = r'CUPTI is missing \(libcupti.so.12: not here\): is its folder in LD_LIBRARY_PATH'
    assert re.match(missing, reasons.why_no_kernels())
    path.parent.mkdir(parents=True)
    path.touch()
    reason = reasons.why_no_kernels()
    assert re.search(says, reason) if says else reason == ''
    assert cupti.subscribers == 0


def test_kernels_are_told_from_what_the_host_says_of_a_gpu():
    names = ['/job:localhost/replica:0/task:0/device:GPU:0', '/device:GPU:0/memcpy']
    names += ['/device:GPU:0/stream:14', '/device:GPU:0/stream:all', '/host:CPU']
    named = [
        {'name': 'process_name', 'pid': pid, 'args': {'name': f'{name} Compute'}}
        for pid, name in enumerate(names)
    ]
    ran = [{'ph': 'X', 'pid': pid, 'name': f'event {pid}'} for pid in (0, 1, 2, 3, 3)]
    busy = models.timeline(named + ran)
    assert list(busy) == [f'{name} Compute' for name in names[:4]]
    assert models.kernels(busy) == ran[3:]
    assert models.kernels({}) == []


@pytest.mark.parametrize(
    ('script', 'says'),
    [
        ('echo GPU 0: a GPU; echo GPU 1: another', 'GPU 0: a GPU'),
        ('echo it has failed >&2; exit 9', 'it has failed'),
        ('exit 9', 'nothing (exit status 9)'),
        (None, None),
    ],
)
def test_nvidia_smi_is_asked(monkeypatch, tmp_path, script, says):
    if script is not None:
        program = tmp_path / 'nvidia-smi'
        program.write_text(f'#!/bin/sh\n{script}\n')
        program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    assert reasons._nvidia_smi() == says
