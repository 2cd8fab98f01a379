import inspect
import itertools
import os
import types

import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, LoseSession, train_op

import tfhooks
from tfhooks.hooks import stop_if
from tfhooks.testing import check_hook

# The signatures of tensorflow_estimator 1.15.1, `tf.estimator.experimental`.
_CADENCE = ['run_every_secs=60', 'run_every_steps=None']
_METRIC = ['eval_dir=None', 'min_steps=0', *_CADENCE]
SIGNATURES = {
    'make_early_stopping_hook': ['estimator', 'should_stop_fn', *_CADENCE],
    'stop_if_higher_hook': ['estimator', 'metric_name', 'threshold', *_METRIC],
    'stop_if_lower_hook': ['estimator', 'metric_name', 'threshold', *_METRIC],
    'stop_if_no_increase_hook': [
        'estimator',
        'metric_name',
        'max_steps_without_increase',
        *_METRIC,
    ],
    'stop_if_no_decrease_hook': [
        'estimator',
        'metric_name',
        'max_steps_without_decrease',
        *_METRIC,
    ],
}


@pytest.mark.parametrize('name', SIGNATURES)
def test_signature_is_tensorflows(name):
    parameters = inspect.signature(getattr(stop_if, name)).parameters.values()
    found = [p.name if p.default is p.empty else f'{p.name}={p.default!r}' for p in parameters]
    assert found == SIGNATURES[name]
    assert {p.kind for p in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'estimator': 3}, TypeError, 'estimator must be the directory of a training.*estimator=3'),
        ({'should_stop_fn': 3}, TypeError, 'should_stop_fn must be a function; should_stop_fn=3'),
        ({'run_every_secs': 1, 'run_every_steps': 1}, ValueError, 'only one of run_every_secs and'),
        ({'run_every_steps': 1}, ValueError, 'run_every_secs=60, run_every_steps=1'),
        (
            {'run_every_secs': None},
            ValueError,
            'make_early_stopping_hook: Either .*; run_every_secs=N',
        ),
        ({'run_every_secs': 0}, ValueError, 'run_every_secs must be greater than 0 seconds'),
        ({'run_every_secs': None, 'run_every_steps': 0}, ValueError, 'run_every_steps must be at'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        stop_if.make_early_stopping_hook(
            **{'estimator': '/tmp', 'should_stop_fn': bool, **arguments}
        )


def write(directory, series, name='loss'):
    """Writes what an evaluation would: a value by step, in a file of its own."""
    os.makedirs(directory, exist_ok=True)
    number = len(os.listdir(directory))
    with tf.Graph().as_default():
        writer = tf.summary.FileWriter(str(directory), filename_suffix=f'.{number}')
    for step, value in series.items():
        summary = tf.Summary(value=[tf.Summary.Value(tag=name, simple_value=value)])
        writer.add_summary(summary, step)
    writer.close()


def starting_at(*steps):
    """A session creator whose sessions start at these steps; hooks may add variables."""
    steps = list(steps)
    step = tf.train.get_global_step()
    scaffold = tf.train.Scaffold(init_fn=lambda _, session: step.load(steps.pop(0), session))
    return tf.train.ChiefSessionCreator(scaffold)


def train(make, hooks, runs, *, start=(0,), by=1):
    """Runs until a stop, at most `runs` times; returns how many runs there were."""
    with tf.Graph().as_default():
        step = train_op(by)
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for run in range(runs):
                if session.should_stop():
                    return run
                session.run(step)
    return runs


@pytest.mark.parametrize('make', SESSIONS)
def test_asks_in_the_first_run_and_each_period(make):
    with tf.Graph().as_default():
        step = train_op()
        asked = []

        def should_stop():
            asked.append(done)
            return done == 21

        hook = stop_if.make_early_stopping_hook('/tmp', should_stop, None, 10)
        with make(hooks=[hook]) as session:
            done = 1
            while not session.should_stop():
                session.run(step)
                done += 1
    assert asked == [1, 11, 21]


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, clock):
    asked = []

    class Seconds(tf.train.SessionRunHook):
        def before_run(self, run_context):
            clock.now += 1

    hook = stop_if.make_early_stopping_hook('/tmp', lambda: asked.append(clock.now), 10)
    train(make, [Seconds(), hook], 35)
    assert len(asked) == 4
    assert all(later - former >= 10 for former, later in itertools.pairwise(asked))


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovery_goes_on_at_the_same_steps(make):
    asked = []
    hook = stop_if.make_early_stopping_hook('/tmp', lambda: asked.append(1), None, 10)
    train(make, [hook, LoseSession(25)], 45, start=(0, 5))
    # 1, 11, 21, and again 11 and 21.
    assert len(asked) == 5


STOPS = [
    ('stop_if_higher_hook', 5, {10: 4.0, 20: 6.0}, True),
    ('stop_if_higher_hook', 5, {10: 4.0, 20: 5.0}, False),
    ('stop_if_lower_hook', 5, {10: 4.0, 20: 6.0}, True),
    ('stop_if_lower_hook', 5, {10: 5.0, 20: 6.0}, False),
    ('stop_if_no_increase_hook', 20, {10: 4.0, 20: 4.0, 30: 3.0}, True),
    ('stop_if_no_increase_hook', 20, {10: 4.0, 20: 4.1, 30: 3.0}, False),
    ('stop_if_no_increase_hook', 20, {10: 4.0, 20: 3.0, 25: 5.0}, False),
    ('stop_if_no_decrease_hook', 20, {10: 4.0, 20: 4.0, 30: 5.0}, True),
    ('stop_if_no_decrease_hook', 20, {10: 4.0, 20: 3.9, 30: 5.0}, False),
    ('stop_if_no_decrease_hook', 20, {}, False),
]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize(('name', 'limit', 'series', 'stops'), STOPS)
def test_stops_on_what_is_in_the_event_files(make, name, limit, series, stops, tmp_path):
    if series:
        write(tmp_path / 'eval', series)
    hook = getattr(stop_if, name)(str(tmp_path), 'loss', limit, None, 0, None, 1)
    assert train(make, [hook], 3) == (1 if stops else 3)


def test_what_came_before_min_steps_does_not_count(tmp_path):
    write(tmp_path / 'eval', {10: 9.0, 20: 1.0})
    for min_steps, runs in ((10, 1), (11, 3)):
        hook = stop_if.stop_if_higher_hook(tmp_path, 'loss', 5, None, min_steps, None, 1)
        assert train(tfhooks.MonitoredSession, [hook], 3) == runs


def test_several_files_make_one_series(tmp_path):
    write(tmp_path / 'eval', {30: 5.0})
    write(tmp_path / 'eval', {10: 4.0, 20: 4.5}, 'loss')
    write(tmp_path / 'eval', {10: 7.0}, 'accuracy')
    assert stop_if.read_eval_metrics(tmp_path / 'eval') == {
        10: {'loss': 4.0, 'accuracy': 7.0},
        20: {'loss': 4.5},
        30: {'loss': 5.0},
    }
    hook = stop_if.stop_if_no_decrease_hook(tmp_path, 'loss', 20, None, 0, None, 1)
    assert train(tfhooks.MonitoredSession, [hook], 3) == 1


def test_an_event_that_is_being_written_is_left_for_the_next_time(tmp_path):
    write(tmp_path, {1: 3.0, 2: 2.0})
    write(tmp_path, {3: 1.0})
    whole = min(tmp_path.glob('*.0'))
    data = whole.read_bytes()
    for cut in range(1, 30):
        whole.write_bytes(data[:-cut])
        assert stop_if.read_eval_metrics(tmp_path) == {1: {'loss': 3.0}, 3: {'loss': 1.0}}
    whole.write_bytes(data)
    assert list(stop_if.read_eval_metrics(tmp_path)) == [1, 2, 3]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_name_that_no_evaluation_has_is_an_error_that_lists_those_there_are(make, tmp_path):
    write(tmp_path / 'eval', {10: 4.0}, 'accuracy')
    hook = stop_if.stop_if_lower_hook(tmp_path, 'loss', 1, None, 0, None, 1)
    with pytest.raises(KeyError, match=r"metric_name='loss'.*tags=\['accuracy'\]"):
        train(make, [hook], 3)


def test_the_directory_of_the_event_files(tmp_path):
    write(tmp_path / 'here', {10: 4.0})
    places = [
        types.SimpleNamespace(eval_dir=lambda: os.path.join(tmp_path, 'here')),
        types.SimpleNamespace(model_dir=str(tmp_path), eval_dir=lambda: str(tmp_path / 'here')),
    ]
    for place in places:
        hook = stop_if.stop_if_lower_hook(place, 'loss', 5, None, 0, None, 1)
        assert train(tfhooks.MonitoredSession, [hook], 3) == 1
    hook = stop_if.stop_if_lower_hook('/nowhere', 'loss', 5, tmp_path / 'here', 0, None, 1)
    assert train(tfhooks.MonitoredSession, [hook], 3) == 1
    write(tmp_path / 'eval', {10: 4.0})
    place = types.SimpleNamespace(model_dir=tmp_path)
    hook = stop_if.stop_if_lower_hook(place, 'loss', 5, None, 0, None, 1)
    assert train(tfhooks.MonitoredSession, [hook], 3) == 1


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('resource', [False, True])
def test_the_chief_tells_the_other_workers_by_tensorflows_variable(make, resource):
    chief = stop_if.make_early_stopping_hook('/tmp', lambda: True, None, 1)
    other = types.SimpleNamespace(model_dir='/tmp', config=types.SimpleNamespace(is_chief=False))
    worker = stop_if.make_early_stopping_hook(other, lambda: 1 / 0, None, 1)
    with tf.Graph().as_default(), tf.variable_scope('', use_resource=resource):
        step = train_op()
        chief.begin()
        worker.begin()
        (variable,) = [v for v in tf.global_variables() if 'global_step' not in v.name]
        assert variable.name == 'signal_early_stopping/STOP:0'
        assert tf.trainable_variables() == []
        operations = len(tf.get_default_graph().get_operations())
        with make(hooks=[chief, worker]) as session:
            assert len(tf.get_default_graph().get_operations()) >= operations
            session.run(step)
            assert session.should_stop()
            assert session._tf_sess().run(variable)
    with tf.Graph().as_default(), tf.variable_scope('', use_resource=resource):
        variable = tf.get_variable('signal_early_stopping/STOP', initializer=True, trainable=False)
        step = train_op()
        assert train_here(make, [worker], step) == 1


def train_here(make, hooks, step):
    runs = 0
    with make(hooks=hooks) as session:
        while not session.should_stop() and runs < 5:
            session.run(step)
            runs += 1
    return runs


@pytest.mark.parametrize('resource', [False, True])
def test_a_second_begin_adds_nothing_to_the_graph(resource):
    with tf.Graph().as_default() as graph, tf.variable_scope('', use_resource=resource):
        train_op()
        hook = stop_if.make_early_stopping_hook('/tmp', lambda: True, None, 1)
        hook.begin()
        before = graph.as_graph_def()
        hook.begin()
        assert graph.as_graph_def() == before


def test_sleeps_between():
    calls = []
    hook = stop_if.make_early_stopping_hook('/tmp', lambda: False, None, 100)
    after_run = hook.after_run
    hook.after_run = lambda *arguments: (calls.append(1), after_run(*arguments))
    # Sleeping is for methods that the class has; this one counts them only.
    hook.next_due = hook.next_due
    train(tfhooks.MonitoredSession, [hook], 250)
    assert len(calls) < 20


def test_it_keeps_the_contract_of_hooks(tmp_path):
    write(tmp_path / 'eval', {10: 4.0})
    for limit in (3, 5):
        check_hook(
            lambda limit=limit: stop_if.stop_if_higher_hook(
                tmp_path, 'loss', limit, None, 0, None, 1
            )
        )
