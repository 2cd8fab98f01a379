"""A training process that is killed at any moment loses only what came after the last save."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import warm_python

import tfhooks
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook

HERE = Path(__file__).parent
KILLS = 50


@pytest.fixture(scope='module')
def history(tmp_path_factory):
    """The directory after 50 killed lives, and what each of them said."""
    directory = tmp_path_factory.mktemp('killed') / 'model'
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='-1')
    search = [str(HERE.parents[1]), environment.get('PYTHONPATH', '')]
    environment['PYTHONPATH'] = os.pathsep.join(part for part in search if part)
    command = [sys.executable, str(HERE / 'kill_nursery.py'), str(directory), str(KILLS), '7']
    process = warm_python.run(
        command, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert process.returncode == 0, process.stderr[-4000:]
    return directory, json.loads(process.stdout.splitlines()[-1])


def test_every_life_was_killed(history):
    _, lives = history
    assert len(lives) == KILLS
    assert all(life['killed'] for life in lives)


def test_many_were_killed_inside_a_save(history):
    _, lives = history
    inside = [life for life in lives if life['said'] and life['said'][-1][0] == 'b']
    assert len(inside) >= 10


def test_no_life_began_before_the_last_completed_save(history):
    _, lives = history
    saved = 0
    begun = 0
    for life in lives:
        for what, step in life['said']:
            if what == 'r':
                begun += 1
                assert step >= saved, (step, saved)
            elif what == 's':
                saved = max(saved, step)
    assert begun >= KILLS // 2
    # They have made progress though none of them lived to its end.
    assert saved >= KILLS


def test_what_is_left_is_complete_and_of_one_step(history):
    directory, lives = history
    saved = max(step for life in lives for what, step in life['said'] if what == 's')
    latest = tf.train.latest_checkpoint(str(directory))
    reader = tf.train.load_checkpoint(latest)
    step = int(reader.get_tensor('global_step'))
    assert step >= saved
    assert np.all(reader.get_tensor('weights') == step)


def test_the_next_session_cleans_up(history):
    directory, _ = history
    # What is young may be another process's.
    then = time.time() - 3600
    for path in directory.rglob('*'):
        os.utime(path, (then, then))
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        tf.get_variable('weights', shape=[1_000_000])
        train_op = step.assign_add(1)
        creator = tf.train.ChiefSessionCreator(checkpoint_dir=str(directory))
        hook = CheckpointSaverHook(str(directory), save_steps=2, saver=tf.train.Saver())
        with tfhooks.MonitoredSession(creator, [hook]) as session:
            session.run(train_op)
    names = os.listdir(directory)
    assert not [name for name in names if 'tempstate' in name or '_temp' in name or '.tmp' in name]
    indexes = {name[: -len('.index')] for name in names if name.endswith('.index')}
    data = {name.split('.data-')[0] for name in names if '.data-' in name}
    assert data == indexes
