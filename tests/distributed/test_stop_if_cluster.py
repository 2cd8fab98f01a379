"""Early stopping of a cluster: what the chief decides, the workers hear."""

from __future__ import annotations

from pathlib import Path

import tensorflow.compat.v1 as tf
from harness import Cluster

PROGRAM = Path(__file__).with_name('stop_if_task.py')


def evaluated(directory, step, accuracy):
    """Writes what an evaluation elsewhere writes for TensorBoard."""
    with tf.Graph().as_default(), tf.summary.FileWriter(str(directory / 'eval')) as writer:
        value = tf.Summary.Value(tag='accuracy', simple_value=accuracy)
        writer.add_summary(tf.Summary(value=[value]), step)


def test_the_chiefs_decision_ends_the_worker_too(tmp_path):
    directory = tmp_path / 'train'
    evaluated(directory, 1, 0.5)
    jobs = {'ps': 1, 'chief': 1, 'worker': 1}
    with Cluster(tmp_path / 'logs', PROGRAM, jobs, [directory]) as cluster:
        cluster.start()
        for task in ('chief:0', 'worker:0'):
            cluster.until_logged(task, 'trains')
        # Neither ends before the metric says so.
        assert 'stopped' not in cluster.log('chief:0') + cluster.log('worker:0')
        evaluated(directory, 2, 0.95)
        assert cluster.wait('chief:0') == 0
        assert cluster.wait('worker:0') == 0
        assert 'stopped: StopOnPredicateHook' in cluster.log('chief:0')
        assert 'stopped: CheckForStoppingHook' in cluster.log('worker:0')
    latest = tf.train.load_checkpoint(str(directory))
    assert latest.get_tensor('signal_early_stopping/STOP')
