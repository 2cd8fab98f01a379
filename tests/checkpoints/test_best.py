"""BestCheckpoints: which checkpoints are kept, and that they stay."""

from __future__ import annotations

import contextlib
import json
import os
import shutil

import pytest
import tensorflow.compat.v1 as tf
from saving_models import SESSIONS, latest_step, make_old, saver, steps_in, training

from tfhooks._base import files
from tfhooks._base.errors import CheckpointSaveError
from tfhooks._checkpoints import checkpoint_files
from tfhooks._checkpoints.best import BestCheckpoints

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
    os.remove(tmp_path / 'best' / 'model.ckpt-1.index')
    assert steps_in(tmp_path / 'best') == [2, 3]


def the_list(directory):
    return directory / 'best' / 'best_checkpoints.json'


ENTRY = '{"name": "model.ckpt-1", "step": 1, "value": 1.0}'


@pytest.mark.parametrize(
    'text',
    [
        *('', '{', '3', '[]', '{}', '\0' * 99, '[' * 100_000, '{"mode": "min"}'),
        '{"mode": "min", "checkpoints": [',
        '{"mode": "min", "checkpoints": 3}',
        '{"mode": "best", "checkpoints": []}',
        '{"mode": "min", "metric": 3, "checkpoints": []}',
        '{"mode": "min", "checkpoints": [], "unfinished": ["../model.ckpt-1"]}',
        f'{{"mode": "min", "checkpoints": [{ENTRY}, {ENTRY}]}}',
        *(
            f'{{"mode": "min", "checkpoints": [{{{entry}}}]}}'
            for entry in (
                '"name": "model.ckpt-1", "step": 1',
                '"name": "model.ckpt-1", "step": "1", "value": 1.0',
                '"name": "model.ckpt-1", "step": 1.5, "value": 1.0',
                '"name": "model.ckpt-1", "step": true, "value": 1.0',
                '"name": "model.ckpt-1", "step": 1, "value": "1"',
                '"name": "model.ckpt-1", "step": 1, "value": NaN',
                f'"name": "model.ckpt-1", "step": 1, "value": 1{"0" * 400}',
                *(
                    f'"name": {name}, "step": 1, "value": 1.0'
                    for name in (
                        *('3', '""', '"."', '".."', '"../model.ckpt-1"', '"/model.ckpt-1"'),
                        *('"a/b"', '"a\\\\b"', '"a\\u0000b"', 'null'),
                    )
                ),
            )
        ),
    ],
)
def test_a_damaged_list_is_an_error_that_names_it(text, tmp_path):
    (tmp_path / 'best').mkdir()
    the_list(tmp_path).write_text(text)
    with (
        tf.Graph().as_default(),
        pytest.raises(ValueError, match='must be one that this') as raised,
    ):
        BestCheckpoints(lambda session, step: 1.0).begin(str(tmp_path))
    assert f"path='{the_list(tmp_path)}'" in str(raised.value)
    assert the_list(tmp_path).read_text() == text


def test_a_list_that_names_files_elsewhere_removes_nothing(tmp_path):
    other, mine = tmp_path / 'other', tmp_path / 'mine'
    for directory in (other, mine):
        assert train(directory, {0: 3.0, 1: 1.0}, 1) == [1, 0]
    for name in (str(other / 'model.ckpt-1'), '../model.ckpt-1', '../../other/model.ckpt-1'):
        entry = {'name': name, 'step': 1, 'value': 9.0}
        the_list(mine).write_text(json.dumps({'mode': 'min', 'checkpoints': [entry]}))
        with pytest.raises(ValueError, match='a name must be that of something in the same'):
            train(mine, {1: 1.0, 2: 0.0}, 1)
    assert steps_in(other) == steps_in(mine) == [0, 1]


def test_what_is_not_in_the_list_is_left_alone(tmp_path, caplog):
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1) == [1, 0]
    best = tmp_path / 'best'
    for name in os.listdir(best):
        if name.startswith('model.ckpt-1.'):
            shutil.copy(best / name, best / name.replace('model.ckpt-1', 'paper.ckpt-1'))
    shutil.copy(best / 'model.ckpt-1.index', best / 'model.ckpt-9.index')  # Half copied.
    assert train(tmp_path, {1: 1.0, 2: 0.0, 3: 5.0}, 2) == [2, 1]
    assert checkpoint_files.what_is_missing(str(best / 'paper.ckpt-1')) is None
    assert (best / 'model.ckpt-9.index').exists()
    assert any("['model.ckpt-9', 'paper.ckpt-1']" in message for message in caplog.messages)


def test_a_checkpoint_that_is_not_in_the_list_is_not_replaced(tmp_path):
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1) == [1, 0]
    best = tmp_path / 'best'
    for part in ('index', 'data-00000-of-00001'):
        (best / f'model.ckpt-2.{part}').write_bytes(b'of another training')
    assert train(tmp_path, {1: 1.0, 2: 0.0}, 1) == [2, 1]
    assert (best / 'model.ckpt-2.index').read_bytes() == b'of another training'
    assert tf.train.latest_checkpoint(str(best)) == str(best / 'model.ckpt-2_1')
    assert checkpoint_files.what_is_missing(str(best / 'model.ckpt-2_1')) is None


def loss(session, step):
    return {0: 3.0, 1: 1.0, 2: 2.0, 3: 5.0}[step]


def accuracy(session, step):
    return {0: 3.0, 1: 1.0, 2: 2.0, 3: 5.0}[step]


@pytest.mark.parametrize(('metric', 'mode', 'kept'), [(loss, 'max', [3]), (accuracy, 'min', [1])])
def test_another_metric_or_mode_begins_a_new_list(metric, mode, kept, tmp_path, caplog):
    for number, best in enumerate([BestCheckpoints(loss), BestCheckpoints(metric, mode)]):
        with training(tmp_path, [saver(tmp_path, save_steps=1, keep_best=best)]) as run:
            if number:
                # What was restored is measured too, and is none of the old list.
                assert [each.value for each in best.checkpoints] == [1.0]
            run(1 + number)
    assert [each.step for each in best.checkpoints] == kept
    assert any('begins a new list' in message for message in caplog.messages)
    assert json.loads(the_list(tmp_path).read_text())['mode'] == mode
    # Those of the old list stay.
    assert (tmp_path / 'best' / 'model.ckpt-1.index').exists()


def test_a_list_without_the_name_of_a_metric_is_gone_on_with(tmp_path):
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1) == [1, 0]
    state = json.loads(the_list(tmp_path).read_text())
    del state['metric'], state['unfinished']
    the_list(tmp_path).write_text(json.dumps(state))
    assert train(tmp_path, {1: 1.0, 2: 5.0}, 1) == [1, 0]


def test_what_a_killed_process_left_in_the_folder_is_removed(tmp_path):
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1) == [1, 0]
    best = tmp_path / 'best'
    # It was adding one, and removing another one.
    for name in ('model.ckpt-7.index', 'model.ckpt-8.data-00000-of-00001'):
        (best / name).write_text('')
    state = json.loads(the_list(tmp_path).read_text())
    the_list(tmp_path).write_text(
        json.dumps({**state, 'unfinished': ['model.ckpt-7', 'model.ckpt-8', 'model.ckpt-1']})
    )
    strays = ('model.ckpt-9.index.tmp0', 'best_checkpoints.json.tmp1f', 'checkpoint.tmp2e')
    for name in strays:
        (best / name).write_text('')
    make_old(best)
    (best / 'model.ckpt-9.index.tmp1').write_text('')  # Another process may be at it.
    assert train(tmp_path, {1: 1.0, 2: 0.0}, 1) == [2, 1]
    names = os.listdir(best)
    assert not [name for name in names if 'ckpt-7' in name or 'ckpt-8' in name]
    assert not set(strays) & set(names)
    assert 'model.ckpt-9.index.tmp1' in names
    assert json.loads(the_list(tmp_path).read_text())['unfinished'] == []


def test_what_is_beside_the_checkpoints_is_left_alone(tmp_path):
    """A better one is kept and the last one removed: nothing else is."""
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1, n=1) == [1]
    kept = ['checkpoint.tmp0', 'model.ckpt-1_temp', 'model.ckpt-1.index.tmp0']
    for name in kept:
        (tmp_path / 'best' / name).mkdir()
        (tmp_path / 'best' / name / 'file').write_text('mine')
    make_old(tmp_path / 'best')
    assert train(tmp_path, {1: 1.0, 2: 0.0}, 1, n=1) == [2]
    for name in kept:
        assert (tmp_path / 'best' / name / 'file').read_text() == 'mine'


class Interrupt(BaseException):
    pass


@pytest.mark.parametrize('stop_after', range(8))
def test_a_process_that_is_killed_at_any_write_leaves_a_list_that_holds(tmp_path, stop_after):
    """Each write of a file, and each removal, may be the last thing a process does."""
    assert train(tmp_path, {0: 3.0, 1: 1.0}, 1, n=1) == [1]
    left = [stop_after]

    def killed_before(action):
        def act(*arguments):
            if left[0] == 0:
                raise Interrupt
            left[0] -= 1
            return action(*arguments)

        return act

    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (files, 'write_text'),
            (files, 'link_all'),
            (files, 'remove'),
        ):
            patch.setattr(module, name, killed_before(getattr(module, name)))
        best = BestCheckpoints(by_step({1: 1.0, 2: 0.0}))
        with contextlib.suppress(Interrupt), tf.Graph().as_default():
            best.begin(str(tmp_path))
            best.keep(str(tmp_path / 'model.ckpt-0'), 2, 0.0)
    again = BestCheckpoints(by_step({}))
    with tf.Graph().as_default():
        again.begin(str(tmp_path))
    (kept,) = again.checkpoints
    assert (kept.step, kept.value) in [(1, 1.0), (2, 0.0)]
    assert checkpoint_files.what_is_missing(kept.path) is None
    assert tf.train.latest_checkpoint(str(tmp_path / 'best')) == kept.path
    names = {os.path.basename(path) for path in checkpoint_files.prefixes(str(tmp_path / 'best'))}
    assert names == {os.path.basename(kept.path)}


@pytest.mark.parametrize('in_the_way', ['checkpoint', 'best_checkpoints.json'])
def test_a_list_that_cannot_be_written_loses_nothing(tmp_path, in_the_way, caplog):
    values = {0: 9.0, 1: 5.0, 2: 1.0, 3: 7.0}
    assert train(tmp_path, values, 1, n=1) == [1]
    best = BestCheckpoints(by_step(values))
    hook = saver(tmp_path, save_steps=1, save_retries=9, keep_best=best)
    with training(tmp_path, [hook]) as run:
        was = (tmp_path / 'best' / in_the_way).read_bytes()
        (tmp_path / 'best' / in_the_way).unlink()
        (tmp_path / 'best' / in_the_way / 'full').mkdir(parents=True)
        run(1)
        assert [each.step for each in best.checkpoints] == [1]
        shutil.rmtree(tmp_path / 'best' / in_the_way)
        (tmp_path / 'best' / in_the_way).write_bytes(was)
    assert any('could not keep' in message for message in caplog.messages)
    assert steps_in(tmp_path / 'best') == [1]
    assert train(tmp_path, values, 1, n=1) == [2]


def test_a_worse_value_of_a_step_that_comes_again_does_not_replace_a_better_one(tmp_path):
    best = BestCheckpoints(by_step({}))
    with training(tmp_path, [saver(tmp_path, save_steps=1)]) as run:
        run()
        best.begin(str(tmp_path))
        path = str(tmp_path / 'model.ckpt-1')
        assert best.keep(path, 1, 3.0)
        assert not best.keep(path, 1, 4.0)
        assert not best.keep(path, 1, 3.0)
        assert best.checkpoints[0].value == 3.0
        assert best.keep(path, 1, 2.0)
    assert [(each.step, each.value) for each in best.checkpoints] == [(1, 2.0)]
    assert steps_in(tmp_path / 'best') == [1]


def test_counts_only_when_it_is_on_disk(tmp_path, monkeypatch):
    best = BestCheckpoints(by_step({0: 3.0, 1: 1.0, 2: 0.0}))
    hook = saver(tmp_path, save_steps=1, keep_best=best)

    def fails(targets):
        raise tf.errors.OutOfRangeError(None, None, 'the disk is full')

    with training(tmp_path, [hook]) as run:
        link = files.link_all
        monkeypatch.setattr(files, 'link_all', fails)
        with pytest.raises(CheckpointSaveError, match='BestCheckpoints') as raised:
            run()
        assert raised.value.hook is best
        assert [each.step for each in best.checkpoints] == [0]
        assert steps_in(tmp_path / 'best') == [0]
        assert latest_step(tmp_path) == 1
        monkeypatch.setattr(files, 'link_all', link)
        run()
    assert [each.step for each in best.checkpoints] == [2]
    state = json.loads((tmp_path / 'best' / 'best_checkpoints.json').read_text())
    assert [each['step'] for each in state['checkpoints']] == [2]


def test_with_retries_a_failure_to_keep_is_a_warning(tmp_path, monkeypatch, caplog):
    best = BestCheckpoints(by_step({0: 3.0, 1: 1.0, 2: 0.5}))
    hook = saver(tmp_path, save_steps=1, save_retries=1, keep_best=best)
    with training(tmp_path, [hook]) as run:
        (tmp_path / 'best' / 'model.ckpt-1.data-00000-of-00001' / 'full').mkdir(parents=True)
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
