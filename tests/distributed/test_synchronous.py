"""A cluster with SyncReplicasOptimizer: its workers wait while the chief is dead, and all end.

One cluster for all of it, since each task imports TensorFlow.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from harness import Cluster

TRAINER = Path(__file__).with_name('trainer.py')
HOLD_AT = 30
LAST_STEP = 61
RESTORED = r'Restoring parameters from \S*-(\d+)\n'
TRAINERS = ['chief:0', 'worker:0', 'worker:1']


@pytest.fixture(scope='module')
def history(tmp_path_factory):
    """What was seen of a cluster whose chief was killed."""
    directory = tmp_path_factory.mktemp('cluster')
    seen = {'model': directory / 'model'}
    with Cluster(
        directory / 'tasks',
        TRAINER,
        {'ps': 1, 'chief': 1, 'worker': 2},
        ['sync', seen['model'], HOLD_AT, LAST_STEP],
        limit_secs=400,
    ) as cluster:
        cluster.start()
        for name in TRAINERS:
            cluster.until_logged(name, r'ran step (\d+)')
        # Every 20 steps or so; the first one is of step 0.
        cluster.until_logged('chief:0', r'saved step [1-9]\d+')
        cluster.kill('chief:0')
        seen['saved'] = int(re.findall(r'saved step (\d+)', cluster.log('chief:0'))[-1])
        # The workers may train, but for the chief's part of each step.
        (directory / 'tasks' / 'chief_waits').touch()
        (directory / 'tasks' / 'go_on').touch()
        cluster.start('chief:0')
        seen['waited'] = [
            cluster.tasks[name].process.poll() is None and 'ends at' not in cluster.log(name)
            for name in TRAINERS[1:]
        ]
        (directory / 'tasks' / 'chief_waits').unlink()
        seen['continued'] = int(cluster.until_logged('chief:0', r'created step (\d+)\n')[0])
        seen['restored'] = re.findall(RESTORED, cluster.log('chief:0'))
        seen['statuses'] = [cluster.wait(name) for name in TRAINERS]
        seen['logs'] = {name: task.log() for name, task in cluster.tasks.items()}
        seen['lives'] = {name: task.lives for name, task in cluster.tasks.items()}
        yield seen


def test_workers_wait_while_the_chief_is_dead(history):
    assert history['waited'] == [True, True]
    assert history['lives'] == {'ps:0': 1, 'chief:0': 2, 'worker:0': 1, 'worker:1': 1}


def test_the_chief_goes_on_from_its_checkpoint(history):
    assert history['restored']
    assert all(int(step) >= history['saved'] >= 20 for step in history['restored'])
    assert history['continued'] >= history['saved']


def test_all_finish(history):
    assert history['statuses'] == [0, 0, 0]
    for name in TRAINERS:
        (last,) = re.findall(r'ends at step (\d+)', history['logs'][name])
        # What was on its way when the chief died may count for one step more.
        assert int(last) in (LAST_STEP, LAST_STEP + 1), name
    latest = tf.train.latest_checkpoint(str(history['model']))
    assert tf.train.load_checkpoint(latest).get_tensor('global_step') >= LAST_STEP
