"""The tests on a GPU are right wherever the GPU is not, and no other test sees a GPU."""

from __future__ import annotations

import os
import pathlib
import re
import sys

import tensorflow
import warm_python


def test_they_pass_on_a_second_cpu_device(tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith('PYTEST')}
    environment['PYTHONPATH'] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    # Of all tests: that no other file is imported.
    where = [str(pathlib.Path(__file__).resolve().parent), '--basetemp', str(tmp_path / 'gpu')]
    done = warm_python.run(
        [sys.executable, '-m', 'pytest', '-m', 'gpu', '-n', '0', '-p', 'no:cacheprovider', *where],
        env={**environment, 'TFHOOKS_TEST_DEVICE': '/CPU:1', 'TF_CPP_MIN_LOG_LEVEL': '3'},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20000:]
    # What only a GPU has is left out, and nothing else: its kernels, and its memory.
    counts = re.search(r'(\d+) passed, 2 skipped', done.stdout)
    assert counts, done.stdout[-2000:]
    assert int(counts[1]) > 30
    assert 'deselected' not in done.stdout


def test_the_other_tests_see_no_gpu():
    assert os.environ['CUDA_VISIBLE_DEVICES'] == '-1'
    assert os.environ['TF_FORCE_GPU_ALLOW_GROWTH'] == 'true'
    assert tensorflow.config.list_physical_devices('GPU') == []
