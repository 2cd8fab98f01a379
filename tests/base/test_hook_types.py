"""What is TensorFlow's counts as tfhooks' for `isinstance`, and the reverse."""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf

import tfhooks

CLASSES = [
    'CheckpointSaverListener',
    'ChiefSessionCreator',
    'MonitoredSession',
    'SecondOrStepTimer',
    'SessionCreator',
    'SessionRunArgs',
    'SessionRunContext',
    'SessionRunHook',
    'SessionRunValues',
    'SingularMonitoredSession',
    'WorkerSessionCreator',
]
# Made before `patch()` is called, as in a library that was imported before.
DERIVED = {name: type(f'My{name}', (getattr(tf.train, name),), {}) for name in CLASSES}


@pytest.mark.parametrize('name', CLASSES)
@pytest.mark.parametrize('patched', [False, True], ids=['as it is', 'patched'])
def test_what_is_derived_from_one_counts_as_the_other(name, patched):
    ours, theirs, derived = getattr(tfhooks, name), getattr(tf.train, name), DERIVED[name]
    undo = tfhooks.patch() if patched else lambda: None
    try:
        if patched:
            assert issubclass(derived, getattr(tf.train, name))
        assert issubclass(derived, ours)
        if not issubclass(derived, tuple) and name != 'SessionCreator':
            assert isinstance(object.__new__(derived), ours)
        assert issubclass(ours, theirs)
        assert issubclass(type('Mine', (ours,), {}), theirs)
        # Not the whole world.
        assert not issubclass(derived, type('Mine', (ours,), {}))
        assert not isinstance(object(), ours)
    finally:
        undo()


def test_requests_of_either_kind_are_the_others():
    args = DERIVED['SessionRunArgs']('x:0', None, None)
    values = DERIVED['SessionRunValues'](1, None, None)
    assert isinstance(args, tfhooks.SessionRunArgs)
    assert isinstance(values, tfhooks.SessionRunValues)
    assert isinstance(tfhooks.SessionRunArgs('x:0'), tf.train.SessionRunArgs)


@pytest.mark.parametrize('name', ['saver', 'summaries', 'step counter', 'logging'])
def test_a_timer_of_tensorflows_in_a_hook_of_tfhooks(name, tmp_path):
    """It counts as tfhooks' timer, and has not what is beyond TensorFlow's in that."""
    directory = str(tmp_path)
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        summary = tf.summary.scalar('a', 1.0)
        scaffold = tf.train.Scaffold()
        hook = {
            'saver': lambda: tfhooks.CheckpointSaverHook(
                directory, save_steps=100, scaffold=scaffold
            ),
            'summaries': lambda: tfhooks.SummarySaverHook(
                save_steps=100, output_dir=directory, summary_op=summary
            ),
            'step counter': lambda: tfhooks.StepCounterHook(100, output_dir=directory),
            'logging': lambda: tfhooks.LoggingTensorHook(
                ['global_step:0'], every_n_iter=100, formatter=lambda values: seen.append(1)
            ),
        }[name]()
        hook._timer = tf.train.SecondOrStepTimer(every_steps=2)
        seen = []
        creator = tfhooks.ChiefSessionCreator(scaffold)
        with tfhooks.MonitoredSession(creator, hooks=[hook]) as session:
            for _ in range(5):
                session.run(train)
    events = [
        event
        for path in tmp_path.glob('events*')
        for event in tf.train.summary_iterator(str(path))
        if event.HasField('summary')
    ]
    assert seen or events or (tmp_path / 'model.ckpt-5.index').exists()


def test_a_program_that_catches_tensorflows_error_catches_tfhooks():
    with tfhooks.patched(), pytest.raises(tf.train.NanLossDuringTrainingError):
        raise tfhooks.NanLossDuringTrainingError
    with tfhooks.patched():
        # An `except` looks at the classes themselves.
        original = tfhooks.NanLossDuringTrainingError.__mro__[1]
        with pytest.raises(tf.train.NanLossDuringTrainingError):
            raise original


def test_a_hook_may_have_a_metaclass_of_its_own():
    class Counts(type):
        pass

    with tfhooks.patched():

        class Hook(tf.train.SessionRunHook, metaclass=Counts):
            pass

    assert isinstance(Hook(), tfhooks.SessionRunHook)
