"""`python -m tfhooks script.py` without TensorFlow: the program runs as Python would run it.

The same program is run by both.
"""

from __future__ import annotations

import re
import subprocess
import zipfile

import pytest
from cli_programs import RUNNER, python, write

from tfhooks._migration import run


def both(folder, *arguments):
    """What comes of a program, run by Python and by the runner."""
    expected, got = (
        python(folder, *command, *arguments, run=subprocess.run) for command in ((), RUNNER)
    )
    # Python shows its own frames where it runs a module.
    runpys = r'  File "(?:<frozen runpy>|[^"]*runpy\.py)", line \d+, in \w+\n(?:    .*\n)?'
    told = re.sub(runpys, '', expected.stderr)
    return (expected.returncode, expected.stdout, told), (got.returncode, got.stdout, got.stderr)


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
