"""Checkpoints of TensorFlow 1.4 and 1.15, and directories that come from another machine."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import re
import runpy
import shutil
import types

import places
import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._checkpoints import checkpoint_files, newest_checkpoint

RECORDED = places.RECORDED / 'contract' / 'checkpoints'
model = types.SimpleNamespace(**runpy.run_path(str(RECORDED / 'model.py')))

VERSIONS = ['1.4.1', '1.15.5']
V1 = tf.train.SaverDef.V1
KINDS = {
    'v2': {},
    'v1': {'write_version': V1},
    'v1_sharded': {'write_version': V1, 'sharded': True},
    'relative': {'save_relative_paths': True},
}
every_version = pytest.mark.parametrize('version', VERSIONS)
every_kind = pytest.mark.parametrize('kind', KINDS)


@pytest.fixture
def recorded(tmp_path):
    """A function that gives a copy of a recorded directory."""

    def copied(version='1.15.5', kind='v2', to='copy'):
        directory = tmp_path / to
        shutil.copytree(RECORDED / version / kind, directory)
        return str(directory)

    return copied


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING, logger='tfhooks')
    return lambda: [r.getMessage() for r in caplog.records if r.name == 'tfhooks']


def training(directory, saver=None, **arguments):
    """Builds the model in the default graph, and makes a session that saves every five steps."""
    train = model.build(tf)
    scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=2, **(saver or {})))
    arguments = {'save_checkpoint_steps': 5, 'save_summaries_steps': None, **arguments}
    session = tfhooks.MonitoredTrainingSession(
        checkpoint_dir=directory, scaffold=scaffold, log_step_count_steps=None, **arguments
    )
    return session, train


def values_of(session):
    raw = session.raw_session()
    return model.values(tf, raw, raw.graph)


def step_of(session):
    return int(session.run_without_hooks(tf.train.get_global_step()))


def state_of(directory):
    """The base names in the state file, which must not name another directory."""
    state = tf.train.get_checkpoint_state(directory)
    for path in state.all_model_checkpoint_paths:
        assert os.path.dirname(path) == directory
    assert state.model_checkpoint_path == state.all_model_checkpoint_paths[-1]
    # The devices say how many shards there are.
    paths = (re.sub(r'-\?+-of-\d+$', '', path) for path in state.all_model_checkpoint_paths)
    return [os.path.basename(path) for path in paths]


def written(directory):
    """When the files of the checkpoints in a directory were written."""
    return {
        name: os.stat(os.path.join(directory, name)).st_mtime_ns
        for name in os.listdir(directory)
        if name.startswith('model.ckpt')
    }


@every_version
@every_kind
def test_training_goes_on(recorded, version, kind):
    directory = recorded(version, kind)
    before = written(directory)
    with tf.Graph().as_default():
        session, train = training(directory, KINDS[kind])
        with session:
            expected = json.loads((RECORDED / version / kind / 'values.json').read_text())
            assert values_of(session) == expected
            # What was restored is not written again, and the state file names it as it is here.
            assert written(directory) == before
            first = {'1.4.1': 6, '1.15.5': 5}[version]
            assert state_of(directory) == [f'model.ckpt-{first}', 'model.ckpt-10']
            for _ in range(5):
                session.run(train)
            expected = values_of(session)
    assert state_of(directory) == ['model.ckpt-10', 'model.ckpt-15']
    # The oldest is removed as if training had never moved.
    assert not [name for name in os.listdir(directory) if name.startswith(f'model.ckpt-{first}')]
    with tf.Graph().as_default():
        session, _ = training(directory, KINDS[kind])
        with session:
            assert values_of(session) == expected


def test_tensorflows_own_creator_refuses(recorded):
    with tf.Graph().as_default():
        model.build(tf)
        creator = tf.train.ChiefSessionCreator(checkpoint_dir=recorded())
        with pytest.raises(ValueError, match='not a valid checkpoint: /home/someone'):
            tf.train.MonitoredSession(creator)


def test_a_warning_says_what_is_restored(recorded, warnings):
    directory = recorded()
    with tf.Graph().as_default():
        model.build(tf)
        with tfhooks.SingularMonitoredSession(checkpoint_dir=directory) as session:
            assert step_of(session) == 10
    path = os.path.join(directory, 'model.ckpt-10')
    assert any('/home/someone/model/model.ckpt-10' in m and path in m for m in warnings())
    # Nobody saves here, so nothing is written.
    assert '/home/someone' in pathlib.Path(directory, 'checkpoint').read_text()


def test_a_path_of_windows(recorded):
    directory = recorded()
    state = pathlib.Path(directory, 'checkpoint')
    state.write_text(state.read_text().replace('/home/someone/model/', r'C:\\work\\model\\'))
    assert newest_checkpoint.latest(directory) == os.path.join(directory, 'model.ckpt-10')


def test_a_copied_directory_leaves_the_first_one_alone(recorded, tmp_path):
    first = recorded(to='first')
    with tf.Graph().as_default():
        session, _ = training(first)
        with session:
            tf.train.update_checkpoint_state(
                first,
                os.path.join(first, 'model.ckpt-10'),
                [os.path.join(first, 'model.ckpt-5'), os.path.join(first, 'model.ckpt-10')],
            )
    names = sorted(os.listdir(first))
    second = str(tmp_path / 'second')
    shutil.copytree(first, second)
    with tf.Graph().as_default():
        session, train = training(second)
        with session:
            for _ in range(10):
                session.run(train)
    assert state_of(second) == ['model.ckpt-15', 'model.ckpt-20']
    # TensorFlow goes on with the paths in the state file, and removes the checkpoints there.
    assert sorted(os.listdir(first)) == names


def test_a_checkpoint_elsewhere_is_restored_and_kept(recorded, tmp_path):
    first = recorded(to='first')
    second = tmp_path / 'second'
    second.mkdir()
    path = os.path.join(first, 'model.ckpt-10')
    tf.train.update_checkpoint_state(str(second), path, [os.path.join(first, 'model.ckpt-5'), path])
    names = sorted(os.listdir(first))
    with tf.Graph().as_default():
        session, train = training(str(second))
        with session:
            assert step_of(session) == 10
            for _ in range(15):
                session.run(train)
    assert state_of(str(second)) == ['model.ckpt-20', 'model.ckpt-25']
    assert sorted(os.listdir(first)) == names


def test_a_checkpoint_in_a_folder_below_is_restored_and_removed_in_turn(recorded, tmp_path):
    directory = str(tmp_path / 'above')
    recorded(kind='relative', to='above/below')
    paths = [os.path.join('below', f'model.ckpt-{step}') for step in (5, 10)]
    pathlib.Path(directory, 'checkpoint').write_text(
        ''.join(
            f'{key}: "{path}"\n'
            for key, path in [
                ('model_checkpoint_path', paths[1]),
                ('all_model_checkpoint_paths', paths[0]),
                ('all_model_checkpoint_paths', paths[1]),
            ]
        )
    )
    with tf.Graph().as_default():
        session, train = training(directory)
        with session:
            assert step_of(session) == 10
            for _ in range(10):
                session.run(train)
    assert state_of(directory) == ['model.ckpt-15', 'model.ckpt-20']
    assert not [name for name in os.listdir(tmp_path / 'above/below') if 'ckpt' in name]


@pytest.mark.parametrize('text', [None, '', 'model_checkpoint_pa'])
@pytest.mark.parametrize('kind', ['v2', 'v1'])
def test_a_state_file_that_is_missing_or_damaged(recorded, warnings, text, kind):
    directory = recorded(kind=kind)
    state = pathlib.Path(directory, 'checkpoint')
    state.unlink()
    if text is not None:
        state.write_text(text)
    # Saves that are not complete.
    pathlib.Path(directory, 'model.ckpt-12.data-00000-of-00001').write_text('half')
    if kind == 'v2':
        shutil.copy(f'{directory}/model.ckpt-10.index', f'{directory}/model.ckpt-11.index')
    with tf.Graph().as_default():
        session, train = training(directory, KINDS[kind])
        with session:
            assert step_of(session) == 10
            session.run(train)
    assert any('no readable state file' in m and 'model.ckpt-10' in m for m in warnings())
    # What was to be removed next is not known, so nothing is.
    assert state_of(directory) == ['model.ckpt-10', 'model.ckpt-11']
    assert checkpoint_files.what_is_missing(f'{directory}/model.ckpt-11') is None
    assert [name for name in os.listdir(directory) if name.startswith('model.ckpt-5')]


def test_checkpoints_of_another_model_without_a_state_file(recorded, warnings):
    directory = recorded()
    os.remove(os.path.join(directory, 'checkpoint'))
    with tf.Graph().as_default():
        tf.get_variable('another', initializer=1.0)
        tf.train.get_or_create_global_step()
        with tfhooks.MonitoredTrainingSession(checkpoint_dir=directory) as session:
            assert step_of(session) == 0
    text = [m for m in warnings() if 'begins anew' in m]
    assert len(text) == 1
    assert 'model.ckpt-10' in text[0]


def test_an_empty_directory_is_begun_without_a_word(tmp_path, warnings):
    for directory in (tmp_path, tmp_path / 'new'):
        with tf.Graph().as_default():
            session, _ = training(str(directory))
            with session:
                assert step_of(session) == 0
    assert warnings() == []


def test_a_checkpoint_that_stayed_behind(recorded):
    directory = recorded()
    for name in os.listdir(directory):
        if name.startswith('model.ckpt-10'):
            os.remove(os.path.join(directory, name))
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match='neither there nor beside') as caught:
            training(directory)
        assert "'/home/someone/model/model.ckpt-10'" in str(caught.value)
        assert "['model.ckpt-5']" in str(caught.value)


@every_version
@every_kind
def test_restore_hook(recorded, version, kind):
    directory = recorded(version, kind)
    expected = json.loads((RECORDED / version / kind / 'values.json').read_text())
    with tf.Graph().as_default():
        model.build(tf)
        hook = tfhooks.RestoreHook(directory)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            assert values_of(session) == {**expected, 'global_step': 0}


def test_an_older_checkpoint_that_was_asked_for_is_not_written_again(recorded):
    directory = recorded()
    before = written(directory)
    with tf.Graph().as_default():
        train = model.build(tf)
        scaffold = tf.train.Scaffold()
        creator = tfhooks.ChiefSessionCreator(
            scaffold, checkpoint_filename_with_path=os.path.join(directory, 'model.ckpt-5')
        )
        hook = tfhooks.CheckpointSaverHook(directory, save_steps=5, scaffold=scaffold)
        with tfhooks.MonitoredSession(creator, [hook]) as session:
            assert written(directory) == before
            # From here training goes on, so this is the newest one.
            assert state_of(directory) == ['model.ckpt-5']
            session.run(train)
    assert state_of(directory) == ['model.ckpt-5', 'model.ckpt-6']


def test_a_checkpoint_of_step_0_is_not_written_again(tmp_path):
    directory = str(tmp_path)
    with tf.Graph().as_default(), training(directory)[0]:
        pass
    before = written(directory)
    assert before
    with tf.Graph().as_default(), training(directory)[0]:
        assert written(directory) == before
    # Fresh values at step 0 are not taken for it.
    with tf.Graph().as_default():
        model.build(tf)
        other = tf.global_variables('weights')[0].initializer
        number = {other.inputs[1]: [[7.0] * 3] * 2}
        scaffold = tf.train.Scaffold(init_fn=lambda _, session: session.run(other, number))
        hook = tfhooks.CheckpointSaverHook(directory, save_steps=5, scaffold=scaffold)
        creator = tfhooks.ChiefSessionCreator(scaffold)
        with tfhooks.MonitoredSession(creator, [hook]):
            assert written(directory) != before


@pytest.mark.parametrize('shared', [True, False])
def test_tensorflows_saver_beside_tfhooks(tmp_path, warnings, shared):
    directory = str(tmp_path)
    with tf.Graph().as_default():
        train = model.build(tf)
        scaffold = tf.train.Scaffold()
        saver = {'scaffold': scaffold} if shared else {'saver': tf.train.Saver()}
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=directory,
            scaffold=scaffold,
            hooks=[tf.train.CheckpointSaverHook(directory, save_steps=2, **saver)],
        ) as session:
            session.run(train)
    text = [m for m in warnings() if 'both save into' in m]
    assert len(text) == (0 if shared else 1)
    if not shared:
        assert text[0].count('CheckpointSaverHook') == 2
