"""Global steps that are not what they mostly are: of another kind, without a value, fed, unseen."""

from __future__ import annotations

import os

import pytest
import tensorflow

import tfhooks
from tfhooks._base.hook_types import NextDue

tf = tensorflow.compat.v1


def variable(name, dtype, shape=()):
    return tf.get_variable(name, shape=shape, dtype=dtype, initializer=tf.zeros_initializer())


@pytest.mark.parametrize(('dtype', 'shape'), [(tf.float32, ()), (tf.int64, (2,))])
@pytest.mark.parametrize('use_resource', [False, True])
def test_hooks_that_need_no_step_run_beside_something_else_of_its_name(dtype, shape, use_resource):
    with tf.Graph().as_default():
        with tf.variable_scope('', use_resource=use_resource):
            other = variable('global_step', dtype, shape)
        hook = tfhooks.LoggingTensorHook([other], every_n_iter=1)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            assert session.run(other).sum() == 0


@pytest.mark.parametrize(('use_resource', 'stops'), [(False, False), (True, False), (True, True)])
def test_a_global_step_that_is_not_initialised_counts_as_zero(use_resource, stops):
    with tf.Graph().as_default():
        with tf.variable_scope('', use_resource=use_resource):
            tf.train.create_global_step()
            value = variable('value', tf.float32)
        nothing = tf.constant([], tf.string)
        scaffold = tfhooks.Scaffold(
            init_op=value.initializer, ready_op=nothing, ready_for_local_init_op=nothing
        )
        hooks = [tfhooks.LoggingTensorHook([value], every_n_iter=1)]
        if stops:
            hooks.append(tfhooks.StopAtStepHook(last_step=1))
        creator = tfhooks.ChiefSessionCreator(scaffold=scaffold)
        with tfhooks.MonitoredSession(creator, hooks=hooks) as session:
            assert session.run(value) == 0
            assert not session.should_stop()


@pytest.mark.parametrize('fed', [0, 1_000_000])
@pytest.mark.parametrize('key', ['variable', 'tensor', 'name'])
@pytest.mark.parametrize('run_plans', [False, True])
def test_a_step_that_is_fed_is_not_taken_for_the_step(tmp_path, fed, key, run_plans):
    with tf.Graph().as_default():
        with tf.variable_scope('', use_resource=True):
            step = tf.train.create_global_step()
        train = tf.assign_add(step, 1).op
        tensor = tf.get_default_graph().as_graph_element(step)
        rate = 0.5 * tf.cast(tensor, tf.float32)
        feeds = {{'variable': step, 'tensor': tensor, 'name': tensor.name}[key]: fed}
        runs = 0
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=os.fspath(tmp_path),
            hooks=[tfhooks.StopAtStepHook(last_step=8)],
            save_checkpoint_steps=3,
            save_summaries_steps=None,
            run_plans=run_plans,
        ) as session:
            while not session.should_stop():
                assert runs < 8
                assert session.run([train, rate], feeds)[1] == fed / 2
                runs += 1
    saved = tf.train.get_checkpoint_state(os.fspath(tmp_path)).all_model_checkpoint_paths
    assert [int(path.rpartition('-')[2]) for path in saved] == [0, 3, 6, 8]


def test_steps_that_were_trained_without_hooks_are_seen_in_the_next_run():
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.create_global_step(), 1)
        with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(last_step=10)]) as session:
            session.run(train)
            for _ in range(8):
                session.run_without_hooks(train)
            assert session.run(train) == 10
            assert session.should_stop()


@pytest.mark.parametrize('within', [True, False], ids=['in it', 'after it'])
def test_so_are_steps_that_a_step_function_trained_without_them(within):
    def without_hooks(step_context):
        for _ in range(8):
            step_context.session.run(train)
        return step_context.run_with_hooks(train) if within else None

    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.create_global_step(), 1)
        with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(last_step=10)]) as session:
            session.run(train)
            step = session.run_step_fn(without_hooks)
            assert (step if within else session.run(train)) == 10
            assert session.should_stop()


def test_hooks_that_are_not_due_sleep_though_steps_were_not_seen():
    class Counts(tfhooks.SessionRunHook, tfhooks.SupportsNextDue):
        decides_after_run = True
        runs = 0

        def after_run(self, run_context, run_values):
            self.runs += 1

        def next_due(self):
            return NextDue(step=100)

    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.create_global_step(), 1)
        hook = Counts()
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(20):
                session.run(train)
                session.run_without_hooks(train)
        assert hook.runs < 5
