"""CheckpointSaverHook when a session begins with a checkpoint, or is recovered from one."""

from __future__ import annotations

import os
import time

import pytest
import tensorflow.compat.v1 as tf
from saving_models import (
    SESSIONS,
    Told,
    events,
    latest_step,
    leftovers,
    make_old,
    model,
    saver,
    steps_in,
    training,
)
from stock_models import LoseSession

import tfhooks
from tfhooks._checkpoints import checkpoint_files
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook

both = pytest.mark.parametrize('session_class', SESSIONS)


def files_of(directory, step):
    """What shows that a file has been written again: its inode and when it was written."""
    found = {}
    for name in os.listdir(directory):
        if name.startswith(f'model.ckpt-{step}.'):
            status = os.stat(os.path.join(directory, name))
            found[name] = (status.st_ino, status.st_mtime_ns)
    assert len(found) == 3
    return found


@both
def test_the_restored_checkpoint_is_not_written_again_and_the_cadence_goes_on(
    tmp_path, session_class
):
    with training(tmp_path, [saver(tmp_path, save_steps=4)], session_class) as run:
        run(6)
    before = files_of(tmp_path, 6)
    with training(tmp_path, [saver(tmp_path, save_steps=4)], session_class) as run:
        # TensorFlow's own session does not say what it has restored, so that is written there.
        is_kept = files_of(tmp_path, 6) == before
        assert is_kept == (session_class is tfhooks.MonitoredSession)
        before = files_of(tmp_path, 6)
        run(3)
        assert latest_step(tmp_path) == 6
        run(1)
        assert latest_step(tmp_path) == 10
    assert files_of(tmp_path, 6) == before


def test_a_session_that_trains_nothing_writes_nothing(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    before = files_of(tmp_path, 3)
    with training(tmp_path, [saver(tmp_path)], tfhooks.MonitoredSession):
        pass
    assert files_of(tmp_path, 3) == before


def test_listeners_are_told_of_the_restored_checkpoint(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    told = Told(stop_at=3)
    with training(tmp_path, [saver(tmp_path, listeners=[told])]) as run:
        assert run.session.should_stop()
    assert told.calls == [('begin', None), ('before_save', 3), ('after_save', 3), ('end', 3)]


def test_fresh_variables_at_the_step_of_a_foreign_checkpoint_are_saved(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    before = files_of(tmp_path, 3)
    with tf.Graph().as_default():
        op = model()
        step = tf.train.get_global_step()
        weights = tf.global_variables('weights')[0]
        scaffold = tf.train.Scaffold(
            init_fn=lambda _, session: (step.load(3, session), weights.load([7.0] * 3, session))
        )
        # Without a directory to restore from, the session begins with what init_fn puts there.
        creator = tf.train.ChiefSessionCreator(scaffold)
        hook = saver(tmp_path, scaffold=scaffold)
        with tf.train.MonitoredSession(creator, [hook]) as session:
            after = files_of(tmp_path, 3)
            session.run(op)
    assert after != before


def test_a_restored_checkpoint_that_lacks_a_new_variable_is_saved(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    before = files_of(tmp_path, 3)
    with tf.Graph().as_default():
        op = model()
        old = tf.train.Saver()
        tf.get_variable('added', initializer=[1.0])
        path = os.path.join(tmp_path, 'model.ckpt-3')
        scaffold = tf.train.Scaffold(init_fn=lambda _, session: old.restore(session, path))
        hook = saver(tmp_path, scaffold=scaffold)
        with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold), [hook]) as session:
            after = files_of(tmp_path, 3)
            session.run(op)
    assert after != before
    reader = tf.train.load_checkpoint(os.path.join(tmp_path, 'model.ckpt-3'))
    assert reader.has_tensor('added')


def test_after_a_recovery_nothing_is_written_again(tmp_path):
    hooks = [saver(tmp_path, save_steps=5), LoseSession(7, 9)]
    with training(tmp_path, hooks, tfhooks.MonitoredSession) as run:
        run(5)
        before = files_of(tmp_path, 5)
        # Lost at 7, goes on from 5; lost again at 6.
        run(7)
        assert files_of(tmp_path, 5) == before
        assert steps_in(tmp_path) == [0, 5, 10]
    kinds = [kind for kind, _ in events(tmp_path)]
    assert kinds.count('session_log') >= 3


@both
def test_graphs_are_written_once_a_session_and_not_once_a_recovery(tmp_path, session_class):
    def graphs(hooks):
        before = [kind for kind, _ in events(tmp_path)]
        with training(tmp_path, hooks, session_class) as run:
            run(9)
        kinds = [kind for kind, _ in events(tmp_path)]
        return [kinds.count(kind) - before.count(kind) for kind in ('graph_def', 'meta_graph_def')]

    written = graphs([saver(tmp_path, save_steps=2), LoseSession(3, 5, 7)])
    # Opening an event file writes the graph once, and so does the saver.
    assert written == [2, 2]


def test_seconds_go_on_from_the_checkpoint_that_was_restored(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, 'monotonic', lambda: now)
    hook = CheckpointSaverHook(str(tmp_path), save_secs=60)
    with training(tmp_path, [hook, LoseSession(3, 5)], tfhooks.MonitoredSession) as run:
        run(1)
        now = 60.0
        run(1)
        assert latest_step(tmp_path) == 2
        now = 100.0
        run(2)  # Lost twice: the period still began at 60.
        now = 119.0
        run(2)
        assert latest_step(tmp_path) == 2
        now = 120.0
        run(1)
        assert latest_step(tmp_path) > 2


class Fills(tf.train.SessionRunHook):
    """Changes a large variable when the session is made."""

    def after_create_session(self, session, coord):
        session.run(session.graph.get_operation_by_name('filled'))


def test_what_a_hook_changes_after_a_restore_is_saved(tmp_path):
    size = 5_000_000

    def start(hooks):
        with tf.Graph().as_default():
            model(size)
            weights = tf.global_variables('weights')[0]
            with tf.control_dependencies([tf.assign(weights, tf.fill([size], 7.0))]):
                tf.no_op(name='filled')
            scaffold = tf.train.Scaffold()
            creator = tfhooks.ChiefSessionCreator(scaffold, checkpoint_dir=str(tmp_path))
            hooks = [*hooks, saver(tmp_path, scaffold=scaffold)]
            with tfhooks.MonitoredSession(creator, hooks):
                pass
        return tf.train.load_checkpoint(str(tmp_path)).get_tensor('weights')[-1]

    assert start([]) == 0.0
    assert start([Fills()]) == 7.0


def test_the_step_that_is_never_increased_is_saved_at_the_end(tmp_path, log):
    with tf.Graph().as_default():
        tf.train.get_or_create_global_step()
        weight = tf.get_variable('weight', initializer=0.0)
        op = weight.assign_add(1.0)
        with tfhooks.MonitoredSession(hooks=[saver(tmp_path, saver=tf.train.Saver())]) as session:
            for _ in range(30):
                session.run(op)
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('weight') == 30.0
    assert latest_step(tmp_path) == 0
    [text] = log('saves nothing, since the global step is not increased')
    assert 'it is 0 since the session began' in text


def test_the_cadence_goes_on_after_an_initializer_that_runs_in_the_session(tmp_path, log):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(10)
    with tf.Graph().as_default():
        op = model()
        init = tf.global_variables_initializer()
        scaffold = tf.train.Scaffold()
        creator = tfhooks.ChiefSessionCreator(scaffold, checkpoint_dir=str(tmp_path))
        with tfhooks.MonitoredSession(creator, [saver(tmp_path, scaffold=scaffold)]) as session:
            session.run(init)
            for _ in range(2):
                session.run(op)
            assert latest_step(tmp_path) == 2
            for _ in range(2):
                session.run(op)
            assert latest_step(tmp_path) == 4
    [text] = log('The global step has gone back')
    assert 'from 10 to 0' in text or 'from 10 to 1' in text


def test_what_a_killed_process_left_is_removed(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    strays = [
        'model.ckpt-5.data-00000-of-00001',  # Its index was still to come.
        'model.ckpt-5.index.tempstate123',
        'model.ckpt-5.meta.tmp0f',
        'checkpoint.tmp12ab',
    ]
    kept = ['other.ckpt-5.data-00000-of-00001', 'notes.txt', 'model.ckpt-notes']
    for name in [*strays, *kept]:
        (tmp_path / name).write_text('')
    (tmp_path / 'model.ckpt-5_temp').mkdir()
    (tmp_path / 'model.ckpt-5_temp' / 'part-00000-of-00001.index').write_text('')
    make_old(tmp_path)
    with training(tmp_path, [saver(tmp_path)]):
        names = os.listdir(tmp_path)
    assert not {*strays, 'model.ckpt-5_temp'} & set(names)
    assert set(kept) <= set(names)
    assert steps_in(tmp_path) == [0, 2, 3]
    assert leftovers(tmp_path) == sorted(kept)


@pytest.mark.parametrize(
    'young',
    [
        'model.ckpt-5.data-00000-of-00001',
        'model.ckpt-5.index.tempstate123',
        'model.ckpt-5.meta.tmp0f',
        'checkpoint.tmp12ab',
        'graph.pbtxt.tmp12ab',
        # A directory is as young as the youngest file in it.
        'model.ckpt-5_temp/part-00000-of-00001.index',
    ],
)
def test_what_another_process_may_be_writing_is_left_alone(tmp_path, young):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(1)
    (tmp_path / young).parent.mkdir(exist_ok=True)
    (tmp_path / young).write_text('')
    old = make_old(tmp_path, but=young)
    with training(tmp_path, [saver(tmp_path)]):
        assert (tmp_path / young).exists()
    os.utime(tmp_path / young, (old, old))
    with training(tmp_path, [saver(tmp_path)]):
        assert not (tmp_path / young).exists()


@pytest.mark.parametrize(
    ('damage', 'text'),
    [
        (lambda path: os.remove(path + '.index'), 'index'),
        (lambda path: os.remove(path + '.data-00000-of-00001'), 'not there'),
        (lambda path: os.truncate(path + '.data-00000-of-00001', 4), 'bytes of'),
        (lambda path: os.truncate(path + '.index', 20), 'index'),
        (
            lambda path: os.rename(path + '.data-00000-of-00001', path + '.data-00000-of-00002'),
            '1 of 2',
        ),
    ],
)
def test_what_is_missing_from_a_checkpoint(tmp_path, damage, text):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(2)
    path = os.path.join(tmp_path, 'model.ckpt-2')
    assert checkpoint_files.what_is_missing(path) is None
    assert checkpoint_files.is_latest(path)
    assert not checkpoint_files.is_latest(os.path.join(tmp_path, 'model.ckpt-0'))
    damage(path)
    assert text in checkpoint_files.what_is_missing(path)


def test_steps_of_the_raw_session_count(tmp_path):
    """Where a program trains by a callable or the raw session, saves fall where TensorFlow's do."""

    def steps(module, directory):
        with tf.Graph().as_default():
            op = model()
            hook = module.CheckpointSaverHook(str(directory), save_steps=10, saver=tf.train.Saver())
            hook_of_steps = module.StopAtStepHook(last_step=1000)
            with module.MonitoredSession(hooks=[hook, hook_of_steps]) as session:
                raw = session.raw_session() if module is tfhooks else session._tf_sess()
                train = raw.make_callable(op)
                for _ in range(3):
                    session.run(op)
                for _ in range(20):
                    train()
                session.run(op)
                for _ in range(30):
                    raw.run(op)
                session.run(op)
                session.run(op)
        return steps_in(directory)

    assert steps(tfhooks, tmp_path / 'ours') == steps(tf.train, tmp_path / 'theirs')
