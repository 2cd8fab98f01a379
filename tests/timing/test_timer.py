"""SecondOrStepTimer triggers as TensorFlow's does, and says when it is due next."""

import time

import pytest
import tensorflow.compat.v1 as tf

from tfhooks import SecondOrStepTimer
from tfhooks._base.hook_types import ALWAYS, NextDue


@pytest.fixture
def clock(clock):
    clock.now = 1000.0
    return clock


@pytest.mark.parametrize('name', ['every_secs', 'every_steps'])
@pytest.mark.parametrize('period', [-1, -0.5, float('nan')])
def test_periods_must_not_be_negative(name, period):
    with pytest.raises(ValueError, match=f'{name} must be 0 or greater; invalid {name}={period}'):
        SecondOrStepTimer(**{name: period})


@pytest.mark.parametrize(
    ('arguments', 'due'),
    [
        ({'every_secs': 0}, [True, False, True]),
        ({'every_steps': 0}, [False, False, True]),
        ({'every_steps': 1.5}, [False, False, False, True]),
    ],
)
def test_a_period_of_0_or_a_fraction_is_as_in_tensorflow(arguments, due, clock):
    for kind in (SecondOrStepTimer, tf.train.SecondOrStepTimer):
        timer = kind(**arguments)
        assert timer.should_trigger_for_step(7)
        timer.update_last_triggered_step(7)
        steps_ = [6, 7, 8, 9][: len(due)]
        assert [timer.should_trigger_for_step(step) for step in steps_] == due


@pytest.mark.parametrize('arguments', [{'every_secs': '1'}, {'every_steps': 'x'}])
def test_periods_must_be_numbers(arguments):
    with pytest.raises(TypeError, match='SecondOrStepTimer: every_'):
        SecondOrStepTimer(**arguments)


def test_exactly_one_period_must_be_given():
    with pytest.raises(ValueError, match='every_secs or every_steps should be provided'):
        SecondOrStepTimer()
    with pytest.raises(ValueError, match='both every_secs and every_steps'):
        SecondOrStepTimer(every_secs=1, every_steps=1)


def test_a_whole_float_is_a_number_of_steps():
    timer = SecondOrStepTimer(every_steps=1e1)
    timer.update_last_triggered_step(0)
    assert [s for s in range(25) if timer.should_trigger_for_step(s)][:1] == [10]


def test_it_is_tensorflows_timer():
    assert isinstance(SecondOrStepTimer(every_steps=1), tf.train.SecondOrStepTimer)


@pytest.mark.parametrize('make', [tf.train.SecondOrStepTimer, SecondOrStepTimer])
def test_steps_are_due_as_with_tensorflow(make):
    timer = make(every_steps=3)
    fired = []
    for step in [5, 5, 6, 7, 8, 8, 12, 13, 14, 15, 2, 15]:
        if timer.should_trigger_for_step(step):
            elapsed = timer.update_last_triggered_step(step)
            fired.append((step, elapsed[1], timer.last_triggered_step()))
    assert fired == [(5, None, 5), (8, 3, 8), (12, 4, 12), (15, 3, 15)]


def test_seconds_are_those_of_the_monotonic_clock(clock, monkeypatch):
    timer = SecondOrStepTimer(every_secs=10)
    assert timer.update_last_triggered_step(1) == (None, None)
    monkeypatch.setattr(time, 'time', lambda: 1e12)  # Somebody sets the clock.
    clock.now += 9.9
    assert not timer.should_trigger_for_step(2)
    monkeypatch.setattr(time, 'time', lambda: 0.0)
    clock.now += 0.1
    assert timer.should_trigger_for_step(2)
    assert not timer.should_trigger_for_step(1)
    assert timer.update_last_triggered_step(2) == (10.0, 1)


def test_reset_forgets():
    timer = SecondOrStepTimer(every_steps=3)
    timer.update_last_triggered_step(7)
    timer.reset()
    assert timer.last_triggered_step() is None
    assert timer.should_trigger_for_step(7)
    assert timer.update_last_triggered_step(7) == (None, None)


def test_wakes_when_due(clock):
    by_steps, by_secs = SecondOrStepTimer(every_steps=3), SecondOrStepTimer(every_secs=3)
    assert by_steps.next_due() == by_secs.next_due() == ALWAYS
    by_steps.update_last_triggered_step(7)
    by_secs.update_last_triggered_step(7)
    assert by_steps.next_due() == NextDue(step=10)
    assert by_secs.next_due() == NextDue(time=1003.0)


@pytest.mark.parametrize(
    ('restored', 'due'), [(21, 31), (25, 31), (20, 21), (12, 21), (11, 21), (10, 11), (0, 1)]
)
def test_rewind_keeps_the_cadence_of_unbroken_training(restored, due):
    timer = SecondOrStepTimer(every_steps=10)
    timer.update_last_triggered_step(21)
    assert timer.rewind(restored) == (restored < 21)
    assert next(s for s in range(restored + 1, 99) if timer.should_trigger_for_step(s)) == due


def test_rewind_of_a_timer_by_time_keeps_the_time(clock):
    timer = SecondOrStepTimer(every_secs=10)
    assert not timer.rewind(3)
    timer.update_last_triggered_step(21)
    clock.now += 10
    assert timer.rewind(4)
    assert timer.update_last_triggered_step(5) == (10.0, 1)


def test_only_a_period_of_seconds_can_be_known_not_to_be_over(clock):
    by_secs, by_steps = SecondOrStepTimer(every_secs=10), SecondOrStepTimer(every_steps=10)
    assert by_secs.may_be_due_by_now()
    for timer in (by_secs, by_steps):
        timer.update_last_triggered_step(3)
    assert not by_secs.may_be_due_by_now()
    assert by_steps.may_be_due_by_now()
    clock.now += 10
    assert by_secs.may_be_due_by_now()
