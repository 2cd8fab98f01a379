"""CheckpointSaverHook with Savers of a program's own, and what their files come to."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading

import pytest
import tensorflow.compat.v1 as tf
import warm_python
from saving_models import latest_step, leftovers, model, saver, steps_in

import tfhooks
from tfhooks._base.errors import CheckpointSaveError


def train(directory, make_saver, steps=4, **arguments):
    """Trains with a Saver that saves every second step; returns the Saver."""
    with tf.Graph().as_default():
        op = model()
        own = make_saver()
        hook = saver(directory, saver=own, **arguments)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(steps):
                session.run(op)
    return own


class OtherStateFile(tf.train.Saver):
    """Keeps its books in another state file."""

    def save(self, sess, save_path, global_step=None, write_meta_graph=True):
        return super().save(
            sess,
            save_path,
            global_step,
            latest_filename='checkpoint_input',
            write_meta_graph=write_meta_graph,
        )


class NoStateFile(tf.train.Saver):
    """Keeps no books."""

    def save(self, *args, **kwargs):
        return super().save(*args, write_state=False, **kwargs)


class Elsewhere(tf.train.Saver):
    """Moves its files away, as to a slower and larger disk."""

    def save(self, sess, save_path, *args, **kwargs):
        path = super().save(sess, save_path, *args, **kwargs)
        other = os.path.join(os.path.dirname(path), 'elsewhere')
        os.makedirs(other, exist_ok=True)
        for name in os.listdir(os.path.dirname(path)):
            if name.startswith(os.path.basename(path) + '.'):
                shutil.move(os.path.join(os.path.dirname(path), name), os.path.join(other, name))
        return path


class Renames(tf.train.Saver):
    """Says another name than the files have."""

    def save(self, *args, **kwargs):
        return super().save(*args, **kwargs) + '-final'


class Wrapper:
    """Not a Saver, but has what the hook needs of one; its signature is that of TensorFlow 1.15."""

    def __init__(self):
        self._saver = tf.train.Saver()
        self.saver_def = self._saver.saver_def

    def save(self, sess, save_path, global_step=None):
        self._saver.save(sess, save_path, global_step)


@pytest.mark.parametrize(
    ('make_saver', 'says'),
    [(OtherStateFile, False), (NoStateFile, False), (Wrapper, False), (Renames, True)],
)
def test_what_a_saver_of_its_own_has_written_is_left_alone(tmp_path, log, make_saver, says):
    train(tmp_path, make_saver)
    assert steps_in(tmp_path) == [0, 2, 4]
    # Where nothing is found under the name that it gives, that is said once.
    assert len(log('no checkpoint is there')) == says


def test_a_saver_may_move_its_files(tmp_path, log):
    train(tmp_path, Elsewhere)
    assert steps_in(tmp_path / 'elsewhere') == [0, 2, 4]
    assert len(log('no checkpoint is there')) == 1


def test_a_method_put_on_a_saver_is_a_save_of_its_own(tmp_path):
    def quiet_saver():
        own = tf.train.Saver()
        save = own.save
        own.save = lambda *args, **kwargs: save(*args, write_state=False, **kwargs)
        return own

    train(tmp_path, quiet_saver)
    assert steps_in(tmp_path) == [0, 2, 4]


def test_a_signature_without_write_meta_graph_serves_where_it_is_not_needed(tmp_path):
    train(tmp_path / 'with', Wrapper)
    with pytest.raises(TypeError, match='write_meta_graph'):
        train(tmp_path / 'without', Wrapper, save_graph_def=False)


class FailsAt(Wrapper):
    """Writes something of its own and then fails."""

    def save(self, sess, save_path, global_step=None):
        if global_step == 2:
            tf.gfile.GFile(f'{save_path}-{global_step}.part', 'w').write('half')
            raise tf.errors.ResourceExhaustedError(None, None, 'the disk is full')
        super().save(sess, save_path, global_step)


def test_what_a_saver_of_its_own_leaves_after_an_error_is_its_affair(tmp_path):
    with pytest.raises(CheckpointSaveError, match='the disk is full'):
        train(tmp_path, FailsAt)
    assert (tmp_path / 'model.ckpt-2.part').exists()
    assert steps_in(tmp_path) == [0]


class InputPipelineHook(tf.train.SessionRunHook):
    """As TensorFlow 1.15's CheckpointInputPipelineHook: hands on to a hook, whose Saver it sets."""

    def __init__(self, directory, state):
        self._hook = saver(directory, checkpoint_basename='input.ckpt')
        self._state = state

    def begin(self):
        self._hook._saver = OtherStateFile({'data': self._state}, sharded=True)
        self._hook.begin()

    def after_create_session(self, session, coord):
        self._hook.after_create_session(session, coord)

    def before_run(self, run_context):
        return self._hook.before_run(run_context)

    def after_run(self, run_context, run_values):
        self._hook.after_run(run_context, run_values)

    def end(self, session):
        self._hook.end(session)


def test_the_state_of_an_input_pipeline(tmp_path):
    with tf.Graph().as_default():
        op = model()
        iterator = tf.data.make_one_shot_iterator(tf.data.Dataset.range(100))
        state = tf.data.experimental.make_saveable_from_iterator(iterator)
        item = iterator.get_next()
        with tfhooks.MonitoredSession(hooks=[InputPipelineHook(tmp_path, state)]) as session:
            for _ in range(3):
                session.run([op, item])
    names = sorted(name for name in os.listdir(tmp_path) if name.endswith('.index'))
    assert names == [f'input.ckpt-{step}.index' for step in (0, 2, 3)]
    assert (tmp_path / 'checkpoint_input').exists()


class LosesOnNetworkDisk(tf.train.Saver):
    """Raises what TensorFlow makes of ESTALE and ENOLCK: the codes of a lost session."""

    kind = tf.errors.AbortedError

    def save(self, sess, save_path, global_step=None, **kwargs):
        if global_step == 2:
            raise self.kind(None, None, f'{save_path}-2.data-00000-of-00001; Stale file handle')
        return super().save(sess, save_path, global_step, **kwargs)


@pytest.mark.parametrize('kind', [tf.errors.AbortedError, tf.errors.UnavailableError])
def test_an_error_of_the_file_system_is_no_lost_session(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(LosesOnNetworkDisk, 'kind', kind)
    with pytest.raises(CheckpointSaveError, match='Stale file handle') as raised:
        train(tmp_path, LosesOnNetworkDisk)
    assert isinstance(raised.value.error, kind)
    # Of the type that was raised, TensorFlow's own sessions would recover from it, too.
    assert isinstance(raised.value, tf.errors.UnknownError)
    assert not isinstance(raised.value, kind)


def start(directory, last, saver_of_hook):
    """A program that goes on to step `last`, with two checkpoints allowed."""
    with tf.Graph().as_default():
        op = model()
        own = tf.train.Saver(max_to_keep=2)
        creator = tfhooks.ChiefSessionCreator(
            tf.train.Scaffold(saver=None if saver_of_hook else own), checkpoint_dir=str(directory)
        )
        hooks = [saver(directory, save_steps=1, saver=own), tfhooks.StopAtStepHook(last_step=last)]
        with tfhooks.MonitoredSession(creator, hooks) as session:
            while not session.should_stop():
                session.run(op)


@pytest.mark.parametrize('saver_of_hook', [True, False])
def test_max_to_keep_holds_over_restarts(tmp_path, saver_of_hook):
    for last in (3, 6, 9):
        start(tmp_path, last, saver_of_hook)
        assert steps_in(tmp_path) == [last - 1, last]


KILLED = """
import os, signal, sys
from tensorflow.python.checkpoint import checkpoint_management
import test_checkpoint_saver_savers

checkpoint_management.remove_checkpoint = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
test_checkpoint_saver_savers.start(sys.argv[1], 9, saver_of_hook=False)
"""


def killed_before_removing(directory):
    """A life that is killed when the state file is written and the oldest is not yet removed."""
    search = [os.path.dirname(__file__), *sys.path]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(search), TF_CPP_MIN_LOG_LEVEL='3')
    command = [sys.executable, '-c', KILLED, str(directory)]
    done = warm_python.run(command, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


def test_what_a_killed_process_was_about_to_remove_is_removed_by_the_next(tmp_path):
    for life in range(2):
        killed_before_removing(tmp_path)
        assert len(steps_in(tmp_path)) == 3, life
    start(tmp_path, 9, saver_of_hook=False)
    assert steps_in(tmp_path) == [8, 9]
    assert leftovers(tmp_path) == []


def test_what_is_kept_for_good_is_never_removed(tmp_path):
    (tmp_path / 'checkpoint.leaving').write_text('"model.ckpt-0"')
    start(tmp_path, 1, saver_of_hook=False)
    (tmp_path / 'checkpoint.leaving').write_text('"../model.ckpt-1"')
    start(tmp_path, 1, saver_of_hook=False)
    # The state file names both.
    assert steps_in(tmp_path) == [0, 1]
    assert latest_step(tmp_path) == 1
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize('runs', [2, 4], ids=['the next start', 'the next save'])
def test_a_checkpoint_that_could_not_be_removed_is_removed_by(runs, tmp_path, monkeypatch):
    remove, failing = tf.train.remove_checkpoint, [True]

    def fails_once(prefix, *args, **kwargs):
        if failing:
            failing.pop()
            raise tf.errors.UnavailableError(None, None, 'the disk is away')
        remove(prefix, *args, **kwargs)

    monkeypatch.setattr(sys.modules[remove.__module__], 'remove_checkpoint', fails_once)
    for first in (True, False):
        with tf.Graph().as_default():
            op, scaffold = model(), tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=1))
            creator = tfhooks.ChiefSessionCreator(scaffold, checkpoint_dir=str(tmp_path))
            hook = saver(tmp_path, save_steps=2, scaffold=scaffold)
            with tfhooks.MonitoredSession(creator, [hook]) as session:
                for _ in range(runs if first else 0):
                    session.run(op)
        if first and runs == 2:
            assert steps_in(tmp_path) == [0, 2]
            assert not failing
        else:
            assert steps_in(tmp_path) == [runs]
    assert not leftovers(tmp_path)


def test_a_recovery_waits_for_a_save_of_another_thread(tmp_path):
    order, saving, recovering = [], threading.Event(), threading.Event()

    class Slow(tf.train.CheckpointSaverListener):
        def after_save(self, session, global_step_value):
            if global_step_value:
                saving.set()
                assert recovering.wait(60)
                # As long as this lasts no other session is made.
                made.wait(0.5)
                order.append('saved')

    made = threading.Event()
    hook = saver(tmp_path, save_steps=1, listeners=[Slow()])
    with tf.Graph().as_default():
        op, hook._scaffold = model(), tf.train.Scaffold()
        with tfhooks.SingularMonitoredSession([hook], hook._scaffold) as session:
            thread = threading.Thread(target=session.run, args=[op])
            thread.start()
            assert saving.wait(60)
            recovering.set()
            hook.wait_for_save()
            order.append('made')
            made.set()
            thread.join()
    assert order[:2] == ['saved', 'made']
