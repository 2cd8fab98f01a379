"""MonitoredTrainingSession: its hooks, and that no work is lost and no poison kept."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import inspect
import itertools
import os
import signal

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from session_models import Child, Fails, Recorder, count, latest_step

import tfhooks


def training(directory, hooks=(), **arguments):
    """A training session that saves nothing between the first step and the end by itself."""
    arguments = {
        'save_checkpoint_steps': 10**6,
        'save_checkpoint_secs': None,
        'log_step_count_steps': None,
        'save_summaries_steps': None,
        'save_summaries_secs': None,
        **arguments,
    }
    return tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(directory), hooks=list(hooks), **arguments
    )


def diverging(at):
    """A model whose weight and loss become NaN in step `at`: the loss and the training op."""
    step = tf.train.get_or_create_global_step()
    weight = tf.get_variable('weight', [], initializer=tf.constant_initializer(1.0))
    nan = tf.constant(float('nan'))
    loss = tf.where(tf.equal(step, at - 1), nan, 1.0)
    with tf.control_dependencies([loss]), tf.control_dependencies([weight.assign(weight * loss)]):
        return loss, tf.assign_add(step, 1)


def weights(directory):
    """The weight in every checkpoint of a directory, by its step."""
    found = {}
    for name in os.listdir(directory):
        if name.endswith('.index'):
            reader = tf.train.load_checkpoint(os.path.join(str(directory), name[: -len('.index')]))
            found[int(reader.get_tensor('global_step'))] = float(reader.get_tensor('weight'))
    return found


# Errors.


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt, SystemExit])
def test_save_on_error_saves_before_the_error_goes_on(tmp_path, error):
    train, calls = count(), []
    with (
        pytest.raises(error),
        training(tmp_path, [Recorder(calls)], save_on_error=True) as session,
    ):
        for _ in range(7):
            session.run(train)
        raise error
    assert latest_step(tmp_path) == 7
    assert calls[-1] == f'hook.on_error({error.__name__})'


def test_without_save_on_error_nothing_is_saved(tmp_path):
    train = count()
    with pytest.raises(ValueError, match='boom'), training(tmp_path) as session:
        session.run(train)
        raise ValueError('boom')
    assert latest_step(tmp_path) == 0


def test_save_on_error_saves_by_a_hook_of_tensorflow_too(tmp_path):
    train = count()
    saver = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=100)
    with (
        pytest.raises(ValueError, match='boom'),
        tfhooks.MonitoredSession(hooks=[saver], save_on_error=True) as session,
    ):
        for _ in range(3):
            session.run(train)
        raise ValueError('boom')
    assert latest_step(tmp_path) == 3


def test_save_on_error_is_an_option_of_a_singular_session(tmp_path):
    train = count()
    saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=100)
    with (
        pytest.raises(ValueError, match='boom'),
        tfhooks.SingularMonitoredSession(hooks=[saver], save_on_error=True) as session,
    ):
        session.run(train)
        raise ValueError('boom')
    assert latest_step(tmp_path) == 1


def test_a_save_that_fails_after_an_error_is_attached_to_it(tmp_path):
    class Fails2(tfhooks.CheckpointSaverListener):
        def before_save(self, session, step):
            if step:
                raise OSError('no save')

    train = count()
    saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=100, listeners=[Fails2()])
    with (
        pytest.raises(ValueError, match='boom') as caught,
        tfhooks.MonitoredSession(hooks=[saver], save_on_error=True) as session,
    ):
        session.run(train)
        raise ValueError('boom')
    assert [str(error) for error in caught.value.other_errors] == ['no save']


def test_an_error_while_data_ends_quietly_is_no_error_to_save_for(tmp_path):
    train = count()
    with training(tmp_path, save_on_error=True) as session:
        session.run(train)
        raise StopIteration
    assert latest_step(tmp_path) == 1


ERROR_IN_A_PROGRAM = """
train = count()
with tfhooks.MonitoredTrainingSession(
    checkpoint_dir=directory, save_checkpoint_steps=10**6, save_checkpoint_secs=None,
    save_on_error=True,
) as session:
    while True:
        if session.run(train) == 5:
            say('step 5')
            wait()
"""


def test_ctrl_c_to_a_program_that_saves_on_error(tmp_path):
    with Child(tmp_path, ERROR_IN_A_PROGRAM, tmp_path / 'model') as child:
        child.until('step 5')
        child.kill(signal.SIGINT)
        code, _, err = child.rest()
    assert code != 0
    assert 'KeyboardInterrupt' in err
    assert latest_step(tmp_path / 'model') == 5


# NaN.


@pytest.mark.parametrize('save_on_error', [False, True])
def test_a_nan_loss_is_found_before_any_save(tmp_path, save_on_error):
    loss, train = diverging(at=4)
    with (
        pytest.raises(tf.train.NanLossDuringTrainingError),
        training(
            tmp_path,
            [tfhooks.NanTensorHook(loss)],
            save_checkpoint_steps=1,
            save_on_error=save_on_error,
        ) as session,
    ):
        while True:
            session.run(train)
    assert weights(tmp_path) == {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}


@pytest.mark.parametrize('save_on_error', [False, True])
def test_no_final_save_of_weights_that_a_nan_loss_stopped(tmp_path, save_on_error):
    loss, train = diverging(at=4)
    weight = tf.global_variables('weight')[0].read_value()
    with training(
        tmp_path,
        [tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)],
        save_checkpoint_steps=1,
        save_on_error=save_on_error,
    ) as session:
        while not session.should_stop():
            session.run(train)
        assert np.isnan(session.run_without_hooks(weight))
    assert weights(tmp_path) == {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0}
    assert session.stop_reason == 'NanTensorHook asked for a stop at global step 4'


@pytest.mark.parametrize('save_on_error', [False, True])
def test_nor_when_another_hook_asked_for_a_stop_in_the_same_run(tmp_path, save_on_error):
    class Stops(tf.train.SessionRunHook):
        runs = 0

        def before_run(self, run_context):
            self.runs += 1
            if self.runs == 4:
                run_context.request_stop()

    loss, train = diverging(at=4)
    hooks = [Stops(), tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)]
    with training(tmp_path, hooks, save_on_error=save_on_error) as session:
        while not session.should_stop():
            session.run(train)
    assert weights(tmp_path) == {0: 1.0}


def test_a_saver_of_tensorflow_does_not_save_bad_weights_for_an_error(tmp_path):
    loss, train = diverging(at=4)
    hooks = [
        tf.train.CheckpointSaverHook(str(tmp_path), save_steps=2),
        tf.train.NanTensorHook(loss),
    ]
    with (
        pytest.raises(tf.train.NanLossDuringTrainingError),
        tfhooks.MonitoredSession(hooks=hooks, save_on_error=True) as session,
    ):
        while True:
            session.run(train)
    assert weights(tmp_path)
    assert not [weight for weight in weights(tmp_path).values() if np.isnan(weight)]


# Arguments.


@pytest.mark.parametrize(
    'name',
    [
        'save_checkpoint_secs',
        'save_checkpoint_steps',
        'save_summaries_secs',
        'save_summaries_steps',
        'log_step_count_steps',
        'recovery',
    ],
)
def test_an_argument_of_a_wrong_kind_is_named(name):
    with tf.Graph().as_default(), pytest.raises(TypeError, match=f"{name} must be .*{name}='x'"):
        tfhooks.MonitoredTrainingSession(**{name: 'x'})


@pytest.mark.parametrize('name', ['save_checkpoint_secs', 'save_summaries_secs'])
def test_a_period_that_is_not_a_number_does_not_switch_saving_off(tmp_path, name):
    count()
    with pytest.raises(ValueError, match='save_secs must be 0 or greater; invalid save_secs=nan'):
        training(tmp_path, **{name: float('nan')})


def test_the_new_arguments_are_keyword_only_and_off():
    for function in (
        tfhooks.MonitoredTrainingSession,
        tfhooks.MonitoredSession.__init__,
        tfhooks.SingularMonitoredSession.__init__,
    ):
        parameters = inspect.signature(function).parameters
        for name in ('save_on_error', 'save_on_preemption'):
            assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
            assert parameters[name].default is False


def kinds_of_hooks(session):
    return [type(member.hook).__name__ for member in session._group.members]


def test_which_hooks_a_chief_gets(tmp_path):
    count()
    own, chief = Recorder([]), Fails()
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), hooks=[own], chief_only_hooks=[chief]
    ) as session:
        assert kinds_of_hooks(session) == [
            *('Fails', 'StepCounterHook', 'SummarySaverHook', 'CheckpointSaverHook', 'Recorder')
        ]
    with tf.Graph().as_default(), tfhooks.MonitoredTrainingSession(hooks=[own]) as session:
        assert kinds_of_hooks(session) == ['Recorder']


def test_either_default_may_be_handed_to_either_function(tmp_path):
    """As a wrapper does that reads a default off the one and calls the other."""
    names = ('save_checkpoint_secs', 'save_checkpoint_steps', 'save_summaries_secs')
    for index, (asked, called) in enumerate(itertools.permutations((tfhooks, tf.train))):
        parameters = inspect.signature(asked.MonitoredTrainingSession).parameters
        defaults = {name: parameters[name].default for name in names}
        folder = tmp_path / str(index)
        with tf.Graph().as_default():
            train = count()
            with called.MonitoredTrainingSession(checkpoint_dir=str(folder), **defaults) as session:
                session.run(train)
            assert latest_step(folder) == 1


def test_both_save_periods_given_secs_wins(tmp_path):
    train = count()
    with training(tmp_path, save_checkpoint_secs=10**6, save_checkpoint_steps=1) as session:
        for _ in range(5):
            session.run(train)
        assert latest_step(tmp_path) == 0
    assert latest_step(tmp_path) == 5


def test_a_worker_waits_for_its_chief_and_saves_nothing(tmp_path):
    server = tf.train.Server.create_local_server()
    train = count()
    chief = training(tmp_path, master=server.target)
    chief.run(train)
    with tfhooks.MonitoredTrainingSession(
        master=server.target, is_chief=False, checkpoint_dir=str(tmp_path), max_wait_secs=60
    ) as worker:
        assert kinds_of_hooks(worker) == []
        assert worker.run(train) == 2
    assert latest_step(tmp_path) == 0
    chief.close()
    assert latest_step(tmp_path) == 2


def test_the_chief_says_how_large_the_model_is(caplog):
    caplog.set_level('INFO', 'tfhooks')
    count()
    tf.get_variable('w', [100, 10])
    tf.get_variable('b', [10])
    tf.get_variable('not_trained', [10], trainable=False)
    server = tf.train.Server.create_local_server()
    training = tfhooks.MonitoredTrainingSession
    with training(master=server.target), training(master=server.target, is_chief=False):
        pass
    lines = [r.getMessage() for r in caplog.records if 'parameters' in r.getMessage()]
    assert lines == ['Trainable parameters: 1,010 (in variables: 2).']
