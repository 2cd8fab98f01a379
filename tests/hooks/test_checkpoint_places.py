"""Checkpoints in directories of all spellings, and in memory."""

from __future__ import annotations

import pathlib

import pytest
import tensorflow

import tfhooks

tf = tensorflow.compat.v1


def train(directory, runs):
    """Trains `runs` steps of one, two of them between saves; returns the last step."""
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        train_op = tf.assign_add(step, 1)
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=directory, save_checkpoint_steps=2, save_summaries_steps=None
        ) as session:
            for _ in range(runs):
                last = int(session.run(train_op))
    return last


@pytest.mark.parametrize(
    'name',
    ['with space', 'per%20cent%s', 'größe', 'trailing/', './here', 'ram://a/b', 'file', 'path'],
)
def test_training_goes_on_wherever_its_directory_is(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    directory = {'file': f'file://{tmp_path}/url', 'path': pathlib.Path('p')}.get(name, name)
    assert train(directory, 3) == 3
    assert train(directory, 2) == 5
    state = tf.train.get_checkpoint_state(str(directory))
    steps = [int(path.rpartition('-')[2]) for path in state.all_model_checkpoint_paths]
    assert steps == [0, 2, 3, 5]
    assert tf.train.NewCheckpointReader(state.model_checkpoint_path).get_tensor('global_step') == 5
