"""SummarySaverHook writes summaries under the step that they belong to."""

import shutil
import threading
import time
from itertools import pairwise

import pytest
import tensorflow.compat.v1 as tf
from stock_models import (
    SESSIONS,
    LoseSession,
    OtherWorker,
    calls_of,
    events,
    starting_at,
    starts,
    summary_steps,
    train_op,
)

import tfhooks
from tfhooks import SummarySaverHook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        (
            {'summary_op': None},
            ValueError,
            'SummarySaverHook: Exactly one of scaffold .*; scaffold=None, summary_op=None',
        ),
        (
            {'save_steps': None},
            ValueError,
            'SummarySaverHook: .*every_steps should be provided; save_secs=None, save_steps=None',
        ),
        (
            {'save_secs': 1},
            ValueError,
            'SummarySaverHook: Can not provide both .*; save_secs=1, save_steps=',
        ),
        ({'save_steps': -1}, ValueError, 'save_steps must be 0 or greater; invalid save_steps=-1'),
        ({'save_steps': 'x'}, TypeError, "save_steps must be a number; save_steps='x'"),
        ({'save_steps': None, 'save_secs': -2}, ValueError, 'save_secs must be 0 or greater'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        SummarySaverHook(**{'save_steps': 1, 'output_dir': 'd', 'summary_op': 'an op', **arguments})


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    hook = SummarySaverHook(1, output_dir='d', summary_op='an op')
    assert isinstance(hook, tf.train.SummarySaverHook)
    assert isinstance(hook, tfhooks.SessionRunHook)


def test_begin_needs_a_global_step(tmp_path):
    hook = SummarySaverHook(1, output_dir=str(tmp_path), summary_op='an op')
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match='Global step should be'):
        hook.begin()


def write(make, directory, runs, *, by=1, racing=False, other=(), start=(0,), lose=None, **hook):
    """Trains, and returns the global steps at which summaries were written."""
    with tf.Graph().as_default():
        train = train_op(by, racing)
        operation = tf.summary.scalar('loss', tf.constant(2.0))
        hook = SummarySaverHook(output_dir=str(directory), summary_op=operation, **hook)
        hooks = [OtherWorker(other), hook] + ([LoseSession(lose)] if lose else [])
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs):
                session.run(train)
    return summary_steps(directory, 'loss')


@pytest.mark.parametrize('make', SESSIONS)
def test_gaps_are_exact_though_the_read_of_the_step_races(make, tmp_path):
    assert write(make, tmp_path, 2000, racing=True, save_steps=10) == list(range(1, 2000, 10))


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_a_step_that_goes_by_three(make, racing, tmp_path):
    # Each time in the first run that ends ten steps or more after the last time.
    written = write(make, tmp_path, 100, by=3, racing=racing, save_steps=10)
    assert written == list(range(3, 301, 12))
    assert starts(tmp_path) == [3]


@pytest.mark.parametrize('make', SESSIONS)
def test_other_workers_count(make, tmp_path):
    assert write(make, tmp_path, 40, other=[4] * 99, save_steps=10) == list(range(5, 201, 10))
    uneven = [0, 3, 1, 0, 5, 2, 2] * 30
    steps = write(make, tmp_path / 'uneven', 200, other=uneven, save_steps=20)
    assert all(20 <= b - a <= 25 for a, b in pairwise(steps))


@pytest.mark.parametrize('make', SESSIONS)
def test_same_events_as_tensorflows_hook(make, tmp_path):
    written = []
    for number, hook in enumerate([tf.train.SummarySaverHook, SummarySaverHook]):
        directory = str(tmp_path / str(number))
        with tf.Graph().as_default():
            train = train_op()
            operations = [tf.summary.scalar('a', 5.0), tf.summary.histogram('b', [1.0, 2.0])]
            hook = hook(save_steps=4, output_dir=directory, summary_op=operations)
            with make(hooks=[hook]) as session:
                for _ in range(11):
                    session.run(train)
        plain = []
        for event in events(directory):
            event.wall_time = 0
            if event.WhichOneof('what') not in ('graph_def', 'meta_graph_def'):
                plain.append(event)
        written.append(plain)
    assert written[0] == written[1]
    assert [event.step for event in written[1]] == [0, 1, 1, 1, 5, 5, 9, 9]


def test_a_tuple_of_operations(tmp_path):
    with tf.Graph().as_default():
        train = train_op()
        operations = (tf.summary.scalar('a', 1.0), tf.summary.scalar('b', 2.0))
        hook = SummarySaverHook(1, output_dir=str(tmp_path), summary_op=operations)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run(train)
    assert summary_steps(tmp_path, 'a') == summary_steps(tmp_path, 'b') == [1]


def test_a_scaffold_without_summaries_still_marks_the_start(tmp_path):
    with tf.Graph().as_default():
        train = train_op()
        hook = SummarySaverHook(1, output_dir=str(tmp_path), scaffold=tf.train.Scaffold())
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run(train)
            session.run(train)
    assert starts(tmp_path) == [1]


def test_a_given_writer_is_used(tmp_path):
    with tf.Graph().as_default():
        train = train_op()
        with tf.summary.FileWriter(str(tmp_path / 'mine')) as writer:
            hook = SummarySaverHook(
                1,
                output_dir=str(tmp_path / 'not'),
                summary_writer=writer,
                summary_op=tf.summary.scalar('a', 1.0),
            )
            with tfhooks.MonitoredSession(hooks=[hook]) as session:
                session.run(train)
    assert summary_steps(tmp_path / 'mine', 'a') == [1]
    assert not (tmp_path / 'not').exists()


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, 'monotonic', lambda: now)
    with tf.Graph().as_default():
        train = train_op()
        operation = tf.summary.scalar('a', 1.0)
        hook = SummarySaverHook(save_secs=10, output_dir=str(tmp_path), summary_op=operation)
        with make(hooks=[hook]) as session:
            for _ in range(50):
                session.run(train)
                now += 1
    assert summary_steps(tmp_path, 'a') == [1, 11, 21, 31, 41]


@pytest.mark.parametrize('make', SESSIONS)
def test_recovery_to_an_older_step_goes_on_with_the_cadence(make, tmp_path):
    # 25 runs, then back to 18: the summary of step 21 comes again, and none is left out.
    steps = write(make, tmp_path, 40, start=(0, 18), lose=25, save_steps=10)
    assert steps == [1, 11, 21, 21, 31]
    assert starts(tmp_path) == [1, 21]


@pytest.mark.parametrize('make', SESSIONS)
def test_recovery_without_loss_changes_nothing(make, tmp_path):
    steps = write(make, tmp_path, 30, start=(0, 25), lose=25, save_steps=10)
    assert steps == [1, 11, 21, 31]
    assert starts(tmp_path) == [1]


@pytest.mark.parametrize('make', SESSIONS)
def test_begin_begins_anew_even_where_the_directory_was_wiped(make, tmp_path):
    directory = tmp_path / 'events'
    with tf.Graph().as_default():
        train = train_op()
        operation = tf.summary.scalar('a', 1.0)
        hook = SummarySaverHook(3, output_dir=str(directory), summary_op=operation)
        for _ in range(2):
            with make(hooks=[hook]) as session:
                for _ in range(5):
                    session.run(train)
            assert summary_steps(directory, 'a') == [1, 4]
            assert starts(directory) == [1]
            assert len([e for e in events(directory) if e.graph_def]) == 1
            shutil.rmtree(directory)
            directory.mkdir()


def test_threads_that_share_a_session_write_each_due_summary_once(tmp_path):
    with tf.Graph().as_default():
        train = train_op()
        operation = tf.summary.scalar('a', 1.0)
        hook = SummarySaverHook(25, output_dir=str(tmp_path), summary_op=operation)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:

            def run():
                for _ in range(100):
                    session.run(train)

            threads = [threading.Thread(target=run) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    steps = summary_steps(tmp_path, 'a')
    assert 10 <= len(steps) <= 16
    assert all(25 <= b - a <= 40 for a, b in pairwise(steps))


def test_sleeps_until_summaries_are_due(tmp_path):
    with tf.Graph().as_default():
        train = train_op()
        operation = tf.summary.scalar('a', 1.0)
        hook = SummarySaverHook(100, output_dir=str(tmp_path), summary_op=operation)
        calls = calls_of(hook, 'before_run')
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(250):
                session.run(train)
    assert summary_steps(tmp_path, 'a') == [1, 101, 201]
    assert len(calls) < 20
