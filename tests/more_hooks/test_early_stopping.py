"""EarlyStoppingHook stops when a metric no longer improves, also after a restart."""

import json
import math
import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from pages import run_page
from stock_models import SESSIONS, LoseSession, starting_at, train_op

import tfhooks
from tfhooks._more_hooks import early_stopping
from tfhooks._more_hooks.early_stopping import Check, EarlyStoppingHook, judge
from tfhooks._more_hooks.evaluation import EvalHook
from tfhooks.testing import check_hook

NAN = math.nan


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'metric': 3}, TypeError, 'metric must be a result of an EvalHook, a tensor.*metric=3'),
        (
            {'metric': EvalHook(1, lambda session: {})},
            TypeError,
            r"metric must be one result of the EvalHook: eval_hook.result\('loss'\)",
        ),
        ({'mode': 'auto'}, ValueError, "mode must be 'min' or 'max'; mode='auto'"),
        ({'patience': None}, ValueError, 'exactly one of patience and patience_steps must be giv'),
        ({'patience_steps': 3}, ValueError, 'exactly one of patience and patience_steps must be'),
        ({'patience': 0}, ValueError, 'patience must be at least 1; invalid patience=0'),
        ({'patience': 1.5}, TypeError, 'patience must be a whole number; patience=1.5'),
        ({'patience': None, 'patience_steps': 0}, ValueError, 'patience_steps must be at least 1'),
        ({'min_delta': 'x'}, TypeError, "min_delta must be a number; min_delta='x'"),
        ({'min_delta': True}, TypeError, 'min_delta must be a number; min_delta=True'),
        ({'min_delta': -1}, ValueError, 'min_delta must be 0 or more; min_delta=-1'),
        ({'min_delta': NAN}, ValueError, 'min_delta must be 0 or more; min_delta=nan'),
        ({'min_steps': -1}, ValueError, 'min_steps must be at least 0; invalid min_steps=-1'),
        ({'every_n_steps': None}, ValueError, 'exactly one of every_n_steps and every_n_secs'),
        ({'every_n_secs': 1}, ValueError, 'exactly one of every_n_steps and every_n_secs'),
        (
            {'every_n_steps': 0},
            ValueError,
            'every_n_steps must be at least 1; invalid every_n_steps=0',
        ),
        (
            {'metric': EvalHook(1, lambda session: {}).result('a')},
            ValueError,
            'neither period may be given; every_n_steps=1',
        ),
    ],
)
def test_arguments(arguments, error, text):
    arguments = {'metric': 'loss:0', 'patience': 1, 'every_n_steps': 1, **arguments}
    with pytest.raises(error, match='EarlyStoppingHook: .*' + text):
        EarlyStoppingHook(**arguments)


def test_begin_needs_a_global_step_and_the_tensor():
    hook = EarlyStoppingHook('loss:0', patience=1, every_n_steps=1)
    with tf.Graph().as_default():
        with pytest.raises(RuntimeError, match='must have a global step'):
            hook.begin()
        tf.train.get_or_create_global_step()
        with pytest.raises(ValueError, match=r"metric must be tensors of the .*metric.*'loss:0'"):
            hook.begin()
        tf.zeros([3], name='loss')
        with pytest.raises(ValueError, match=r'metric must be scalars.*shape=\(3,\)'):
            hook.begin()


@pytest.mark.parametrize(
    ('values', 'mode', 'min_delta', 'best', 'waited'),
    [
        ([], 'min', 0, None, 0),
        ([5], 'min', 0, 0, 0),
        ([5, 4, 4, 6], 'min', 0, 1, 2),
        ([5, 6, 6, 4], 'max', 0, 1, 2),
        ([5, 4.5, 4, 4.1], 'min', 1, 0, 3),
        ([5, 4.5, 3.9, 3.5], 'min', 1, 2, 1),
        ([NAN, NAN], 'min', 0, None, 2),
        ([NAN, 3, NAN, 2], 'min', 0, 3, 0),
        ([3, NAN, NAN], 'max', 0, 0, 2),
        ([math.inf, 3], 'min', 0, 1, 0),
        ([3, math.inf], 'min', 0, 0, 1),
    ],
)
def test_judge(values, mode, min_delta, best, waited):
    checks = [Check(10 * index, value) for index, value in enumerate(values)]
    found = judge(checks, mode, min_delta)
    assert found[0] is (None if best is None else checks[best])
    assert found[1] == waited
    assert found[2] == (10 * (len(values) - 1 - (best or 0)) if values else 0)
    for index in range(len(checks)):
        before = judge(checks[:index], mode, min_delta)
        assert judge(checks[index:], mode, min_delta, before) == found


def test_no_check_is_looked_at_twice(monkeypatch):
    looked_at = []
    judge_all = early_stopping.judge
    monkeypatch.setattr(
        early_stopping, 'judge', lambda *args: looked_at.extend(args[0]) or judge_all(*args)
    )
    hook = EarlyStoppingHook('now:0', patience=100, every_n_steps=1)
    train(tfhooks.MonitoredSession, [hook], [float(n) for n in range(50)], runs=50)
    assert len(hook._checks) == 50
    assert looked_at == hook._checks


def train(make, hooks, values, *, by=1, start=(0,), runs=None):
    """Runs until a stop a model whose `loss` is `values[step]`; returns the last global step."""
    with tf.Graph().as_default():
        step = train_op(by)
        table = tf.constant(values, tf.float32)
        tf.gather(table, tf.minimum(tf.train.get_global_step(), len(values) - 1), name='now')
        with tf.control_dependencies([step]):
            at = tf.minimum(tf.train.get_global_step().read_value(), len(values) - 1)
            tf.gather(table, at, name='loss')
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs or 10**6):
                if session.should_stop():
                    break
                session.run(step)
            return step_of(session)


def step_of(session):
    raw = session if isinstance(session, tf.Session) else session._tf_sess()
    return int(raw.run(tf.train.get_global_step(raw.graph)))


# The best of these values is at step 10; those of steps that are no multiple of 5 are very good.
VALUES = [9, -9, -9, -9, -9, 5, -9, -9, -9, -9, 4] + ([-9] * 4 + [4.5]) * 10


def measured(session, step):
    assert step_of(session) == step
    return session.run('now:0')


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('metric', ['loss:0', measured])
def test_stops_at_the_check_that_is_one_too_many(make, metric, log):
    hook = EarlyStoppingHook(metric, patience=3, every_n_steps=5)
    assert train(make, [hook], VALUES) == 25
    assert hook.best == (10, 4)
    (line,) = log('Early stopping')
    assert 'at step 25' in line
    assert 'has not improved in 3 checks over 15 steps; best=4 at step 10.' in line


@pytest.mark.parametrize('make', SESSIONS)
def test_a_tensor_may_be_given_itself(make):
    with tf.Graph().as_default():
        step = train_op()
        hook = EarlyStoppingHook(tf.constant(1.0), patience=4, every_n_steps=5)
        with make(hooks=[hook]) as session:
            while not session.should_stop():
                session.run(step)
            assert step_of(session) == 25


@pytest.mark.parametrize('make', SESSIONS)
def test_mode_max_and_min_delta(make):
    rising = np.arange(200) / 10
    hook = EarlyStoppingHook('loss:0', 'max', 2, every_n_steps=5)
    assert train(make, [hook], rising, runs=100) == 100
    hook = EarlyStoppingHook('loss:0', 'max', 2, 0.6, every_n_steps=5)
    # Two periods make an improvement of 1, one does not: never two checks in vain.
    assert train(make, [hook], rising, runs=100) == 100
    hook = EarlyStoppingHook('loss:0', 'max', 2, 1.1, every_n_steps=5)
    assert train(make, [hook], rising, runs=100) == 15
    hook = EarlyStoppingHook('loss:0', 'min', 2, every_n_steps=5)
    assert train(make, [hook], rising, runs=100) == 15


@pytest.mark.parametrize('make', SESSIONS)
def test_patience_in_steps(make):
    hook = EarlyStoppingHook('loss:0', patience_steps=12, every_n_steps=5)
    assert train(make, [hook], VALUES) == 25
    hook = EarlyStoppingHook('loss:0', patience_steps=10, every_n_steps=5)
    assert train(make, [hook], VALUES) == 20


@pytest.mark.parametrize('make', SESSIONS)
def test_before_min_steps_nothing_counts(make):
    hook = EarlyStoppingHook('loss:0', patience=3, every_n_steps=5, min_steps=11)
    assert train(make, [hook], VALUES) == 30
    assert hook.best == (15, 4.5)


@pytest.mark.parametrize('make', SESSIONS)
def test_a_metric_that_is_never_a_number_stops_too(make):
    hook = EarlyStoppingHook('loss:0', patience=3, every_n_steps=5)
    assert train(make, [hook], [NAN] * 50) == 15
    assert hook.best is None


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, clock):
    def metric(session, step):
        return float(clock.now)

    class Seconds(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            clock.now += 1

    hook = EarlyStoppingHook(metric, patience=2, every_n_secs=10)
    assert train(make, [hook, Seconds()], VALUES) == 31
    assert [check.step for check in hook._checks] == [11, 21, 31]


@pytest.mark.parametrize('make', SESSIONS)
def test_an_object_serves_twice(make):
    hook = EarlyStoppingHook('loss:0', patience=3, every_n_steps=5)
    assert train(make, [hook], VALUES) == 25
    assert train(make, [hook], VALUES) == 25


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovery_forgets_the_checks_that_come_again(make):
    hook = EarlyStoppingHook('loss:0', patience=3, every_n_steps=5)
    # Lost in the run to 22, after two checks in vain; from 12 on they come again.
    assert train(make, [hook, LoseSession(22)], VALUES, start=(0, 12)) == 25
    assert [check.step for check in hook._checks] == [5, 10, 15, 20, 25]


def test_a_metric_must_be_one_number():
    hook = EarlyStoppingHook(lambda session, step: None, patience=1, every_n_steps=1)
    with pytest.raises(TypeError, match=r'metric=.* must be a number; value=None'):
        train(tfhooks.MonitoredSession, [hook], VALUES)
    hook = EarlyStoppingHook(lambda session, step: [1, 2], patience=1, every_n_steps=1)
    with pytest.raises(ValueError, match=r'metric=.* must be one number; shape=\(2,\)'):
        train(tfhooks.MonitoredSession, [hook], VALUES)


# Results of an EvalHook.


def evaluate(session):
    return {'loss': session.run('now:0'), 'step': step_of(session)}


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('order', [1, -1])
def test_a_result_of_an_evaluation(make, order, log):
    evaluation = EvalHook(5, evaluate, at_end=False)
    hook = EarlyStoppingHook(evaluation.result('loss'), patience=3)
    assert train(make, [evaluation, hook][::order], VALUES) == 25
    assert [check.step for check in hook._checks] == [5, 10, 15, 20, 25]
    (line,) = log('Early stopping')
    assert "EvalHook.result('loss') has not improved in 3 checks" in line


@pytest.mark.parametrize('make', SESSIONS)
def test_an_evaluation_at_the_start_is_no_check(make):
    evaluation = EvalHook(5, evaluate, at_start=True)
    hook = EarlyStoppingHook(evaluation.result('loss'), patience=9)
    train(make, [evaluation, hook], VALUES, start=(10,), runs=6)
    assert [check.step for check in hook._checks] == [15]
    assert evaluation.latest.step == 16


def test_two_hooks_share_an_evaluation():
    evaluated = []

    def count(session):
        evaluated.append(1)
        return evaluate(session)

    evaluation = EvalHook(5, count, at_end=False)
    hooks = [
        EarlyStoppingHook(evaluation.result('step'), 'max', patience=1),
        EarlyStoppingHook(evaluation.result('loss'), patience=3),
    ]
    assert train(tfhooks.MonitoredSession, [*hooks, evaluation], VALUES) == 25
    assert len(evaluated) == 5


def test_a_result_that_there_is_none_of():
    evaluation = EvalHook(5, evaluate)
    hook = EarlyStoppingHook(evaluation.result('accuracy'), patience=3)
    with pytest.raises(ValueError, match=r"name='accuracy', names=\['loss', 'step'\]"):
        train(tfhooks.MonitoredSession, [evaluation, hook], VALUES)


# Restarts.


@pytest.mark.parametrize('make', SESSIONS)
def test_a_restart_forgets_without_a_state_file(make):
    hook = EarlyStoppingHook('loss:0', patience=3, every_n_steps=5)
    train(make, [hook], VALUES, runs=21)
    hook = EarlyStoppingHook('loss:0', patience=3, every_n_steps=5)
    assert train(make, [hook], VALUES, start=(21,)) == 40


@pytest.mark.parametrize('make', SESSIONS)
def test_a_restart_goes_on_from_a_state_file(make, tmp_path):
    path = tmp_path / 'new' / 'early_stopping.json'

    def hook():
        return EarlyStoppingHook('loss:0', patience=3, every_n_steps=5, state_file=path)

    train(make, [hook()], VALUES, runs=21)
    assert json.loads(path.read_text())['checks'] == [[5, 5.0], [10, 4.0], [15, 4.5], [20, 4.5]]
    # It has restored a checkpoint of an older step: the check at 20 comes again.
    assert train(make, [hook()], VALUES, start=(17,)) == 25
    # It stopped: it trains no step more.
    assert train(make, [hook()], VALUES, start=(25,)) == 25
    assert sorted(p.name for p in path.parent.iterdir()) == ['early_stopping.json']


@pytest.mark.parametrize(
    'content',
    [
        *(b'', b'{}', b'3', b'{"checks": [[1]]}', b'{"checks": 3}', b'{"checks": [', b'\xff\xfe'),
        *(b'[' * 100_000, b'{"checks": [["1", 2.0]]}', b'{"checks": [[true, 2.0]]}', b'\0' * 99),
        *(b'{"checks": [[1, "2"]]}', b'{"checks": [[1e3, 2.0]]}', b'{"checks": [[1, 1%s]]}'),
        b'{"checks": [[1, 1' + b'0' * 400 + b']]}',
    ],
)
def test_a_state_file_that_is_none(content, tmp_path):
    path = tmp_path / 'state'
    path.write_bytes(content)
    hook = EarlyStoppingHook('loss:0', patience=1, every_n_steps=1, state_file=path)
    text = f"state_file must be one that such a hook has written; state_file='{path}'"
    with pytest.raises(ValueError, match=re.escape(text)):
        train(tfhooks.MonitoredSession, [hook], VALUES)
    assert path.read_bytes() == content


def test_a_state_file_that_is_a_directory(tmp_path):
    hook = EarlyStoppingHook('loss:0', patience=1, every_n_steps=1, state_file=tmp_path)
    with pytest.raises(ValueError, match=f"state_file='{tmp_path}'"):
        train(tfhooks.MonitoredSession, [hook], VALUES)


@pytest.mark.parametrize('name', ['state[1]', 's*', 'a//state'])
def test_a_state_file_of_an_odd_name(name, tmp_path):
    path = f'{tmp_path}/{name}'
    for _ in range(2):
        hook = EarlyStoppingHook('loss:0', patience=3, every_n_steps=5, state_file=path)
        train(tfhooks.MonitoredSession, [hook], VALUES, runs=11)
    with open(path) as file:
        assert json.load(file)['checks'] == [[5, 5.0], [10, 4.0]]


def test_sleeps_until_a_check_is_due():
    calls = []

    class Counted(EarlyStoppingHook):
        # It sleeps like the hook it counts the calls of.
        next_due = EarlyStoppingHook.next_due

        def before_run(self, run_context):
            calls.append(1)
            return super().before_run(run_context)

    hook = Counted('loss:0', patience=2, every_n_steps=100)
    assert train(tfhooks.MonitoredSession, [hook], [1.0]) == 300
    assert len(calls) < 20


def test_the_session_says_who_stopped_it():
    with tf.Graph().as_default():
        step = train_op()
        hook = EarlyStoppingHook(lambda session, step: 1.0, patience=1, every_n_steps=1)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            while not session.should_stop():
                session.run(step)
            assert 'EarlyStoppingHook' in str(session.stop_reason)


@pytest.mark.parametrize('patience', [1, 9])
def test_it_keeps_the_contract_of_hooks(patience):
    results = {'loss': [3.0, 2.0, 2.0, 2.0]}
    check_hook(
        lambda: EarlyStoppingHook('loss:0', patience=patience, every_n_steps=1), results=results
    )


def test_page(tmp_path):
    output = run_page('early_stopping', tmp_path)
    assert 'stopped at step 400' in output
    assert 'Check(step=300, value=1.0)' in output
