"""Stock hooks that a program has changed do what TensorFlow's own do.

Each program is run with TensorFlow's classes in TensorFlow's session and with tfhooks' in tfhooks'.
What it sees must be the same. Here it derives a class; test_stock_hooks_fields.py and its like have
the other changes.
"""

from __future__ import annotations

import abc
import gc
import itertools
import json
import os
import weakref

import pytest
import tensorflow.compat.v1 as tf
from stock_programs import Program, compare, every_kind, run_on, with_timer

import tfhooks

# Subclasses.


@every_kind
def test_a_subclass_that_never_calls_init(kind, tmp_path):
    def program(p):
        class Own(p.base):
            def __init__(self):
                timer = p.train.SecondOrStepTimer(every_steps=5)
                fields = {
                    'stop': {'_num_steps': 7, '_last_step': None},
                    'nan': {'_loss_tensor': p.loss, '_fail_on_nan_loss': True},
                    'summary': {
                        '_summary_op': p.summary_op,
                        '_summary_writer': None,
                        '_output_dir': p.directory,
                        '_scaffold': None,
                        '_timer': timer,
                    },
                    'counter': {
                        '_timer': timer,
                        '_summary_writer': None,
                        '_output_dir': None,
                        '_last_global_step': None,
                        '_steps_per_run': 1,
                    },
                    'logging': {
                        '_tag_order': ['global_step:0'],
                        '_tensors': {'global_step:0': 'global_step:0'},
                        '_formatter': p.format,
                        '_timer': timer,
                        '_log_at_end': False,
                    },
                    'profiler': {
                        '_output_file': os.path.join(p.directory, 'mine-{}.json'),
                        '_file_writer': tf.summary.FileWriterCache.get(p.directory),
                        '_show_dataflow': True,
                        '_show_memory': False,
                        '_timer': timer,
                    },
                }
                for name, value in fields[kind].items():
                    setattr(self, name, value)

            def _log_and_record(self, elapsed_steps, elapsed_time, global_step):
                p.logged.append(int(global_step))

        return p.go(Own())

    compare(kind, tmp_path, program)


@every_kind
def test_a_subclass_with_a_mixin_a_metaclass_and_overrides(kind, tmp_path):
    calls = []

    class Registry(type):
        pass

    class Counts:
        def before_run(self, run_context):
            calls.append('before_run')
            return super().before_run(run_context)

        def after_run(self, run_context, run_values):
            calls.append('after_run')
            super().after_run(run_context, run_values)

    def program(p):
        calls.clear()
        own = Registry('Own', (Counts, p.base), {})
        hook = p.make(own, period=7)
        p.watch(hook)
        return p.go(hook), list(calls)

    _, found = compare(kind, tmp_path, program)
    assert len(found) > 2 * 10


@every_kind
def test_a_subclass_that_only_has_another_name(kind, tmp_path):
    def program(p):
        class Own(p.base, abc.ABC):
            pass

        hook = p.make(Own, period=7)
        p.watch(hook)
        return p.go(hook)

    compare(kind, tmp_path, program)


# What tfhooks' stock hooks have and TensorFlow's have not.
OURS = (
    *('decides_after_run', 'next_due', 'session_is_ready', 'standing_request', 'step_went_back'),
    *('skip_final_save', 'step_not_increased', 'on_error', 'chief_only', 'wrapped_hook'),
)


@pytest.mark.parametrize('of', ['class', 'object'])
@every_kind
def test_a_subclass_with_attributes_of_names_that_tfhooks_uses(kind, of, tmp_path):
    def program(p):
        class Mine(p.base):
            def __init__(self, *arguments, **keywords):
                super().__init__(*arguments, **keywords)
                if of == 'object':
                    for name in OURS:
                        setattr(self, name, 3)

        if of == 'class':
            for name in OURS:
                setattr(Mine, name, 3)
        hook = p.make(Mine, period=4)
        p.watch(hook)

        class GoesBack(tf.train.SessionRunHook):
            def after_run(self, run_context, run_values):
                if p.run == 7:
                    run_context.session.run(p.step.initializer)

        return p.go(hook, observer=GoesBack()), [getattr(hook, name) for name in OURS]

    assert compare(kind, tmp_path, program)[1] == [3] * len(OURS)


def test_a_class_derived_from_two_stock_hooks_is_refused():
    class Both(tfhooks.LoggingTensorHook, tfhooks.StopAtStepHook):
        pass

    with pytest.raises(TypeError, match='StopAtStepHook'):
        Both(['x:0'], every_n_iter=1)


# What goes the fast way all the same.


@every_kind
def test_an_unrelated_attribute_changes_nothing(kind, tmp_path):
    with tf.Graph().as_default():
        p = Program(tfhooks, kind, tmp_path)
        hook = p.make()
        hook.note, hook.next_run = 'mine', 3
        p.go(hook)
        assert vars(hook)['_tfhooks_fast_way'].is_open()


@every_kind
def test_a_hook_is_freed_with_the_last_reference_to_it(kind, tmp_path):
    """A program that never closes its sessions makes the next one in the same directory."""
    with tf.Graph().as_default():
        p = Program(tfhooks, kind, tmp_path)
        hook = p.make()
        p.go(hook)
        alive = weakref.ref(hook)
        gc.disable()
        try:
            del hook
            assert alive() is None
        finally:
            gc.enable()


@with_timer
def test_an_untouched_hook_sleeps(kind, tmp_path):
    with tf.Graph().as_default():
        p = Program(tfhooks, kind, tmp_path)
        hook = p.make()
        fast = vars(hook)['_tfhooks_fast_way']
        calls, theirs = [], fast.after_run

        def after_run(run_context, run_values):
            calls.append(p.run)
            theirs(run_context, run_values)

        fast.after_run = after_run
        p.go(hook)
    # The profiler's second run is the one from which it knows the step.
    assert calls in ([0], [0, 1])


def test_extended_hooks_keep_what_only_tfhooks_has_in_a_subclass(tmp_path):
    class Own(tfhooks.ProfilerHook):
        pass

    with tf.Graph().as_default():
        p = Program(tfhooks, 'profiler', tmp_path)
        p.go(Own(save_steps=2, output_dir=str(tmp_path), max_traces=2))
    traces = sorted(tmp_path.glob('*.json'))
    assert [path.name for path in traces] == ['timeline-2.json', 'timeline-4.json']
    assert all(json.loads(path.read_text())['traceEvents'] for path in traces)


def test_only_its_own_verdict_marks_the_weights_as_bad(tmp_path):
    class StopsAtTarget(tfhooks.NanTensorHook):
        def after_run(self, run_context, run_values):
            super().after_run(run_context, run_values)
            if run_values.results == 1.0 and next(self.count) == 4:
                run_context.request_stop()

        count = itertools.count()

    with tf.Graph().as_default():
        p = Program(tfhooks, 'nan', tmp_path)
        hooks = [StopsAtTarget(p.loss)]
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), hooks=hooks, save_checkpoint_steps=1000
        ) as session:
            while not session.should_stop():
                session.run(p.train_op)
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-5')


def test_hooks_before_a_nan_hook_are_told_of_the_run_and_the_saver_is_not(tmp_path):
    told = []

    class Told(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            told.append(int(run_context.session.run(p.step)))

    with tf.Graph().as_default():
        p = Program(tfhooks, 'nan', tmp_path)
        session = tfhooks.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), hooks=[Told(), p.make()], save_checkpoint_steps=1
        )
        with pytest.raises(tfhooks.NanLossDuringTrainingError):
            run_on(session, p.train_op)
    assert told == list(range(1, 16))
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-14')


def test_a_nan_error_of_a_subclass_is_the_one_that_programs_catch():
    class Own(tfhooks.NanTensorHook):
        pass

    with tf.Graph().as_default():
        p = Program(tfhooks, 'nan', '.')
        session = tfhooks.MonitoredSession(hooks=[Own(p.loss)])
        with pytest.raises(tfhooks.NanLossDuringTrainingError):
            run_on(session, p.train_op)
