"""A program run by warm_python is what it is in a Python of its own, for itself and for others."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap

import pytest
import warm_python

WITHOUT_PATH = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
ENVIRONMENT = {**WITHOUT_PATH, 'TF_CPP_MIN_LOG_LEVEL': '3'}


@pytest.fixture
def run(tmp_path):
    """A function that runs a program, the text of a file, in an empty folder."""

    def run(text, *arguments, by=warm_python, **options):
        script = tmp_path / 'program.py'
        script.write_text(textwrap.dedent(text))
        return by.run(
            [sys.executable, script, *arguments],
            **{
                'cwd': tmp_path,
                'env': ENVIRONMENT,
                'capture_output': True,
                'text': True,
                'timeout': 60,
                **options,
            },
        )

    return run


def left(done):
    # Python 3.10 does not forget the server's frame.
    told = re.sub(r'  File "[^"]*warm_server\.py".*\n.*\n', '', done.stderr)
    if sys.version_info < (3, 11):
        told = told.replace('Traceback (most recent call last):\n', '')
    return done.returncode, done.stdout, told


ENDS = {
    'naturally': 'print("done")',
    'by a status': 'import sys; sys.exit(7)',
    'by a text': 'import sys; sys.exit("wrong")',
    'by an error': 'def fail():\n    raise ValueError("wrong")\nfail()',
    'by an error of another thread': """
        import threading
        threading.Thread(target=lambda: 1 / 0, name="other").start()
    """,
    'by an error of syntax': 'x = (',
    'by a signal': 'import os; os.kill(os.getpid(), 15)',
    'by a signal that Python handles': 'import os; os.kill(os.getpid(), 2)',
    'by a hook of its own': """
        import sys
        sys.excepthook = lambda kind, error, trace: print(kind, error)
        1 / 0
    """,
    'after what is left to do': """
        import atexit, threading, time
        atexit.register(print, 'at last')
        thread = threading.Thread(target=lambda: (time.sleep(0.1), print('a thread')))
        thread.start()
        print('first')
    """,
}


@pytest.mark.parametrize('end', ENDS)
def test_ends_as_a_python_of_its_own(run, end):
    assert left(run(ENDS[end])) == left(run(ENDS[end], by=subprocess))


KNOWS = """
    import json, os, pickle, signal, sys
    import beside
    class Own:
        pass
    print(json.dumps([
        sys.argv, sys.orig_argv[1:], sys.path, sys.flags, os.getcwd(), sorted(os.environ.items()),
        __name__, globals().get('__file__'), getattr(__spec__, 'origin', __spec__), __package__,
        pickle.dumps(Own()).decode('latin1'), beside.__file__,
        sorted({'tensorflow', 'numpy', 'keras', 'six', 'absl'} & {*sys.modules}), sys.stdin.read(),
        [str(signal.getsignal(number)) for number in range(1, 32)],
        sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), signal.set_wakeup_fd(-1),
        sorted(int(fd) for fd in os.listdir('/proc/self/fd'))[:3],
    ]))
"""


@pytest.mark.parametrize('kind', ['script', 'module', 'text'])
def test_a_program_knows_what_it_knows_in_a_python_of_its_own(tmp_path, kind):
    folder, beside = tmp_path / 'folder', tmp_path / 'elsewhere'
    folder.mkdir()
    beside.mkdir()
    (beside / 'beside.py').touch()
    (folder / 'program.py').write_text(textwrap.dedent(KNOWS))
    command = {
        'script': ['folder/program.py'],
        'module': ['-m', 'folder.program'],
        'text': ['-c', textwrap.dedent(KNOWS)],
    }[kind]
    environment = {**ENVIRONMENT, 'PYTHONPATH': f'elsewhere{os.pathsep}', 'OWN': 'äöü'}
    options = {'cwd': tmp_path, 'env': environment, 'input': 'said', 'text': True, 'timeout': 60}
    warm, cold = (
        by.run([sys.executable, *command, 'a', '--b=c'], capture_output=True, **options)
        for by in (warm_python, subprocess)
    )
    assert warm.stderr == cold.stderr == ''
    for mine, others in zip(json.loads(warm.stdout), json.loads(cold.stdout), strict=True):
        assert mine == others


TENSORFLOW = """
    import sys
    assert 'tensorflow' not in sys.modules
    import tensorflow as tf
    names = {'tensorflow.python.ops.array_ops', 'numpy', 'absl', 'keras', 'tf_keras'}
    print(sorted(names & set(sys.modules)), tf.__spec__.loader is tf.__loader__)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        print(session.run(tf.constant([1, 2]) + 3))
"""


@pytest.mark.parametrize('keras', ['0', '1'])
def test_tensorflow_is_imported_when_the_program_does(run, keras):
    if keras == '1':
        pytest.importorskip('tf_keras')
    warm, cold = (
        run(TENSORFLOW, by=by, env={**ENVIRONMENT, 'TF_USE_LEGACY_KERAS': keras})
        for by in (warm_python, subprocess)
    )
    assert warm.returncode == 0, warm.stderr
    assert warm.stdout == cold.stdout


def test_a_package_of_the_programs_own_comes_first(run, tmp_path):
    (tmp_path / 'absl.py').write_text('name = "own"')
    (tmp_path / 'keras').mkdir()
    (tmp_path / 'keras' / '__init__.py').write_text('name = "own"')
    done = run('import absl, keras; print(absl.name, keras.name)')
    assert left(done) == (0, 'own own\n', '')


def test_two_programs_share_nothing(run):
    for _ in range(2):
        done = run("""
            import sys, tensorflow
            assert not hasattr(tensorflow, 'own')
            tensorflow.own = 1
        """)
        assert left(done) == (0, '', '')


def test_a_program_is_talked_to_and_sent_signals(tmp_path):
    text = """
        import signal
        signal.signal(signal.SIGTERM, lambda *_: print('heard', flush=True))
        while True:
            print('said', input(), flush=True)
    """
    command = [sys.executable, '-c', textwrap.dedent(text)]
    options = {'env': ENVIRONMENT, 'text': True}
    with warm_python.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
    ) as process:
        for number in range(3):
            print(number, file=process.stdin, flush=True)
            assert process.stdout.readline() == f'said {number}\n'
        process.terminate()
        assert process.stdout.readline() == 'heard\n'
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.kill()
        assert process.wait(60) == process.poll() == -signal.SIGKILL


def test_a_time_limit_kills(tmp_path):
    code = 'import os, time; print(os.getpid(), flush=True); time.sleep(1000)'
    with pytest.raises(subprocess.TimeoutExpired) as raised:
        warm_python.run(
            [sys.executable, '-c', code], env=ENVIRONMENT, capture_output=True, timeout=2
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int(raised.value.stdout), 0)


def test_a_session_of_its_own():
    code = 'import os; print(os.getsid(0) == os.getpid())'
    for start_new_session in (False, True):
        done = warm_python.run(
            [sys.executable, '-c', code],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
            start_new_session=start_new_session,
        )
        assert done.stdout == f'{start_new_session}\n'


def test_output_goes_to_one_file(tmp_path):
    code = 'import sys; print("out", flush=True); print("err", file=sys.stderr)'
    with open(tmp_path / 'log', 'w') as log:
        warm_python.run(
            [sys.executable, '-c', code], env=ENVIRONMENT, stdout=log, stderr=log, check=True
        )
    assert (tmp_path / 'log').read_text() == 'out\nerr\n'
    with pytest.raises(subprocess.CalledProcessError):
        warm_python.run(
            [sys.executable, '-c', '1 / 0'], env=ENVIRONMENT, stderr=subprocess.DEVNULL, check=True
        )


PARENT = 'import os; print(os.getppid())'


@pytest.mark.parametrize(
    ('command', 'options'),
    [
        ([sys.executable, '-S', '-c', PARENT], {}),
        ([sys.executable, '-c', PARENT], {'preexec_fn': os.getpid}),
        ([sys.executable, '-c', PARENT], {'env': {**ENVIRONMENT, 'PYTHONSAFEPATH': '1'}}),
        (['sh', '-c', 'echo $PPID'], {}),
        (f'echo $PPID # {PARENT}', {'shell': True}),
    ],
    ids=['option', 'function', 'variable', 'program', 'shell'],
)
def test_what_no_fork_can_be_is_a_process_as_ever(command, options):
    done = warm_python.run(command, capture_output=True, timeout=60, **options)
    assert int(done.stdout) == os.getpid()


def test_a_program_that_is_not_there(tmp_path):
    done = warm_python.run([sys.executable, 'nowhere.py'], cwd=tmp_path, capture_output=True)
    assert done.returncode == 2
    assert b"can't open file" in done.stderr


def test_server_and_programs_end_with_the_process_that_started_them():
    code = """
        import sys, warm_python
        warm_python.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])
        print('started', flush=True)
        sys.stdin.read()
    """
    environment = {**ENVIRONMENT, 'PYTHONPATH': os.path.dirname(warm_python.__file__)}
    with subprocess.Popen(
        [sys.executable, '-c', textwrap.dedent(code)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert any(line == 'started\n' for line in process.stdout)
        process.kill()
        # Which all three have open.
        process.communicate(timeout=60)
