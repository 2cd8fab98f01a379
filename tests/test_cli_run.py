"""`python -m tfhooks script.py`: the program runs as Python would run it, with tfhooks.v1 below.

What needs no TensorFlow is compared with Python itself: the same program is run by both.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import zipfile

import pytest
import tensorflow.compat.v1 as tf

from tfhooks.cli import imports, run

RUNNER = ('-m', 'tfhooks')


def write(folder, files):
    """Writes Python files, by their names without .py."""
    for name, text in files.items():
        path = folder / f'{name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def python(folder, *arguments, **environment):
    """Runs Python in a folder."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def both(folder, *arguments):
    """What comes of a program, run by Python and by the runner."""
    expected, got = python(folder, *arguments), python(folder, *RUNNER, *arguments)
    # Python shows its own frames where it runs a module.
    runpys = r'  File "(?:<frozen runpy>|[^"]*runpy\.py)", line \d+, in \w+\n(?:    .*\n)?'
    told = re.sub(runpys, '', expected.stderr)
    return (expected.returncode, expected.stdout, told), (got.returncode, got.stdout, got.stderr)


# The program's surroundings.

FACTS = '''
    """What a program sees of itself."""
    import inspect, json, pickle, sys, threading
    import beside

    class Own:
        pass

    def function():
        return 1

    if __name__ == '__main__':
        me = sys.modules['__main__']
        assert vars(me) is globals()
        assert pickle.loads(pickle.dumps(Own)) is Own
        assert type(pickle.loads(pickle.dumps(Own()))) is Own
        print(json.dumps({
            'argv': sys.argv,
            'path': sys.path[0],
            'file': __file__,
            'package': __package__,
            'spec': __spec__ and [__spec__.name, __spec__.parent, __spec__.origin],
            'loader': type(__loader__).__name__,
            'doc': __doc__,
            'builtins': type(__builtins__).__name__,
            'code': [function.__code__.co_filename, function.__module__],
            'source': inspect.getsource(function),
            'beside': beside.__file__,
            'tensorflow': [name for name in sys.modules if name.startswith('tensorflow')],
            'thread': threading.current_thread().name,
            'names': sorted(vars(me)),
        }))
'''


@pytest.fixture
def facts(tmp_path):
    write(
        tmp_path,
        {
            'beside': '',
            'sub/facts': FACTS,
            'sub/beside': '',
            'pack/__init__': '',
            'pack/facts': FACTS,
            'pack/inner/__init__': '',
            'pack/inner/__main__': FACTS,
            'folder/__main__': FACTS,
            'folder/beside': '',
        },
    )
    with zipfile.ZipFile(tmp_path / 'archive.zip', 'w') as archive:
        archive.writestr('__main__.py', 'import sys, json\nprint(sys.argv, sys.path[0], __file__)')
    return tmp_path


@pytest.mark.parametrize(
    'arguments',
    [
        ('sub/facts.py', '--trace', 'x', '-m', '--', 'y z'),
        ('-m', 'pack.facts', '--children', '-m', 'other'),
        ('-m', 'pack.inner', '-h'),
        ('folder', 'a'),
        ('archive.zip', 'a'),
    ],
)
def test_surroundings_are_as_python_makes_them(facts, arguments):
    expected, got = both(facts, *arguments)
    assert expected[0] == 0, expected
    assert got == expected


# How it ends.

ENDS = {
    'exits': 'import sys; sys.exit(3)',
    'exits_with_text': 'import sys; sys.exit("no more")',
    'exits_with_none': 'import sys; print(1); sys.exit()',
    'exits_at_once': 'import os; os._exit(7)',
    'raises': 'def f():\n    return {}["key"]\n\nf()\n',
    'raises_with_cause': """
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise ValueError('of it') from error
        """,
    'raises_in_another_file': 'import failing\nfailing.fail()\n',
    'raises_while_importing': 'import fails_at_once\n',
    'imports_what_is_not_there': 'import no_such_module\n',
    'imports_a_file_that_is_wrong': 'import wrong\n',
    'is_wrong': 'x = = 1\n',
    'has_a_hook': """
        import sys
        sys.excepthook = lambda kind, value, tb: print(
            kind.__name__, tb.tb_lineno, tb.tb_frame.f_code.co_name, value.__traceback__ is tb)
        raise KeyError('a')
        """,
    'is_interrupted': 'raise KeyboardInterrupt',
    'is_terminated': """
        import os, signal, time
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        """,
    'handles_a_signal': """
        import os, signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
        """,
    'cleans_up': 'import atexit; atexit.register(print, "at exit"); raise SystemExit(2)',
    'leaves_a_thread': """
        import threading, sys
        main, done = sys.modules['__main__'], threading.Event()
        def late():
            done.wait(60)
            print(sys.modules['__main__'] is main, main.late is late)
        threading.Thread(target=late).start()
        done.set()
        """,
}


@pytest.fixture(scope='module')
def endings(tmp_path_factory):
    folder = tmp_path_factory.mktemp('endings')
    write(
        folder,
        {
            'failing': 'def fail():\n    raise OSError("boom")\n',
            'fails_at_once': '1 / 0\n',
            'wrong': '# tensorflow\ndef f(:\n',
            **ENDS,
        },
    )
    return folder


@pytest.mark.parametrize('name', ENDS)
def test_ends_as_python_ends_it(endings, name):
    expected, got = both(endings, f'{name}.py')
    assert got == expected


@pytest.mark.parametrize('name', ['raises', 'exits', 'is_interrupted', 'no_such_module'])
def test_module_ends_as_python_ends_it(endings, name):
    expected, got = both(endings, '-m', name)
    assert got == expected


def test_script_that_is_not_there(endings):
    expected, got = both(endings, 'no_such_file.py')
    assert got == expected
    assert got[0] == 2


# The command line.


@pytest.mark.parametrize(
    ('line', 'own', 'rest'),
    [
        ('a.py', '', 'a.py'),
        ('a.py --trace b', '', 'a.py --trace b'),
        ('--trace b a.py -m c', '--trace b', 'a.py -m c'),
        ('--trace=b --children a.py', '--trace=b --children', 'a.py'),
        ('--package p --hook-costs -m m -h', '--package p --hook-costs', '-m m -h'),
        ('-mm -h', '', '-m m -h'),
        ('--children -- a.py x', '--children', 'a.py x'),
        ('--trace', '--trace', ''),
        ('', '', ''),
    ],
)
def test_what_belongs_to_the_program(line, own, rest):
    assert run._divided(line.split()) == (own.split(), rest.split())


@pytest.mark.parametrize('line', ['', '-m', '--no-such-option a.py', '--children'])
def test_wrong_command_line(line, capsys):
    with pytest.raises(SystemExit) as raised:
        run.main(line.split())
    assert raised.value.code == 2
    assert 'python -m tfhooks' in capsys.readouterr().err


# Whose file it is, and what becomes of it.


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
    tree = ast.parse(source)
    for node in ast.walk(imports._Imports().visit(tree)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert ast.unparse(node) == expected
            assert node.lineno == (2 if '*' not in statement else 1)


# With TensorFlow.

PROGRAM = """
    import importlib, os, sys
    assert not [name for name in sys.modules if name.startswith('tensorflow')]
    import library  # imports TensorFlow first
    import tensorflow as tf
    import tensorflow
    import tensorflow.compat.v1 as with_compat
    import tensorflow.keras.layers as layers
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
    assert SessionRunHook is tfhooks.SessionRunHook is session_run_hook.SessionRunHook
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
    assert library.Hook is tfhooks.SessionRunHook
    assert not hasattr(theirs, 'placeholder')
    # A package that was named is the program's.
    import named
    assert named.tf is ours

    for statement, name in [
        ('import tensorflow.no.such', 'tensorflow.no'),
        ('from tensorflow import no_such_name', 'no_such_name'),
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
