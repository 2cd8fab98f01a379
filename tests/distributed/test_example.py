"""examples/distributed, run as a reader runs it, and its manifest."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

EXAMPLE = Path(__file__).resolve().parents[2] / 'examples' / 'distributed'
LIMIT_SECS = 400


# The same with tasks that are forks of a process that has imported TensorFlow.
WARM = """
import runpy, subprocess, sys, warm_python
subprocess.Popen = warm_python.Popen
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.mark.parametrize(
    ('options', 'arguments', 'steps', 'accuracy'),
    [([], [], 240, 90.0), (['-c', WARM], ['--sync'], 80, 80.0)],
    ids=['asynchronous', 'synchronous'],
)
def test_a_cluster_on_this_machine_ends_with_its_accuracy(
    tmp_path, options, arguments, steps, accuracy
):
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='-1')
    environment['PYTHONPATH'] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    command = [sys.executable, *options, str(EXAMPLE / 'run_local.py')]
    command += [
        f'--train_dir={tmp_path / "model"}',
        f'--steps={steps}',
        '--learning_rate=0.003',
        *arguments,
    ]
    with open(tmp_path / 'log', 'wb') as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            process.wait(LIMIT_SECS)
        finally:
            # The tasks are in its group.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    text = (tmp_path / 'log').read_text(encoding='utf-8', errors='replace')
    assert process.returncode == 0, text[-6000:]
    (found,) = re.findall(r'(?m)^\[chief 0\] test accuracy at step (\d+): ([\d.]+)%', text)
    # Each other worker may have had a run on its way when one of them saw the last step, and may
    # have read the step too early to see it in its own.
    assert int(found[0]) in range(steps, steps + 5)
    assert float(found[1]) >= accuracy
    for task in ('chief 0', 'worker 0', 'worker 1'):
        assert f'[{task}] {task} has ended: StopAtStepHook' in text


@pytest.fixture(scope='module')
def manifest():
    text = (EXAMPLE / 'kubernetes.yaml').read_text(encoding='utf-8')
    return {(each['kind'], each['metadata']['name']): each for each in yaml.safe_load_all(text)}


def test_the_manifest_has_what_a_cluster_needs(manifest):
    assert set(manifest) == {
        ('Service', 'digits'),
        ('PersistentVolumeClaim', 'digits-checkpoints'),
        ('ConfigMap', 'digits-cluster'),
        ('StatefulSet', 'digits-ps'),
        ('Job', 'digits-chief'),
        ('Job', 'digits-worker'),
    }
    service = manifest['Service', 'digits']['spec']
    assert service['clusterIP'] == 'None'
    assert service['publishNotReadyAddresses'] is True


@pytest.mark.parametrize(
    ('kind', 'name'),
    [('StatefulSet', 'digits-ps'), ('Job', 'digits-chief'), ('Job', 'digits-worker')],
)
def test_names_and_ports_of_the_manifest_agree(manifest, kind, name):
    spec = manifest[kind, name]['spec']
    pod = spec['template']['spec']
    labels = spec['template']['metadata']['labels']
    service = manifest['Service', 'digits']['spec']
    (port,) = (each['port'] for each in service['ports'])
    assert service['selector'].items() <= labels.items()
    # What gives a pod its name in the service.
    assert spec['serviceName' if kind == 'StatefulSet' else 'completionMode'] == (
        'digits' if kind == 'StatefulSet' else 'Indexed'
    )
    assert kind == 'StatefulSet' or pod['subdomain'] == 'digits'
    assert pod['restartPolicy'] == ('Always' if kind == 'StatefulSet' else 'OnFailure')

    (container,) = pod['containers']
    assert [each['containerPort'] for each in container['ports']] == [port]
    assert container['resources']['requests']
    assert container['resources']['limits']
    script = container['command'][1]
    assert (EXAMPLE.parents[1] / script).is_file()
    (mount,) = container['volumeMounts']
    assert f'--train_dir={mount["mountPath"]}' in container['command']
    (volume,) = pod['volumes']
    assert volume['name'] == mount['name']
    claim = volume['persistentVolumeClaim']['claimName']
    assert manifest['PersistentVolumeClaim', claim]['spec']['accessModes'] == ['ReadWriteMany']

    cluster = manifest['ConfigMap', 'digits-cluster']['data']['cluster']
    (value,) = (each['value'] for each in container['env'] if each['name'] == 'TF_CONFIG')
    config = json.loads(value.replace('$(CLUSTER)', cluster).replace('$(INDEX)', '1'))
    job, index = config['task']['type'], config['task']['index']
    assert labels['job'] == job
    addresses = config['cluster'][job]
    assert addresses == [
        f'{name}-{n}.digits:{port}' for n in range(spec.get('completions', spec.get('replicas')))
    ]
    assert 0 <= index < len(addresses)
