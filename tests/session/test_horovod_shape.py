"""A hook of the shape of Horovod's BroadcastGlobalVariablesHook, in both libraries' sessions.

Horovod is not needed: the hook here has that shape. It subclasses TensorFlow's SessionRunHook, is
given a root and a device, makes its operation in `begin`, anew for each graph, and runs it in
`after_create_session`. In place of the network there is a dict that the processes' stand-ins share.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from stock_models import LoseSession

import tfhooks

SESSIONS = [tf.train.MonitoredSession, tfhooks.MonitoredSession]
TRAININGS = [tf.train.MonitoredTrainingSession, tfhooks.MonitoredTrainingSession]


class BroadcastHook(tf.train.SessionRunHook):
    """Gives every process the root's variables whenever a session has been made."""

    def __init__(self, wire, rank, root=0, device=''):
        super().__init__()
        self._wire, self._rank, self._root, self._device = wire, rank, root, device
        self.operation = None
        self.built = self.runs = 0

    def begin(self):
        graph = tf.get_default_graph()
        if self.operation is not None and self.operation.graph is graph:
            return
        self.built += 1
        with tf.device(self._device):
            moves = [self._move(variable) for variable in tf.global_variables()]
            self.operation = tf.group(*moves, name='broadcast')

    def _move(self, variable):
        name = variable.op.name
        if self._rank == self._root:

            def send(value):
                self._wire[name] = np.array(value)

            return tf.py_func(send, [variable.read_value()], [], stateful=True)
        value = tf.py_func(lambda: self._wire[name], [], variable.dtype.base_dtype, stateful=True)
        value.set_shape(variable.shape)
        return tf.assign(variable, value)

    def after_create_session(self, session, coord):
        self.runs += 1
        session.run(self.operation)


def model(start):
    """A weight that grows by 1 in each step; what it is at first differs between processes."""
    step = tf.train.get_or_create_global_step()
    weight = tf.get_variable('weight', initializer=float(start), use_resource=True)
    with tf.control_dependencies([weight.assign_add(1.0, read_value=False)]):
        return tf.assign_add(step, 1).op, weight


def values(session):
    raw = session.raw_session() if hasattr(session, 'raw_session') else session._tf_sess()
    weight = raw.graph.get_tensor_by_name('weight/Read/ReadVariableOp:0')
    return tuple(float(v) for v in raw.run([tf.train.get_global_step(raw.graph), weight]))


def root_sends(wire, start, make=tfhooks.MonitoredSession):
    """A root process that starts and ends."""
    with tf.Graph().as_default():
        model(start)
        make(hooks=[BroadcastHook(wire, rank=0)]).close()


@pytest.mark.parametrize('make', SESSIONS)
def test_every_process_begins_with_the_roots_variables(make):
    wire = {}
    root_sends(wire, 5.0, make)
    assert wire == {'global_step': 0, 'weight': 5.0}
    with tf.Graph().as_default():
        train, _ = model(-100.0)
        with make(hooks=[BroadcastHook(wire, rank=1)]) as session:
            assert values(session) == (0.0, 5.0)
            session.run(train)
            assert values(session) == (1.0, 6.0)


@pytest.mark.parametrize('make', SESSIONS)
def test_the_operation_is_made_once_a_graph_and_anew_for_another(make):
    wire = {'global_step': np.int64(0), 'weight': np.float32(5.0)}
    hook = BroadcastHook(wire, rank=1)
    for graphs in (1, 2):
        with tf.Graph().as_default() as graph:
            train, _ = model(0.0)
            for _ in range(2):
                with make(hooks=[hook]) as session:
                    assert values(session) == (0.0, 5.0)
                    session.run(train)
            assert hook.built == graphs
            assert hook.operation.graph is graph
            assert hook.runs == 2 * graphs


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovered_session_gets_the_roots_variables_again(make):
    wire = {'global_step': np.int64(0), 'weight': np.float32(5.0)}
    hook = BroadcastHook(wire, rank=1)
    with tf.Graph().as_default():
        train, _ = model(-100.0)
        with make(hooks=[hook, LoseSession(3, before_next=True)]) as session:
            for _ in range(3):
                session.run(train)
            assert values(session) == (3.0, 8.0)
            # The root has gone on meanwhile.
            wire.update(global_step=np.int64(40), weight=np.float32(45.0))
            session.run(train)
            assert values(session) == (41.0, 46.0)
    assert (hook.runs, hook.built) == (2, 1)


@pytest.mark.parametrize('training', TRAININGS)
def test_a_root_that_starts_again_sends_what_it_has_restored(training, tmp_path):
    wire = {}
    for restart in range(3):
        with tf.Graph().as_default():
            train, _ = model(5.0)
            with training(
                checkpoint_dir=str(tmp_path),
                hooks=[BroadcastHook(wire, 0)],
                save_checkpoint_steps=2,
            ) as session:
                assert wire == {'global_step': 4 * restart, 'weight': 5.0 + 4 * restart}
                for _ in range(4):
                    session.run(train)
        # The others have no checkpoints: their step, too, is the root's.
        with tf.Graph().as_default():
            train, _ = model(-1.0)
            hooks = [BroadcastHook(wire, 1), tfhooks.StopAtStepHook(num_steps=3)]
            steps = []
            with training(hooks=hooks) as session:
                while not session.should_stop():
                    session.run(train)
                    steps.append(values(session)[0])
            assert steps == [4.0 * restart + n for n in (1, 2, 3)]


@pytest.mark.parametrize('training', TRAININGS)
def test_a_root_that_recovers_sends_what_it_has_restored(training, tmp_path):
    wire = {}
    hook = BroadcastHook(wire, rank=0)
    with tf.Graph().as_default():
        train, _ = model(5.0)
        with training(
            checkpoint_dir=str(tmp_path),
            hooks=[hook, LoseSession(5, before_next=True)],
            save_checkpoint_steps=1,
        ) as session:
            for _ in range(6):
                session.run(train)
            assert values(session) == (6.0, 11.0)
    assert hook.runs == 2
    assert wire == {'global_step': 5, 'weight': 10.0}
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('weight') == 11.0


def first_checkpoint(directory):
    return tf.train.load_checkpoint(str(directory / 'model.ckpt-0')).get_tensor('weight')


@pytest.mark.parametrize('training', TRAININGS)
def test_a_training_session_saves_first_and_then_broadcasts(training, tmp_path):
    """Its own saver stands before the hooks of the program, in either library."""
    wire = {'global_step': np.int64(0), 'weight': np.float32(5.0)}
    with tf.Graph().as_default():
        train, _ = model(-100.0)
        with training(
            checkpoint_dir=str(tmp_path), hooks=[BroadcastHook(wire, 1)], save_checkpoint_steps=100
        ) as session:
            session.run(train)
    assert first_checkpoint(tmp_path) == -100.0
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('weight') == 6.0


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('asynchronous', [False, True])
def test_hooks_go_in_the_order_of_the_list(make, asynchronous, tmp_path):
    wire = {'global_step': np.int64(0), 'weight': np.float32(5.0)}
    for name, first in (('broadcast', 5.0), ('save', -100.0)):
        directory = tmp_path / name
        with tf.Graph().as_default():
            train, _ = model(-100.0)
            hooks = [
                BroadcastHook(wire, rank=1),
                tfhooks.CheckpointSaverHook(
                    str(directory), save_steps=100, asynchronous=asynchronous
                ),
            ]
            with make(hooks=hooks if name == 'broadcast' else hooks[::-1]) as session:
                session.run(train)
        assert first_checkpoint(directory) == first
        assert tf.train.load_checkpoint(str(directory)).get_tensor('weight') == 6.0


def test_what_the_root_restores_in_part_is_sent(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('other/weight', initializer=7.0)
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / 'other'))
    wire = {}
    with tf.Graph().as_default():
        model(5.0)
        restore = tfhooks.RestoreHook(path, name_map={'other/weight': 'weight'}, include='weight')
        tfhooks.MonitoredSession(hooks=[restore, BroadcastHook(wire, rank=0)]).close()
    assert wire['weight'] == 7.0


@pytest.mark.parametrize('make', SESSIONS)
def test_the_device_is_the_one_it_was_given(make):
    wire = {}
    hook = BroadcastHook(wire, rank=0, device='/CPU:1')
    with tf.Graph().as_default():
        with tf.device('/CPU:0'):
            model(5.0)
        config = tf.ConfigProto(device_count={'CPU': 2}, allow_soft_placement=False)
        make(tf.train.ChiefSessionCreator(config=config), [hook]).close()
    assert hook.operation.device == '/device:CPU:1'
    assert wire['weight'] == 5.0


@pytest.mark.parametrize('wrap', [tfhooks.only_if, tfhooks.every])
def test_wrapped_it_broadcasts_all_the_same(wrap):
    wire = {'global_step': np.int64(0), 'weight': np.float32(5.0)}
    hook = BroadcastHook(wire, rank=1)
    wrapped = wrap(hook, secs=1000) if wrap is tfhooks.every else wrap(hook, lambda context: False)
    with tf.Graph().as_default():
        model(-100.0)
        with tfhooks.MonitoredSession(hooks=[wrapped]) as session:
            assert values(session) == (0.0, 5.0)


def test_an_error_in_it_says_whose_it_is():
    with tf.Graph().as_default():
        model(0.0)
        with pytest.raises(tf.errors.OpError) as caught:
            tfhooks.MonitoredSession(hooks=[BroadcastHook({}, rank=1)])
    assert caught.value.raised_in == 'BroadcastHook.after_create_session'
