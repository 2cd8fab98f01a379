"""Checkpoints in directories of all spellings, of odd names, and in memory."""

from __future__ import annotations

import pathlib

import pytest
import tensorflow

import tfhooks
from tfhooks._checkpoints import checkpoint_files

tf = tensorflow.compat.v1


def train(directory, runs, keep=5, **saver):
    """Trains `runs` steps of one, two of them between saves; returns the last step."""
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        train_op = tf.assign_add(step, 1)
        scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=keep, **saver))
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=directory,
            scaffold=scaffold,
            save_checkpoint_steps=2,
            save_summaries_steps=None,
        ) as session:
            for _ in range(runs):
                last = int(session.run(train_op))
    return last


@pytest.mark.parametrize(
    'name',
    [
        *(
            'with space',
            'per%20cent%s',
            'größe',
            'trailing/',
            './here',
            'ram://a/b',
            'file',
            'path',
        ),
        *('run[1]', 'lr=[0.1]', 'a*b', 'what?', 'a]b', 'a[b', 'back\\slash', '[!x]', '*'),
        *('twice//', 'in//between/', './/here//', 'ram://a[1]/b', 'ram://a//b'),
    ],
)
def test_training_goes_on_wherever_its_directory_is(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    directory = {'file': f'file://{tmp_path}/url', 'path': pathlib.Path('p')}.get(name, name)
    assert train(directory, 3) == 3
    assert train(directory, 2) == 5
    state = tf.train.get_checkpoint_state(str(directory))
    steps = [int(path.rpartition('-')[2]) for path in state.all_model_checkpoint_paths]
    assert steps == [0, 2, 3, 5]
    with checkpoint_files.readable(state.model_checkpoint_path) as path:
        assert tf.train.NewCheckpointReader(path).get_tensor('global_step') == 5


def names_in(directory):
    return sorted(name for name in tf.gfile.ListDirectory(directory) if name.startswith('model'))


SHARDED = {'sharded': True}
OLD = {'write_version': tf.train.SaverDef.V1}


@pytest.mark.parametrize('saver', [{}, SHARDED, OLD, {**SHARDED, **OLD}])
@pytest.mark.parametrize(
    ('name', 'other'), [('run[1]', 'run1'), ('a*b', 'axb'), ('what?', 'what1'), ('x//', 'y')]
)
def test_old_checkpoints_are_removed_by_their_names(tmp_path, name, other, saver):
    """A Saver removes what matches the name: of another directory, and not of its own."""
    mine, others = f'{tmp_path}/{name}', f'{tmp_path}/{other}'
    train(others, 8, keep=9, **saver)
    before = names_in(others)
    assert train(mine, 4, keep=2, **saver) == 4
    assert train(mine, 4, keep=2, **saver) == 8
    assert names_in(others) == before
    steps = {int(found.split('-')[1].split('.')[0]) for found in names_in(mine)}
    assert steps == {6, 8}


def test_a_relative_directory_of_an_odd_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train('run[1]', 3) == 3
    assert train('./run[1]/', 2) == 5


def test_a_link_to_a_directory_of_an_odd_name(tmp_path):
    train(f'{tmp_path}/run[1]', 3, keep=2)
    (tmp_path / 'run1').symlink_to(tmp_path / 'run[1]')
    assert train(f'{tmp_path}/run1', 2, keep=2) == 5
    assert train(f'{tmp_path}/run[1]', 2, keep=2) == 7
    steps = {int(found.split('-')[1].split('.')[0]) for found in names_in(f'{tmp_path}/run1')}
    assert steps == {5, 7}


@pytest.mark.parametrize('how', ['scaffold', 'saver'])
@pytest.mark.parametrize('basename', ['model[1]', 'm*'])
def test_checkpoints_of_an_odd_name(tmp_path, basename, how):
    for name in ('model1-2.index', 'mx-2.index', 'model1-2.data-00000-of-00001'):
        (tmp_path / name).write_text('')

    def run(steps):
        with tf.Graph().as_default():
            train_op = tf.assign_add(tf.train.create_global_step(), 1)
            scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=1))
            given = {how: scaffold if how == 'scaffold' else tf.train.Saver(max_to_keep=1)}
            hook = tfhooks.CheckpointSaverHook(
                str(tmp_path), save_steps=1, checkpoint_basename=basename, **given
            )
            creator = tfhooks.ChiefSessionCreator(scaffold, checkpoint_dir=str(tmp_path))
            with tfhooks.MonitoredSession(creator, [hook]) as session:
                for _ in range(steps):
                    last = session.run(train_op)
        return int(last)

    assert run(3) == 3
    assert run(2) == 5
    assert (tmp_path / 'model1-2.index').exists()
    assert (tmp_path / 'mx-2.index').exists()
    found = sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(basename))
    assert found == [f'{basename}-5.{e}' for e in ('data-00000-of-00001', 'index', 'meta')]


def test_a_checkpoint_in_a_directory_of_an_odd_name_by_its_path(tmp_path):
    directory = f'{tmp_path}/run[1]'
    train(directory, 3)
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        creator = tfhooks.ChiefSessionCreator(
            checkpoint_filename_with_path=f'{directory}/model.ckpt-2'
        )
        with tfhooks.MonitoredSession(creator) as session:
            assert session.run(step) == 2


def test_restoring_from_a_directory_of_an_odd_name(tmp_path):
    directory = f'{tmp_path}/run[1]'
    train(directory, 3)
    with tf.Graph().as_default():
        mine = tf.get_variable('mine', initializer=tf.constant(0, tf.int64))
        hook = tfhooks.RestoreHook(directory, name_map={'global_step': 'mine'})
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            assert session.run(mine) == 3


@pytest.mark.parametrize('line', ['model.ckpt*', '*', 'model.ckpt-?', '../other/model.ckpt-*'])
def test_a_state_file_with_patterns_removes_nothing(tmp_path, line):
    mine, other = tmp_path / 'mine', tmp_path / 'other'
    for directory in (mine, other):
        train(str(directory), 4, keep=9)
    before = names_in(str(mine)), names_in(str(other))
    (mine / 'checkpoint').write_text(
        'model_checkpoint_path: "model.ckpt-4"\n'
        f'all_model_checkpoint_paths: "{line}"\n'
        'all_model_checkpoint_paths: "model.ckpt-4"\n'
    )
    assert train(str(mine), 2, keep=2) == 6
    assert set(before[0]) <= set(names_in(str(mine)))
    assert names_in(str(other)) == before[1]
