"""StopAtStepHook with a role: asynchronous training ends at exactly its last step.

The workers are threads of this process, each with a graph of its own, on one server.
"""

from __future__ import annotations

import threading
import time

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks import Role, StopAtStepHook

CLUSTER = {'ps': ['h:1'], 'chief': ['h:2'], 'worker': ['h:3', 'h:4']}
TASKS = [('chief', 0), ('worker', 0), ('worker', 1)]
LIMIT_SECS = 120


def role_of(task):
    return Role(task == ('chief', 0), *task, CLUSTER)


@pytest.fixture(scope='module')
def server():
    # One that was made before keeps its variables and queues.
    return tf.train.Server.create_local_server()


@pytest.fixture
def container(request):
    """A name for this test's variables and queues on the server."""
    return ''.join(letter for letter in request.node.name if letter.isalnum())


class Counts(tfhooks.SessionRunHook):
    """Writes down the runs that were made and where they stopped."""

    def __init__(self):
        self.runs = 0
        self.last = None

    def begin(self):
        self.step = tf.train.get_global_step().read_value()

    def after_run(self, run_context, run_values):
        self.runs += 1

    def end(self, session):
        self.last = int(session.run(self.step))


class Worker:
    """One worker: its graph, and its monitored session once it is open."""

    def __init__(self, server, container, task, last_step, role='own', **arguments):
        self.server, self.task, self.container = server, task, container
        self.session = None
        self.counts = Counts()
        self.graph = tf.Graph()
        role = role_of(task) if role == 'own' else role
        self.hook = StopAtStepHook(last_step=last_step, role=role, **arguments)
        here = tf.device('/job:localhost/task:0')
        with self.graph.as_default(), self.graph.container(container), here:
            self.step = tf.train.get_or_create_global_step()
            self.train = tf.assign_add(self.step, 1)

    def open(self):
        with self.graph.as_default(), self.graph.container(self.container):
            make = (
                tf.train.ChiefSessionCreator
                if self.task == ('chief', 0)
                else tfhooks.WorkerSessionCreator
            )
            self.session = tfhooks.MonitoredSession(
                make(master=self.server.target), hooks=[self.counts, self.hook]
            )
        return self.session

    def train_to_the_end(self):
        with self.session or self.open():
            while not self.session.should_stop():
                self.session.run(self.train)


def in_threads(workers):
    errors = []

    def call(worker):
        try:
            worker.train_to_the_end()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=call, args=[w], daemon=True) for w in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECS)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []


@pytest.mark.parametrize('last_step', [3, 8, 50, 203])
def test_workers_end_at_exactly_the_last_step(server, container, last_step):
    workers = [Worker(server, container, task, last_step, grace_secs=1e6) for task in TASKS]
    in_threads(workers)
    assert [worker.counts.last for worker in workers] == [last_step] * 3
    assert sum(worker.counts.runs for worker in workers) == last_step


def test_a_worker_that_was_killed_is_waited_for_and_named(server, container, caplog):
    chief, _, killed = (Worker(server, container, task, 30, grace_secs=0.3) for task in TASKS)
    chief.open()
    killed.open()
    killed.session.run(killed.train)
    # Nothing more comes from it, and nobody has told the others.
    in_threads([chief])
    assert chief.counts.last == 30
    (line,) = (r.getMessage() for r in caplog.records if 'StopAtStepHook' in r.getMessage())
    assert 'is trained without' in line
    assert 'from worker 1 for' in line
    # The one that comes back has nothing left to do.
    again = Worker(server, container, TASKS[2], 30)
    again.open()
    assert again.session.should_stop()
    again.session.close()
    assert again.counts.last == 30
    killed.session.close()


def test_workers_do_not_wait_for_a_dead_chief_for_ever(server, container, caplog):
    chief, worker, _ = (Worker(server, container, task, 30, grace_secs=0.3) for task in TASKS)
    chief.open()
    worker.open()
    in_threads([worker])
    assert 20 <= worker.counts.last <= 30
    (line,) = (r.getMessage() for r in caplog.records if 'StopAtStepHook' in r.getMessage())
    assert 'last_step=30 is not reached' in line
    assert 'from chief 0 for' in line
    chief.session.close()


def test_a_stop_request_ends_the_waiting(server, container):
    chief, worker, _ = (Worker(server, container, task, 30, grace_secs=1e6) for task in TASKS)
    chief.open()
    worker.open()
    thread = threading.Thread(target=worker.train_to_the_end, daemon=True)
    thread.start()
    trains = chief.hook._last_steps._look[0]
    # The worker has left, and waits for the chief, which does nothing.
    limit = time.monotonic() + LIMIT_SECS
    while chief.session.run_without_hooks(trains)[1]:
        assert thread.is_alive()
        assert time.monotonic() < limit
    worker.session.request_stop()
    thread.join(LIMIT_SECS)
    assert not thread.is_alive()
    assert worker.counts.last < 30
    chief.session.close()


def test_without_a_role_nothing_is_added_to_the_graph():
    def operations(**arguments):
        with tf.Graph().as_default() as graph:
            tf.train.get_or_create_global_step()
            hook = StopAtStepHook(last_step=5, **arguments)
            hook.begin()
            return [operation.name for operation in graph.get_operations()]

    plain = operations()
    assert operations(role=None) == plain
    assert operations(role=Role(is_chief=True)) == plain
    assert operations(role=Role(False, 'evaluator', 0, CLUSTER)) == plain
    assert len(operations(role=role_of(TASKS[0]))) > len(plain)


def test_checkpoints_do_not_change(tmp_path):
    with tf.Graph().as_default():
        tf.train.get_or_create_global_step()
        StopAtStepHook(last_step=5, role=role_of(TASKS[0])).begin()
        assert [v.op.name for v in tf.global_variables()] == ['global_step']
        assert tf.local_variables() == []


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'last_step': 5, 'role': 'chief'}, TypeError, "a tfhooks.Role; role='chief'"),
        ({'num_steps': 5, 'role': Role(True)}, ValueError, 'role needs last_step; num_steps=5'),
        ({'last_step': 5, 'grace_secs': 0}, ValueError, 'grace_secs=0'),
        ({'last_step': 5, 'grace_secs': None}, TypeError, 'grace_secs must be a number'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        StopAtStepHook(**arguments)
