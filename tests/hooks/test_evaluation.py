import re
import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from pages import run_page
from stock_models import (
    SESSIONS,
    LoseSession,
    OtherWorker,
    events,
    starting_at,
    starts,
    summary_steps,
    train_op,
)

import tfhooks
from tfhooks.hooks.best import BestCheckpoints
from tfhooks.hooks.checkpoint import CheckpointSaverHook
from tfhooks.hooks.evaluation import EvalHook
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


@pytest.mark.parametrize(
    ('fetches', 'text'),
    [
        (['nobody:0'], r"fetches\['nobody'\]='nobody:0'"),
        ({'m': 'matrix:0'}, r"must be scalars; fetches\['m'\]='matrix:0', shape=\(2, 2\)"),
    ],
)
def test_fetches_must_be_scalars_of_the_graph(fetches, text):
    with tf.Graph().as_default():
        tf.train.get_or_create_global_step()
        tf.ones([2, 2], name='matrix')
        with pytest.raises(ValueError, match=text):
            EvalHook(1, fetches=fetches).begin()


def train(make, hooks, runs, *, by=1, racing=False, start=(0,), clock=None, secs=1.0):
    """Runs a model whose `weight` is ten times the step."""
    with tf.Graph().as_default():
        step = train_op(by, racing)
        tf.multiply(tf.train.get_global_step(), 10, name='weight')
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs):
                if session.should_stop():
                    break
                session.run(step)
                if clock is not None:
                    clock.now += secs


class Noting:
    def __init__(self):
        self.steps = []

    def __call__(self, session):
        weight = session.run('weight:0')
        self.steps.append(int(weight) // 10)
        return {'weight': weight, 'half': weight / 2}


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
    # What another worker adds is seen in the next run.
    assert noting.steps == [16 if make is tf.train.MonitoredSession else 17]


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


# Fetches, feeds and batches.


def evaluate_batches(runs=1, dataset=None, **arguments):
    """What an EvalHook with `fetches` finds at each step, in a model with an input `x`."""
    found = []
    with tf.Graph().as_default():
        train = train_op()
        if dataset is None:
            x = tf.placeholder_with_default(7.0, [], name='x')
        else:
            iterator = tf.data.make_initializable_iterator(dataset())
            x = tf.identity(iterator.get_next(), name='x')
            if arguments.pop('initialize', True):
                arguments['initializer'] = iterator.initializer
            else:
                tf.add_to_collection(tf.GraphKeys.LOCAL_INIT_OP, iterator.initializer)
                tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        tf.square(x, name='square')
        hook = EvalHook(1, fetches={'x': x, 'square': 'square:0'}, at_end=False, **arguments)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(runs):
                session.run(train)
                found.append(hook.latest.results)
    return found


def test_an_initializer_of_another_graph_is_an_error():
    with tf.Graph().as_default():
        elsewhere = tf.no_op(name='elsewhere')
    with pytest.raises(ValueError, match="operation of the default graph; initializer='elsewhere'"):
        evaluate_batches(initializer=elsewhere)


def test_one_batch_by_default():
    assert evaluate_batches() == [{'x': 7, 'square': 49}]


def test_one_feed_dict_serves_each_batch():
    assert evaluate_batches(feeds={'x:0': 3.0}, num_batches=4) == [{'x': 3, 'square': 9}]


def test_the_mean_over_a_list_of_feed_dicts_each_time():
    feeds = [{'x:0': 1.0}, {'x:0': 2.0}, {'x:0': 6.0}]
    assert evaluate_batches(2, feeds=feeds) == [{'x': 3, 'square': 41 / 3}] * 2
    assert evaluate_batches(feeds=feeds, num_batches=2) == [{'x': 1.5, 'square': 2.5}]


def test_a_function_gives_new_feeds_each_time():
    feeds = iter([[{'x:0': 1.0}, {'x:0': 3.0}], [{'x:0': 5.0}]])
    found = evaluate_batches(2, feeds=lambda: iter(next(feeds)))
    assert found == [{'x': 2, 'square': 5}, {'x': 5, 'square': 25}]


def test_a_dataset_is_initialized_each_time_and_read_to_its_end():
    def dataset():
        return tf.data.Dataset.from_tensor_slices(np.array([1.0, 2.0, 6.0]))

    assert evaluate_batches(2, dataset) == [{'x': 3, 'square': 41 / 3}] * 2
    assert evaluate_batches(2, dataset, num_batches=1) == [{'x': 1, 'square': 1}] * 2


def test_data_that_has_ended_is_an_error_and_not_the_end_of_training():
    def dataset():
        return tf.data.Dataset.from_tensor_slices(np.array([1.0]))

    with pytest.raises(RuntimeError, match=r'must have at least one batch.*needs the initializer'):
        evaluate_batches(3, dataset, initialize=False)
    with pytest.raises(RuntimeError, match='must have at least one batch'):
        evaluate_batches(feeds=[])

    def evaluate(session):
        raise tf.errors.OutOfRangeError(None, None, 'End of sequence')

    with pytest.raises(RuntimeError, match=r'must not run out of data.*End of sequence'):
        train(tfhooks.MonitoredSession, [EvalHook(1, evaluate)], 3)


@pytest.mark.parametrize(
    ('result', 'error', 'text'),
    [
        (None, TypeError, 'evaluate must return a dict from names to numbers; result=None'),
        ({1: 1.0}, TypeError, r'evaluate must return a dict from names to numbers; result=\{1'),
        ({'a': 'x'}, TypeError, "the result 'a' must be a number; value='x'"),
        ({'a': [1, 2]}, ValueError, r"the result 'a' must be one number; shape=\(2,\)"),
    ],
)
def test_what_evaluate_must_return(result, error, text):
    with pytest.raises(error, match=text):
        train(tfhooks.MonitoredSession, [EvalHook(1, lambda session: result)], 1)


def test_an_error_of_a_lost_session_recovers_it():
    fails = [True]

    def evaluate(session):
        if fails:
            fails.pop()
            raise tf.errors.UnavailableError(None, None, 'the worker is gone')
        return {'a': 1.0}

    hook = EvalHook(5, evaluate, at_end=False)
    train(tfhooks.MonitoredSession, [hook], 7, start=(0, 3))
    assert hook.latest.step == 5


# What other hooks make of it.


def rates(directory):
    return [
        (event.step, value.simple_value)
        for event in events(directory)
        for value in event.summary.value
        if value.tag == 'global_step/sec'
    ]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('counter_first', [False, True])
def test_its_time_is_not_training_time(make, counter_first, tmp_path, clock):
    def evaluate(session):
        clock.now += 1000
        return {}

    hooks = [
        EvalHook(7, evaluate),
        tfhooks.StepCounterHook(every_n_steps=10, output_dir=str(tmp_path)),
    ]
    train(make, hooks[::-1] if counter_first else hooks, 35, clock=clock, secs=0.5)
    assert rates(tmp_path) == [(11, 2.0), (21, 2.0), (31, 2.0)]


def test_its_time_is_not_training_time_after_a_recovery(tmp_path, clock):
    def evaluate(session):
        clock.now += 1000
        return {}

    hooks = [
        tfhooks.StepCounterHook(every_n_steps=10, output_dir=str(tmp_path)),
        EvalHook(7, evaluate),
        LoseSession(25),
    ]
    train(tfhooks.MonitoredSession, hooks, 64, start=(0, 5), clock=clock)
    found = rates(tmp_path)
    assert [step for step, _ in found] == [11, 21, 15, 25, 35, 45]
    # The run that is made again after the loss takes no time of its own.
    assert [rate for _, rate in found] == pytest.approx([1, 1, 10 / 9, 1, 1, 1])


def test_best_checkpoints_are_measured_on_the_weights_that_are_saved(tmp_path):
    noting = Noting()

    def evaluate(session):
        weight = noting(session)['weight']
        return {'error': abs(weight - 150)}

    with tf.Graph().as_default():
        train = train_op()
        tf.multiply(tf.train.get_global_step(), 10, name='weight')
        hook = EvalHook(10, evaluate)
        best = BestCheckpoints(hook.result('error'), n=1)
        saver = CheckpointSaverHook(str(tmp_path), save_steps=5, keep_best=best)
        with tfhooks.MonitoredSession(hooks=[saver, hook]) as session:
            for _ in range(22):
                session.run(train)
    assert best.checkpoints[0].step in (15, 16)
    path = tf.train.latest_checkpoint(str(tmp_path / 'best'))
    step = tf.train.load_checkpoint(path).get_tensor('global_step')
    assert best.checkpoints[0].value == abs(10 * int(step) - 150)
    # Each step once, though both hooks want it.
    assert len(noting.steps) == len(set(noting.steps))
    assert {0, 10, 20, 22} <= set(noting.steps)


def test_a_result_must_be_one_that_there_is():
    with pytest.raises(ValueError, match=r"name='y', names=\['x'\]"):
        EvalHook(1, fetches={'x': 'x:0'}).result('y')
    with pytest.raises(TypeError, match='name must be a string; name=3'):
        EvalHook(1, Noting()).result(3)
    hook = EvalHook(10, Noting())
    result = hook.result('nothing')

    class Reading(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            result(session, 0)

    with pytest.raises(ValueError, match=r"name='nothing', names=\['weight', 'half'\]"):
        train(tfhooks.MonitoredSession, [hook, Reading()], 1)


def test_a_session_that_was_made_again_is_evaluated_again():
    noting = Noting()
    hook = EvalHook(10, noting, at_end=False)

    class Reading(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            for _ in range(2):
                hook.result('weight')(session, 10)

    train(tfhooks.MonitoredSession, [hook, Reading(), LoseSession(3)], 5, start=(10, 10))
    assert noting.steps == [10, 10]


def test_a_hook_of_another_session_says_so():
    result = EvalHook(10, Noting()).result('weight')

    class Reading(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            result(session, 0)

    with pytest.raises(RuntimeError, match='must be one of the hooks of the session'):
        train(tfhooks.MonitoredSession, [Reading()], 1)


def test_sleeps_until_an_evaluation_is_due():
    calls = []

    class Counted(EvalHook):
        # It sleeps like the hook it counts the calls of.
        wakes_at = EvalHook.wakes_at

        def after_run(self, run_context, run_values):
            calls.append(1)
            super().after_run(run_context, run_values)

    noting = Noting()
    train(tfhooks.MonitoredSession, [Counted(100, noting, at_end=False)], 250)
    assert noting.steps == [100, 200]
    assert len(calls) < 15


def test_other_threads_train_on_during_an_evaluation():
    inside, leave = threading.Event(), threading.Event()
    weights = []

    def evaluate(session):
        weights.append(int(session.run('weight:0')))
        inside.set()
        assert leave.wait(60)
        return {}

    hook = EvalHook(10, evaluate, at_end=False)
    with tf.Graph().as_default():
        train = train_op()
        tf.multiply(tf.train.get_global_step(), 10, name='weight')
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            thread = threading.Thread(target=lambda: [session.run(train) for _ in range(10)])
            thread.start()
            assert inside.wait(60)
            for _ in range(25):
                session.run(train)
            assert weights == [100]
            leave.set()
            thread.join()
            for _ in range(10):
                session.run(train)
    assert weights == [100, 400]


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
