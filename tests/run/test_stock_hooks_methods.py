"""Stock hooks that a program puts methods on do what TensorFlow's own do."""

from __future__ import annotations

import cli_programs
import pytest
import tensorflow.compat.v1 as tf
from stock_programs import CLASSES, compare, every_kind

import tfhooks
from tfhooks._tensorflow import originals


@every_kind
@pytest.mark.parametrize('when', ['before', 'begin', 'during'])
def test_a_method_put_on_the_hook(kind, when, tmp_path):
    def program(p):
        hook = p.make(period=5)
        calls = []

        def put():
            theirs = hook.after_run

            def after_run(run_context, run_values):
                calls.append(p.run)
                theirs(run_context, run_values)

            hook.after_run = after_run

        if when == 'before':
            put()

        class Puts(tf.train.SessionRunHook):
            def begin(self):
                if when == 'begin':
                    put()

        def during(run):
            if when == 'during' and run == 6:
                put()

        p.watch(hook)
        return p.go(hook, during, Puts()), calls

    _, calls = compare(kind, tmp_path, program)
    assert len(calls) > 5


@every_kind
@pytest.mark.parametrize('of', ['class', 'original'])
def test_a_method_put_on_the_class(kind, of, tmp_path, monkeypatch):
    def program(p):
        owner = p.base if of == 'class' else getattr(originals, CLASSES[kind])
        theirs, calls = owner.after_run, []

        def after_run(self, run_context, run_values):
            calls.append(p.run)
            theirs(self, run_context, run_values)

        hook = p.make(period=5)
        p.watch(hook)
        with monkeypatch.context() as patch:
            patch.setattr(owner, 'after_run', after_run)
            return p.go(hook), calls

    _, calls = compare(kind, tmp_path, program)
    assert len(calls) > 5


@pytest.mark.parametrize('kind', ['summary', 'counter', 'logging', 'profiler'])
def test_a_private_method_put_on_the_class(kind, tmp_path, monkeypatch):
    name = {
        'summary': '_get_summary_op',
        'counter': '_log_and_record',
        'logging': '_log_tensors',
        'profiler': '_save',
    }[kind]

    def program(p):
        calls, theirs = [], getattr(p.base, name)

        def method(self, *args):
            calls.append(p.run)
            return theirs(self, *args)

        hook = p.make(period=5)
        with monkeypatch.context() as patch:
            patch.setattr(p.base, name, method)
            p.go(hook)
        return calls

    compare(kind, tmp_path, program)


def test_a_method_put_on_the_original_class_before_tfhooks_has_hooks(tmp_path):
    cli_programs.write(
        tmp_path,
        {
            'program': """
                import functools, sys
                import tfhooks.v1 as tf
                from tensorflow.python.training import basic_session_run_hooks

                assert 'tfhooks._run.stock_hooks' not in sys.modules
                theirs, runs = basic_session_run_hooks.StopAtStepHook.after_run, []

                @functools.wraps(theirs)
                def after_run(self, run_context, run_values):
                    runs.append(1)
                    theirs(self, run_context, run_values)

                basic_session_run_hooks.StopAtStepHook.after_run = after_run
                train_op = tf.assign_add(tf.train.get_or_create_global_step(), 1)
                with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(last_step=5)]) as s:
                    while not s.should_stop():
                        s.run(train_op)
                print(len(runs))
            """
        },
    )
    done = cli_programs.python(tmp_path, 'program.py')
    assert done.stdout == '5\n', done.stderr


def test_a_method_put_on_the_class_while_the_hook_sleeps_is_heard_when_it_is_due(monkeypatch):
    with tf.Graph().as_default():
        train_op, runs = tf.assign_add(tf.train.get_or_create_global_step(), 1), []
        hook = tfhooks.StopAtStepHook(last_step=5)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run(train_op)
            monkeypatch.setattr(
                tfhooks.StopAtStepHook, 'after_run', lambda self, *_: runs.append(self)
            )
            for _ in range(6):
                session.run(train_op)
            assert not session.should_stop()
    assert len(runs) == 3


def test_a_save_put_into_the_original_saver_is_called(tmp_path, monkeypatch):
    def steps(library, directory):
        calls = []
        save = lambda self, session, step: calls.append(int(step))  # noqa: E731
        with tf.Graph().as_default(), monkeypatch.context() as patch:
            patch.setattr(originals.CheckpointSaverHook, '_save', save)
            train_op = tf.assign_add(tf.train.get_or_create_global_step(), 1)
            with library.MonitoredTrainingSession(
                checkpoint_dir=str(directory), save_checkpoint_steps=2
            ) as session:
                for _ in range(6):
                    session.run(train_op)
        assert tf.train.latest_checkpoint(directory) is None
        return calls

    assert steps(tfhooks, tmp_path / 'ours') == steps(tf.train, tmp_path / 'theirs') == [0, 2, 4, 6]
