"""CheckpointSaverHook: its arguments, when it saves, what it writes and whom it tells."""

from __future__ import annotations

import itertools
import os
import threading
import time

import pytest
import tensorflow.compat.v1 as tf
from saving_models import (
    SESSIONS,
    Told,
    events,
    latest_step,
    leftovers,
    model,
    saver,
    steps_in,
    training,
)

import tfhooks
from tfhooks._base.hook_types import ALWAYS, NextDue
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook, CheckpointSaverListener

both = pytest.mark.parametrize('session_class', SESSIONS)


@pytest.mark.parametrize(
    ('arguments', 'kind', 'text'),
    [
        ({}, ValueError, 'Either'),
        ({'save_secs': 1, 'save_steps': 1}, ValueError, 'both .*; save_secs=1, save_steps=1'),
        ({'save_secs': -1}, ValueError, 'CheckpointSaverHook: .*save_secs=-1'),
        ({'save_steps': 'often'}, TypeError, "CheckpointSaverHook: .*save_steps='often'"),
        ({'save_steps': 1, 'listeners': [Told, 5]}, TypeError, r'listeners\[0\]='),
        ({'save_steps': 1, 'listeners': Told()}, TypeError, 'listeners must be a list'),
        ({'save_steps': 1, 'checkpoint_dir': None}, TypeError, 'checkpoint_dir must be a path'),
        (
            {'save_steps': 1, 'saver': 1, 'scaffold': 1},
            ValueError,
            'both saver and scaffold; saver=1',
        ),
        ({'save_steps': 1, 'save_retries': -1}, ValueError, 'save_retries=-1'),
        ({'save_steps': 1, 'save_retries': 1.5}, TypeError, r'save_retries=1\.5'),
        ({'save_steps': 1, 'keep_best': 'loss'}, TypeError, "keep_best='loss'"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, kind, text):
    with pytest.raises(kind, match=text):
        CheckpointSaverHook(**{'checkpoint_dir': str(tmp_path), **arguments})


def test_a_path_object_is_a_directory(tmp_path):
    with training(tmp_path, [CheckpointSaverHook(tmp_path, save_steps=2)]) as run:
        run(2)
    assert steps_in(tmp_path) == [0, 2]


def test_is_tensorflows_hook_and_listener():
    assert issubclass(CheckpointSaverHook, tf.train.CheckpointSaverHook)
    assert issubclass(CheckpointSaverHook, tfhooks.SessionRunHook)
    assert issubclass(CheckpointSaverListener, tf.train.CheckpointSaverListener)


def test_needs_a_global_step(tmp_path):
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match='Global step'):
        saver(tmp_path).begin()


@both
def test_saves_at_the_first_step_every_n_steps_and_at_the_end(tmp_path, session_class):
    with training(tmp_path, [saver(tmp_path, save_steps=3)], session_class) as run:
        run(8)
    assert steps_in(tmp_path) == [0, 3, 6, 8]
    assert latest_step(tmp_path) == 8
    assert leftovers(tmp_path) == []


@both
def test_the_last_step_is_not_saved_twice(tmp_path, session_class):
    told = Told()
    hook = saver(tmp_path, save_steps=4, listeners=[told])
    with training(tmp_path, [hook], session_class) as run:
        run(4)
    saves = [step for method, step in told.calls if method == 'before_save']
    assert saves == [0, 4]


@both
def test_every_n_seconds_whatever_the_clock_says(tmp_path, session_class, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, 'monotonic', lambda: now)
    hook = CheckpointSaverHook(str(tmp_path), save_secs=60)
    with training(tmp_path, [hook], session_class) as run:
        run(2)
        monkeypatch.setattr(time, 'time', lambda: -3600.0)  # The clock is set back.
        now += 59
        run()
        assert steps_in(tmp_path) == [0]
        now += 1
        run()
        assert steps_in(tmp_path) == [0, 4]
        now += 59
        run()
        assert steps_in(tmp_path) == [0, 4]
        now += 1
        run()
        assert steps_in(tmp_path) == [0, 4, 6]


@both
def test_events_graph_and_meta_graph(tmp_path, session_class):
    with training(tmp_path, [saver(tmp_path)], session_class) as run:
        run(3)
    kept = [event for event in events(tmp_path) if event[0] != 'file_version']
    assert kept[-5:] == [
        ('graph_def', 0),
        ('meta_graph_def', 0),
        ('session_log', 0),
        ('session_log', 2),
        ('session_log', 3),
    ]
    assert os.path.exists(tmp_path / 'graph.pbtxt')
    assert os.path.exists(tmp_path / 'model.ckpt-2.meta')


def test_without_graph_definitions(tmp_path):
    with training(tmp_path, [saver(tmp_path, save_graph_def=False)]) as run:
        run(2)
    names = os.listdir(tmp_path)
    assert 'graph.pbtxt' not in names
    assert not [name for name in names if name.endswith('.meta')]


def test_max_to_keep_of_the_saver_is_kept(tmp_path):
    with tf.Graph().as_default():
        op = tf.train.get_or_create_global_step().assign_add(1)
        tf.get_variable('weights', initializer=[0.0])
        hook = saver(tmp_path, save_steps=1, saver=tf.train.Saver(max_to_keep=2))
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            for _ in range(5):
                session.run(op)
    found = sorted(name for name in os.listdir(tmp_path) if name.endswith('.index'))
    assert found == ['model.ckpt-4.index', 'model.ckpt-5.index']


@both
def test_listeners_are_told_in_order(tmp_path, session_class):
    told = Told()
    with training(tmp_path, [saver(tmp_path, listeners=[told])], session_class) as run:
        run(3)
    assert told.calls == [
        ('begin', None),
        ('before_save', 0),
        ('after_save', 0),
        ('before_save', 2),
        ('after_save', 2),
        ('before_save', 3),
        ('after_save', 3),
        ('end', 3),
    ]


@both
@pytest.mark.parametrize('stop_at', [0, 2])
def test_a_listener_stops_training_also_at_the_first_save(tmp_path, session_class, stop_at):
    with training(
        tmp_path, [saver(tmp_path, listeners=[Told(stop_at=stop_at)])], session_class
    ) as run:
        while not run.session.should_stop():
            run()
    assert latest_step(tmp_path) == stop_at


@both
@pytest.mark.parametrize('method', ['before_save', 'after_save'])
def test_the_error_of_a_listener_names_it_and_is_no_end_of_data(tmp_path, session_class, method):
    told = Told(fail_in=method, fail_at=2)
    with (
        pytest.raises(ArithmeticError) as raised,
        training(tmp_path, [saver(tmp_path, listeners=[told])], session_class) as run,
    ):
        run(5)
    assert f'raised in Told.{method}()' in getattr(raised.value, '__notes__', [])


@both
def test_a_save_that_a_listener_broke_is_made_at_the_end(tmp_path, session_class):
    told = Told(fail_in='before_save', fail_at=5)
    hook = saver(tmp_path, save_steps=5, listeners=[told])
    with training(tmp_path, [hook], session_class) as run:
        with pytest.raises(ArithmeticError):
            run(5)
        assert steps_in(tmp_path) == [0]
    assert latest_step(tmp_path) == 5


@both
def test_all_listeners_are_ended_whatever_one_of_them_raises(tmp_path, session_class):
    first, second = Told(fail_in='end', fail_at=1), Told()
    with (
        pytest.raises(ArithmeticError),
        training(tmp_path, [saver(tmp_path, listeners=[first, second])], session_class) as run,
    ):
        run()
    assert second.calls[-1] == ('end', 1)
    assert latest_step(tmp_path) == 1


def test_sleeps_until_a_save_may_be_due(tmp_path):
    hook = saver(tmp_path, save_steps=5)
    assert hook.next_due() == ALWAYS
    with training(tmp_path, [hook]) as run:
        run(3)
        assert hook.next_due() == NextDue(step=5)
        run(2)
        assert hook.next_due() == NextDue(step=10)


def test_a_run_that_makes_many_steps_is_saved_when_it_passes_the_period(tmp_path):
    with tf.Graph().as_default():
        op = tf.train.get_or_create_global_step().assign_add(4)
        hook = saver(tmp_path, save_steps=5, saver=tf.train.Saver(max_to_keep=None))
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            for _ in range(6):
                session.run(op)
    found = sorted(
        int(n.split('-')[1].split('.')[0]) for n in os.listdir(tmp_path) if '.index' in n
    )
    assert found == [0, 8, 16, 24]


class FindsBadWeights(tf.train.SessionRunHook):
    def __init__(self, hook, at):
        self._hook, self._at, self._runs = hook, at, 0

    def after_run(self, run_context, run_values):
        self._runs += 1
        if self._runs == self._at:
            run_context.weights_are_bad = True
            self._hook._tfhooks_state.skip_final_save('the loss is NaN')


def test_bad_weights_are_not_saved(tmp_path):
    hook = saver(tmp_path, save_steps=1)
    with training(tmp_path, [FindsBadWeights(hook, at=3), hook]) as run:
        run(3)
    assert steps_in(tmp_path) == [0, 1, 2]


def test_nan_is_found_before_it_is_saved(tmp_path):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        loss = tf.where(step < 2, 1.0, float('nan'))
        op = tf.group(step.assign_add(1), loss)
        hooks = [saver(tmp_path, save_steps=1), tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)]
        hooks[0]._saver = tf.train.Saver()
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            while not session.should_stop():
                with tf.control_dependencies([]):
                    session.run(op)
    newest = latest_step(tmp_path)
    assert newest is not None
    assert newest <= 2


@both
def test_threads_that_share_a_session_save_each_step_once(tmp_path, session_class):
    told = Told()
    with training(
        tmp_path, [saver(tmp_path, save_steps=10, listeners=[told])], session_class
    ) as run:
        threads = [threading.Thread(target=run, args=(20,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    saves = [step for method, step in told.calls if method == 'after_save']
    assert saves == sorted(set(saves))
    assert saves[0] == 0
    assert saves[-1] == 80
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(saves[:-1]))


def two_savers(tmp_path, other, savers):
    with tf.Graph().as_default():
        op = model()
        first, second = savers()
        hooks = [
            saver(tmp_path, save_steps=2, saver=first),
            saver(other, save_steps=3, saver=second),
        ]
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            for _ in range(4):
                session.run(op)


def test_two_savers_in_one_session_are_refused(tmp_path):
    other = os.path.join(tmp_path, '.')
    with pytest.raises(ValueError, match='share a directory') as raised:
        two_savers(tmp_path, other, lambda: (tf.train.Saver(), tf.train.Saver()))
    assert 'save_steps=2' in str(raised.value)
    assert 'save_steps=3' in str(raised.value)


def test_two_savers_that_share_one_saver_object_share_a_directory(tmp_path):
    two_savers(tmp_path, tmp_path, lambda: [tf.train.Saver()] * 2)
    assert steps_in(tmp_path) == [0, 2, 3, 4]


def test_two_savers_of_other_names_share_a_directory_with_a_warning(tmp_path, log):
    with tf.Graph().as_default():
        op = model()
        first, second = tf.train.Saver(max_to_keep=1), tf.train.Saver(max_to_keep=1)
        hooks = [
            saver(tmp_path, save_steps=2, saver=first),
            saver(tmp_path, save_steps=3, saver=second, checkpoint_basename='weights'),
        ]
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            for _ in range(6):
                session.run(op)
            assert os.path.basename(tf.train.latest_checkpoint(tmp_path)) == 'weights-6'
    assert steps_in(tmp_path) == [6]
    assert (tmp_path / 'weights-6.index').exists()
    assert not (tmp_path / '.tfhooks_saver').exists()
    assert len(log('under other names')) == 1


def test_two_savers_in_two_open_sessions_are_refused(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run()
        with (
            pytest.raises(ValueError, match='share a directory'),
            training(tmp_path, [saver(tmp_path)]),
        ):
            pass
        run()
    assert latest_step(tmp_path) == 2


@both
def test_the_directory_is_free_after_a_session_that_failed(tmp_path, session_class):
    hook = saver(tmp_path)

    def train():
        with training(tmp_path, [hook], session_class) as run:
            run(3)
            raise KeyError('the body fails')

    with pytest.raises(KeyError):
        train()
    with training(tmp_path, [saver(tmp_path)], session_class) as run:
        run()
    assert latest_step(tmp_path) == 3


def test_one_hook_serves_two_sessions(tmp_path):
    hook = saver(tmp_path, save_steps=2)
    with training(tmp_path, [hook]) as run:
        run(3)
    hook._scaffold = None
    with training(tmp_path, [hook]) as run:
        run(2)
    assert latest_step(tmp_path) == 5
