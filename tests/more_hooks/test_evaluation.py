"""When an EvalHook evaluates, and how it tells the results."""

import re

import pytest
import tensorflow.compat.v1 as tf
from evaluation_models import Noting, train
from pages import run_page
from stock_models import (
    SESSIONS,
    LoseSession,
    OtherWorker,
    events,
    starts,
    summary_steps,
)

import tfhooks
from tfhooks._more_hooks.evaluation import EvalHook
from tfhooks.testing import check_hook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({}, ValueError, 'exactly one of every_n_steps and every_n_secs must be given; every_n_s'),
        ({'every_n_steps': 1, 'every_n_secs': 1}, ValueError, 'exactly one of every_n_steps and'),
        (
            {'every_n_steps': 0},
            ValueError,
            'every_n_steps must be at least 1; invalid every_n_steps=0',
        ),
        ({'every_n_steps': 'x'}, TypeError, 'every_n_steps must be a whole number'),
        ({'every_n_secs': -1}, ValueError, 'every_n_secs must be greater than 0 seconds'),
        ({'every_n_steps': 1, 'evaluate': None}, ValueError, 'exactly one of evaluate and fetches'),
        ({'every_n_steps': 1, 'fetches': {}}, ValueError, 'exactly one of evaluate and fetches'),
        ({'every_n_steps': 1, 'evaluate': 3}, TypeError, 'evaluate must be a function; evaluate=3'),
        ({'every_n_steps': 1, 'feeds': {}}, ValueError, 'feeds needs fetches; feeds={}'),
        ({'every_n_steps': 1, 'num_batches': 2}, ValueError, 'num_batches needs fetches'),
        ({'every_n_steps': 1, 'name': 'a/b'}, ValueError, 'name must be the name of a directory'),
        ({'every_n_steps': 1, 'name': '..'}, ValueError, 'name must be the name of a directory'),
        ({'every_n_steps': 1, 'name': 3}, TypeError, 'name must be a string; name=3'),
        (
            {'every_n_steps': 1, 'evaluate': None, 'fetches': 'loss:0'},
            TypeError,
            "fetches must be a dict of tensors or names, or an iterable of them; fetches='loss:0'",
        ),
        (
            {'every_n_steps': 1, 'evaluate': None, 'fetches': [3]},
            TypeError,
            'fetches must hold tensors or their names',
        ),
        (
            {'every_n_steps': 1, 'evaluate': None, 'fetches': ['x:0', 'x']},
            ValueError,
            'fetches must have a name for each',
        ),
        (
            {'every_n_steps': 1, 'evaluate': None, 'fetches': ['x:0'], 'feeds': 3},
            TypeError,
            'feeds must be a feed_dict, a list of them, or a function',
        ),
        (
            {'every_n_steps': 1, 'evaluate': None, 'fetches': ['x:0'], 'num_batches': 0},
            ValueError,
            'num_batches must be at least 1; invalid num_batches=0',
        ),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match='EvalHook: ' + text):
        EvalHook(**{'evaluate': lambda session: {}, **arguments})


def test_begin_needs_a_global_step():
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match='must have a global step'):
        EvalHook(1, lambda session: {}).begin()


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_it_sees_the_current_weights_at_multiples_of_the_period(make, racing):
    noting = Noting()
    train(make, [EvalHook(10, noting, at_end=False)], 35, racing=racing)
    assert noting.steps == [10, 20, 30]


@pytest.mark.parametrize('make', SESSIONS)
def test_steps_that_go_by_three_and_another_worker(make):
    noting = Noting()
    train(make, [EvalHook(10, noting, at_end=False)], 12, by=3)
    assert noting.steps == [12, 21, 30]
    noting = Noting()
    worker = OtherWorker([0, 0, 0, 12, 0, 0])
    train(make, [worker, EvalHook(10, noting, at_end=False)], 6)
    assert noting.steps == [16]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_restart_goes_on_at_the_same_steps(make):
    noting = Noting()
    train(make, [EvalHook(10, noting, at_end=False)], 20, start=(17,))
    assert noting.steps == [20, 30]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovery_evaluates_the_steps_that_come_again(make, tmp_path):
    noting = Noting()
    hook = EvalHook(10, noting, output_dir=tmp_path, at_end=False)
    train(make, [hook, LoseSession(25)], 59, start=(0, 5))
    # Lost in the run that ends at 25, whose place the first run from 5 takes.
    assert noting.steps == [10, 20, 10, 20, 30, 40]
    assert starts(tmp_path / 'eval') == [10, 10]


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, clock):
    noting = Noting()
    train(make, [EvalHook(None, noting, every_n_secs=10, at_end=False)], 35, clock=clock)
    assert noting.steps == [11, 21, 31]


@pytest.mark.parametrize('make', SESSIONS)
def test_at_start_and_at_end(make):
    noting = Noting()
    train(make, [EvalHook(10, noting, at_start=True)], 25)
    assert noting.steps == [0, 10, 20, 25]
    noting = Noting()
    train(make, [EvalHook(10, noting)], 20)
    assert noting.steps == [10, 20]


@pytest.mark.parametrize('make', SESSIONS)
def test_an_object_serves_twice(make):
    noting = Noting()
    hook = EvalHook(10, noting)
    train(make, [hook], 12)
    assert hook.latest.step == 12
    train(make, [hook], 12)
    assert noting.steps == [10, 12, 10, 12]


@pytest.mark.parametrize('make', SESSIONS)
def test_results_are_logged_written_and_kept(make, tmp_path, clock, log):
    def evaluate(session):
        clock.now += 1.5
        return Noting()(session)

    hook = EvalHook(10, evaluate, output_dir=tmp_path, name='test', at_end=False)
    train(make, [hook], 25)
    assert log('Evaluation') == [
        "Evaluation 'test' at step 10: weight = 100, half = 50 (1.500 sec)",
        "Evaluation 'test' at step 20: weight = 200, half = 100 (1.500 sec)",
    ]
    written = [
        (event.step, value.tag, value.simple_value)
        for event in events(tmp_path / 'test')
        for value in event.summary.value
    ]
    assert written == [
        (10, 'weight', 100),
        (10, 'half', 50),
        (20, 'weight', 200),
        (20, 'half', 100),
    ]
    assert hook.latest == (20, {'weight': 200.0, 'half': 100.0}, 1.5)


def test_a_second_session_starts_anew_in_the_event_file(tmp_path):
    hook = EvalHook(10, Noting(), output_dir=tmp_path, at_end=False)
    train(tfhooks.MonitoredSession, [hook], 25)
    train(tfhooks.MonitoredSession, [hook], 15, start=(15,))
    assert summary_steps(tmp_path / 'eval', 'weight') == [10, 20, 20, 30]
    assert starts(tmp_path / 'eval') == [10, 20]


def test_without_a_directory_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(tfhooks.MonitoredSession, [EvalHook(10, Noting())], 12)
    assert list(tmp_path.iterdir()) == []


def test_sleeps_until_an_evaluation_is_due():
    calls = []

    class Counted(EvalHook):
        # It sleeps like the hook it counts the calls of.
        next_due = EvalHook.next_due

        def after_run(self, run_context, run_values):
            calls.append(1)
            super().after_run(run_context, run_values)

    noting = Noting()
    train(tfhooks.MonitoredSession, [Counted(100, noting, at_end=False)], 250)
    assert noting.steps == [100, 200]
    assert len(calls) < 15


def test_it_keeps_the_contract_of_hooks(tmp_path):
    results = {'loss': [3.0, 2.0, 1.0, 0.0]}
    check_hook(lambda: EvalHook(2, fetches=['loss:0'], output_dir=tmp_path), results=results)
    check_hook(lambda: EvalHook(3, lambda session: {'a': 1.0}, at_start=True))


def test_page(tmp_path):
    output = run_page('evaluation', tmp_path)
    losses = [float(loss) for loss in re.findall(r"'eval' at step \d+: loss = ([\d.e-]+)", output)]
    assert losses[0] > 0.01 > 0.001 > losses[-1]
    assert 'EarlyStoppingHook' in output or 'Early stopping at step' in output
    best_step = int(re.search(r'best: Check\(step=(\d+)', output)[1])
    steps = summary_steps(tmp_path / 'train_dir' / 'eval', 'loss')
    assert steps == list(range(20, best_step + 80, 20))
