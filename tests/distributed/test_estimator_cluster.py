"""An Estimator's `train_and_evaluate` in a cluster: a process for each task of TF_CONFIG."""

from __future__ import annotations

import glob
import importlib.util
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from harness import Cluster

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec('tensorflow_estimator') is None, reason='needs tensorflow-estimator'
)
LAST_STEP = 200


def test_each_task_does_its_part_and_ends(tmp_path):
    model = tmp_path / 'model'
    jobs = {'ps': 1, 'chief': 1, 'worker': 1, 'evaluator': 1}
    program = Path(__file__).with_name('estimator_task.py')
    with Cluster(tmp_path / 'tasks', program, jobs, [model, LAST_STEP]) as cluster:
        cluster.start()
        logs = {}
        for name in ('chief:0', 'worker:0', 'evaluator:0'):
            assert cluster.wait(name) == 0, cluster.log(name)
            logs[name] = cluster.log(name)
            assert f'ended as {name.partition(":")[0]}' in logs[name]
        # As ever, a parameter server has no end of its own.
        assert cluster.tasks['ps:0'].process.poll() is None
    for name in ('chief:0', 'worker:0'):
        assert 'weight is on /job:ps' in logs[name]
        assert 'INFO:tfhooks:The session stops: StopAtStepHook' in logs[name]
    assert 'Saving checkpoints for' in logs['chief:0']
    assert 'Saving checkpoints for' not in logs['worker:0']

    step = tf.train.load_variable(str(model), 'global_step')
    assert step >= LAST_STEP
    assert abs(tf.train.load_variable(str(model), 'weight')[0, 0] - 2) < 1e-3
    (path,) = glob.glob(str(model / 'eval' / '*tfevents*'))
    losses = {
        event.step: value.simple_value
        for event in tf.train.summary_iterator(path)
        for value in event.summary.value
        if value.tag == 'loss'
    }
    assert losses[step] < 1e-6
