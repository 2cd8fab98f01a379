"""Stock hooks that a program has changed do what TensorFlow's own do.

Each program is run with TensorFlow's classes in TensorFlow's session and with tfhooks' in tfhooks'.
It changes a hook (a subclass, a field, the timer, a method) and what it sees must be the same.
"""

from __future__ import annotations

import abc
import gc
import glob
import itertools
import json
import os
import time
import weakref
from types import SimpleNamespace

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._tensorflow import global_step_read, originals

RUNS = 24
KINDS = ('stop', 'nan', 'summary', 'counter', 'logging', 'profiler')
CLASSES = {
    'stop': 'StopAtStepHook',
    'nan': 'NanTensorHook',
    'summary': 'SummarySaverHook',
    'counter': 'StepCounterHook',
    'logging': 'LoggingTensorHook',
    'profiler': 'ProfilerHook',
}
# Those with a timer, by the argument for its period.
PERIODS = {
    'summary': 'save_steps',
    'counter': 'every_n_steps',
    'logging': 'every_n_iter',
    'profiler': 'save_steps',
}
TENSORFLOW = SimpleNamespace(
    MonitoredSession=tf.train.MonitoredSession,
    SecondOrStepTimer=originals.SecondOrStepTimer,
    **{name: getattr(originals, name) for name in CLASSES.values()},
)


class Program:
    """A hook of one kind in a training of `RUNS` runs, and what can be seen of it."""

    def __init__(self, train, kind, directory):
        self.train = train
        self.kind = kind
        self.base = getattr(train, CLASSES[kind])
        self.directory = str(directory)
        self.logged = []
        self.step = tf.train.get_or_create_global_step()
        # TensorFlow's hooks fetch the step beside the train op: here always the one before it.
        with tf.control_dependencies([global_step_read()]):
            self.train_op = tf.assign_add(self.step, 1)
        self.loss = tf.where(self.train_op < 15, 1.0, float('nan'), name='loss')
        tf.identity(2.0, name='good')
        self.summary_op = tf.summary.scalar('x', 1.0)

    def arguments(self, period=1000):
        if self.kind == 'stop':
            return (None, 19), {}
        if self.kind == 'nan':
            return (self.loss,), {}
        if self.kind == 'logging':
            return (['global_step:0'],), {'every_n_iter': period, 'formatter': self.format}
        keywords = {'output_dir': self.directory, PERIODS[self.kind]: period}
        if self.kind == 'summary':
            keywords['summary_op'] = self.summary_op
        return (), keywords

    def format(self, values):
        self.logged.append((self.run, sorted(values)))
        return 'logged'

    def make(self, kind=None, period=1000):
        arguments, keywords = self.arguments(period)
        return (kind or self.base)(*arguments, **keywords)

    def watch(self, hook):
        """Keeps what a StepCounterHook measures: its event file has no times to compare."""
        if self.kind == 'counter':
            vars(hook)['_log_and_record'] = lambda steps, secs, step: self.logged.append(int(step))

    def go(self, hook, during=lambda run: None, observer=None):
        self.run = 0
        ended = 'all runs'
        hooks = [hook] if observer is None else [hook, observer]
        try:
            with self.train.MonitoredSession(hooks=hooks) as session:
                while not session.should_stop() and self.run < RUNS:
                    during(self.run)
                    session.run(self.train_op)
                    self.run += 1
        except RuntimeError as error:
            ended = isinstance(error, originals.NanLossDuringTrainingError)
        return ended, self.run, self.logged, self.written()

    def written(self):
        steps = []
        if glob.glob(os.path.join(self.directory, 'events.*')):
            tf.summary.FileWriterCache.get(self.directory).flush()
        for path in sorted(glob.glob(os.path.join(self.directory, 'events.*'))):
            for event in tf.train.summary_iterator(path):
                tags = [v.tag for v in event.summary.value if v.tag == 'x']
                if event.session_log.status == tf.SessionLog.START:
                    tags.append('start')
                steps += [(event.step, tag) for tag in tags]
        traces = sorted(os.path.basename(f) for f in glob.glob(f'{self.directory}/*.json'))
        return steps, traces


def compare(kind, tmp_path, program):
    """Runs a program with both, and returns what came of it if that is the same."""
    seen = []
    for train in (TENSORFLOW, tfhooks):
        directory = tmp_path / ('tensorflow' if train is TENSORFLOW else 'tfhooks')
        directory.mkdir()
        with tf.Graph().as_default():
            seen.append(program(Program(train, kind, directory)))
    assert seen[1] == seen[0]
    return seen[1]


def run_on(session, train_op):
    with session:
        while True:
            session.run(train_op)


every_kind = pytest.mark.parametrize('kind', KINDS)
with_timer = pytest.mark.parametrize('kind', PERIODS)


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


# Fields.

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


# Timers.


@with_timer
def test_a_timer_that_is_reset(kind, tmp_path):
    def program(p):
        hook = p.make()
        p.watch(hook)

        def during(run):
            if run in (7, 13):
                hook._timer.reset()

        return p.go(hook, during)

    compare(kind, tmp_path, program)


@with_timer
def test_a_timer_that_is_told_of_another_step(kind, tmp_path):
    def program(p):
        hook = p.make(period=10)
        p.watch(hook)

        def during(run):
            if run == 4:
                hook._timer.update_last_triggered_step(-3)

        return p.go(hook, during)

    compare(kind, tmp_path, program)


@with_timer
@pytest.mark.parametrize('when', ['before', 'during'])
def test_a_timer_of_another_class(kind, when, tmp_path):
    class Powers:
        last = None

        def reset(self):
            self.last = None

        def should_trigger_for_step(self, step):
            step = int(step)
            return step != self.last and step & (step - 1) == 0

        def update_last_triggered_step(self, step):
            last, self.last = self.last, step
            return (None, None) if last is None else (1.0, step - last)

        def last_triggered_step(self):
            return self.last

    def program(p):
        hook = p.make()
        p.watch(hook)
        if when == 'before':
            hook._timer = Powers()

        def during(run):
            if when == 'during' and run == 5:
                hook._timer = Powers()

        return p.go(hook, during)

    compare(kind, tmp_path, program)


@with_timer
def test_a_timer_of_a_subclass(kind, tmp_path):
    def program(p):
        class Early(p.train.SecondOrStepTimer):
            def should_trigger_for_step(self, step):
                return step != self._last_triggered_step and (step < 4 or step % 10 == 0)

        hook = p.make()
        p.watch(hook)
        hook._timer = Early(every_steps=1000)
        return p.go(hook)

    compare(kind, tmp_path, program)


@with_timer
def test_a_method_put_on_the_class_of_the_timer(kind, tmp_path, monkeypatch):
    def program(p):
        hook = p.make()
        p.watch(hook)
        with monkeypatch.context() as patch:
            patch.setattr(
                p.train.SecondOrStepTimer,
                'should_trigger_for_step',
                lambda self, step: step in (5, 9, 14),
            )
            return p.go(hook)

    compare(kind, tmp_path, program)


def test_a_timer_that_goes_by_wall_time(tmp_path, monkeypatch):
    def program(p):
        class Tide(p.train.SecondOrStepTimer):
            def should_trigger_for_step(self, step):
                if self._last_triggered_step is None:
                    return True
                return time.time() >= self._last_triggered_time + self._every_secs

        timer, triggered = Tide(every_secs=1000), []
        for now in (1e9, 1e9 + 999, 1e9 + 1000, 1e9 + 1500):
            monkeypatch.setattr(time, 'time', lambda now=now: now)
            if timer.should_trigger_for_step(1):
                timer.update_last_triggered_step(1)
                triggered.append(now)
        return triggered

    assert compare('stop', tmp_path, program) == [1e9, 1e9 + 1000]


@pytest.mark.parametrize('period', [0, 2.5])
@with_timer
def test_a_period_of_0_or_a_fraction(kind, period, tmp_path):
    def program(p):
        try:
            hook = p.make(period=period)
        except ValueError:
            return 'refused'
        p.watch(hook)
        return p.go(hook)

    seen = compare(kind, tmp_path, program)
    assert (seen == 'refused') == (kind == 'logging' and period == 0)


# Methods.


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


def test_a_save_put_into_the_original_saver_is_not_called(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(originals.CheckpointSaverHook, '_save', lambda *args: calls.append(args))
    with tf.Graph().as_default():
        train_op = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        with tfhooks.MonitoredTrainingSession(checkpoint_dir=str(tmp_path)) as session:
            session.run(train_op)
    assert tf.train.latest_checkpoint(tmp_path).endswith('-1')
    assert not calls


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
