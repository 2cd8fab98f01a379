"""StepCounterHook reports the steps per second of training time."""

import itertools
import re
import sys
import time

import pytest
import tensorflow.compat.v1 as tf
import warm_python
from stock_models import (
    SESSIONS,
    LoseSession,
    calls_of,
    events,
    starting_at,
    summary_steps,
    train_op,
)

import tfhooks
from tfhooks import StepCounterHook

# What TensorFlow's hook says too.
STUCK = 'It seems that global step (tf.train.get_global_step) has not been increased.'


@pytest.fixture
def stuck(monkeypatch, log):
    """A function that gives the steps of which it was said that they were not increased."""
    every_time = lambda level, text, times, *values: tf.logging.log(level, text, *values)  # noqa: E731
    monkeypatch.setattr(tf.logging, 'log_first_n', every_time)
    return lambda: [int(re.search('stable.: ([0-9]+) vs', m).group(1)) for m in log(STUCK)]


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        (
            {'every_n_secs': 1},
            ValueError,
            'StepCounterHook: exactly one of every_n_steps and .*; every_n_secs=',
        ),
        (
            {'every_n_steps': None},
            ValueError,
            'StepCounterHook: exactly one of every_n_steps and .*; every_n_secs=',
        ),
        (
            {'every_n_steps': -1},
            ValueError,
            'every_n_steps must be 0 or greater; invalid every_n_steps=-1',
        ),
        ({'every_n_steps': 'x'}, TypeError, 'every_n_steps must be a number'),
        ({'every_n_steps': None, 'every_n_secs': -1}, ValueError, 'every_n_secs must be 0 or g'),
        ({'batch_size': 0}, ValueError, 'batch_size must be at least 1; invalid batch_size=0'),
        (
            {'warm_up_steps': -1},
            ValueError,
            'warm_up_steps must be at least 0; invalid warm_up_steps=-1',
        ),
        ({'warm_up_steps': 'x'}, TypeError, 'warm_up_steps must be a whole number'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        StepCounterHook(**arguments)


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    assert isinstance(StepCounterHook(), tf.train.StepCounterHook)
    assert isinstance(StepCounterHook(), tfhooks.SessionRunHook)


def test_begin_needs_a_global_step():
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match='Global step should be'):
        StepCounterHook().begin()


def count(make, hook, runs, clock=None, secs=1.0, *, by=1, racing=False, start=(0,), lose=None):
    with tf.Graph().as_default():
        train = train_op(by, racing)
        hooks = [hook] + ([LoseSession(lose)] if lose else [])
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs):
                session.run(train)
                if clock is not None:
                    clock.now += secs


def rates(directory, tag='global_step/sec'):
    return [
        (event.step, value.simple_value)
        for event in events(directory)
        for value in event.summary.value
        if value.tag == tag
    ]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_rates_come_each_period_after_the_first_run(make, racing, tmp_path, clock, log):
    hook = StepCounterHook(every_n_steps=10, output_dir=str(tmp_path))
    count(make, hook, 35, clock, 0.5, racing=racing)
    assert rates(tmp_path) == [(11, 2.0), (21, 2.0), (31, 2.0)]
    assert log('/sec') == ['global_step/sec: 2'] * 3


@pytest.mark.parametrize('make', SESSIONS)
def test_a_step_that_goes_by_three(make, tmp_path, clock):
    hook = StepCounterHook(every_n_steps=10, output_dir=str(tmp_path))
    count(make, hook, 20, clock, by=3, racing=True)
    assert rates(tmp_path) == [(step, 3.0) for step in range(15, 60, 12)]


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, tmp_path, clock):
    hook = StepCounterHook(every_n_steps=None, every_n_secs=10, output_dir=str(tmp_path))
    count(make, hook, 35, clock)
    assert rates(tmp_path) == [(11, 1.0), (21, 1.0), (31, 1.0)]


@pytest.mark.parametrize('make', SESSIONS)
def test_setting_the_clock_changes_nothing(make, tmp_path, clock, monkeypatch):
    wild = itertools.cycle([1e12, 0.0, 5e9])
    monkeypatch.setattr(time, 'time', lambda: next(wild))
    hook = StepCounterHook(every_n_steps=None, every_n_secs=10, output_dir=str(tmp_path))
    count(make, hook, 25, clock)
    assert rates(tmp_path) == [(11, 1.0), (21, 1.0)]


def test_runs_that_take_longer_than_the_period_have_a_rate_each(tmp_path, clock):
    class Slow(tf.train.SessionRunHook):
        def before_run(self, run_context):
            clock.now += 60

    with tf.Graph().as_default():
        train = train_op()
        hook = StepCounterHook(every_n_steps=None, every_n_secs=60, output_dir=str(tmp_path))
        with tfhooks.MonitoredSession(hooks=[hook, Slow()]) as session:
            for _ in range(6):
                session.run(train)
    assert [step for step, _ in rates(tmp_path)] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize('make', SESSIONS)
def test_examples_per_second(make, tmp_path, clock, log):
    hook = StepCounterHook(every_n_steps=10, output_dir=str(tmp_path), batch_size=32)
    count(make, hook, 12, clock, 0.5)
    assert rates(tmp_path) == [(11, 2.0)]
    assert rates(tmp_path, 'global_step/examples_per_sec') == [(11, 64.0)]
    assert log('per_sec') == ['global_step/examples_per_sec: 64']


@pytest.mark.parametrize('make', SESSIONS)
def test_warm_up_steps_are_left_out(make, tmp_path, clock):
    class WarmUp(tf.train.SessionRunHook):
        def begin(self):
            self.runs = 0

        def before_run(self, run_context):
            self.runs += 1
            clock.now += 1000 if self.runs <= 5 else 0

    with tf.Graph().as_default():
        train = train_op()
        hook = StepCounterHook(every_n_steps=10, output_dir=str(tmp_path), warm_up_steps=5)
        with make(session_creator=starting_at(100), hooks=[WarmUp(), hook]) as session:
            for _ in range(26):
                session.run(train)
                clock.now += 1
    assert rates(tmp_path) == [(115, 1.0), (125, 1.0)]


@pytest.mark.parametrize('make', SESSIONS)
def test_recovery_to_an_older_step_gives_no_negative_rate_and_none_is_missing(
    make, tmp_path, clock
):
    hook = StepCounterHook(every_n_steps=10, output_dir=str(tmp_path))
    count(make, hook, 44, clock, start=(0, 5), lose=25)
    # Lost in the run that ends at 25; measured anew from 5, where no time had passed.
    assert [step for step, _ in rates(tmp_path)] == [11, 21, 15, 25]
    assert all(rate > 0 for _, rate in rates(tmp_path))


@pytest.mark.parametrize('make', SESSIONS)
def test_begin_measures_anew(make, tmp_path, clock):
    hook = StepCounterHook(every_n_steps=10, output_dir=str(tmp_path))
    count(make, hook, 15, clock)
    clock.now += 1e6
    count(make, hook, 15, clock)
    assert rates(tmp_path) == [(11, 1.0), (11, 1.0)]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_a_step_that_increases_is_not_said_to_stand_still(make, racing, stuck):
    count(make, StepCounterHook(), 2000, racing=racing)
    assert stuck() == []


@pytest.mark.parametrize('make', SESSIONS)
def test_a_step_that_stands_still_is_said_so_from_the_second_run(make, stuck):
    count(make, StepCounterHook(), 8, by=0, start=(3,))
    assert stuck() == [3] * 7


def test_it_is_said_once_in_tensorflows_words():
    # In a process of its own, since they are counted in a process, for each kind of session.
    program = """
import tensorflow.compat.v1 as tf, tfhooks
for make in (tf.train.MonitoredSession, tfhooks.MonitoredSession):
    with tf.Graph().as_default():
        tf.train.create_global_step()
        with make(hooks=[tfhooks.StepCounterHook()]) as session:
            for _ in range(9):
                session.run(tf.train.get_global_step())
"""
    done = warm_python.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=300, check=True
    )
    said = [line for line in done.stderr.splitlines() if STUCK in line]
    assert len(said) == 2
    for line in said:
        assert 'Current value (could be stable): 0 vs previous value: 0. You could inc' in line
        assert 'to Optimizer.apply_gradients or Optimizer.minimize' in line
        assert 'minimize(loss, global_step=tf.train.get_global_step())' in line


@pytest.mark.parametrize('make', SESSIONS)
def test_without_a_directory_it_only_logs(make, clock, log):
    count(make, StepCounterHook(every_n_steps=5), 7, clock)
    assert log('/sec') == ['global_step/sec: 1']


def test_sleeps_until_a_rate_is_due(tmp_path):
    hook = StepCounterHook(100, output_dir=str(tmp_path))
    calls = calls_of(hook, 'after_run')
    count(tfhooks.MonitoredSession, hook, 250)
    assert summary_steps(tmp_path, 'global_step/sec') == [101, 201]
    assert len(calls) < 20
