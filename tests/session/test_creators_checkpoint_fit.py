"""A checkpoint that does not fit the model is refused as a whole; all that differs is listed."""

from __future__ import annotations

import os

import pytest
import tensorflow.compat.v1 as tf

import tfhooks


@pytest.fixture
def saved(tmp_path):
    """The directory of a checkpoint with a few variables."""
    with tf.Graph().as_default():
        tf.get_variable('first', initializer=[1.0, 2.0])
        tf.get_variable('kernel', initializer=[[1.0, 2.0], [3.0, 4.0]])
        tf.get_variable('numbers', initializer=[1, 2, 3])
        tf.get_variable('old', initializer=5.0)
        tf.get_variable(
            'parts',
            shape=[4],
            partitioner=tf.fixed_size_partitioner(2),
            initializer=tf.ones_initializer(),
        )
        train(tmp_path)
    return tmp_path


def train(directory, **saver):
    op = tf.assign_add(tf.train.get_or_create_global_step(), 1)
    scaffold = tf.train.Scaffold(saver=tf.train.Saver(**saver)) if saver else None
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=os.fspath(directory), scaffold=scaffold, log_step_count_steps=None
    ) as session:
        return int(session.run(op))


def model(use_resource, kernel=(2, 2), numbers=tf.int32, new=False, parts=4, old=True):
    get = tf.get_variable
    get('first', [2], use_resource=use_resource)
    get('kernel', kernel, use_resource=use_resource)
    get('numbers', [3], numbers, tf.zeros_initializer(), use_resource=use_resource)
    if old:
        get('old', [], use_resource=use_resource)
    get('parts', [parts], partitioner=tf.fixed_size_partitioner(2), use_resource=use_resource)
    if new:
        get('new', [7], use_resource=use_resource)


kinds = pytest.mark.parametrize('use_resource', [False, True])


@kinds
def test_one_that_fits_is_restored(saved, use_resource):
    model(use_resource)
    assert train(saved) == 2


@kinds
def test_all_that_differs_is_listed(saved, use_resource):
    model(use_resource, kernel=(2, 3), numbers=tf.int64, new=True, parts=6, old=False)
    with pytest.raises(tf.errors.NotFoundError) as raised:
        train(saved)
    first, *lines = str(raised.value).splitlines()
    assert f"checkpoint='{saved}/model.ckpt-1'. Nothing is restored" in first
    assert lines == [
        '  new: not found in checkpoint; shape=(7,)',
        '  kernel: shape=(2, 3), in the checkpoint (2, 2)',
        '  numbers: dtype=int64, in the checkpoint int32',
        '  parts: shape=(6,), in the checkpoint (4,)',
        '  old: only in the checkpoint; shape=()',
    ]


@kinds
def test_another_shape(saved, use_resource):
    model(use_resource, kernel=(4,))
    with pytest.raises(tf.errors.InvalidArgumentError, match='does not fit the model') as raised:
        train(saved)
    assert str(raised.value).splitlines()[1:] == ['  kernel: shape=(4,), in the checkpoint (2, 2)']


def test_a_checkpoint_that_is_named(saved):
    model(True, kernel=(2, 5))
    creator = tfhooks.ChiefSessionCreator(checkpoint_filename_with_path=f'{saved}/model.ckpt-0')
    with pytest.raises(tf.errors.InvalidArgumentError, match=r'model\.ckpt-0'):
        tfhooks.MonitoredSession(creator)


def test_a_saver_that_reshapes(saved):
    model(True, kernel=(4,))
    assert train(saved, reshape=True) == 2


def test_a_saver_that_reshapes_has_its_limits(saved):
    model(True, kernel=(5,))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r'kernel: shape=\(5,\)'):
        train(saved, reshape=True)


def test_a_saver_that_restores_in_its_own_way(saved):
    class Restores(tf.train.Saver):
        def restore(self, sess, save_path):
            sess.run(tf.get_default_graph().get_operation_by_name('all'))

    model(True, new=True)
    tf.train.create_global_step()
    tf.group(tf.global_variables_initializer(), name='all')
    scaffold = tf.train.Scaffold(saver=Restores())
    creator = tfhooks.ChiefSessionCreator(scaffold, checkpoint_dir=str(saved))
    with tfhooks.MonitoredSession(creator) as session:
        assert session.run(tf.train.get_global_step()) == 0


def test_a_variable_of_any_shape(saved):
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        tf.get_variable(
            'kernel', initializer=tf.zeros([1, 1]), validate_shape=False, use_resource=False
        )
        scaffold = tf.train.Scaffold(saver=tf.train.Saver())
        creator = tfhooks.ChiefSessionCreator(scaffold, checkpoint_dir=str(saved))
        with tfhooks.MonitoredSession(creator) as session:
            assert session.run(step) == 1


# A checkpoint where its directory is meant.


@pytest.mark.parametrize('rest', ['', '.index', '.meta', '.data-00000-of-00001'])
def test_a_checkpoint_in_the_place_of_its_directory(saved, rest):
    model(True)
    with pytest.raises(ValueError, match='this is a checkpoint in one') as raised:
        train(f'{saved}/model.ckpt-1{rest}')
    text = str(raised.value)
    assert f"give checkpoint_dir='{saved}'" in text
    assert f"checkpoint_filename_with_path='{saved}/model.ckpt-1'" in text
    assert not os.path.isdir(saved / 'model.ckpt-1')


def test_a_checkpoint_in_the_place_of_a_savers_directory(saved):
    tf.train.create_global_step()
    hook = tfhooks.CheckpointSaverHook(f'{saved}/model.ckpt-1', save_steps=1)
    with pytest.raises(ValueError, match='this is a checkpoint in one'):
        tfhooks.MonitoredSession(hooks=[hook])
    assert not os.path.isdir(saved / 'model.ckpt-1')


def test_a_file_in_the_place_of_a_directory(tmp_path):
    (tmp_path / 'notes.txt').write_text('none')
    with pytest.raises(ValueError, match='checkpoint_dir must be a directory, and this is a file'):
        train(tmp_path / 'notes.txt')
