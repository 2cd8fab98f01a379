"""A checkpoint whose files were cut, changed or lost: said at once, and never the end of data."""

from __future__ import annotations

import os
import traceback

import pytest
import tensorflow.compat.v1 as tf
from session_models import is_open, lost

import tfhooks

ERRORS = {
    'cut': (tf.errors.DataLossError, 'its data files hold 100 bytes of 4008'),
    'removed': (tf.errors.NotFoundError, 'its data file is not there'),
    'changed': (tf.errors.DataLossError, 'its data is not what was written'),
    'index cut': (tf.errors.DataLossError, 'its index cannot be read'),
}
damaged = pytest.mark.parametrize('how', ERRORS)


@pytest.fixture
def train():
    tf.get_variable('weights', [1000], use_resource=False)
    return tf.assign_add(tf.train.create_global_step(), 1)


def training(directory, **arguments):
    return tfhooks.MonitoredTrainingSession(
        checkpoint_dir=os.fspath(directory),
        save_checkpoint_steps=2,
        log_step_count_steps=None,
        **arguments,
    )


def damage(directory, how):
    data = directory / 'model.ckpt-4.data-00000-of-00001'
    if how == 'cut':
        os.truncate(data, 100)
    elif how == 'removed':
        data.unlink()
    elif how == 'changed':
        data.write_bytes(bytes(255 - byte for byte in data.read_bytes()))
    else:
        os.truncate(directory / 'model.ckpt-4.index', 10)


def check(how, error, directory):
    kind, reason = ERRORS[how]
    assert type(error) is kind
    text = str(error)
    assert text.startswith(f'The checkpoint is damaged: {reason}')
    assert f"checkpoint='{directory}/model.ckpt-4'" in text
    assert "whole ones beside it=['model.ckpt-0', 'model.ckpt-2']" in text


@pytest.fixture
def trained(train, tmp_path):
    with training(tmp_path) as session:
        for _ in range(4):
            session.run(train)
    return tmp_path


@damaged
def test_a_session_that_begins_says_what_is_wrong_with_which_checkpoint(train, trained, how):
    damage(trained, how)
    with pytest.raises(ERRORS[how][0]) as caught:
        training(trained)
    check(how, caught.value, trained)
    # As the error says: another one, by its name.
    (trained / 'checkpoint').write_text('model_checkpoint_path: "model.ckpt-2"')
    with training(trained) as session:
        assert session.run(train) == 3


@damaged
def test_a_session_that_is_made_again_does_not_take_it_for_the_end_of_data(
    train, tmp_path, waits, how
):
    def lose(step_context):
        damage(tmp_path, how)
        raise lost()

    session = training(tmp_path)
    for _ in range(4):
        session.run(train)
    with pytest.raises(ERRORS[how][0]) as caught, session:
        session.run_step_fn(lose)
    check(how, caught.value, tmp_path)
    assert session.stop_reason.kind == 'error'


def test_a_checkpoint_that_is_named_is_looked_at_too(train, trained):
    damage(trained, 'cut')
    path = os.fspath(trained / 'model.ckpt-4')
    with pytest.raises(tf.errors.DataLossError) as caught:
        tfhooks.SingularMonitoredSession(checkpoint_filename_with_path=path)
    check('cut', caught.value, trained)


def test_the_session_that_could_not_be_restored_is_closed_at_once(train, trained):
    damage(trained, 'cut')
    with pytest.raises(tf.errors.DataLossError) as caught:
        training(trained)
    restored = caught.value.__cause__.__traceback__
    held = [value for frame, _ in traceback.walk_tb(restored) for value in frame.f_locals.values()]
    sessions = {value for value in held if isinstance(value, tf.Session)}
    assert [is_open(session) for session in sessions] == [False]


def test_a_file_of_the_programs_own_may_be_damaged_too(train, trained):
    records = trained / 'records'
    records.write_bytes(bytes(range(100)))
    queue = tf.FIFOQueue(1, tf.string)
    with tf.control_dependencies([queue.enqueue(os.fspath(records))]):
        _, record = tf.TFRecordReader().read(queue)
    with pytest.raises(tf.errors.DataLossError) as caught:
        training(trained, scaffold=tf.train.Scaffold(local_init_op=record.op))
    assert 'The checkpoint is damaged' not in str(caught.value)


def test_end_of_data_of_the_programs_own_stays_what_it_is(train, trained):
    def init_fn(scaffold, session):
        raise tf.errors.OutOfRangeError(None, None, 'no more to begin with')

    for name in os.listdir(trained):
        os.remove(trained / name)
    with pytest.raises(tf.errors.OutOfRangeError, match='no more to begin with'):
        training(trained, scaffold=tf.train.Scaffold(init_fn=init_fn))
