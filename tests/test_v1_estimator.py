"""`tfhooks.v1.estimator`: the hooks of `tf.estimator`, mode keys, EstimatorSpec and early stopping.

What EstimatorSpec does in 1.15 is compared in test_v1_contrib.py. This runs in one process of its
own, since importing tfhooks.v1 switches TensorFlow's behaviour.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys

import pytest

HOOKS = (
    'CheckpointSaverHook CheckpointSaverListener FeedFnHook FinalOpsHook GlobalStepWaiterHook '
    'LoggingTensorHook NanLossDuringTrainingError NanTensorHook ProfilerHook SecondOrStepTimer '
    'SessionRunArgs SessionRunContext SessionRunHook SessionRunValues StepCounterHook '
    'StopAtStepHook SummarySaverHook'
)
STOPPING = (
    'make_early_stopping_hook stop_if_higher_hook stop_if_lower_hook stop_if_no_decrease_hook '
    'stop_if_no_increase_hook'
)

PROGRAM = """
import json, os, sys, tempfile
import tfhooks, tfhooks.v1 as tf
from tfhooks.v1.estimator import SessionRunHook, experimental
from tfhooks.v1.contrib import estimator as contrib_estimator

hooks, stopping = sys.argv[1].split(), sys.argv[2].split()
found = {
    'hooks': [name for name in hooks if getattr(tf.estimator, name) is not getattr(tfhooks, name)],
    'train': [name for name in hooks if getattr(tf.estimator, name) is not getattr(tf.train, name)],
    'stopping': [
        name for name in stopping for place in (experimental, contrib_estimator)
        if getattr(place, name) is not getattr(tfhooks, name)
    ],
    'dir': sorted(set(dir(tf.estimator)) - set(hooks)),
}

# A program whose model function is all that it has of an Estimator.
class Counts(SessionRunHook):
    runs = 0

    def after_run(self, run_context, run_values):
        self.runs += 1

def model_fn(features, mode):
    weight = tf.get_variable('weight', [1], initializer=tf.ones_initializer())
    loss = tf.reduce_sum(weight * features, keepdims=True)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    train_op = optimizer.minimize(loss, tf.train.get_or_create_global_step())
    return tf.estimator.EstimatorSpec(
        mode, loss=loss, train_op=train_op, training_hooks=[Counts()],
        training_chief_hooks=(hook for hook in [tf.estimator.StopAtStepHook(last_step=3)]),
    )

spec = model_fn(2.0, tf.estimator.ModeKeys.TRAIN)
chief_hooks = [*spec.training_hooks, *spec.training_chief_hooks]
with tf.train.MonitoredTrainingSession(scaffold=spec.scaffold, hooks=chief_hooks) as session:
    while not session.should_stop():
        session.run([spec.train_op, spec.loss])
found['runs'] = [spec.training_hooks[0].runs, spec.loss.shape.rank]

# Early stopping by what an evaluation wrote.
tf.reset_default_graph()
folder = tempfile.mkdtemp()
writer = tf.summary.FileWriter(os.path.join(folder, 'eval'))
for step, value in ((1, 0.5), (2, 0.9)):
    summary = tf.Summary(value=[tf.Summary.Value(tag='accuracy', simple_value=value)])
    writer.add_summary(summary, step)
writer.close()
hook = experimental.stop_if_higher_hook(
    folder, 'accuracy', 0.8, run_every_secs=None, run_every_steps=1
)
step = tf.train.get_or_create_global_step()
advance = tf.assign_add(step, 1)
with tf.train.MonitoredTrainingSession(hooks=[hook, tf.train.StopAtStepHook(50)]) as session:
    while not session.should_stop():
        last = session.run(advance)
found['last'] = int(last)

def told(make):
    try:
        make()
    except Exception as error:
        return [type(error).__name__, str(error)]

loss = tf.constant(1.0)
spec = tf.estimator.EstimatorSpec
outputs = spec('infer', predictions=loss)
found['outputs'] = [outputs.export_outputs, outputs.eval_metric_ops]
found['told'] = [
    told(lambda: spec('eval', loss=loss, training_hooks=['a hook'])),
    told(lambda: spec('eval', loss=loss, eval_metric_ops={'a': loss})),
    told(lambda: spec('eval', loss=loss, scaffold='a scaffold')),
    told(lambda: spec('eval', loss=2.0)),
    told(lambda: spec('eval', loss=tf.zeros([2]))),
    told(lambda: spec('infer', predictions={'a': 'b'})),
    told(lambda: spec('eval', loss=loss)._replace(no_field=1)),
    told(lambda: tf.estimator.Estimator),
    told(lambda: experimental.InMemoryEvaluatorHook),
    told(lambda: tf.estimator.train_and_evaluate),
]
print(json.dumps(found))
"""


@functools.cache
def ended():
    return subprocess.run(
        [sys.executable, '-c', PROGRAM, HOOKS, STOPPING],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope='module')
def found():
    done = ended()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_hooks_are_those_of_tfhooks(found):
    assert found['hooks'] == ['NanLossDuringTrainingError', 'SessionRunHook']
    assert found['train'] == []


def test_early_stopping_is_that_of_tfhooks(found):
    assert found['stopping'] == []


def test_dir_lists_what_is_there(found):
    others = {'EstimatorSpec', 'ModeKeys', 'VocabInfo', 'experimental'}
    assert {name for name in found['dir'] if not name.startswith('_')} == others


def test_a_spec_trains(found):
    runs, rank = found['runs']
    assert runs == 3
    assert rank == 0, 'a loss of shape [1] becomes a scalar'


def test_early_stopping_stops(found):
    assert found['last'] < 50


def test_export_outputs_are_kept_as_they_are(found):
    assert found['outputs'] == [None, {}]


@pytest.mark.parametrize(
    ('index', 'kind', 'text'),
    [
        (0, 'TypeError', "training_hooks must be hooks; found 'a hook'"),
        (1, 'TypeError', "eval_metric_ops['a']="),
        (2, 'TypeError', "scaffold='a scaffold'"),
        (3, 'TypeError', 'loss must be a tensor; loss=2.0'),
        (4, 'ValueError', 'loss must be a scalar'),
        (5, 'TypeError', "predictions['a'] must be a tensor"),
        (6, 'ValueError', "fields=['no_field']"),
        (7, 'NameGoneError', 'tf.train.MonitoredTrainingSession'),
        (8, 'NameGoneError', 'tfhooks.EvalHook'),
        (9, 'NameGoneError', 'tfhooks.EvalHook'),
    ],
)
def test_errors(found, index, kind, text):
    told = found['told'][index]
    assert told[0] == kind
    assert text in told[1]
