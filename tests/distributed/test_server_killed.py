"""A real server that holds the variables is killed, and comes back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from harness import Cluster

import tfhooks
from tfhooks._session.recovery_policy import RecoveryPolicy, is_recovery

TASK = Path(__file__).with_name('task.py')


class Server:
    """A parameter server in a process of its own."""

    def __init__(self, cluster):
        (address,) = cluster.addresses['ps']
        self.target = f'grpc://{address}'
        self.kill = lambda: cluster.kill('ps:0')
        self.restart = lambda: cluster.restart('ps:0')


@pytest.fixture
def server(tmp_path):
    with Cluster(tmp_path / 'tasks', TASK, {'ps': 1}) as cluster:
        cluster.start()
        yield Server(cluster)


class Watching(tfhooks.SessionRunHook):
    def __init__(self):
        self.recoveries = []

    def after_create_session(self, session, coord):
        self.recoveries.append(is_recovery(coord))


def model():
    """A step counted in a variable on the server."""
    with tf.device('/job:ps/task:0'):
        step = tf.train.get_or_create_global_step()
        return tf.assign_add(step, 1)


def test_training_goes_on_when_a_killed_server_comes_back(server, tmp_path, caplog):
    watching = Watching()
    steps = []
    with tf.Graph().as_default():
        train = model()
        with tfhooks.MonitoredTrainingSession(
            master=server.target,
            checkpoint_dir=str(tmp_path / 'model'),
            save_checkpoint_steps=2,
            save_checkpoint_secs=None,
            log_step_count_steps=None,
            hooks=[watching, tfhooks.StopAtStepHook(last_step=8)],
            recovery=RecoveryPolicy(tries=20, first_wait_secs=0.1, max_wait_secs=1.0),
        ) as session:
            while not session.should_stop():
                steps.append(int(session.run(train)))
                if len(steps) == 5:
                    server.restart()
    assert steps == [1, 2, 3, 4, 5, 5, 6, 7, 8]
    assert watching.recoveries == [False, True]
    warnings = [r.getMessage() for r in caplog.records if r.name == 'tfhooks']
    assert any(
        'AbortedError' in message or 'UnavailableError' in message for message in warnings
    ), warnings


def test_a_server_that_is_killed_while_a_step_runs_on_it(server):
    seen = []

    class Puts(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            if is_recovery(coord):
                session.run(put)

        def on_error(self, session, error):
            seen.append(error)

    with tf.Graph().as_default():
        with tf.device('/job:ps/task:0'):
            arrived = tf.get_variable('arrived', [], tf.int64, tf.zeros_initializer())
            queue = tf.FIFOQueue(1, tf.int64, shapes=[[]])
            with tf.control_dependencies([tf.assign_add(arrived, 1)]):
                blocks = queue.dequeue()
            put = queue.enqueue(tf.constant(7, tf.int64))
            read = arrived.read_value()
        session = tfhooks.MonitoredSession(
            tf.train.ChiefSessionCreator(master=server.target),
            hooks=[Puts()],
            recovery=RecoveryPolicy(tries=20, first_wait_secs=0.1, max_wait_secs=1.0),
        )
        other = tf.Session(server.target, graph=tf.get_default_graph())

        def kill_in_the_middle():
            while not other.run(read):
                pass
            # Closing it afterwards would wait for the server that is gone.
            other.close()
            server.restart()

        thread = threading.Thread(target=kill_in_the_middle, daemon=True)
        thread.start()
        assert session.run(blocks) == 7
        thread.join()
        session.close()
    assert not seen
    assert session.stop_reason.kind == 'closed'
