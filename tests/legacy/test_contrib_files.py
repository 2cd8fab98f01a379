"""The files of tf.contrib of TensorFlow 1.15 run with today's TensorFlow, as they are.

What loads them is tried with files of the test's own; the originals are looked at where they are
installed (`python -m tfhooks contrib install`).
"""

from __future__ import annotations

import json
import os
import textwrap

import pytest
from cli_programs import RUNNER, python, write

from tfhooks._base import extras
from tfhooks._legacy import contrib_files

needs_files = pytest.mark.skipif(
    contrib_files.folder() is None, reason=f'needs the files: {contrib_files.INSTALL}'
)

# What the wrappers of operations looked like.
OPERATIONS = '''
    from tensorflow.python.framework import dtypes as _dtypes
    from tensorflow.python.framework import op_def_library as _op_def_library

    @tf_export('cross')
    def cross(a, b, name=None):
        """Crosses."""
        _, _, _op = _op_def_lib._apply_op_helper("Cross", a=a, b=b, name=name)
        return _op.outputs[0]

    def resampler(data, warp, out_type=_dtypes.float32, name=None):
        """Has no kernel."""
        _, _, _op = _op_def_lib._apply_op_helper("Resampler", data=data, warp=warp, name=name)
        return _op.outputs[0]

    _op_def_lib = _InitOpDefLibrary(b"...")
'''
FILES = {
    'contrib/__init__': 'raise RuntimeError("is not needed")',
    'contrib/crf/__init__': """
        import collections
        import inspect
        import numpy as np
        import tensorflow as tf
        from tensorflow.contrib.crf.python.ops import crf
        from tensorflow.contrib.crf.python.ops.crf import *
        from tensorflow.contrib import util
        from tensorflow.python.framework import ops
        from tensorflow.python.training import basic_session_run_hooks
        from tensorflow.python.training.tracking import base, tracking
        from tensorflow.python.util.all_util import remove_undocumented

        ops.RegisterShape('Cross')(None)
        remove_undocumented(__name__)
        old = [np.float, collections.Mapping, inspect.getargspec]
    """,
    'contrib/crf/python/ops/crf': 'score = 3',
    'contrib/crf/ops/gen_crf_ops': OPERATIONS,
    'contrib/util/__init__': '',
    'contrib/tpu/__init__': 'from tensorflow_estimator.python.estimator.tpu.tpu_config import *',
    'contrib/xla/__init__': """
        import abc
        from tensorflow.contrib.tpu import TPUConfig
        from tensorflow.python.estimator import model_fn, run_config
        from tensorflow.python.estimator.inputs.queues.feeding_functions import _enqueue_data
        from tensorflow_estimator.python.estimator import util

        class Config(run_config.RunConfig, abc.ABC):
            pass

        def compile():
            return 'compiled'
    """,
    'examples/tutorials/mnist/input_data': 'from tensorflow.contrib.crf import score',
}


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A folder to be in the path, with files in the place of contrib's."""
    folder = tmp_path_factory.mktemp('site')
    write(folder / 'tfhooks_contrib', FILES)
    (folder / 'tfhooks_contrib' / 'ORIGIN.json').write_text('{}')
    for name in ('crf/python', 'crf/python/ops', 'crf/ops'):
        (folder / 'tfhooks_contrib' / 'contrib' / name / '__init__.py').touch()
    return folder


def run(folder, tmp_path, program, *options):
    """The lines that a program prints which finds the files in a folder."""
    write(tmp_path, {'program': program})
    done = python(
        tmp_path, *options, 'program.py', PYTHONPATH=os.pathsep.join([str(folder), *PATH])
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


PATH = [path for path in os.environ.get('PYTHONPATH', '').split(os.pathsep) if path]


def test_import_statements_of_the_files_are_served(files, tmp_path):
    lines = run(
        files,
        tmp_path,
        """
        import tensorflow as tf
        from tensorflow.contrib import crf
        from tensorflow.contrib.crf.python.ops import crf as deep
        from tensorflow.examples.tutorials.mnist import input_data
        import collections, numpy, tfhooks

        print(crf is tf.contrib.crf, crf.score, deep.score, input_data.score, crf.crf is deep)
        print([getattr(one, '__name__', None) for one in crf.old])
        print(crf.basic_session_run_hooks.StopAtStepHook is tfhooks.StopAtStepHook)
        print(crf.tf.Session is tf.Session, crf.base.Trackable, crf.tracking.AutoTrackable)
        print(hasattr(numpy, 'float'), hasattr(collections, 'Mapping'), 'crf' in dir(tf.contrib))
        """,
        *RUNNER,
    )
    assert lines[0] == 'True 3 3 3 True'
    assert lines[1] == "['float', 'Mapping', 'getargspec']"
    assert lines[2] == 'True'
    assert lines[3].startswith('True ')
    assert lines[4] == 'False False True'


def test_operations_are_those_of_today(files, tmp_path):
    lines = run(
        files,
        tmp_path,
        """
        import tfhooks.v1 as tf
        from tfhooks.v1.contrib.crf.ops import gen_crf_ops as ops

        with tf.Session() as session:
            print(session.run(ops.cross([1., 0., 0.], [0., 1., 0.], name='here')))
        print(ops.Cross is ops.cross, ops.cross.__doc__)
        try:
            ops.resampler(1, 2)
        except tf.errors.NotFoundError as error:
            print(error.message)
        """,
    )
    assert lines[:2] == ['[0. 0. 1.]', 'True Crosses.']
    assert lines[2].startswith('Resampler: the kernel of this operation was in a library')


GATHER_TREE = """
    import json
    import tfhooks.v1 as tf
    from tfhooks.v1._contrib_ops import call

    def beams(steps, parents, lengths, end):
        with tf.Graph().as_default(), tf.Session() as session:
            tree = call('GatherTree', step_ids=tf.constant(steps), parent_ids=tf.constant(parents),
                        max_sequence_lengths=lengths, end_token=end)
            assert tree.shape.as_list() == [len(steps), len(steps[0]), len(steps[0][0])]
            return session.run(tree).tolist()

    # As the kernel's own documentation has it: time, batch, beam.
    print(json.dumps([
        beams([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]], [[-1, -1, -1]]],
              [[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]], [[-1, -1, -1]]], [3], 10),
        beams([[[1, 2]], [[9, 4]], [[5, 6]]], [[[0, 0]], [[0, 1]], [[0, 1]]], [3], 9),
        beams([[[1, 2], [3, 4]]], [[[0, 0], [0, 0]]], [1, 0], 7),
    ]))
    try:
        beams([[[1, 2]], [[3, 4]]], [[[0, 0]], [[0, 5]]], [2], 9)
    except tf.errors.InvalidArgumentError as error:
        print('5 is not in [0, 2)' in str(error))
"""


def test_the_beams_of_a_search(tmp_path):
    write(tmp_path, {'program': GATHER_TREE})
    done = python(tmp_path, 'program.py')
    assert done.returncode == 0, done.stderr
    found, is_named = done.stdout.splitlines()
    assert json.loads(found) == [
        [[[2, 2, 2]], [[6, 5, 6]], [[7, 8, 9]], [[10, 10, 10]]],
        [[[1, 2]], [[9, 4]], [[9, 6]]],
        [[[1, 2], [7, 7]]],
    ]
    assert is_named == 'True'


WITHOUT_ESTIMATOR = """
    import sys
    sys.modules['tensorflow_estimator'] = None
    from tensorflow.contrib import tpu, xla

    print(xla.compile(), isinstance(3, xla.Config), xla.run_config.TaskType.__name__)
    for use in (
        xla.Config,
        lambda: xla._enqueue_data(None, 10),
        lambda: tpu.TPUConfig(iterations_per_loop=2),
        lambda: xla.util.parse_input_fn_result(None),
        lambda: xla.model_fn.ModeKeys.TRAIN,
    ):
        try:
            use()
        except (ImportError, AttributeError) as error:
            print(type(error).__name__, error)
    try:
        import tensorflow_estimator
    except ImportError as error:
        print(error)
"""


def test_what_needs_no_estimator_is_there_without_it(files, tmp_path):
    first, *errors, last = run(files, tmp_path, WITHOUT_ESTIMATOR, *RUNNER)
    assert first == 'compiled False TaskType'
    package, why = 'tensorflow_estimator.python.estimator', 'tensorflow-estimator is not installed'
    for error, named in zip(
        errors,
        (
            f'ModuleNotFoundError {package}.run_config.RunConfig',
            f'ModuleNotFoundError {package}.inputs.queues.feeding_functions._enqueue_data',
            f'ModuleNotFoundError {package}.tpu.tpu_config.TPUConfig',
            f'ModuleNotFoundError {package}.util.parse_input_fn_result',
            f'AttributeError {package}.model_fn.ModeKeys.TRAIN',
        ),
        strict=True,
    ):
        assert error == f'{named}: {why}: {extras.pip_command(["estimator"])}'
    assert 'tensorflow_estimator' in last


SLIM = """
    import sys
    sys.modules['tensorflow_estimator'] = None
    import numpy as np
    import tensorflow as tf
    from tensorflow.contrib import rnn, slim

    images = tf.constant(np.ones([2, 8, 8, 3], np.float32))
    net = slim.flatten(slim.conv2d(images, 4, [3, 3]))
    outputs, _ = tf.nn.dynamic_rnn(
        rnn.LSTMBlockCell(4), tf.expand_dims(net, 1), dtype=tf.float32
    )
    tf.losses.mean_squared_error(tf.zeros([2, 1]), slim.fully_connected(outputs[:, 0], 1))
    train_op = slim.learning.create_train_op(
        tf.losses.get_total_loss(), tf.train.GradientDescentOptimizer(0.1)
    )
    slim.learning.train(train_op, sys.argv[1], number_of_steps=3)
    print(tf.train.latest_checkpoint(sys.argv[1]))
    print(tf.contrib.training.HParams(rate=0.5).parse('rate=0.25').rate)
    try:
        tf.contrib.learn.RunConfig()
    except ImportError as error:
        print(error)
"""


@needs_files
def test_the_files_work_without_the_estimator_as_far_as_they_need_none(tmp_path):
    write(tmp_path, {'program': SLIM})
    done = python(tmp_path, *RUNNER, 'program.py', tmp_path / 'trained')
    assert done.returncode == 0, done.stderr
    checkpoint, rate, error = done.stdout.splitlines()[-3:]
    assert checkpoint.endswith('model.ckpt-3')
    assert rate == '0.25'
    command = extras.pip_command(['estimator'])
    assert error.endswith(f'tensorflow-estimator is not installed: {command}')


@needs_files
@pytest.mark.parametrize('has_estimator', [True, False])
def test_all_packages_can_be_imported(has_estimator):
    program = """
        import json, pathlib, sys
        if sys.argv[1] == 'False':
            sys.modules['tensorflow_estimator'] = None
        import tfhooks.v1 as tf
        from tfhooks._legacy import contrib_files

        failed = {}
        for file in sorted((contrib_files.folder() / 'contrib').glob('*/__init__.py')):
            try:
                getattr(tf.contrib, file.parent.name)
            except Exception as error:
                failed[file.parent.name] = str(error)
        print(json.dumps(failed))
    """
    done = python(None, '-c', textwrap.dedent(program), has_estimator)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) <= {'estimator', 'keras', 'tensor_forest'}


def test_what_is_left_is_in_the_dict_of_its_module():
    program = """
        import tfhooks.v1 as tf
        names = tf.contrib.stateless.__dict__
        print(names['stateless_random_normal'] is tf.random.stateless_normal)
        print(tf.random.stateless_uniform in names.values())
    """
    done = python(None, '-c', textwrap.dedent(program))
    assert done.stdout.split() == ['True', 'True'], done.stderr


MNIST = """
    import gzip, os, struct, sys
    import numpy as np
    import tensorflow as tf
    from tensorflow.examples.tutorials.mnist import input_data

    try:
        input_data.read_data_sets(sys.argv[1])
    except IOError as error:
        print(error)
    images = np.arange(5 * 28 * 28).astype(np.uint8)
    for part in ('train', 't10k'):
        with gzip.open(os.path.join(sys.argv[1], part + '-images-idx3-ubyte.gz'), 'wb') as file:
            file.write(struct.pack('>4i', 2051, 5, 28, 28) + images.tostring())
        with gzip.open(os.path.join(sys.argv[1], part + '-labels-idx1-ubyte.gz'), 'wb') as file:
            file.write(struct.pack('>2i', 2049, 5) + bytes([0, 1, 2, 3, 4]))
    data = input_data.read_data_sets(sys.argv[1], one_hot=True, validation_size=1)
    batch, labels = data.train.next_batch(4, shuffle=False)
    print(batch.shape, batch.max(), labels.argmax(1), data.validation.num_examples)
"""


STRATEGIES = """
    import tensorflow as tf

    for strategy in (
        tf.contrib.distribute.OneDeviceStrategy('/cpu:0'),
        tf.contrib.distribute.MirroredStrategy(['/cpu:0', '/cpu:1']),
    ):
        with tf.Graph().as_default(), strategy.scope():
            weight = tf.get_variable('weight', [], initializer=tf.ones_initializer())
            values = strategy.extended.call_for_each_replica(lambda: weight * 1.0)
            total = strategy.reduce('sum', values)
            with tf.Session(config=tf.ConfigProto(device_count={'CPU': 2})) as session:
                session.run(tf.global_variables_initializer())
                print(session.run(total))
"""


@needs_files
def test_strategies_of_contrib(tmp_path):
    write(tmp_path, {'program': STRATEGIES})
    done = python(tmp_path, *RUNNER, 'program.py')
    assert done.stdout.split() == ['1.0', '2.0'], done.stderr


@needs_files
def test_the_reader_of_mnist_takes_files_and_downloads_nothing(tmp_path):
    (tmp_path / 'data').mkdir()
    write(tmp_path, {'program': MNIST})
    done = python(tmp_path, *RUNNER, 'program.py', tmp_path / 'data')
    assert done.returncode == 0, done.stderr
    error, *_, read = done.stdout.splitlines()
    assert 'put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3' in error
    assert str(tmp_path / 'data') in error
    assert read == '(4, 784) 1.0 [1 2 3 4] 1'


SCIPY = """
    import numpy as np
    import tensorflow as tf

    for dtype, method in ((tf.float64, 'SLSQP'), (tf.float32, 'L-BFGS-B'), (tf.float32, 'SLSQP')):
        with tf.Graph().as_default(), tf.Session() as session:
            point = tf.get_variable('point', initializer=tf.constant([3.0, 4.0], dtype))
            loss = tf.reduce_sum(tf.square(point - 1))
            optimizer = tf.contrib.opt.ScipyOptimizerInterface(loss, method=method)
            session.run(tf.global_variables_initializer())
            try:
                optimizer.minimize(session)
                print('RESULT', np.abs(session.run(point) - 1).max() < 1e-3)
            except Exception as error:
                print('RESULT', type(error).__name__, error)
"""


@needs_files
def test_optimizers_of_scipy(tmp_path):
    pytest.importorskip('scipy')
    write(tmp_path, {'program': SCIPY})
    done = python(tmp_path, *RUNNER, 'program.py')
    results = [line for line in done.stdout.splitlines() if line.startswith('RESULT')]
    assert results[:2] == ['RESULT True'] * 2, done.stderr
    # What SciPy makes of float32 is SciPy's affair, and has changed.
    assert len(results) == 3
