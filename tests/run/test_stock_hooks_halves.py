"""Subclasses of stock hooks that replace one half: `before_run`, or `after_run`.

Public programs have many. What they ask for and which fields they read is what TensorFlow's own
hook asks for and keeps; so each case is also run with TensorFlow's hook as the base class.
"""

from __future__ import annotations

import abc
import itertools
import types

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._tensorflow import originals

RUNS = 8

both = pytest.mark.parametrize('ours', [True, False], ids=['tfhooks', 'tensorflow'])


@pytest.fixture
def train():
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        tf.summary.scalar('x', 1.0)
        yield tf.assign_add(step, 1)


def base_of(ours, name):
    return getattr(tfhooks, name) if ours else getattr(originals, name)


def runs(hook, train):
    """Runs until the hook wants to stop, eight times at most; says how often."""
    with tfhooks.MonitoredSession(hooks=[hook]) as session:
        for run in range(RUNS):
            if session.should_stop():
                return run
            session.run(train)
    return RUNS


def written(directory):
    """The steps at which summaries, and the marks of a start, stand in the event files."""
    found = []
    for path in sorted(directory.glob('events.*')):
        for event in tf.train.summary_iterator(str(path)):
            found += [(event.step, value.tag) for value in event.summary.value]
            if event.session_log.status == tf.SessionLog.START:
                found.append((event.step, 'start'))
    return found


@both
@pytest.mark.parametrize(
    ('name', 'arguments'),
    [
        ('StopAtStepHook', {'last_step': 5}),
        ('StepCounterHook', {'every_n_steps': 2}),
        ('CheckpointSaverHook', {'save_steps': 2}),
    ],
)
def test_either_half_finds_the_step_in_what_the_other_asks(ours, name, arguments, tmp_path, train):
    answers, requests = [], []

    class OwnAnswer(base_of(ours, name)):
        def after_run(self, run_context, run_values):
            answers.append(int(run_values.results))
            super().after_run(run_context, run_values)

    class OwnRequest(base_of(ours, name)):
        def before_run(self, run_context):
            request = super().before_run(run_context)
            requests.append(request.fetches is self._global_step_tensor)
            return request

    for kind in (OwnAnswer, OwnRequest):
        directory = tmp_path / kind.__name__
        where = {'checkpoint_dir': str(directory)} if name == 'CheckpointSaverHook' else {}
        count = runs(kind(**where, **arguments), train)
        assert count == (5 if name == 'StopAtStepHook' else RUNS)
        if where:
            assert tf.train.load_checkpoint(str(directory)).get_tensor('global_step') == RUNS
    # Of each run the step before it or after it: TensorFlow's race.
    assert [answer - run in (0, 1) for run, answer in enumerate(answers)] == [True] * count
    assert requests == [True] * count


@both
def test_a_saver_may_save_by_the_steps_of_a_run(ours, tmp_path, train):
    class Mine(base_of(ours, 'CheckpointSaverHook')):
        def after_run(self, run_context, run_values):
            if self._timer.should_trigger_for_step(run_values.results + self._steps_per_run):
                step = run_context.session.run(self._global_step_tensor)
                if self._timer.should_trigger_for_step(step):
                    self._timer.update_last_triggered_step(step)
                    self._save(run_context.session, step)

    runs(Mine(str(tmp_path), save_steps=3), train)
    saved = sorted(path.name for path in tmp_path.glob('*.index'))
    assert saved == [f'model.ckpt-{step}.index' for step in (0, 3, 6, 8)]


def as_tensorflow_asks(hook):
    """What TensorFlow's SummarySaverHook asks for, by its fields."""
    requests = {'global_step': hook._global_step_tensor}
    if hook._request_summary:
        requests['summary'] = hook._get_summary_op()
    return tf.train.SessionRunArgs(requests)


@both
def test_summaries_asked_for_in_a_way_of_ones_own_are_written(ours, tmp_path, train):
    class Mine(base_of(ours, 'SummarySaverHook')):
        def begin(self):
            super().begin()
            self._timer.reset()
            self._count = 0

        def before_run(self, run_context):
            self._request_summary = self._count % 3 == 2
            return as_tensorflow_asks(self)

        def after_run(self, run_context, run_values):
            super().after_run(run_context, run_values)
            self._count += 1

    runs(Mine(2, output_dir=str(tmp_path), summary_op=tf.summary.merge_all()), train)
    assert written(tmp_path) == [(1, 'start'), (3, 'x'), (6, 'x')]


@both
def test_summaries_may_be_written_by_a_subclass(ours, tmp_path, train):
    found = []

    class Mine(base_of(ours, 'SummarySaverHook')):
        def after_run(self, run_context, run_values):
            found.append((self._request_summary, sorted(run_values.results)))
            if 'summary' in run_values.results:
                step = run_context.session.run(self._global_step_tensor)
                self._timer.update_last_triggered_step(step)
                for summary in run_values.results['summary']:
                    self._summary_writer.add_summary(summary, step)
                self._next_step = step + 1

    runs(Mine(100, output_dir=str(tmp_path), summary_op=tf.summary.merge_all()), train)
    assert found == [(True, ['global_step', 'summary'])] + [(False, ['global_step'])] * (RUNS - 1)
    assert written(tmp_path) == [(1, 'x')]


@both
def test_a_summary_hook_may_be_made_without_its_base(ours, tmp_path, train):
    class Timer:
        def update_last_triggered_step(self, step):
            return None, None

    class Once(base_of(ours, 'SummarySaverHook')):
        def __init__(self, output_dir, summary_op):
            self._output_dir, self._summary_op = output_dir, summary_op
            self._summary_writer = self._scaffold = None
            self._timer = Timer()
            self._is_done = False

        def before_run(self, run_context):
            self._request_summary = not self._is_done
            return as_tensorflow_asks(self)

        def after_run(self, run_context, run_values):
            super().after_run(run_context, run_values)
            self._is_done = True

    runs(Once(str(tmp_path), tf.summary.merge_all()), train)
    assert written(tmp_path) == [(1, 'start'), (1, 'x')]


@both
def test_a_trace_is_made_where_a_subclass_looks_on(ours, tmp_path, train):
    found = []

    class Mine(base_of(ours, 'ProfilerHook')):
        def after_run(self, run_context, run_values):
            found.append((self._request_summary, 'global_step' in run_values.results))
            super().after_run(run_context, run_values)

    runs(Mine(save_steps=100, output_dir=str(tmp_path)), train)
    assert found == [(False, True)] * RUNS


def test_a_subclass_may_set_a_timer_of_tensorflows(tmp_path, train):
    rates = []

    class Rates(tfhooks.StepCounterHook):
        def __init__(self):
            super().__init__()
            self._timer = originals.SecondOrStepTimer(every_steps=3)

        def _log_and_record(self, elapsed_steps, elapsed_time, global_step):
            rates.append((int(elapsed_steps), int(global_step)))

    class Summaries(tfhooks.SummarySaverHook):
        def __init__(self):
            super().__init__(100, output_dir=str(tmp_path), summary_op=tf.summary.merge_all())
            self._timer = originals.SecondOrStepTimer(every_steps=3)

    with tfhooks.MonitoredSession(hooks=[Rates(), Summaries()]) as session:
        for _ in range(RUNS):
            session.run(train)
    assert rates == [(3, 4), (3, 7)]
    steps = [step for step, tag in written(tmp_path) if tag == 'x']
    # The step that TensorFlow's hook reads is from before the run or after it.
    assert steps[0] == 1
    assert all(later - step in (2, 3, 4) for step, later in itertools.pairwise(steps))


def test_a_metaclass_of_a_hook_must_be_one_of_abstract_classes():
    class Plain(type):
        pass

    class Abstract(abc.ABCMeta):
        pass

    class Hook(tfhooks.SessionRunHook, metaclass=Abstract):
        pass

    assert isinstance(Hook(), originals.SessionRunHook)
    with pytest.raises(TypeError, match='metaclass conflict'):
        types.new_class('Hook', (tfhooks.SessionRunHook,), {'metaclass': Plain})
