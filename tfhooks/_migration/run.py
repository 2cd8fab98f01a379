"""`python -m tfhooks [options] script.py [arguments]`: runs a program as Python would run it.

The process looks to the program as it does under Python: the program is the module `__main__`, its
arguments are `sys.argv`, its directory is first in `sys.path`. An exception
that the program does not catch goes on to Python, which prints it and chooses the exit code; only
the lines of this file are taken out of the traceback.
"""

from __future__ import annotations

import argparse
import builtins
import os
import runpy
import sys
import zipfile
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType

from tfhooks import __version__
from tfhooks._legacy import rewriting
from tfhooks._migration import imports, settings

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_DESCRIPTION = """
Runs a program written for TensorFlow 1 as it is: whatever it imports of TensorFlow is tfhooks.v1.
Everything after the program's name is the program's own. `python -m tfhooks check PATH...` says
beforehand what will not work; `python -m tfhooks compare-traces A B` compares what --trace wrote;
`python -m tfhooks env` prints what is installed here, for a bug report.
"""


def main(argv: Sequence[str]) -> int:
    """Runs the program that the command line names.

    Args:
      argv: The arguments of `python -m tfhooks`.

    Returns:
      0, when the program has come to its end. Its exceptions, SystemExit among them, are raised.
    """
    own, rest = _divided(argv)
    parser = _parser()
    chosen = settings.Settings(**vars(parser.parse_args(own)))
    if not rest:
        parser.error('which program? Give a script, or -m and a module')
    is_module = rest[0] == '-m'
    if is_module and len(rest) == 1:
        parser.error('argument -m: which module?')
    program = settings.install(chosen)
    if is_module:
        _run_module(rest[1], rest[2:], program)
    else:
        _run_script(rest[0], rest[1:], program)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m tfhooks',
        usage='python -m tfhooks [options] (script.py | -m module) [arguments of the program]',
        description=_DESCRIPTION,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add('--version', action='version', version=f'tfhooks {__version__}')
    add(
        '--save-on-preemption',
        action='store_true',
        help='on SIGTERM or SIGINT, each session stops after the running step, saves and ends',
    )
    add(
        '--save-on-error',
        action='store_true',
        help='each session saves also when its loop ends by an exception',
    )
    add('--hook-costs', action='store_true', help='log what each hook of each session costs')
    add(
        '--no-run-plans',
        dest='run_plans',
        action='store_false',
        help="let TensorFlow's Session.run do each run",
    )
    add(
        '--no-removed-names',
        dest='removed_names',
        action='store_false',
        help='leave names gone that NumPy, SciPy and Python have removed, such as np.float',
    )
    add(
        '--quiet',
        action='store_true',
        help="leave out TensorFlow's banner, what is deprecated, and lines that come twice",
    )
    add('--seed', metavar='N', type=_whole, help='seed Python, NumPy and every graph')
    add(
        '--deterministic',
        action='store_true',
        help='have operations give the same results each time; seeds with 0 without --seed',
    )
    add(
        '--stop-after-runs',
        metavar='N',
        type=_at_least_1,
        help='stop each monitored session after N runs, for a first try',
    )
    add('--trace', metavar='FILE', help='write down what hooks and sessions do; see compare-traces')
    add(
        '--trace-runs',
        metavar='N',
        type=int,
        default=1000,
        help='how many runs of each session to write down (default: %(default)s)',
    )
    add(
        '--children',
        action='store_true',
        help='also in processes that multiprocessing spawns (those it forks have it anyway)',
    )
    add(
        '--package',
        dest='packages',
        metavar='NAME',
        action='append',
        default=[],
        help='an installed package that is written for TensorFlow 1, too; may be given repeatedly',
    )
    return parser


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f'must be at least 0: {number}')
    return number


def _at_least_1(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'must be at least 1: {number}')
    return number


def _divided(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divides the arguments into the runner's and, from its name or -m on, the program's."""
    takes_value = ('--trace', '--trace-runs', '--package', '--seed', '--stop-after-runs')
    at = 0
    while at < len(argv) and argv[at].startswith('-') and argv[at][:2] != '-m':
        if argv[at] == '--':
            return list(argv[:at]), list(argv[at + 1 :])
        at += 2 if argv[at] in takes_value else 1
    rest = list(argv[at:])
    if rest and rest[0].startswith('-m') and len(rest[0]) > 2:
        rest[:1] = ['-m', rest[0][2:]]
    return list(argv[:at]), rest


def _run_script(path: str, arguments: Sequence[str], program: imports.Program) -> None:
    sys.argv[:] = [path, *arguments]
    if os.path.isdir(path) or zipfile.is_zipfile(path):
        # As Python does with a directory or an archive: its __main__, and itself in the path.
        _first_in_path(os.path.abspath(path))
        _run_as_main('__main__', alter_argv=False)
        return
    full = os.path.abspath(path)
    try:
        with open(full, 'rb') as file:
            source = file.read()
    except OSError as error:
        print(
            f"{sys.executable}: can't open file {full!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        sys.exit(2)
    _first_in_path(os.path.dirname(os.path.realpath(full)))
    names = vars(_new_main())
    names.update(__file__=full, __loader__=SourceFileLoader('__main__', full), __cached__=None)
    try:
        exec(program.compile(source, full), names)
    except BaseException as error:
        _hand_on(error)
        raise


def _run_module(name: str, arguments: Sequence[str], program: imports.Program) -> None:
    if name.partition('.')[0] == 'pytest' and not any(a.startswith('--assert') for a in arguments):
        # Its assertion rewriting would compile the program's tests with unchanged imports.
        arguments = ['--assert=plain', *arguments]
    sys.argv[:] = ['-m', *arguments]
    program.packages.add(name.partition('.')[0])
    _run_as_main(name)


def _run_as_main(name: str, alter_argv: bool = True) -> None:
    """Runs a module as `python -m` does, by what Python itself calls."""
    _new_main()
    try:
        vars(runpy)['_run_module_as_main'](name, alter_argv)
    except BaseException as error:
        _hand_on(error)
        raise


def _new_main() -> ModuleType:
    module = sys.modules['__main__'] = ModuleType('__main__')
    vars(module).update(__annotations__={}, __builtins__=builtins)
    return module


def _first_in_path(directory: str) -> None:
    # With a safe path, Python puts nothing there.
    if getattr(sys.flags, 'safe_path', False) or sys.flags.isolated:
        return
    sys.path[0] = directory


def _hand_on(error: BaseException) -> None:
    """Makes Python report an exception without the runner's own frames.

    The program's own `sys.excepthook` is called, if it has set one. The exception is raised on, so
    that Python chooses the exit code, and dies by SIGINT after a KeyboardInterrupt.
    """
    if imports.OURS in sys.modules:
        from tfhooks._session import hints  # With TensorFlow, which the program has imported.

        hints.hint(error)
    report, traceback = sys.excepthook, _without_runner(error.__traceback__)

    def excepthook(
        kind: type[BaseException], value: BaseException, full: TracebackType | None
    ) -> None:
        sys.excepthook = report
        if value is error:
            value.__traceback__ = full = traceback
        report(kind, value, full)

    sys.excepthook = excepthook


def _without_runner(traceback: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if not path.startswith((_HERE, rewriting.__file__, runpy.__file__, '<frozen ')):
            kept.append(traceback)
        traceback = traceback.tb_next
    last: TracebackType | None = None
    for one in reversed(kept):
        last = TracebackType(last, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return last
