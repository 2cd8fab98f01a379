"""How often and how patiently something that failed is tried again, and what is logged of it."""

from __future__ import annotations

import random
import re

import pytest
import tensorflow.compat.v1 as tf
from session_models import lost

from tfhooks._session import recovery_policy
from tfhooks._session.recovery_policy import RecoveryPolicy


class Ending(Exception):
    pass


def test_arguments_of_the_policy():
    for wrong in (
        {'tries': 0},
        {'first_wait_secs': -1},
        {'max_wait_secs': -0.5},
        {'give_up_secs': -1},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            RecoveryPolicy(**wrong)
    for wrong in (
        {'tries': 2.5},
        {'tries': True},
        {'first_wait_secs': '1'},
        {'max_wait_secs': None},
        {'give_up_secs': '1'},
    ):
        with pytest.raises(TypeError, match=next(iter(wrong))):
            RecoveryPolicy(**wrong)
    assert RecoveryPolicy() == RecoveryPolicy(10, 0.5, 60.0)


def failing(times, error=lost):
    calls = []

    def action():
        calls.append(1)
        if len(calls) <= times:
            raise error()
        return len(calls)

    return action


def test_waits_double_and_have_a_random_part_and_a_limit(waits, lines):
    policy = RecoveryPolicy(tries=8, first_wait_secs=1.0, max_wait_secs=10.0)
    assert policy.attempt('make tea', failing(7)) == 8
    for wait, base in zip(waits, [1, 2, 4, 8, 10, 10, 10], strict=True):
        assert base <= wait <= min(base + 1, 10)
    assert len({wait % 1 for wait in waits[:4]}) > 1
    assert lines()[0] == (
        'WARNING',
        'Attempt 1 of 8 to make tea failed: AbortedError: the session is lost. '
        f'Next attempt in {waits[0]:.1f} seconds.',
    )


def test_workers_that_seed_alike_wait_apart_and_draw_alike(waits):
    draws = []
    for _ in range(2):
        random.seed(7)
        RecoveryPolicy().attempt('test', failing(1))
        draws.append(random.random())
    assert waits[0] != waits[1]
    assert draws[0] == draws[1]


def test_tries_are_bounded_and_the_error_is_tensorflows(waits, lines):
    calls = []

    def action():
        calls.append(lost(f'number {len(calls)}'))
        raise calls[-1]

    with pytest.raises(tf.errors.AbortedError) as caught:
        RecoveryPolicy(tries=3).attempt('test', action)
    assert len(calls) == 3
    assert caught.value is calls[-1]
    assert len(waits) == 2
    assert [level for level, _ in lines()] == ['WARNING'] * 2 + ['ERROR']
    assert re.fullmatch(
        r'Gave up to test after 3 of 3 attempts in \d+\.\d seconds: AbortedError: number 2',
        lines()[-1][1],
    )


def test_no_attempt_begins_after_the_time_to_give_up(waits, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(recovery_policy.time, 'monotonic', lambda: now[0])

    def wait(seconds, stops):
        waits.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(recovery_policy, '_sleep', wait)
    calls = []

    def action():
        calls.append(now[0])
        now[0] += 3.0
        raise lost()

    policy = RecoveryPolicy(tries=1000, first_wait_secs=2.0, max_wait_secs=2.0, give_up_secs=20.0)
    with pytest.raises(tf.errors.AbortedError):
        policy.attempt('test', action)
    assert 4 <= len(calls) <= 8
    assert calls[-1] <= 1020.0
    assert now[0] <= 1023.0


def test_other_errors_are_not_tried_again():
    action = failing(1, Ending)
    with pytest.raises(Ending):
        RecoveryPolicy().attempt('test', action)
    assert action() == 2


def test_waiting_ends_when_a_stop_is_requested(monkeypatch):
    monkeypatch.undo()
    slices = []
    monkeypatch.setattr(recovery_policy.time, 'sleep', slices.append)
    policy = RecoveryPolicy(tries=2, first_wait_secs=3600)

    def fail():
        raise lost()

    with pytest.raises(tf.errors.AbortedError):
        policy.attempt('fail', fail, stops=lambda: len(slices) > 2)
    assert len(slices) == 3
    assert max(slices) < 1
