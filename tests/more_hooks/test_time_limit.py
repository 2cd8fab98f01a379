"""TimeLimitHook stops in time for a last save."""

import os
import re
import time

import pytest
import tensorflow.compat.v1 as tf
from pages import run_page
from stock_models import SESSIONS, LoseSession, train_op

import tfhooks
from tfhooks import testing
from tfhooks._more_hooks.time_limit import TimeLimitHook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'secs': 0}, ValueError, 'secs must be greater than 0 seconds; secs=0'),
        ({'secs': None}, TypeError, 'secs must be a number of seconds; secs=None'),
        ({'secs': '60'}, TypeError, "secs must be a number of seconds; secs='60'"),
        ({'margin_secs': -1}, ValueError, 'margin_secs must be at least 0.*margin_secs=-1'),
        ({'margin_secs': 60}, ValueError, 'less than secs; margin_secs=60, secs=60'),
        ({'margin_secs': float('nan')}, ValueError, 'margin_secs=nan'),
        ({'margin_secs': None}, TypeError, 'margin_secs must be a number; margin_secs=None'),
        ({'since': 'boot'}, TypeError, "since must be 'begin', 'process' or .*since='boot'"),
        ({'since': True}, TypeError, 'since=True'),
        ({'since': float('inf')}, ValueError, 'since must be a finite Unix time; since=inf'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        TimeLimitHook(**{'secs': 60, **arguments})


def trained(make, hook, clock, secs_per_run=10.0, lose=None):
    """The number of runs until the session stops; each takes some time."""
    with tf.Graph().as_default():
        train = train_op()

        def step(_=None):
            clock.now += secs_per_run
            return 0

        hooks = [hook] + ([LoseSession(lose)] if lose else [])
        takes_time = tf.py_func(step, [], tf.int64, stateful=True)
        runs = 0
        with make(hooks=hooks) as session:
            while not session.should_stop():
                session.run([train, takes_time])
                runs += 1
                assert runs < 1000
    return runs


@pytest.mark.parametrize('make', SESSIONS)
def test_stops_when_the_time_is_up(make, clock, log, caplog):
    caplog.set_level('INFO', logger='tfhooks')
    assert trained(make, TimeLimitHook(100), clock) == 10
    assert log('TimeLimitHook: ') == ['TimeLimitHook: 100 of 100 seconds are over. Training stops.']


@pytest.mark.parametrize('make', SESSIONS)
def test_the_margin_is_left(make, clock):
    assert trained(make, TimeLimitHook(100, margin_secs=25), clock) == 8


@pytest.mark.parametrize('make', SESSIONS)
def test_begin_counts_anew(make, clock):
    hook = TimeLimitHook(50)
    assert trained(make, hook, clock) == 5
    assert trained(make, hook, clock, secs_per_run=25.0) == 2


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovered_session_does_not_count_anew(make, clock):
    assert trained(make, TimeLimitHook(100), clock, lose=4) == 9


@pytest.mark.parametrize('make', SESSIONS)
def test_counts_from_a_unix_time(make, clock, monkeypatch):
    monkeypatch.setattr(time, 'time', lambda: 5000.0)
    assert trained(make, TimeLimitHook(100, since=4970.0), clock) == 7
    # The job is over already.
    assert trained(make, TimeLimitHook(100, since=4900), clock) == 0


@pytest.mark.parametrize('make', SESSIONS)
def test_counts_from_the_start_of_the_process(make, clock, monkeypatch):
    monkeypatch.setattr('tfhooks._more_hooks.time_limit._process_age', lambda: 40.0)
    assert trained(make, TimeLimitHook(100, since='process'), clock) == 6


def test_the_age_of_this_process():
    from tfhooks._more_hooks import time_limit

    age = time_limit._process_age()
    # Since before this module, and so TensorFlow, was imported; in ticks of the system's clock.
    tick = 2 / os.sysconf('SC_CLK_TCK')
    parent_age = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert time.process_time() / (os.cpu_count() or 1) - tick < age < parent_age


def test_where_the_start_of_the_process_is_not_known(monkeypatch):
    monkeypatch.delattr(time, 'CLOCK_BOOTTIME')
    with pytest.raises(ValueError, match=r"since='process' needs /proc.*Give a Unix time"):
        TimeLimitHook(100, since='process')


def test_the_session_says_who_stopped_it(clock):
    with tf.Graph().as_default():
        train = train_op()
        with tfhooks.MonitoredSession(hooks=[TimeLimitHook(100)]) as session:
            session.run(train)
            clock.now += 100
            session.run(train)
            assert session.should_stop()
            assert session.stop_reason.who == 'TimeLimitHook'


def test_sleeps_until_the_time_is_nearly_up(clock):
    calls = []

    class Counted(TimeLimitHook):
        # It sleeps like the hook it counts the calls of.
        next_due = TimeLimitHook.next_due

        def after_run(self, run_context, run_values):
            calls.append(clock.now)
            super().after_run(run_context, run_values)

    assert trained(tfhooks.MonitoredSession, Counted(1000), clock) == 100
    # The first run, and the one that begins when one run's time is left.
    assert calls == [110.0, 1100.0]


def test_keeps_the_contract():
    testing.check_hook(lambda: TimeLimitHook(3600))


def test_page(tmp_path):
    output = run_page('time_limit', tmp_path)
    last = int(re.search(r'^stopped at step (\d+)$', output, re.MULTILINE)[1])
    assert f'TimeLimitHook asked for a stop at global step {last}' in output
    assert f'saved as train_dir/model.ckpt-{last}' in output
    assert tf.train.load_checkpoint(str(tmp_path / 'train_dir')).get_tensor('global_step') == last
