"""A cluster that trains asynchronously lives through the death of each of its roles, and ends.

One cluster for all of it, in the order of the file, since each task imports TensorFlow.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from harness import Cluster

TRAINER = Path(__file__).with_name('trainer.py')
HOLD_AT = 50
LAST_STEP = 137
# Every 20 steps or so; the first one is of step 0.
SAVED = r'saved step [1-9]\d+'
RESTORED = r'Restoring parameters from \S*-(\d+)\n'
RAN_AGAIN = r'recovered step \d+\n(?:.*\n)*?ran step \d+'
TRAINERS = ['chief:0', 'worker:0', 'worker:1']


@pytest.fixture(scope='module')
def history(tmp_path_factory):
    """The cluster after all that happened to it, and what was seen meanwhile."""
    directory = tmp_path_factory.mktemp('cluster')
    model = directory / 'model'
    seen = {'model': model}

    def saved():
        """The last step whose save was completed, in any of the chief's lives."""
        task = cluster.tasks['chief:0']
        logs = ''.join(task.log(life) for life in range(1, task.lives + 1))
        return max(map(int, re.findall(r'saved step (\d+)', logs)), default=0)

    with Cluster(
        directory / 'tasks',
        TRAINER,
        {'ps': 1, 'chief': 1, 'worker': 2},
        ['async', model, HOLD_AT, LAST_STEP],
        limit_secs=400,
    ) as cluster:
        cluster.start()
        for name in TRAINERS:
            cluster.until_logged(name, r'ran step (\d+)')
        cluster.until_logged('chief:0', SAVED)

        seen['saved before the worker died'] = saved()
        cluster.restart('worker:1')
        seen['joined'] = cluster.until_logged('worker:1', r'ran step (\d+)')

        seen['saved before the server died'] = saved()
        cluster.restart('ps:0')
        seen['recovered'] = {
            name: int(cluster.until_logged(name, r'recovered step (\d+)\n')[0]) for name in TRAINERS
        }
        for name in TRAINERS:
            cluster.until_logged(name, RAN_AGAIN)
        seen['restored for the server'] = re.findall(RESTORED, cluster.log('chief:0'))

        cluster.kill('chief:0')
        seen['saved before the chief died'] = saved()
        cluster.start('chief:0')
        seen['continued'] = int(cluster.until_logged('chief:0', r'created step (\d+)\n')[0])
        cluster.until_logged('chief:0', r'ran step (\d+)')
        seen['restored by the chief'] = re.findall(RESTORED, cluster.log('chief:0'))

        (directory / 'tasks' / 'go_on').touch()
        seen['statuses'] = [cluster.wait(name) for name in TRAINERS]
        seen['logs'] = {
            name: [task.log(life) for life in range(1, task.lives + 1)]
            for name, task in cluster.tasks.items()
        }
        yield seen


def test_a_killed_worker_joins_again(history):
    assert len(history['logs']['worker:1']) == 2
    assert int(history['joined'][0]) >= history['saved before the worker died'] >= 20


def test_a_killed_parameter_server_costs_nothing_older_than_the_last_completed_save(history):
    saved, restored = history['saved before the server died'], history['restored for the server']
    assert saved >= 20
    assert restored
    assert all(int(step) >= saved for step in restored), (saved, restored)
    assert all(step >= saved for step in history['recovered'].values()), history['recovered']


def test_a_killed_chief_goes_on_from_its_checkpoint(history):
    saved, restored = history['saved before the chief died'], history['restored by the chief']
    assert restored
    assert all(int(step) >= saved >= 20 for step in restored), (saved, restored)
    assert history['continued'] >= saved


def test_all_workers_finish_at_the_last_step(history):
    assert history['statuses'] == [0, 0, 0]
    # Each other worker may have had a run on its way when one of them saw the last step, and may
    # have read the step too early to see it in its own.
    ends = range(LAST_STEP, LAST_STEP + 2 * len(TRAINERS))
    for name in TRAINERS:
        (step,) = re.findall(r'ends at step (\d+)', history['logs'][name][-1])
        assert int(step) in ends
    latest = tf.train.latest_checkpoint(str(history['model']))
    assert tf.train.load_checkpoint(latest).get_tensor('global_step') in ends


def test_hooks_for_the_chief_run_on_the_chief_alone(history):
    for name, logs in history['logs'].items():
        for log in logs:
            assert ('a hook for the chief runs' in log) == (name == 'chief:0'), name
            assert ('saved step' in log) == (name == 'chief:0'), name


def test_hooks_see_their_role(history):
    for name in TRAINERS:
        for log in history['logs'][name]:
            seen = re.findall(r'(?m)^(?:begins|runs) as (.*)$', log)
            assert len(seen) >= 2
            assert set(seen) == {name.replace(':', ' ')}
