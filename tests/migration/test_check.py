"""`python -m tfhooks check`: names, where they come from, what guards them, and reports."""

from __future__ import annotations

import functools

import places
import pytest
import tensorflow.compat.v1 as tf

from tfhooks._legacy import contrib_files
from tfhooks._migration import check
from tfhooks._migration.checking import replacements
from tfhooks._migration.checking.installed import Installed
from tfhooks._migration.checking.names import NameChecker

NAMES = places.RECORDED / 'names' / 'names_1_15.txt'
FAILS = ('gone', 'unknown')


@functools.cache
def judge():
    return NameChecker(Installed.here())


def findings(folder, source, name='program.py'):
    """What is found in a program: (line, kind, name), without what works."""
    file = folder / name
    file.write_text(source)
    return [
        (found.line, found.kind, found.name)
        for found in check.check_file(str(file), judge())
        if found.kind != 'works'
    ]


def failing(folder, source):
    """The names of a program that fail."""
    return [name for _, kind, name in findings(folder, source) if kind in FAILS]


# Names.


@functools.cache
def names_of_1_15():
    names = set()
    for line in NAMES.read_text().splitlines():
        place, _, inside = line.partition(':')
        names |= {f'{place}.{name}'.lstrip('.') for name in inside.split()}
    return sorted(names)


def is_there(dotted):
    value = tf
    for part in dotted.split('.'):
        try:
            value = getattr(value, part)
        except (AttributeError, ImportError):
            return False
    return True


def test_every_name_of_1_15_is_judged_as_the_running_tensorflow_has_it():
    wrong = {}
    for name in names_of_1_15():
        if name.split('.')[0] in ('keras', 'layers') or name.startswith('nn.rnn_cell'):
            continue  # Which Keras these are of is chosen when TensorFlow is imported.
        kind = judge().judge(f'tensorflow.{name}').kind
        if (kind not in FAILS) != is_there(name):
            wrong[name] = kind
    assert not wrong
    assert len(names_of_1_15()) > 3500


def test_every_name_that_the_table_calls_gone_was_in_1_15_and_is_gone():
    assert set(replacements.GONE) <= set(names_of_1_15())
    for name in replacements.GONE:
        verdict = judge().judge(f'tensorflow.{name}')
        assert verdict.kind == 'gone', name
        assert verdict.replacement == replacements.GONE[name]


@pytest.mark.parametrize('which', ['GONE', 'OLDER', 'PACKAGES', 'REMOVED'])
def test_the_replacements_in_the_tables_exist(which):
    for name, instead in getattr(replacements, which).items():
        first = instead.split('(')[0].split(',')[0].split(' ')[0]
        if first.startswith('tf.'):
            kind = judge().judge(f'tensorflow.{first[3:]}').kind
            assert kind in ('works', 'extra'), f'{name} -> {first}'


FILES = ('works', '') if contrib_files.folder() else ('extra', contrib_files.INSTALL)


@pytest.mark.parametrize(
    ('dotted', 'kind', 'says'),
    [
        ('tensorflow.train.MonitoredTrainingSession', 'works', ''),
        ('tensorflow.compat.v1.train.Saver', 'works', ''),
        ('tensorflow.Session.run', 'works', ''),
        ('tensorflow.flags.FLAGS.batch_size', 'works', ''),
        ('tensorflow.__version__', 'works', ''),
        ('tfhooks.v1.train.Scaffold', 'works', ''),
        ('tfhooks.EvalHook', 'works', ''),
        ('tensorflow.compat.v2.io.gfile', 'works', ''),
        ('tensorflow.estimator.SessionRunHook', 'works', ''),
        ('tensorflow.contrib.learn.ModeKeys.TRAIN', *FILES),
        ('tensorflow.contrib.tpu.CrossShardOptimizer', 'works', ''),
        ('tensorflow.layers.dense', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.nn.rnn_cell.LSTMCell', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.keras.layers.Dense', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.contrib.rnn.BasicLSTMCell', 'extra', 'pip install "tfhooks[legacy]"'),
        ('tensorflow.compat.v1.contrib.slim.conv2d', 'extra', 'tfhooks[contrib]'),
        ('tensorflow.contrib.slim.conv2d', 'extra', 'pip install "tfhooks[contrib]"'),
        ('tfhooks.v1.contrib.slim.conv2d', 'extra', 'pip install "tfhooks[contrib]"'),
        ('tensorflow.contrib.rpc.try_rpc', 'gone', ''),
        ('tensorflow.contrib.tpu.TPUEstimator', 'extra', 'pip install "tfhooks[estimator]"'),
        ('tensorflow.contrib.rnn.LSTMBlockCell.__init__', *FILES),
        ('tensorflow.train.Saver.__init__.__doc__', 'works', ''),
        ('tensorflow.estimator.Estimator', 'extra', 'pip install "tfhooks[estimator]"'),
        ('tensorflow.estimator.Estimator.train', 'extra', 'pip install "tfhooks[estimator]"'),
        ('tensorflow.estimator.DNNClassifier', 'extra', 'pip install "tfhooks[estimator,legacy]"'),
        ('tensorflow.estimator.BoostedTreesClassifier', 'gone', 'a library of decision trees'),
        ('tensorflow.keras.utils.multi_gpu_model', 'gone', 'tf.distribute.MirroredStrategy'),
        ('tensorflow.pack', 'gone', 'tf.stack'),
        ('tensorflow.train.SummaryWriter', 'gone', 'tf.summary.FileWriter'),
        ('tensorflow.examples.tutorials.mnist', 'gone', 'tf.keras.datasets.mnist'),
        ('tensorflow_estimator.python.estimator.estimator', 'extra', 'tfhooks[estimator]'),
        ('tensorflow.python.estimator.model_fn.ModeKeys.TRAIN', 'extra', 'tfhooks[estimator]'),
        ('tensorflow_estimator.python.estimator.canned.boosted_trees', 'gone', ''),
        ('tensorflow_estimator.contrib.estimator', 'gone', ''),
        ('tensorflow.python.framework.ops', 'private', ''),
        ('tensorflow.core.framework.summary_pb2.Summary', 'private', ''),
        ('tensorflow.python.training.basic_session_run_hooks.StopAtStepHook', 'private', ''),
        ('tensorflow.python.ops.array_ops.stack', 'private', ''),
        ('tensorflow.python.training.training_ops.apply_adam', 'private', ''),
        ('tensorflow.python.layers.normalization.BatchNormalization', 'gone', 'tf.layers.Batch'),
        ('tensorflow._api.v1.train.Saver', 'works', ''),
        ('tensorflow._api.v1', 'works', ''),
        ('tensorflow.python.no_such_module.x', 'gone', ''),
        ('tensorflow.pywrap_tensorflow.NewCheckpointReader', 'private', ''),
        ('tensorflow.python.pywrap_tensorflow.NewCheckpointReader', 'private', ''),
        ('tensorflow.pywrap_tensorflow.EventsWriter', 'gone', 'tf.summary.FileWriter'),
        ('tensorflow.python.framework.ops.no_such_name', 'gone', ''),
        ('tensorflow.optimizers.Adam', 'unknown', 'tf.compat.v2.optimizers.Adam'),
        ('tensorflow.no_such_name', 'unknown', ''),
        ('tensorflow.train.no_such_name', 'unknown', ''),
    ],
)
def test_what_is_said_of_a_name(dotted, kind, says):
    verdict = judge().judge(dotted)
    assert verdict.kind == kind
    assert says in verdict.replacement
    assert bool(verdict.message) == (kind != 'works')


# How a program comes to a name.


@pytest.mark.parametrize(
    'source',
    [
        'import tensorflow as tf\ntf.contrib.rpc.x',
        'import tensorflow\ntensorflow.contrib.rpc.x',
        'import tensorflow.compat.v1 as tf\ntf.contrib.rpc.x',
        'import tfhooks.v1 as tf\ntf.contrib.rpc.x',
        'from tensorflow.compat import v1 as tf\ntf.contrib.rpc.x',
        'import tensorflow as tf\ntf.compat.v1.contrib.rpc.x',
        'import tensorflow as tf\nt = tf.contrib\nt.rpc.x',
        'import tensorflow as tf\ntf = tf.compat.v1\ntf.contrib.rpc.x',
        'import tensorflow as tf\na, t = 1, tf.contrib\nt.rpc.x',
        'import tensorflow as tf\nt: object = tf.contrib\ndef f():\n    return t.rpc.x',
        'import tensorflow as tf\ndef f():\n    t = tf.contrib\n    return [t.rpc.x for _ in "a"]',
        'import tensorflow as tf\nclass A:\n    def f(self, x=tf.contrib.rpc.x): pass',
        'import tensorflow as tf\ngetattr(tf.contrib.rpc, "x")',
        'import tensorflow as tf\nclass A:\n    tf = 1\n    def f(self): tf.contrib.rpc.x',
        'import importlib\ntf = importlib.import_module("tensorflow")\ntf.contrib.rpc.x',
        'def f():\n    global tf\n    import tensorflow as tf\ndef g():\n    tf.contrib.rpc.x',
        'import tensorflow as tf\n(lambda y: tf.contrib.rpc.x)(1)',
        'import tensorflow as tf\nif (t := tf.contrib):\n    t.rpc.x',
        'import tensorflow as tf\nprint(f"{tf.contrib.rpc.x}")',
    ],
)
def test_a_name_is_followed_to_where_it_comes_from(tmp_path, source):
    found = failing(tmp_path, source)
    assert any(name.endswith('.contrib.rpc.x') for name in found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ('source', 'found'),
    [
        ('from tensorflow.contrib import rpc', [(1, 'gone', 'tensorflow.contrib.rpc')]),
        ('import tensorflow.contrib.rpc', [(1, 'gone', 'tensorflow.contrib.rpc')]),
        ('from tensorflow.contrib.rpc import *', [(1, 'gone', 'tensorflow.contrib.rpc')]),
        (
            'from tensorflow.python.framework import ops\nops.Graph\nops.nowhere',
            [
                (1, 'private', 'tensorflow.python.framework.ops'),
                (3, 'gone', 'tensorflow.python.framework.ops.nowhere'),
            ],
        ),
        (
            'from tensorflow.contrib.rpc import Call\nCall.train\nCall()',
            [(1, 'gone', 'tensorflow.contrib.rpc.Call')],
        ),
        ('from tensorflow import keras', [(1, 'extra', 'tensorflow.keras')]),
    ],
)
def test_what_an_import_asks_for_is_said_once_and_there(tmp_path, source, found):
    assert findings(tmp_path, source) == found


@pytest.mark.parametrize(
    'source',
    [
        'def f(tf):\n    tf.contrib.x',
        'import tensorflow as tf\ndef f(tf):\n    tf.blah',
        'import tensorflow as tf\n[tf.blah for tf in (1, 2)]',
        'import tensorflow as tf\ndef f():\n    tf = object()\n    tf.contrib.x',
        'import tensorflow as tf\nfor tf in ():\n    tf.blah',
        'from .tensorflow import contrib\ncontrib.rpc',
        'from . import tensorflow as tf\ntf.contrib.rpc',
        'import tensorflow_probability as tf\ntf.contrib.rpc',
        'import numpy as tf\ntf.contrib.rpc',
        'tf.contrib.rpc',
        'import tensorflow as tf\ntf.contrib = object()\ntf.contrib.x',
        'import tensorflow as tf\nsetattr(tf, "blah", 1)\ntf.blah',
        'import tensorflow as tf\nclass tf:\n    pass\ntf.blah',
        'import tensorflow as tf\nwith open("x") as tf:\n    tf.blah',
        'import tensorflow as tf\nmatch 1:\n    case tf:\n        tf.blah',
    ],
)
def test_what_is_not_tensorflow_s_is_left_alone(tmp_path, source):
    assert failing(tmp_path, source) == []


@pytest.mark.parametrize(
    'source',
    [
        'try:\n    from tensorflow.contrib import rpc\nexcept ImportError:\n    rpc = None\nrpc.x',
        'try:\n    import tensorflow.contrib.rpc as t\nexcept Exception:\n    pass\nt.x',
        'import tensorflow as tf\ntry:\n    t = tf.contrib.rpc\nexcept AttributeError:\n    t = 0',
        'import tensorflow as tf\ntry:\n    t = tf.contrib.rpc\nexcept (OSError, Exception): t = 0',
        'import tensorflow as tf\nif hasattr(tf, "contrib"):\n    tf.contrib.rpc.x',
        'import tensorflow as tf\nx = tf.contrib.rpc if hasattr(tf, "contrib") else None',
        'import tensorflow as tf\nhasattr(tf, "contrib") and tf.contrib.rpc.x',
        'import tensorflow as tf\nif tf.__version__ < "2":\n    from tensorflow.contrib import rpc',
        'import tensorflow as tf\nOLD = tf.__version__[0] == "1"\nif OLD:\n    tf.contrib.rpc',
        'try:\n    import tensorflow.train\nexcept ImportError:\n    import tensorflow.contrib.rpc',
        'from contextlib import *\nwith suppress(ImportError):\n    import tensorflow.contrib.rpc',
        'import tensorflow as tf\ngetattr(tf.train, "x", None)',
    ],
)
def test_what_a_program_guards_is_no_error(tmp_path, source):
    found = findings(tmp_path, source)
    assert {kind for _, kind, _ in found} <= {'guarded'}
    assert found or 'getattr' in source


@pytest.mark.parametrize(
    'source',
    [
        'try:\n    from tensorflow.contrib import rpc\nexcept ValueError:\n    pass',
        'try:\n    from tensorflow.contrib import rpc\nexcept ImportError:\n    raise',
        'try:\n    from tensorflow.contrib import rpc\nexcept ImportError:\n    sys.exit(1)',
        'try:\n    import tensorflow as tf\nexcept ImportError:\n    tf = None\ntf.contrib.rpc',
        'try:\n    import tensorflow.contrib.a\nexcept Exception:\n    import tensorflow.contrib.b',
        'import tensorflow as tf\nif DEBUG:\n    tf.contrib.rpc',
        'import tensorflow as tf\ntry:\n    def f(): tf.contrib.rpc\nexcept Exception:\n    f = 0',
        'import tensorflow as tf\nif x:\n    c = tf.contrib.rpc\nelse:\n    c = tf.blah\nc.y',
    ],
)
def test_what_does_not_guard(tmp_path, source):
    assert failing(tmp_path, source)


def test_one_of_two_ways_that_works_is_enough(tmp_path):
    source = 'import tensorflow as tf\nrnn = tf.contrib.rnn if OLD else tf.nn\nrnn.dynamic_rnn'
    assert findings(tmp_path, source) == []
