"""`tfhooks.patch()`: what it changes, in what order it may be undone, and that nothing is left."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
import types

import pytest
import tensorflow
import tensorflow.compat.v1 as tf
from tensorflow.python.training import basic_session_run_hooks as hooks_before
from tensorflow.python.training import monitored_session as sessions_before

import tfhooks
from tfhooks._patching import replaced_names

NAMES = replaced_names()
DEFINING = [
    f'tensorflow.python.training.{name}'
    for name in ('session_run_hook', 'basic_session_run_hooks', 'monitored_session', 'training')
]
# TensorFlow brings in parts of itself when they are first asked for.
for _name in (*DEFINING, 'tensorflow.python.training.evaluation'):
    importlib.import_module(_name)


def everything():
    """Every module of TensorFlow's and every name in it, by identity."""
    modules = {name: m for name, m in sys.modules.items() if name.startswith('tensorflow')}
    names = {
        (id(module), name): value
        for module in modules.values()
        for name, value in list(vars(module).items())
        # Everything else is what TensorFlow keeps of the graphs that a test has run.
        if isinstance(value, type | types.ModuleType) or callable(value)
    }
    lists = {name: list(getattr(m, '__all__', ())) for name, m in modules.items()}
    return {'modules': modules, 'names': names, 'lists': lists, 'finders': list(sys.meta_path)}


def changed(before, after):
    """What differs, and how."""
    found = []
    for kind in ('modules', 'names'):
        for key in before[kind].keys() | after[kind].keys():
            if before[kind].get(key) is not after[kind].get(key):
                found.append((kind, key, before[kind].get(key), after[kind].get(key)))
    for kind in ('lists', 'finders'):
        if before[kind] != after[kind]:
            found.append((kind,))
    return found


@pytest.fixture(autouse=True)
def leaves_nothing():
    before = everything()
    yield
    assert changed(before, everything()) == []


def is_patched():
    ours = [getattr(tf.train, name) is getattr(tfhooks, name) for name in NAMES]
    if any(ours) and not all(ours):
        # Some are TensorFlow's own objects in tfhooks.
        own = [getattr(tfhooks, name).__module__.startswith('tfhooks.') for name in NAMES]
        assert not any(a and b for a, b in zip(ours, own, strict=True)), 'half patched'
    return all(ours)


def test_names_of_the_api():
    assert not is_patched()
    with tfhooks.patched():
        assert is_patched()
        assert tensorflow.compat.v1.train.MonitoredSession is tfhooks.MonitoredSession
        from tensorflow.compat.v1.train import StopAtStepHook

        assert StopAtStepHook is tfhooks.StopAtStepHook
        assert tf.train.AdamOptimizer.__module__.startswith('tensorflow.')
    assert not is_patched()


def test_modules_that_define_the_names():
    with tfhooks.patched():
        from tensorflow.python.training import basic_session_run_hooks, monitored_session, training
        from tensorflow.python.training.session_run_hook import SessionRunArgs

        assert SessionRunArgs is tfhooks.SessionRunArgs
        assert basic_session_run_hooks.NanTensorHook is tfhooks.NanTensorHook
        assert monitored_session.MonitoredTrainingSession is tfhooks.MonitoredTrainingSession
        assert training.StopAtStepHook is tfhooks.StopAtStepHook
        assert training.AdamOptimizer is tf.train.AdamOptimizer
        # What tfhooks has not is TensorFlow's.
        assert monitored_session.USE_DEFAULT is sessions_before.USE_DEFAULT
        assert monitored_session._MonitoredSession is sessions_before._MonitoredSession
        assert '_MonitoredSession' in dir(monitored_session)
        assert monitored_session.__file__ == sessions_before.__file__
        with pytest.raises(AttributeError, match='no_such_name'):
            _ = monitored_session.no_such_name
        import tensorflow.python.training.monitored_session as by_name

        assert by_name is monitored_session


def test_what_was_taken_before_goes_on_working():
    """TensorFlow's classes call each other by the names that are replaced for others."""
    with tfhooks.patched(), tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        train_op = step.assign_add(1)
        stop = hooks_before.StopAtStepHook(last_step=3)
        assert not isinstance(stop, tfhooks.StopAtStepHook)
        assert isinstance(stop, tfhooks.SessionRunHook)
        assert not isinstance(object(), tf.train.SessionRunHook)
        with sessions_before.MonitoredSession(hooks=[stop]) as session:
            assert type(session) is sessions_before.MonitoredSession
            while not session.should_stop():
                last = session.run(step), session.run(train_op)
        assert last == (2, 3)
        timer = hooks_before.SecondOrStepTimer(every_steps=2)
        assert timer.should_trigger_for_step(0)


@pytest.mark.parametrize('kind', [sessions_before, tfhooks])
def test_training_with_hooks_of_both_sides(kind, tmp_path):
    """A library that imports TensorFlow itself makes tfhooks' sessions, with any hooks in them."""
    with tfhooks.patched(), tf.Graph().as_default():
        loss = tf.get_variable('loss', initializer=4.0)
        step = tf.train.get_or_create_global_step()
        train_op = tf.group(step.assign_add(1), loss.assign_sub(1.0))
        hooks = [
            hooks_before.NanTensorHook(loss),
            hooks_before.StopAtStepHook(last_step=2),
            hooks_before.CheckpointSaverHook(str(tmp_path), save_steps=100),
            tf.train.LoggingTensorHook([loss], every_n_iter=1),
        ]
        with tf.train.MonitoredTrainingSession(hooks=hooks, save_checkpoint_secs=None) as session:
            assert type(session) is tfhooks.MonitoredSession
            while not session.should_stop():
                session.run(train_op)
    assert tf.train.load_variable(str(tmp_path), 'loss') == 2.0


def test_nested_and_in_any_order():
    with tfhooks.patched():
        with tfhooks.patched():
            assert is_patched()
        assert is_patched()
    first, second = tfhooks.patch(), tfhooks.patch()
    first()
    first()
    assert is_patched()
    second()
    assert not is_patched()
    third = tfhooks.patch()
    second()
    assert is_patched()
    third()
    assert not is_patched()


def test_exceptions_and_decorator():
    with contextlib.suppress(KeyError), tfhooks.patched():
        raise KeyError
    assert not is_patched()

    @tfhooks.patched()
    def library(fail):
        assert is_patched()
        if fail:
            raise KeyError
        return 5

    assert library(False) == 5
    with pytest.raises(KeyError):
        library(True)
    assert not is_patched()


def test_failure_in_the_middle_leaves_nothing(monkeypatch):
    from tfhooks import _patching

    def fails(changes):
        raise OSError('no')

    monkeypatch.setattr(_patching, '_add_gone', fails)
    with pytest.raises(OSError, match='no'):
        tfhooks.patch()
    assert not is_patched()
    monkeypatch.undo()
    with tfhooks.patched():
        assert is_patched()


def test_gone_namespaces_are_found_and_taken_away():
    """They bring in tfhooks.v1, which switches behaviour: in a process of their own."""
    assert not hasattr(tf, 'contrib')
    was_there = 'tfhooks.v1' in sys.modules
    with tfhooks.patched():
        assert hasattr(tensorflow, 'contrib')
        assert hasattr(tf, 'estimator')
        assert was_there or 'tfhooks.v1' not in sys.modules, 'to be there switches nothing on'
    done = subprocess.run(
        [sys.executable, '-c', _GONE_PROGRAM],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ['done']


_GONE_PROGRAM = """
import sys
import tensorflow as tf
import tfhooks

before = set(sys.modules), list(tf.__all__), list(tf.compat.v1.__all__)
with tfhooks.patched():
    assert tf.compat.v1.estimator.StopAtStepHook is tfhooks.StopAtStepHook
    assert 'tfhooks.v1' in sys.modules
    from tensorflow.estimator import SessionRunArgs
    import tensorflow.contrib.training as training
    from tensorflow.contrib import framework
    import tensorflow.compat.v1 as v1
    assert SessionRunArgs is tfhooks.SessionRunArgs
    assert training is sys.modules['tfhooks.v1'].contrib.training
    assert framework.get_or_create_global_step
    assert tf.contrib.framework is framework
    assert 'training' in dir(tf.contrib)
    assert not hasattr(tf.contrib, 'no_such_name')
    try:
        import tensorflow.contrib.no_such_module
    except ImportError:
        pass
    else:
        raise AssertionError
assert not hasattr(tf, 'contrib')
assert not hasattr(tf.compat.v1, 'estimator')
assert before[1:] == (list(tf.__all__), list(tf.compat.v1.__all__))
assert not [name for name in sys.modules if name.startswith('tensorflow.contrib')]
try:
    import tensorflow.contrib.training
except ImportError:
    print('done')
"""
