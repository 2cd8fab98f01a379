"""Programs for TensorFlow 1 do under `tfhooks.v1` what they did with TensorFlow 1.15.5.

The programs are in `old/`. They are run in one process, since `tfhooks.v1` switches TensorFlow's
behaviour for all of it.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import places
import pytest
import warm_python

import tfhooks

HERE = places.RECORDED / 'old'
RECORDED = json.loads((HERE / 'recorded.json').read_text())
HAS_KERAS_2 = importlib.util.find_spec('tf_keras') is not None
NEED_KERAS_2 = {
    'a_keras_model_in_a_session',
    'keras_fits_in_a_session_of_the_programs',
    'keras_layers_in_a_graph',
    'layers_and_collections',
    'learning_phase_is_fed',
    'recurrent_cells',
}


@functools.cache
def found_today():
    """What the programs find, and what the process wrote to stderr."""
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='-1')
    environment.pop('TF_USE_LEGACY_KERAS', None)
    search = [str(pathlib.Path(tfhooks.__file__).parent.parent), environment.get('PYTHONPATH', '')]
    environment['PYTHONPATH'] = os.pathsep.join(part for part in search if part)
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, 'found.json')
        log = pathlib.Path(folder, 'log')
        files = ['programs', 'sessions', 'debugging', 'packages']
        files += ['keras_models'] if HAS_KERAS_2 else []
        with open(log, 'w') as file:
            warm_python.run(
                [sys.executable, str(HERE / 'running.py'), 'tfhooks.v1', str(out), *files],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                timeout=600,
                check=False,
            )
        return (json.loads(out.read_text()) if out.exists() else {}), log.read_text()[-4000:]


@pytest.mark.parametrize('name', sorted(RECORDED))
def test_the_program_finds_what_it_found_then(name):
    if name in NEED_KERAS_2 and not HAS_KERAS_2:
        pytest.skip('needs tf_keras')
    found, log = found_today()
    assert name in found, log
    assert found[name] == RECORDED[name]
