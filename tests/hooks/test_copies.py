"""Hooks can be copied and pickled before they begin: to give each process, each trial its own."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._checkpoints.best import BestCheckpoints

results = []


def evaluate(session):
    return {'loss': 0.5}


def always(run_context):
    return True


def note(session):
    results.append('ready')


def take(values):
    results.append(values)


def feeds():
    return {'x:0': 2.0}


def early_stopping_on_evaluation(directory):
    evaluation = tfhooks.EvalHook(2, evaluate)
    return tfhooks.EarlyStoppingHook(evaluation.result('loss'), patience=3)


HOOKS = {
    'CheckpointSaverHook': lambda d: tfhooks.CheckpointSaverHook(
        d, save_steps=2, asynchronous=True, keep_best=BestCheckpoints('loss:0')
    ),
    'EarlyStoppingHook': lambda d: tfhooks.EarlyStoppingHook(
        'loss:0', patience=9, every_n_steps=1, state_file=f'{d}/state'
    ),
    'EarlyStoppingHook of an EvalHook': early_stopping_on_evaluation,
    'EvalHook': lambda d: tfhooks.EvalHook(2, evaluate, output_dir=d),
    'EvalHook of fetches': lambda d: tfhooks.EvalHook(2, fetches=['loss:0'], feeds={'x:0': 1.0}),
    'FeedFnHook': lambda d: tfhooks.FeedFnHook(feeds),
    'FinalOpsHook': lambda d: tfhooks.FinalOpsHook('loss:0'),
    'GlobalStepWaiterHook': lambda d: tfhooks.GlobalStepWaiterHook(0),
    'HookCostHook': lambda d: tfhooks.HookCostHook(f'{d}/costs.json'),
    'LoggingTensorHook': lambda d: tfhooks.LoggingTensorHook(['loss:0'], every_n_iter=2),
    'MetricsWriterHook': lambda d: tfhooks.MetricsWriterHook(
        [
            tfhooks.CsvWriter(f'{d}/a.csv'),
            tfhooks.JsonLinesWriter(f'{d}/a.jsonl'),
            tfhooks.TensorBoardWriter(d),
        ],
        ['loss:0'],
        every_n_steps=1,
    ),
    'NanTensorHook': lambda d: tfhooks.NanTensorHook('loss:0'),
    'ProfilerHook': lambda d: tfhooks.ProfilerHook(2, output_dir=d),
    'ProgressHook': lambda d: tfhooks.ProgressHook(9, ['loss:0'], every_n_steps=1, bar=False),
    'RestoreHook': lambda d: tfhooks.RestoreHook(d, strict=False, init_fn=note),
    'StallWatchdogHook': lambda d: tfhooks.StallWatchdogHook(600),
    'StepCounterHook': lambda d: tfhooks.StepCounterHook(2, output_dir=d),
    'StopAtStepHook': lambda d: tfhooks.StopAtStepHook(num_steps=9),
    'SummarySaverHook': lambda d: tfhooks.SummarySaverHook(2, output_dir=d, summary_op='s:0'),
    'TimeLimitHook': lambda d: tfhooks.TimeLimitHook(600),
    'after_run': lambda d: tfhooks.after_run('loss:0')(take),
    'after_run with a period': lambda d: tfhooks.after_run('loss:0', every_n_steps=2)(take),
    'every': lambda d: tfhooks.every(tfhooks.NanTensorHook('loss:0'), steps=2),
    'every, at': lambda d: tfhooks.every(tfhooks.CheckpointSaverHook(d, save_steps=1), at=[1, 3]),
    'hook': lambda d: tfhooks.hook(after_create_session=ready),
    'only_if': lambda d: tfhooks.only_if(tfhooks.NanTensorHook('loss:0'), always),
}


def ready(session, coord):
    results.append('ready')


def pickled(hook):
    return pickle.loads(pickle.dumps(hook))


def model():
    train = tf.assign_add(tf.train.get_or_create_global_step(), 1).op
    x = tf.placeholder_with_default(1.0, [], name='x')
    weight = tf.get_variable('weight', initializer=2.0)
    loss = tf.multiply(x, weight, name='loss')
    tf.identity(tf.summary.scalar('loss', loss), name='s')
    return train


def directory_with_a_checkpoint(path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('weight', initializer=2.0)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(path / 'model.ckpt'))


@pytest.mark.parametrize('duplicate', [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize('name', HOOKS)
def test_a_copy_serves_as_the_hook_does(name, duplicate, tmp_path):
    directory_with_a_checkpoint(tmp_path)
    with tf.Graph().as_default():
        train = model()
        original = HOOKS[name](str(tmp_path))
        hook = duplicate(original)
        assert type(hook) is type(original)
        hooks = [hook]
        if name.endswith('of an EvalHook'):
            hooks.append(hook._metric.hook)
        del results[:]
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            for _ in range(4):
                session.run(train)
            assert not session.should_stop()
    if name.startswith('after_run'):
        assert results == [2.0, 2.0] if 'period' in name else results == [2.0] * 4
    if name in ('hook', 'RestoreHook'):
        assert results == ['ready']
    if name == 'MetricsWriterHook':
        rows = [json.loads(line) for line in (tmp_path / 'a.jsonl').read_text().splitlines()]
        assert [row['step'] for row in rows] == [1, 2, 3, 4]


def test_two_copies_know_nothing_of_each_other(tmp_path):
    with tf.Graph().as_default():
        train = model()
        first = tfhooks.StopAtStepHook(num_steps=2)
        second = pickled(first)
        with tfhooks.MonitoredSession(hooks=[first]) as session:
            while not session.should_stop():
                session.run(train)
        with tfhooks.MonitoredSession(hooks=[second]) as session:
            runs = 0
            while not session.should_stop():
                session.run(train)
                runs += 1
    assert runs == 2


def test_no_hook_is_left_out():
    kinds = {name for name in dir(tfhooks) if name.endswith('Hook')}
    assert kinds - set(HOOKS) <= {'SessionRunHook'}
