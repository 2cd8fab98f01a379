"""`tfhooks.v1.contrib` does what `tf.contrib` of TensorFlow 1.15 did, and is imported as it was.

What it does is compared case by case with what 1.15 did: tests/recorded_1_15/gone/behaviour.py.
Everything runs in a few processes of its own, since importing tfhooks.v1 switches TensorFlow's
behaviour.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import math
import os
import sys

import places
import pytest
import warm_python

from tfhooks._legacy import contrib_files

GONE = str(places.RECORDED / 'gone')
HAS_SLIM = importlib.util.find_spec('tf_slim') is not None
HAS_KERAS_2 = importlib.util.find_spec('tf_keras') is not None
HAS_ESTIMATOR = importlib.util.find_spec('tensorflow_estimator') is not None
needs_slim = pytest.mark.skipif(not HAS_SLIM, reason='needs tf_slim')
HAS_FILES = contrib_files.folder() is not None
without_files = pytest.mark.skipif(HAS_FILES, reason='the files of tf.contrib serve instead')

with open(os.path.join(GONE, 'behaviour_1_15.json'), encoding='utf-8') as _file:
    RECORDED = json.load(_file)
WITHOUT_SLIM = (
    'datasets',
    'eval_step',
    'hparams',
    'nest',
    'odds_and_ends',
    'summaries',
    'tensors',
)
WITH_KERAS_2 = ('batch_norm', 'cells')
WITH_ESTIMATOR = ('estimator',)


@functools.cache
def ended(code, *arguments):
    """The process that ran a program."""
    return warm_python.run(
        [sys.executable, *([code] if code.endswith('.py') else ['-c', code]), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def in_process(code, *arguments):
    """What a program prints, as JSON."""
    done = ended(code, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def now():
    return in_process(os.path.join(GONE, 'behaviour.py'), 'tfhooks.v1')


def differences(before, after, path=()):
    """Where two outcomes differ, and how."""
    if isinstance(before, float) or isinstance(after, float):
        numbers = isinstance(before, (int, float)) and isinstance(after, (int, float))
        if not (numbers and math.isclose(before, after, rel_tol=1e-4, abs_tol=1e-5)):
            yield path, before, after
    elif type(before) is not type(after):
        yield path, before, after
    elif isinstance(before, dict) and before.keys() == after.keys():
        for key in before:
            yield from differences(before[key], after[key], (*path, key))
    elif isinstance(before, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, (*path, index))
    elif before != after:
        yield path, before, after


@pytest.mark.parametrize('name', sorted(RECORDED))
def test_does_what_1_15_did(name):
    if name in WITH_ESTIMATOR and not HAS_ESTIMATOR:
        pytest.skip('needs tensorflow-estimator')
    if name not in (*WITHOUT_SLIM, *WITH_ESTIMATOR) and not HAS_SLIM:
        pytest.skip('needs tf_slim')
    if name in WITH_KERAS_2 and not HAS_KERAS_2:
        pytest.skip('needs tf_keras')
    assert list(differences(RECORDED[name], now()[name])) == []


def test_no_record_is_of_an_error():
    assert not [name for name, outcome in RECORDED.items() if isinstance(outcome, str)]
    assert len(RECORDED) == 26


IMPORTS = """
import importlib, json, sys
import tfhooks.v1 as tf
import tfhooks.v1.contrib.training as training
from tfhooks.v1 import contrib
from tfhooks.v1.contrib import rnn, slim
from tfhooks.v1.contrib.framework import nest, get_or_create_global_step
from tfhooks.v1.contrib.framework.python.framework import checkpoint_utils
from tfhooks.v1.contrib.framework.python.ops import add_arg_scope, variables
from tfhooks.v1.contrib.framework.python.ops.arg_scope import arg_scope
from tfhooks.v1.contrib.layers.python.layers import initializers, layers, utils
from tfhooks.v1.contrib.layers.python.layers.layers import conv2d
from tfhooks.v1.contrib.slim.nets import resnet_v1
from tfhooks.v1.contrib.slim.python.slim.learning import train_step
from tfhooks.v1.contrib.training.python.training import evaluation, hparam
from tfhooks.v1.contrib.training.python.training.training import create_train_op
import tfhooks.v1.contrib.slim.python.slim.nets.vgg as vgg

import tf_slim
from tf_slim.layers import utils as slim_utils
scopes = sys.modules['tfhooks.v1.contrib.framework.python.ops.arg_scope']
names = {}
exec('from tfhooks.v1.contrib.training import *', names)
checks = {
    'contrib': contrib is tf.contrib,
    'training': training is tf.contrib.training is importlib.import_module(training.__name__),
    'slim': slim is tf.contrib.slim and slim.conv2d is tf_slim.conv2d,
    'nest': nest is tf.contrib.framework.nest and nest.flatten is tf.nest.flatten,
    'step': get_or_create_global_step is tf.train.get_or_create_global_step,
    'file': checkpoint_utils.load_variable is tf.contrib.framework.load_variable,
    'function before file': tf.contrib.framework.python.ops.arg_scope is arg_scope,
    'file by import': scopes.arg_scope is arg_scope is tf_slim.arg_scope,
    'file of one name': variables.model_variable is tf_slim.model_variable,
    'initializers': initializers.xavier_initializer is tf.contrib.layers.xavier_initializer,
    'layers': layers.conv2d is conv2d is tf_slim.conv2d,
    'utils': utils.smart_cond is slim_utils.smart_cond,
    'nets': resnet_v1 is tf.contrib.slim.nets.resnet_v1 and callable(vgg.vgg_16),
    'learning': train_step is slim.learning.train_step,
    'evaluation': evaluation.evaluate_once is training.evaluate_once,
    'hparam': hparam.HParams is training.HParams is names['HParams'],
    'train op': create_train_op is training.create_train_op,
    'kept': vars(training)['HParams'] is training.HParams,
    'dir': {'HParams', 'train', '__name__'} <= set(dir(training)) and 'bucket' not in dir(training),
    'no file': importlib.util.find_spec('tfhooks.v1.train') is not None,
    'cells': rnn.static_rnn is tf.nn.static_rnn,
}
print(json.dumps([name for name, holds in checks.items() if not holds]))
"""


@needs_slim
@without_files
def test_imports():
    assert in_process(IMPORTS) == []


SESSIONS = """
import json, tempfile
import tfhooks, tfhooks.v1 as tf

kinds = []

class Looks(tf.train.SessionRunHook):
    def before_run(self, run_context):
        kinds.append(type(run_context) is not tfhooks.SessionRunContext and
                     isinstance(run_context, tfhooks.SessionRunContext))

def graph():
    tf.reset_default_graph()
    return tf.get_variable('weight', [], initializer=tf.ones_initializer())

folder = tempfile.mkdtemp()
weight = graph()
op = tf.contrib.training.create_train_op(weight * weight, tf.train.GradientDescentOptimizer(0.1))
tf.contrib.training.train(op, folder, hooks=[Looks(), tf.train.StopAtStepHook(2)])
path = tf.train.latest_checkpoint(folder)
stop = tf.contrib.training.StopAfterNEvalsHook
tf.contrib.training.evaluate_once(path, eval_ops=graph(), hooks=[Looks(), stop(1)])
tf.contrib.slim.evaluation.evaluate_once('', path, folder, eval_op=graph(), hooks=[Looks()])
errors = []
try:
    tf.contrib.training.evaluate_once(path, eval_ops=graph(), hooks=[Looks(), 'no hook'])
except TypeError as error:
    errors.append(str(error))
hooks = [tf.contrib.training.SummaryAtEndHook, stop, tf.contrib.hooks.ProfilerHook]
print(json.dumps([kinds, errors, [issubclass(hook, tfhooks.SessionRunHook) for hook in hooks]]))
"""


@needs_slim
def test_sessions_and_hooks_are_those_of_tfhooks():
    contexts, errors, subclasses = in_process(SESSIONS)
    assert contexts == [True] * 4
    assert 'no hook' in errors[0]
    assert subclasses == [True] * 3


WITHOUT = """
import json, sys
sys.modules['tf_slim'] = None
import tfhooks.v1 as tf

def told(statement):
    try:
        exec(statement)
    except (AttributeError, ImportError) as error:
        return [type(error).__name__, str(error)]

print(json.dumps({
    'told': [told(statement) for statement in (
        'tf.contrib.slim', 'tf.contrib.layers.conv2d', 'tf.contrib.training.train',
        'from tfhooks.v1.contrib import slim', 'import tfhooks.v1.contrib.slim.nets',
        'from tfhooks.v1.contrib.training import create_train_op',
        'from tfhooks.v1.contrib.layers.python.layers import utils',
    )],
    'has': [hasattr(tf.contrib, 'slim'), hasattr(tf.contrib.training, 'train')],
    'works': [told(statement) for statement in (
        'import tfhooks.v1.contrib.training', 'tf.contrib.training.evaluate_once',
        'tf.contrib.training.StopAfterNEvalsHook(1)',
        'from tfhooks.v1.contrib.framework import nest', 'tf.contrib.summary.scalar',
        'from tfhooks.v1.contrib import estimator, rnn',
    )],
}))
"""


@without_files
def test_without_tf_slim_the_extra_is_named():
    found = in_process(WITHOUT)
    kinds = ['NameGoneError'] * 3 + ['ModuleNotFoundError'] * 4
    assert [kind for kind, _ in found['told']] == kinds
    for _, text in found['told']:
        assert 'pip install "tfhooks[contrib]"' in text
    assert found['has'] == [False, False]
    assert found['works'] == [None] * 6


HPARAMS = """
import copy, json, pickle
import tfhooks.v1 as tf

HParams = tf.contrib.training.HParams
params = HParams(rate=0.5, sizes=[1, 2])
found = [copy.deepcopy(params).values(), pickle.loads(pickle.dumps(params)).values()]
for make in (lambda: HParams(hparam_def=object()), params.to_proto, lambda: params.other):
    try:
        make()
    except (NotImplementedError, AttributeError) as error:
        found.append([type(error).__name__, str(error)])
print(json.dumps(found))
"""


@without_files
def test_hparams_without_their_protocol_buffer():
    copied, unpickled, given, asked, other = in_process(HPARAMS)
    assert copied == unpickled == {'rate': 0.5, 'sizes': [1, 2]}
    assert given[0] == asked[0] == 'NotImplementedError'
    assert 'HParams.parse_json' in given[1]
    assert 'use to_json' in asked[1]
    assert other == ['AttributeError', "'HParams' object has no attribute 'other'"]


STAGING = """
import json
import tfhooks.v1 as tf
from tensorflow.compat.v1 import xla
from tfhooks.v1.contrib.compiler.xla import compile
from tfhooks.v1.contrib.staging import StagingArea

step = tf.train.get_or_create_global_step()
area = StagingArea([tf.int64], [[]])
put = area.put([step * 2])
with tf.control_dependencies([put]):
    [taken] = area.get()
    with tf.control_dependencies([taken]):
        train = tf.assign_add(step, 1)
with tf.train.MonitoredTrainingSession() as session:
    # Fills the area: from then on a batch is made while the one before is used.
    session.run_step_fn(lambda step_context: step_context.session.run(put))
    found = [int(session.run((taken, train))[0]) for _ in range(3)]
scope = tf.contrib.compiler.jit.experimental_jit_scope
print(json.dumps([found, compile is xla.experimental.compile, scope is xla.experimental.jit_scope]))
"""


def test_staging_and_compiling_under_their_old_names():
    assert in_process(STAGING) == [[0, 0, 2], True, True]
