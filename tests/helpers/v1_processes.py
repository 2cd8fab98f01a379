"""Checks of `import tfhooks.v1`, each in a process of its kind.

The import switches TensorFlow's behaviour for a whole process. So a file of tests is run as a
program, too, once for each kind, and a test looks at what its check came to there.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import sys
import tempfile
import traceback
import typing
from collections import defaultdict

import pytest
import warm_python

KEY = 'TF_USE_LEGACY_KERAS'
CHECKS: dict[str, dict[str, typing.Callable]] = defaultdict(dict)
PREPARE: dict[str, typing.Callable] = {}
HAS_KERAS_2 = importlib.util.find_spec('tf_keras') is not None


def prepares(kind):
    """Marks what a process of this kind does first."""
    return lambda function: PREPARE.setdefault(kind, function)


def checked_in(kind, needs_keras_2=False):
    """Marks a check that runs in a process of this kind, and is a test here."""

    def mark(check):
        CHECKS[kind][check.__name__] = check

        @pytest.mark.skipif(needs_keras_2 and not HAS_KERAS_2, reason='needs tf_keras')
        def test():
            outcomes, stderr = _outcomes(check.__globals__['__file__'], kind)
            if outcomes.get(check.__name__, stderr):
                pytest.fail(outcomes.get(check.__name__, stderr), pytrace=False)

        test.__name__ = check.__name__
        test.__doc__ = check.__doc__
        return test

    return mark


@functools.cache
def _outcomes(file, kind):
    environment = {name: value for name, value in os.environ.items() if name != KEY}
    environment['PYTHONPATH'] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    with tempfile.NamedTemporaryFile('r', suffix='.json') as out:
        done = warm_python.run(
            [sys.executable, file, kind, out.name],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        text = out.read()
    return (json.loads(text) if text else {}), done.stderr or 'the process ended early'


def main(kind, path):
    """Runs the checks of one kind, in a process that is that file as a program."""
    PREPARE[kind]()
    outcomes = {}
    for name, check in CHECKS[kind].items():
        try:
            check()
            outcomes[name] = ''
        except Exception:
            outcomes[name] = traceback.format_exc()
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(outcomes, file)


def raised(kind, statement):
    """The message of the error that a statement raises."""
    try:
        exec(statement, {'tf': sys.modules.get('tfhooks.v1')})
    except kind as error:
        return str(error)
    raise AssertionError(f'{statement!r} raised nothing')


class Holder:
    """Something of a user's that holds the module, as `self.tf = tf`."""

    def __init__(self, module):
        self.module = module
