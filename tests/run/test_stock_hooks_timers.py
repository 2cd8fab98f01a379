"""Stock hooks whose timer a program changes do what TensorFlow's own do."""

from __future__ import annotations

import time

import pytest
from stock_programs import compare, with_timer


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
