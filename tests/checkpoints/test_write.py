"""CheckpointSaverHook where writing fails: limits on files, directories that go, damaged files."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil

import pytest
import tensorflow.compat.v1 as tf
from saving_models import (
    SESSIONS,
    Told,
    latest_step,
    leftovers,
    model,
    saver,
    steps_in,
    training,
)

import tfhooks
from tfhooks._base import errors
from tfhooks._base.errors import CheckpointSaveError
from tfhooks._checkpoints import write

both = pytest.mark.parametrize('session_class', SESSIONS)

# Larger than the limit below; nothing else that a session writes is.
LARGE = 200_000


@contextlib.contextmanager
def files_at_most(size):
    """Lets no file grow beyond `size` bytes: a write then fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@both
def test_a_write_error_is_an_error_and_no_end_of_data(tmp_path, session_class):
    hook = saver(tmp_path, save_steps=3)
    done = []

    def train():
        with training(tmp_path, [hook], session_class, size=LARGE) as run:
            for i in range(20):
                with files_at_most(300_000):
                    run()
                done.append(i)

    with pytest.raises(CheckpointSaveError) as raised:
        train()
    assert len(done) == 2
    error = raised.value
    assert (error.hook, error.step) == (hook, 3)
    assert error.path == str(tmp_path / 'model.ckpt-3')
    # What TensorFlow raised, but never of exactly that type, which would end the loop quietly.
    assert isinstance(error, type(error.error))
    assert type(error) not in (tf.errors.OutOfRangeError, StopIteration)
    assert isinstance(error, tf.errors.OpError)
    assert 'model.ckpt-3' in str(error)
    assert 'step=3' in str(error)
    assert 'File too large' in str(error)
    assert 'stack trace' not in str(error)
    assert len(str(error).splitlines()) == 2
    assert latest_step(tmp_path) == 0
    assert leftovers(tmp_path) == []
    assert steps_in(tmp_path) == [0]


@both
def test_a_save_that_failed_is_due_at_the_next_step(tmp_path, session_class):
    with training(tmp_path, [saver(tmp_path, save_steps=3)], session_class, size=LARGE) as run:
        run(2)
        with pytest.raises(CheckpointSaveError), files_at_most(300_000):
            run()
        assert steps_in(tmp_path) == [0]
        run()
        assert steps_in(tmp_path) == [0, 4]
        run(2)
        assert steps_in(tmp_path) == [0, 4]
        run()
        assert steps_in(tmp_path) == [0, 4, 7]


@both
def test_a_save_that_failed_is_made_at_the_end(tmp_path, session_class):
    with training(tmp_path, [saver(tmp_path, save_steps=3)], session_class, size=LARGE) as run:
        run(2)
        with pytest.raises(CheckpointSaveError), files_at_most(300_000):
            run()
    assert steps_in(tmp_path) == [0, 3]
    assert leftovers(tmp_path) == []


@both
def test_a_failure_at_the_end_is_raised_after_the_listeners_were_told(tmp_path, session_class):
    told = Told()
    hook = saver(tmp_path, save_steps=100, save_retries=5, listeners=[told])
    session = training(tmp_path, [hook], session_class, size=LARGE)
    run = session.__enter__()
    run(3)
    with pytest.raises(CheckpointSaveError), files_at_most(300_000):
        session.__exit__(None, None, None)
    assert told.calls[-1] == ('end', 3)
    assert latest_step(tmp_path) == 0


@both
def test_retries_warn_and_try_when_the_next_save_is_due(tmp_path, session_class, caplog, clock):
    hook = saver(tmp_path, save_steps=2, save_retries=2)
    with training(tmp_path, [hook], session_class, size=LARGE) as run:
        with files_at_most(300_000):
            run(5)
        assert latest_step(tmp_path) == 0
        warnings = [r.getMessage() for r in caplog.records if 'failure' in r.getMessage()]
        assert len(warnings) == 2
        assert 'model.ckpt-2' in warnings[0]
        assert 'failure 1 of 2' in warnings[0]
        assert 'failure 2 of 2' in warnings[1]
        run()
        assert latest_step(tmp_path) == 6
        # A save that succeeded starts the count again.
        with files_at_most(300_000):
            run(4)
            with pytest.raises(CheckpointSaveError):
                run(2)
    assert latest_step(tmp_path) == 12


class CopiesAway(tfhooks.CheckpointSaverHook):
    """Does something with each checkpoint that it has saved."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.copied = []

    def _save(self, session, step):
        stop = super()._save(session, step)
        self.copied.append(int(step))
        return stop


@both
def test_a_save_of_a_subclass_ends_where_a_failure_that_is_allowed_comes(
    tmp_path, session_class, clock
):
    hook = CopiesAway(str(tmp_path), save_steps=2, save_retries=1)
    with training(tmp_path, [hook], session_class, size=LARGE) as run:
        run()
        with files_at_most(300_000):
            run(2)
        run()
    assert hook.copied == steps_in(tmp_path) == [0, 4]


@both
def test_retries_do_not_wait_until_the_next_save_is_due(tmp_path, session_class, clock, caplog):
    hook = saver(tmp_path, save_steps=100, save_retries=1)
    with training(tmp_path, [hook], session_class, size=LARGE) as run:
        with files_at_most(300_000):
            run(100)
            for later, tries in [(9, 1), (1, 2), (19, 2), (1, 3)]:
                clock.now += later
                run(1)
                warnings = [r.getMessage() for r in caplog.records if 'failure' in r.getMessage()]
                assert len(warnings) == tries
        # Tries in between are not counted, and do not move what is due.
        assert all('failure 1 of 1' in text for text in warnings)
        assert 'in 10 seconds' in warnings[0]
        assert 'in 40 seconds' in warnings[2]
        clock.now += 39
        run(1)
        assert latest_step(tmp_path) == 0
        clock.now += 1
        run(1)
        assert latest_step(tmp_path) == 106
        run(99)
        assert latest_step(tmp_path) == 106
        run(1)
        assert latest_step(tmp_path) == 206
        # What is due counts.
        with files_at_most(300_000):
            run(100)
            clock.now += 10
            run(1)
            with pytest.raises(CheckpointSaveError):
                run(99)


@both
def test_a_directory_that_is_gone(tmp_path, session_class):
    directory = tmp_path / 'model'
    with training(directory, [saver(directory)], session_class) as run:
        run()
        shutil.rmtree(directory)
        with pytest.raises(CheckpointSaveError, match='is gone') as raised:
            run()
        assert isinstance(raised.value, ValueError)  # What TensorFlow raises there.
        os.makedirs(directory)
    assert latest_step(directory) == 2


def test_retries_get_over_a_directory_that_comes_back(tmp_path, clock):
    directory = tmp_path / 'model'
    with training(directory, [saver(directory, save_retries=1)]) as run:
        run()
        shutil.rmtree(directory)
        run()
        os.makedirs(directory)
        run(2)
    assert steps_in(directory) == [4]
    names = os.listdir(directory)
    assert any(name.startswith('events.out.tfevents') for name in names)


def test_older_checkpoints_survive_failures_with_one_to_keep(tmp_path, clock):
    hook = saver(tmp_path, save_steps=1, save_retries=10)
    session = training(tmp_path, [hook], size=LARGE)
    with session as run:
        hook._get_saver().saver_def.max_to_keep = 1
        run()
        assert steps_in(tmp_path) == [1]
        with files_at_most(300_000):
            run(3)
        assert steps_in(tmp_path) == [1]
        assert latest_step(tmp_path) == 1
        run()
        assert steps_in(tmp_path) == [5]


class FailingStateFile:
    """Makes the state file impossible to write: a directory stands in its place."""

    def __init__(self, directory):
        self._path = os.path.join(directory, 'checkpoint')
        self._saved = self._path + '.saved'

    def __enter__(self):
        os.rename(self._path, self._saved)
        os.makedirs(os.path.join(self._path, 'full'))

    def __exit__(self, *_):
        shutil.rmtree(self._path)
        os.rename(self._saved, self._path)


def test_a_state_file_that_cannot_be_written_removes_no_checkpoint(tmp_path, clock):
    hook = saver(tmp_path, save_steps=1, save_retries=10)
    with training(tmp_path, [hook]) as run:
        hook._get_saver().saver_def.max_to_keep = 2
        run(2)
        assert steps_in(tmp_path) == [1, 2]
        with FailingStateFile(tmp_path):
            run(3)
            assert steps_in(tmp_path) == [1, 2]
        assert latest_step(tmp_path) == 2
        run()
        assert steps_in(tmp_path) == [2, 6]
        run()
        assert steps_in(tmp_path) == [6, 7]
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert [int(p.rpartition('-')[2]) for p in state.all_model_checkpoint_paths] == [6, 7]


def test_a_meta_graph_that_cannot_be_written_leaves_the_checkpoint(tmp_path):
    hook = saver(tmp_path, save_steps=2)
    with training(tmp_path, [hook]) as run:
        run()
        (tmp_path / 'model.ckpt-2.meta' / 'full').mkdir(parents=True)
        with pytest.raises(CheckpointSaveError):
            run()
        assert latest_step(tmp_path) == 2
        assert 2 in steps_in(tmp_path)
        shutil.rmtree(tmp_path / 'model.ckpt-2.meta')
    assert latest_step(tmp_path) == 2
    assert (tmp_path / 'model.ckpt-2.meta').exists()


class Truncates(tf.train.Saver):
    """A saver whose files are damaged though nothing was raised."""

    damages = False

    def save(self, *args, **kwargs):
        path = super().save(*args, **kwargs)
        if self.damages:
            os.truncate(path + '.data-00000-of-00001', 3)
        return path


def test_a_damaged_file_does_not_count_as_saved(tmp_path):
    with tf.Graph().as_default():
        op = tf.train.get_or_create_global_step().assign_add(1)
        tf.get_variable('weights', initializer=[1.0] * 50)
        damaging = Truncates()
        hook = saver(tmp_path, saver=damaging)
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            damaging.damages = True
            session.run(op)
            with pytest.raises(CheckpointSaveError, match='bytes of') as raised:
                session.run(op)
            assert isinstance(raised.value, tf.errors.DataLossError)
            assert damaging.last_checkpoints == [str(tmp_path / 'model.ckpt-0')]
            damaging.damages = False
            session.run(op)
    assert latest_step(tmp_path) == 3


@pytest.mark.parametrize('left', [1, 3])
def test_files_of_another_number_of_shards_under_the_same_name_do_no_harm(tmp_path, left):
    for number in range(left):
        (tmp_path / f'model.ckpt-2.data-0000{number}-of-00003').write_bytes(b'')
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(2)
        assert latest_step(tmp_path) == 2


class CutShort(tf.train.Saver):
    """A disk that cuts a file short after it was written, before older ones are removed."""

    cuts = False

    def _RecordLastCheckpoint(self, path):
        if self.cuts:
            os.truncate(path + '.data-00000-of-00001', 3)
        super()._RecordLastCheckpoint(path)


@pytest.mark.parametrize('keep', [1, 5])
def test_a_file_cut_short_takes_no_older_checkpoint_along(tmp_path, keep):
    with tf.Graph().as_default():
        op = model(100)
        own = CutShort(max_to_keep=keep)
        creator = tfhooks.ChiefSessionCreator(tf.train.Scaffold(saver=own))
        hook = saver(tmp_path, save_steps=1, saver=own)
        with tfhooks.MonitoredSession(creator, [hook]) as session:
            session.run(op)
            own.cuts = True
            with pytest.raises(CheckpointSaveError, match='Older checkpoints are still there'):
                session.run(op)
            # The state file names what is there, so a start now goes on from it.
            assert steps_in(tmp_path) == [0, 1][-keep:]
            assert latest_step(tmp_path) == 1
            assert own.last_checkpoints[-1] == str(tmp_path / 'model.ckpt-1')
            own.cuts = False
    assert latest_step(tmp_path) == 2


class LosesSession(tf.train.Saver):
    """A saver whose session is lost during its second save."""

    saves = 0

    def save(self, *args, **kwargs):
        self.saves += 1
        if self.saves == 2:
            raise tf.errors.AbortedError(None, None, 'the session is lost')
        return super().save(*args, **kwargs)


@both
def test_a_session_lost_while_saving_is_recovered(tmp_path, session_class):
    with tf.Graph().as_default():
        op = tf.train.get_or_create_global_step().assign_add(1)
        scaffold = tf.train.Scaffold(saver=LosesSession())
        creator = tf.train.ChiefSessionCreator(scaffold, checkpoint_dir=str(tmp_path))
        hook = saver(tmp_path, scaffold=scaffold)
        with session_class(creator, [hook]) as session:
            assert [session.run(op) for _ in range(3)] == [1, 1, 2]
    assert latest_step(tmp_path) == 2


def test_a_graph_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / 'graph.pbtxt' / 'full').mkdir(parents=True)
    with (
        pytest.raises(CheckpointSaveError, match=r'graph\.pbtxt'),
        training(tmp_path, [saver(tmp_path)]),
    ):
        pass
    with training(tmp_path, [saver(tmp_path, save_retries=1)]) as run:
        run()
    assert latest_step(tmp_path) == 1


@pytest.mark.parametrize(
    'error',
    [
        tf.errors.OutOfRangeError(None, None, 'too large'),
        tf.errors.ResourceExhaustedError(None, None, 'full'),
        tf.errors.UnknownError(None, None, 'what', 2),
        ValueError('no directory'),
        OSError(28, 'No space left on device'),
        OSError('without a number'),
        StopIteration(),
        type('OfItsOwn', (Exception,), {'__init__': lambda self, a, b: None})(1, 2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_error_is_of_the_type_that_was_raised_and_of_its_own(error):
    made = errors.checkpoint_save_error('the message', error, hook='h', path='p', step=4)
    assert isinstance(made, CheckpointSaveError)
    assert isinstance(made, type(error))
    assert type(made) is not type(error)
    assert 'the message' in str(made)
    assert (made.hook, made.path, made.step, made.error) == ('h', 'p', 4, error)
    assert made.__cause__ is error
    if isinstance(error, tf.errors.OpError):
        assert made.error_code == error.error_code
    if isinstance(error, OSError):
        assert made.errno == error.errno


def test_advice_depends_on_the_error(tmp_path):
    def advice(error):
        return write._what_to_do(error, str(tmp_path / 'model.ckpt'), False)

    assert 'Free space' in advice(tf.errors.ResourceExhaustedError(None, None, ''))
    assert 'right to write' in advice(tf.errors.PermissionDeniedError(None, None, ''))
    assert 'free space, its permissions' in advice(ValueError())


def test_a_complete_checkpoint_of_the_same_step_survives_a_failed_save(tmp_path):
    with training(tmp_path, [saver(tmp_path, save_steps=5)], size=LARGE) as run:
        run(5)
    assert steps_in(tmp_path) == [0, 5]
    # A training that begins anew beside it, and cannot write.
    with tf.Graph().as_default():
        model(LARGE)
        ones = tf.assign(tf.global_variables('weights')[0], tf.ones([LARGE]))
        scaffold = tf.train.Scaffold(init_fn=lambda _, session: session.run(ones))
        hooks = [saver(tmp_path, save_steps=5, scaffold=scaffold)]
        creator = tf.train.ChiefSessionCreator(scaffold)
        with files_at_most(300_000), pytest.raises(CheckpointSaveError):
            tf.train.MonitoredSession(creator, hooks)
    assert steps_in(tmp_path) == [0, 5]
    assert leftovers(tmp_path) == []
