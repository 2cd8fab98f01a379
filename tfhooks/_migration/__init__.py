"""Dispatches the command line to its command, without importing TensorFlow before it is needed."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence

_COMMANDS = {
    'check': (
        'tfhooks._migration.check',
        'say what a program uses that is gone, without running it',
    ),
    'contrib': (
        'tfhooks._migration.install_contrib',
        'install the files of tf.contrib of TensorFlow 1.15',
    ),
    'env': ('tfhooks._migration.env', 'print what is installed here, for a bug report'),
    'compare-traces': (
        'tfhooks._migration.compare_traces',
        'say where two recorded runs differ first',
    ),
}


def main(argv: Sequence[str]) -> int:
    """Runs the command of the command line.

    Args:
      argv: The arguments, without the name of the program.

    Returns:
      The exit code.
    """
    if argv and argv[0] in _COMMANDS:
        name, what = _COMMANDS[argv[0]]
        command = importlib.import_module(name)
        parser = argparse.ArgumentParser(
            prog=f'python -m tfhooks {argv[0]}', description=what[0].upper() + what[1:] + '.'
        )
        command.add_arguments(parser)
        act: Callable[[argparse.Namespace], int] = command.main
        return act(parser.parse_args(argv[1:]))
    from tfhooks._migration import run

    return run.main(argv)


@contextlib.contextmanager
def closed_pipe_ignored() -> Iterator[None]:
    """Context for printing into a pipe that its reader may close early, such as `| head`."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
