"""`python -m tfhooks script.py` with TensorFlow: whose imports it changes, and into what."""

from __future__ import annotations

import json
import os
import re
import sys

import pytest
import tensorflow.compat.v1 as tf
from cli_programs import RUNNER, python, write

from tfhooks._legacy import rewriting
from tfhooks._migration import imports


@pytest.mark.parametrize(
    ('path', 'packages', 'expected'),
    [
        ('/home/me/train.py', (), True),
        ('/venv/lib/python3.11/site-packages/keras/src/layers.py', (), False),
        ('/venv/lib/python3.11/site-packages/old/layers.py', ('old',), True),
        ('/venv/lib/python3.11/site-packages/older/layers.py', ('old',), False),
        ('/venv/lib/python3.11/site-packages/old.py', ('old',), True),
        ('/usr/lib/python3/dist-packages/keras.py', (), False),
        (imports.__file__, (), False),
        (json.__file__, (), False),
        ('<string>', (), False),
    ],
)
def test_whose_file_it_is(path, packages, expected):
    assert imports.Program(packages).has_file(path) is expected


@pytest.mark.parametrize(
    ('statement', 'expected'),
    [
        ('import tensorflow', 'import tfhooks.v1 as tensorflow'),
        ('import tensorflow as tf, os', 'import tfhooks.v1 as tf, os'),
        ('import tensorflow.a.b as c', 'import tfhooks.v1.a.b as c'),
        (
            'import tensorflow.a.b',
            'import tfhooks.v1.a.b as tensorflow, tfhooks.v1 as tensorflow',
        ),
        ('from tensorflow import a as b, c', 'from tfhooks.v1 import a as b, c'),
        ('from tensorflow.compat import v1', 'from tfhooks.v1.compat import v1'),
        ('from tensorflow import *', 'from tfhooks.v1 import *'),
        ('from . import tensorflow', 'from . import tensorflow'),
        ('from .tensorflow import a', 'from .tensorflow import a'),
        ('import tensorflow_probability as tfp', 'import tensorflow_probability as tfp'),
        ('from tensorflow_text import a', 'from tensorflow_text import a'),
    ],
)
def test_what_becomes_of_import_statements(statement, expected):
    import ast

    source = f'def f():\n    {statement}\n' if '*' not in statement else statement
    for node in ast.walk(rewriting.parse(source.encode(), 'file', imports.ours)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert ast.unparse(node) == expected
            assert node.lineno == (2 if '*' not in statement else 1)


PROGRAM = """
    import importlib, os, sys
    assert not [name for name in sys.modules if name.startswith('tensorflow')]
    import library  # imports TensorFlow first
    import tensorflow as tf
    import tensorflow
    import tensorflow.compat.v1 as with_compat
    import tensorflow._api.v1.train as by_editor
    import tensorflow.keras.layers as layers
    import tensorflow.lite.python.lite_constants
    import tensorflow.python.client.session
    import tensorflow.python.training.session_run_hook as by_path
    from tensorflow import gfile
    from tensorflow.compat import v1
    from tensorflow.compat.v1.train import Saver
    from tensorflow.python.framework import ops
    from tensorflow.python.training import (
        basic_session_run_hooks, monitored_session, session_run_hook, training_util)
    from tensorflow.python.training.session_run_hook import SessionRunArgs, SessionRunHook
    from tensorflow.train import StopAtStepHook
    import inner.model
    import tfhooks

    ours = sys.modules['tfhooks.v1']
    assert tf is ours and tensorflow is ours and with_compat is ours and v1 is ours
    assert tf.compat.v1 is ours and inner.model.tf is ours and inner.model.late() is ours
    assert importlib.import_module('tensorflow') is ours
    assert importlib.import_module('tensorflow.train') is tf.train
    assert importlib.import_module('.model', 'inner') is inner.model
    assert gfile is tf.gfile and layers is tf.keras.layers and Saver is tf.train.Saver
    assert SessionRunHook is tf.train.SessionRunHook is session_run_hook.SessionRunHook
    assert by_editor is tf.train
    assert tensorflow is ours and 'tensorflow.lite.python.lite_constants' in sys.modules
    assert by_path is session_run_hook and SessionRunArgs is tfhooks.SessionRunArgs
    assert StopAtStepHook is tfhooks.StopAtStepHook is basic_session_run_hooks.StopAtStepHook
    assert monitored_session.MonitoredTrainingSession is tfhooks.MonitoredTrainingSession
    assert training_util.get_or_create_global_step
    assert tensorflow.python.client.session.Session is tf.Session
    assert ops is sys.modules['tensorflow.python.framework.ops']
    assert tf.python.framework.ops is ops
    assert not tf.executing_eagerly() and not tf.resource_variables_enabled()

    # The library has TensorFlow 2, with tfhooks' sessions where it asks for TensorFlow 1.
    theirs = library.tf
    assert theirs is sys.modules['tensorflow'] and theirs is not ours
    assert theirs.__version__ == tf.__version__
    assert tf.compat.v2.constant is theirs.constant
    assert library.mean([1.0, 3.0]) == 2.0
    assert library.Hook is tf.train.SessionRunHook
    assert not hasattr(theirs, 'placeholder')
    # A package that was named is the program's.
    import named
    assert named.tf is ours

    for statement, name in [
        ('import tensorflow.no.such', 'tensorflow.no'),
        ('from tensorflow import no_such_name', 'no_such_name'),
        ('from tensorflow.examples.tutorials.mnist import input_data', 'tf.keras.datasets.mnist'),
    ]:
        try:
            exec(tfhooks_compile(statement))
        except ImportError as error:
            assert name in str(error), error
        else:
            raise AssertionError(statement)

    tf.app.flags.DEFINE_integer('steps', 3, 'How many.')

    def main(argv):
        assert argv[1:] == ['rest'], argv
        with tf.Graph().as_default():
            step = tf.train.get_or_create_global_step()
            train_op = step.assign_add(1)
            hooks = [tf.train.StopAtStepHook(last_step=tf.app.flags.FLAGS.steps)]
            with tf.train.MonitoredTrainingSession(hooks=hooks) as session:
                assert type(session) is tfhooks.MonitoredSession
                while not session.should_stop():
                    last = session.run([train_op, step])[0]
        print('steps:', last, __name__)
        return 4

    tf.app.run()
"""


@pytest.fixture
def program(tmp_path):
    program = PROGRAM.replace('exec(tfhooks_compile(statement))', 'inner.model.execute(statement)')
    write(
        tmp_path,
        {
            'program': program,
            'inner/__init__': '',
            'inner/model': """
            from __future__ import annotations
            import tensorflow as tf
            import importlib.util, os, tempfile

            def late():
                import tensorflow
                return tensorflow

            def execute(statement):
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, 'statement.py')
                    with open(path, 'w') as file:
                        file.write(statement)
                    spec = importlib.util.spec_from_file_location('statement', path)
                    spec.loader.exec_module(importlib.util.module_from_spec(spec))
            """,
        },
    )
    write(
        tmp_path / 'env' / 'site-packages',
        {
            'named': 'import tensorflow as tf\n',
            'library': """
            import tensorflow as tf
            from tensorflow.compat.v1.train import SessionRunHook as Hook

            def mean(values):
                with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                    return session.run(tf.math.reduce_mean(tf.constant(values), keepdims=False))
            """,
        },
    )
    return tmp_path


def test_program_has_tensorflow_1_and_libraries_have_theirs(program):
    path = os.pathsep.join(
        [str(program / 'env' / 'site-packages'), os.environ.get('PYTHONPATH', '')]
    )
    done = python(
        program,
        *(*RUNNER, '--package', 'named', 'program.py', '--steps=5', 'rest'),
        PYTHONPATH=path,
    )
    assert done.stdout == 'steps: 5 __main__\n', done.stderr
    assert done.returncode == 4
    # No cache holds what the runner has made of the program's files.
    caches = [path.name for path in program.glob('inner/__pycache__/*')]
    assert not [name for name in caches if name.startswith('model')]


TRAINING = """
    import os, signal, sys
    import tensorflow as tf

    tf.logging.set_verbosity(tf.logging.INFO)

    class Ends(tf.train.SessionRunHook):
        def __init__(self, how):
            self.how = how

        def after_run(self, run_context, run_values):
            if run_context.session.run('global_step:0') == 5:
                if self.how == 'error':
                    raise ValueError('boom')
                os.kill(os.getpid(), signal.SIGTERM)

    def train(directory, how):
        with tf.Graph().as_default():
            train_op = tf.train.get_or_create_global_step().assign_add(1)
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=directory, hooks=[Ends(how)], save_checkpoint_steps=10**6
            ) as session:
                while not session.should_stop():
                    session.run(train_op)
        print('ended:', how)

    train(sys.argv[1], 'signal')
    train(sys.argv[2], 'error')
"""


def test_options_for_every_session(tmp_path):
    write(tmp_path, {'training': TRAINING})
    options = ('--save-on-error', '--save-on-preemption', '--hook-costs', '--no-run-plans')
    done = python(tmp_path, *RUNNER, *options, 'training.py', tmp_path / 'a', tmp_path / 'b')
    assert done.stdout == 'ended: signal\n', done.stderr
    assert done.returncode == 1
    # A signal is heard of soon, at the end of this run or of a later one.
    assert tf.train.load_variable(str(tmp_path / 'a'), 'global_step') >= 5
    assert tf.train.load_variable(str(tmp_path / 'b'), 'global_step') == 5
    assert len(re.findall(r'HookCostHook: \d+ runs', done.stderr)) == 2
    assert len(re.findall(r'Ends: before_run=', done.stderr)) == 2
    told = done.stderr[done.stderr.rindex('Traceback') :]
    assert 'ValueError: boom' in told
    files = re.findall(r'File "(.*?)", line', told)
    assert files[0].endswith('training.py')
    assert not [file for file in files if 'frozen' in file or os.sep + 'cli' + os.sep in file]


def test_an_error_of_tensorflows_ends_the_program_with_what_to_do(tmp_path):
    program = """
        import tensorflow as tf
        for _ in range(2):
            tf.get_variable('weight', [1])
        """
    write(tmp_path, {'twice': program})
    done = python(tmp_path, *RUNNER, 'twice.py')
    assert done.returncode == 1
    assert 'Variable weight already exists, disallowed' in done.stderr
    if sys.version_info >= (3, 11):  # Before that, the log has it.
        assert 'tf.reset_default_graph()' in done.stderr.splitlines()[-1]
