"""What other hooks, threads and sessions have of an EvalHook."""

import threading

import pytest
import tensorflow.compat.v1 as tf
from evaluation_models import Noting, train
from stock_models import (
    SESSIONS,
    LoseSession,
    events,
    train_op,
)

import tfhooks
from tfhooks._checkpoints.best import BestCheckpoints
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook
from tfhooks._more_hooks.evaluation import EvalHook


def rates(directory):
    return [
        (event.step, value.simple_value)
        for event in events(directory)
        for value in event.summary.value
        if value.tag == 'global_step/sec'
    ]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('counter_first', [False, True])
def test_its_time_is_not_training_time(make, counter_first, tmp_path, clock):
    def evaluate(session):
        clock.now += 1000
        return {}

    hooks = [
        EvalHook(7, evaluate),
        tfhooks.StepCounterHook(every_n_steps=10, output_dir=str(tmp_path)),
    ]
    train(make, hooks[::-1] if counter_first else hooks, 35, clock=clock, secs=0.5)
    assert rates(tmp_path) == [(11, 2.0), (21, 2.0), (31, 2.0)]


def test_its_time_is_not_training_time_after_a_recovery(tmp_path, clock):
    def evaluate(session):
        clock.now += 1000
        return {}

    hooks = [
        tfhooks.StepCounterHook(every_n_steps=10, output_dir=str(tmp_path)),
        EvalHook(7, evaluate),
        LoseSession(25),
    ]
    train(tfhooks.MonitoredSession, hooks, 64, start=(0, 5), clock=clock)
    found = rates(tmp_path)
    assert [step for step, _ in found] == [11, 21, 15, 25, 35, 45]
    # The run that is made again after the loss takes no time of its own.
    assert [rate for _, rate in found] == pytest.approx([1, 1, 10 / 9, 1, 1, 1])


def test_best_checkpoints_are_measured_on_the_weights_that_are_saved(tmp_path):
    noting = Noting()

    def evaluate(session):
        weight = noting(session)['weight']
        return {'error': abs(weight - 150)}

    with tf.Graph().as_default():
        train = train_op()
        tf.multiply(tf.train.get_global_step(), 10, name='weight')
        hook = EvalHook(10, evaluate)
        best = BestCheckpoints(hook.result('error'), n=1)
        saver = CheckpointSaverHook(str(tmp_path), save_steps=5, keep_best=best)
        with tfhooks.MonitoredSession(hooks=[saver, hook]) as session:
            for _ in range(22):
                session.run(train)
    assert best.checkpoints[0].step in (15, 16)
    path = tf.train.latest_checkpoint(str(tmp_path / 'best'))
    step = tf.train.load_checkpoint(path).get_tensor('global_step')
    assert best.checkpoints[0].value == abs(10 * int(step) - 150)
    # Each step once, though both hooks want it.
    assert len(noting.steps) == len(set(noting.steps))
    assert {0, 10, 20, 22} <= set(noting.steps)


def test_a_result_must_be_one_that_there_is():
    with pytest.raises(ValueError, match=r"name='y', names=\['x'\]"):
        EvalHook(1, fetches={'x': 'x:0'}).result('y')
    with pytest.raises(TypeError, match='name must be a string; name=3'):
        EvalHook(1, Noting()).result(3)
    hook = EvalHook(10, Noting())
    result = hook.result('nothing')

    class Reading(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            result(session, 0)

    with pytest.raises(ValueError, match=r"name='nothing', names=\['weight', 'half'\]"):
        train(tfhooks.MonitoredSession, [hook, Reading()], 1)


def test_a_session_that_was_made_again_is_evaluated_again():
    noting = Noting()
    hook = EvalHook(10, noting, at_end=False)

    class Reading(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            for _ in range(2):
                hook.result('weight')(session, 10)

    train(tfhooks.MonitoredSession, [hook, Reading(), LoseSession(3)], 5, start=(10, 10))
    assert noting.steps == [10, 10]


def test_a_hook_of_another_session_says_so():
    result = EvalHook(10, Noting()).result('weight')

    class Reading(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            result(session, 0)

    with pytest.raises(RuntimeError, match='must be one of the hooks of the session'):
        train(tfhooks.MonitoredSession, [Reading()], 1)


def test_other_threads_train_on_during_an_evaluation():
    inside, leave = threading.Event(), threading.Event()
    weights = []

    def evaluate(session):
        weights.append(int(session.run('weight:0')))
        inside.set()
        assert leave.wait(60)
        return {}

    hook = EvalHook(10, evaluate, at_end=False)
    with tf.Graph().as_default():
        train = train_op()
        tf.multiply(tf.train.get_global_step(), 10, name='weight')
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            thread = threading.Thread(target=lambda: [session.run(train) for _ in range(10)])
            thread.start()
            assert inside.wait(60)
            for _ in range(25):
                session.run(train)
            assert weights == [100]
            leave.set()
            thread.join()
            for _ in range(10):
                session.run(train)
    assert weights == [100, 400]
