"""Stock hooks whose fields a program sets do what TensorFlow's own do."""

from __future__ import annotations

import os

import pytest
import tensorflow.compat.v1 as tf
from stock_programs import compare, with_timer

FIELDS = {
    'stop': [('_last_step', lambda p: 12)],
    'nan': [('_loss_tensor', lambda p: 'good:0'), ('_fail_on_nan_loss', lambda p: False)],
    'summary': [
        ('_summary_op', lambda p: None),
        ('_summary_writer', lambda p: None),
        ('_timer', lambda p: p.train.SecondOrStepTimer(every_steps=2)),
        ('_next_step', lambda p: 1),
    ],
    'counter': [
        ('_timer', lambda p: p.train.SecondOrStepTimer(every_steps=2)),
        ('_steps_per_run', lambda p: 5),
    ],
    'logging': [
        ('_timer', lambda p: p.train.SecondOrStepTimer(every_steps=2)),
        ('_iter_count', lambda p: 1000),
        ('_formatter', lambda p: lambda values: p.logged.append('other') or 'x'),
        (
            '_current_tensors',
            lambda p: {'other': tf.get_default_graph().get_tensor_by_name('good:0')},
        ),
    ],
    'profiler': [
        ('_output_file', lambda p: os.path.join(p.directory, 'worker0-{}.json')),
        ('_timer', lambda p: p.train.SecondOrStepTimer(every_steps=2)),
    ],
}
every_field = pytest.mark.parametrize(
    ('kind', 'field', 'value'),
    [(kind, field, value) for kind, fields in FIELDS.items() for field, value in fields],
    ids=[f'{kind}{field}' for kind, fields in FIELDS.items() for field, _ in fields],
)


@every_field
def test_a_field_set_after_construction(kind, field, value, tmp_path):
    is_set_in_begin = field in ('_next_step', '_iter_count', '_current_tensors')
    if is_set_in_begin or (kind, field) == ('summary', '_summary_op'):
        pytest.skip('begin sets it, or the run fails')

    def program(p):
        hook = p.make(period=5)
        p.watch(hook)
        setattr(hook, field, value(p))
        return p.go(hook)

    compare(kind, tmp_path, program)


@every_field
def test_a_field_set_while_training(kind, field, value, tmp_path):
    if (kind, field) == ('summary', '_summary_op'):
        pytest.skip('the hook has a Scaffold or an op: without both its run fails in TensorFlow')

    def program(p):
        hook = p.make(period=9)
        p.watch(hook)

        def during(run):
            if run == 6:
                setattr(hook, field, value(p))

        return p.go(hook, during)

    compare(kind, tmp_path, program)


@with_timer
def test_a_period_changed_while_training(kind, tmp_path):
    def program(p):
        hook = p.make()
        p.watch(hook)

        def during(run):
            if run == 10:
                hook._timer._every_steps = 4

        return p.go(hook, during)

    compare(kind, tmp_path, program)


@pytest.mark.parametrize(
    ('kind', 'field'),
    [
        ('summary', '_request_summary'),
        ('summary', '_next_step'),
        ('logging', '_should_trigger'),
        ('logging', '_iter_count'),
        ('profiler', '_request_summary'),
        ('profiler', '_next_step'),
        ('counter', '_last_global_step'),
    ],
)
@pytest.mark.parametrize('first', [0, 1, 8])
def test_a_field_that_another_hook_reads(kind, field, first, tmp_path):
    def program(p):
        hook = p.make(period=6)
        seen = []

        class Reads(tf.train.SessionRunHook):
            def before_run(self, run_context):
                if p.run >= first:
                    seen.append(getattr(hook, field))

            def after_run(self, run_context, run_values):
                if p.run >= first:
                    seen.append(getattr(hook, field))

        # The first that is read of a hook that sleeps may be of its last run.
        return p.go(hook, observer=Reads()), seen[2:] if first else seen

    compare(kind, tmp_path, program)
