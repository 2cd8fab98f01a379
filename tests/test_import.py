"""`import tfhooks` changes nothing in the process, and brings in next to nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_STATE = """
import json, logging, os, signal, sys, threading, warnings

def state():
    def logger(name):
        log = logging.getLogger(name)
        return [log.level, log.propagate, log.disabled, *map(repr, [*log.handlers, *log.filters])]
    return {
        'environment': dict(os.environ),
        'signals': {str(s): repr(signal.getsignal(s)) for s in signal.valid_signals()},
        'loggers': {name: logger(name) for name in [None, *logging.root.manager.loggerDict]},
        'threads': [t.name for t in threading.enumerate()],
        'warnings': [repr(f) for f in warnings.filters],
        'hooks': [*map(repr, (sys.excepthook, sys.meta_path, sys.path_hooks, sys.path, sys.argv))],
        'directory': os.getcwd(),
    }

def eager():
    v1 = sys.modules['tensorflow'].compat.v1
    return [v1.executing_eagerly(), v1.resource_variables_enabled(), v1.control_flow_v2_enabled(),
            v1.constant(1) == v1.constant(1) is not False, v1.TensorShape([1])[0] == 1,
            len(v1.get_default_graph().get_operations()), v1.logging.get_verbosity()]
"""


def _run(script):
    # Another test may have imported tfhooks.v1 in this process, which chooses a Keras in it.
    environment = {key: value for key, value in os.environ.items() if key != 'TF_USE_LEGACY_KERAS'}
    done = subprocess.run(
        [sys.executable, '-c', _STATE + script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_import_alone():
    """No TensorFlow, no NumPy: one file, and nothing else that Python had not loaded."""
    report, stderr = _run("""
import typing
before, modules = state(), set(sys.modules)
import tfhooks
new = set(sys.modules) - modules
dir(tfhooks)
print(json.dumps([before, state(), sorted(new)]))
""")
    before, after, new = report
    assert before == after
    assert new == ['tfhooks']
    assert stderr == ''


@pytest.fixture(scope='module')
def with_tensorflow():
    report, _ = _run("""
import tensorflow
before, was_eager = state(), eager()
from tfhooks import *
import tfhooks
after = state()
modules = sorted(m for m in sys.modules if m.startswith('tfhooks'))
print(json.dumps([before, after, was_eager, eager(), modules]))
""")
    return report


def test_every_name_leaves_the_process_as_it_was(with_tensorflow):
    before, after = with_tensorflow[:2]
    assert set(after['loggers']) >= set(before['loggers'])
    for name in set(after['loggers']) - set(before['loggers']):
        # A logger of a module's own may come, if nothing is set on it.
        assert name.startswith('tfhooks')
        assert after['loggers'][name] == [0, True, False]
        del after['loggers'][name]
    assert before == after


def test_every_name_leaves_tensorflow_as_it_was(with_tensorflow):
    was, now = with_tensorflow[2:4]
    assert was == now
    assert now[0] is True


def test_no_name_brings_in_v1(with_tensorflow):
    modules = with_tensorflow[4]
    assert 'tfhooks._session.sessions' in modules
    assert not [name for name in modules if name.startswith('tfhooks.v1')]


def test_one_name_brings_in_its_module_only():
    report, _ = _run("""
import tfhooks
tfhooks.SessionRunHook
modules = sorted(m for m in sys.modules if m.startswith('tfhooks'))
print(json.dumps([modules, 'tf_keras' in sys.modules]))
""")
    modules, legacy_keras = report
    assert 'tfhooks._base.hook_types' in modules
    assert 'tfhooks._session.sessions' not in modules
    own = ('tfhooks._hooks.', 'tfhooks._more_hooks.')
    assert not [name for name in modules if name.startswith(own)]
    assert legacy_keras is False
