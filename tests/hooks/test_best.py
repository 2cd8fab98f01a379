"""BestCheckpoints: which checkpoints are kept, and that they stay."""

from __future__ import annotations

import json
import os

import pytest
import tensorflow.compat.v1 as tf
from saving_models import SESSIONS, latest_step, saver, steps_in, training

from tfhooks.errors import CheckpointSaveError
from tfhooks.hooks import best as best_module
from tfhooks.hooks.best import BestCheckpoints

both = pytest.mark.parametrize('session_class', SESSIONS)


def by_step(values):
    return lambda session, step: values[step]


@pytest.mark.parametrize(
    ('arguments', 'kind', 'text'),
    [
        ((3,), TypeError, 'metric=3'),
        ((None,), TypeError, 'metric=None'),
        (('loss', 'least'), ValueError, "mode='least'"),
        (('loss', 'min', 0), ValueError, 'n=0'),
        (('loss', 'min', 1.5), TypeError, r'n=1\.5'),
        (('loss', 'min', True), TypeError, 'n=True'),
    ],
)
def test_wrong_arguments(arguments, kind, text):
    with pytest.raises(kind, match=text):
        BestCheckpoints(*arguments)


def test_a_metric_that_the_graph_does_not_have(tmp_path):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r"metric='loss:0'"):
        BestCheckpoints('loss:0').begin(str(tmp_path))


def test_a_metric_of_another_graph(tmp_path):
    with tf.Graph().as_default():
        loss = tf.constant(1.0)
    with tf.Graph().as_default(), pytest.raises(ValueError, match='default graph'):
        BestCheckpoints(loss).begin(str(tmp_path))


@both
@pytest.mark.parametrize(('mode', 'kept'), [('min', [3, 1]), ('max', [2, 4])])
def test_keeps_the_n_best_beside_the_newest(tmp_path, session_class, mode, kept):
    values = {0: 5.0, 1: 2.0, 2: 9.0, 3: 1.0, 4: 8.0, 5: 4.0}
    best = BestCheckpoints(by_step(values), mode, 2)
    hook = saver(tmp_path, save_steps=1, keep_best=best)
    with training(tmp_path, [hook], session_class) as run:
        hook._get_saver().saver_def.max_to_keep = 1
        run(5)
    assert [each.step for each in best.checkpoints] == kept
    assert [each.value for each in best.checkpoints] == [values[step] for step in kept]
    assert steps_in(tmp_path / 'best') == sorted(kept)
    assert latest_step(tmp_path / 'best') == kept[0]
    assert steps_in(tmp_path) == [5]


@both
def test_a_tensor_is_read_after_the_save(tmp_path, session_class):
    best = BestCheckpoints('distance:0')
    hook = saver(tmp_path, save_steps=1, keep_best=best)
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        tf.get_variable('weights', initializer=[0.0])
        tf.abs(step - 3, name='distance')
        hook._saver = tf.train.Saver()
        op = step.assign_add(1)
        with session_class(hooks=[hook]) as session:
            for _ in range(5):
                session.run(op)
    assert [(each.step, each.value) for each in best.checkpoints] == [(3, 0.0)]


@pytest.mark.parametrize('value', [[1.0, 2.0], 'good'])
def test_a_metric_must_be_one_number(tmp_path, value):
    hook = saver(tmp_path, keep_best=BestCheckpoints(lambda session, step: value))
    with pytest.raises(ValueError, match='one number'), training(tmp_path, [hook]):
        pass
    # The checkpoint itself was saved first.
    assert steps_in(tmp_path) == [0]


def test_the_error_of_a_metric_says_where_it_was_raised(tmp_path):
    def metric(session, step):
        raise ArithmeticError('no metric')

    hook = saver(tmp_path, keep_best=BestCheckpoints(metric))
    with pytest.raises(ArithmeticError) as raised, training(tmp_path, [hook]):
        pass
    assert 'raised in BestCheckpoints.metric()' in raised.value.__notes__


def test_nan_is_never_one_of_the_best(tmp_path, caplog):
    best = BestCheckpoints(by_step({0: float('nan'), 1: 3.0}), n=3)
    with training(tmp_path, [saver(tmp_path, save_steps=1, keep_best=best)]) as run:
        run()
    assert [each.step for each in best.checkpoints] == [1]
    assert any('NaN' in record.getMessage() for record in caplog.records)


def test_of_equals_the_older_one_stays(tmp_path):
    best = BestCheckpoints(lambda session, step: 1.0)
    with training(tmp_path, [saver(tmp_path, save_steps=1, keep_best=best)]) as run:
        run(3)
    assert [each.step for each in best.checkpoints] == [0]


def train(directory, values, times, n=2):
    best = BestCheckpoints(by_step(values), 'min', n)
    with training(directory, [saver(directory, save_steps=1, keep_best=best)]) as run:
        run(times)
    return [each.step for each in best.checkpoints]


def test_survives_a_restart(tmp_path):
    values = {0: 3.0, 1: 1.0, 2: 2.0, 3: 5.0, 4: 0.0}
    assert train(tmp_path, values, 2) == [1, 2]
    assert train(tmp_path, values, 2) == [4, 1]
    assert steps_in(tmp_path / 'best') == [1, 4]


def test_a_restored_checkpoint_that_was_not_measured_is_measured(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(1)
    assert train(tmp_path, {1: 1.0, 2: 4.0}, 1, n=1) == [1]


def test_files_of_others_in_the_folder_stay(tmp_path):
    with training(tmp_path / 'best', [saver(tmp_path / 'best')]) as run:
        run(7)
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1, n=1) == [1]
    assert steps_in(tmp_path / 'best')[-1] == 7


def test_a_smaller_n_after_a_restart(tmp_path):
    values = {0: 3.0, 1: 1.0, 2: 2.0, 3: 5.0}
    assert train(tmp_path, values, 2) == [1, 2]
    assert train(tmp_path, values, 1, n=1) == [1]
    assert steps_in(tmp_path / 'best') == [1]


def test_a_best_whose_files_are_gone_is_left_out(tmp_path):
    values = {0: 3.0, 1: 1.0, 2: 2.0, 3: 5.0}
    assert train(tmp_path, values, 2) == [1, 2]
    os.remove(tmp_path / 'best' / 'model.ckpt-1.data-00000-of-00001')
    assert train(tmp_path, values, 1) == [2, 3]
    assert steps_in(tmp_path / 'best') == [2, 3]


def test_a_damaged_state_file_is_ignored(tmp_path, caplog):
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1) == [1, 0]
    (tmp_path / 'best' / 'best_checkpoints.json').write_text('{"checkpoints": [')
    assert train(tmp_path, {1: 1.0, 2: 0.0}, 1) == [2, 1]
    assert any('is ignored' in record.getMessage() for record in caplog.records)


def test_what_a_killed_process_left_in_the_folder_is_removed(tmp_path):
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1) == [1, 0]
    for name in ('model.ckpt-7.index.tmp0', 'model.ckpt-7.data-00000-of-00001'):
        (tmp_path / 'best' / name).write_text('')
    assert train(tmp_path, {1: 1.0, 2: 0.0}, 1) == [2, 1]
    assert not [name for name in os.listdir(tmp_path / 'best') if 'ckpt-7' in name]


def test_counts_only_when_it_is_on_disk(tmp_path, monkeypatch):
    best = BestCheckpoints(by_step({0: 3.0, 1: 1.0, 2: 0.0}))
    hook = saver(tmp_path, save_steps=1, keep_best=best)

    def fails(source, target):
        raise tf.errors.OutOfRangeError(None, None, 'the disk is full')

    with training(tmp_path, [hook]) as run:
        link = best_module._link_or_copy
        monkeypatch.setattr(best_module, '_link_or_copy', fails)
        with pytest.raises(CheckpointSaveError, match='BestCheckpoints') as raised:
            run()
        assert raised.value.hook is best
        assert [each.step for each in best.checkpoints] == [0]
        assert steps_in(tmp_path / 'best') == [0]
        assert latest_step(tmp_path) == 1
        monkeypatch.setattr(best_module, '_link_or_copy', link)
        run()
    assert [each.step for each in best.checkpoints] == [2]
    state = json.loads((tmp_path / 'best' / 'best_checkpoints.json').read_text())
    assert [each['step'] for each in state['checkpoints']] == [2]


def test_with_retries_a_failure_to_keep_is_a_warning(tmp_path, monkeypatch, caplog):
    best = BestCheckpoints(by_step({0: 3.0, 1: 1.0, 2: 0.5}))
    hook = saver(tmp_path, save_steps=1, save_retries=1, keep_best=best)
    with training(tmp_path, [hook]) as run:
        (tmp_path / 'best' / 'model.ckpt-1.index' / 'full').mkdir(parents=True)
        run(2)
    assert any('could not keep' in record.getMessage() for record in caplog.records)
    assert [each.step for each in best.checkpoints] == [2]


def test_copies_where_links_cannot_be_made(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(1, 'no links here')

    monkeypatch.setattr(os, 'link', no_links)
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1, n=1) == [1]
    one = os.stat(tmp_path / 'best' / 'model.ckpt-1.index')
    other = os.stat(tmp_path / 'model.ckpt-1.index')
    assert one.st_ino != other.st_ino


def test_restoring_the_best(tmp_path):
    train(tmp_path, {0: 3.0, 1: 1.0, 2: 2.0}, 2, n=1)
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.get_variable('weights', shape=[3])
        tf.train.Saver([weights]).restore(session, tf.train.latest_checkpoint(tmp_path / 'best'))
        assert session.run(weights).tolist() == [1.0, 1.0, 1.0]
