"""The role of a process in its cluster, and hooks for the chief alone."""

from __future__ import annotations

import json

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._base.roles import Role
from tfhooks.testing import RecordingHook

CLUSTER = {'ps': ['ps0:1'], 'chief': ['chief0:1'], 'worker': ['w0:1', 'w1:1']}


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch):
    monkeypatch.delenv('TF_CONFIG', raising=False)


@pytest.fixture
def in_cluster(monkeypatch):
    def set_task(task_type, index=0, cluster=CLUSTER):
        config = {'cluster': cluster, 'task': {'type': task_type, 'index': index}}
        monkeypatch.setenv('TF_CONFIG', json.dumps(config))

    return set_task


@pytest.fixture(scope='module')
def target():
    # Kept by the module: a server that is collected takes its sessions with it.
    server = tf.train.Server.create_local_server()
    yield server.target
    del server


class Sees(tfhooks.SessionRunHook):
    """Notes the role that each of its methods sees."""

    def __init__(self):
        self.roles = {}

    def begin(self):
        self.roles['begin'] = tfhooks.role()

    def after_create_session(self, session, coord):
        self.roles['after_create_session'] = tfhooks.role(session)

    def before_run(self, run_context):
        self.roles['before_run'] = tfhooks.role(run_context.session)

    def after_run(self, run_context, run_values):
        self.roles['after_run'] = tfhooks.role(run_context.session)

    def end(self, session):
        self.roles['end'] = tfhooks.role(session)


def seen_by(hook, **arguments):
    """The role that all methods of a hook saw in a session made with `arguments`."""
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        with tfhooks.MonitoredTrainingSession(hooks=[hook], **arguments) as session:
            session.run(train)
            assert tfhooks.role(session) == tfhooks.role(session.raw_session())
    assert set(hook.roles) == {'begin', 'after_create_session', 'before_run', 'after_run', 'end'}
    assert len(set(hook.roles.values())) == 1, hook.roles
    return hook.roles['end']


# What the role is.


@pytest.mark.parametrize(
    ('task', 'cluster', 'is_chief', 'text'),
    [
        (('chief', 0), CLUSTER, True, 'chief 0'),
        (('worker', 0), CLUSTER, False, 'worker 0'),
        (('worker', 1), CLUSTER, False, 'worker 1'),
        (('ps', 0), CLUSTER, False, 'ps 0'),
        (('evaluator', 0), CLUSTER, False, 'evaluator 0'),
        (('worker', 0), {'worker': ['a:1', 'b:1']}, True, 'worker 0, the chief'),
        (('worker', 1), {'worker': ['a:1', 'b:1']}, False, 'worker 1'),
        (('master', 0), {'master': ['a:1'], 'worker': ['b:1']}, True, 'master 0, the chief'),
        (('worker', 0), {'master': ['a:1'], 'worker': ['b:1']}, False, 'worker 0'),
    ],
)
def test_tf_config_gives_the_role_of_a_process(in_cluster, task, cluster, is_chief, text):
    in_cluster(*task, cluster)
    role = tfhooks.role()
    assert role == Role(is_chief, *task, cluster)
    assert str(role) == text


@pytest.mark.parametrize('text', ['', '{}', '{"task": {"type": "worker", "index": 0}}'])
def test_a_process_without_a_cluster_is_its_own_chief(monkeypatch, text):
    monkeypatch.setenv('TF_CONFIG', text)
    assert tfhooks.role() == Role(is_chief=True)
    assert str(tfhooks.role()) == 'chief'
    assert seen_by(Sees()) == Role(is_chief=True)


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('{', 'JSONDecodeError'),
        ('[]', 'AttributeError'),
        ('{"cluster": {"worker": ["a:1"]}}', "KeyError: 'type'"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}', "'x'"),
        ('{"cluster": [1], "task": {"type": "worker", "index": 0}}', 'TypeError'),
    ],
)
def test_a_tf_config_that_is_none_is_refused_only_where_it_is_needed(monkeypatch, text, says):
    monkeypatch.setenv('TF_CONFIG', text)
    with pytest.raises(ValueError, match=r'role: TF_CONFIG must be JSON with "cluster"') as caught:
        tfhooks.role()
    assert says in str(caught.value)
    with tf.Graph().as_default(), tfhooks.MonitoredSession(hooks=[RecordingHook()]) as session:
        assert session.run(tf.get_default_graph().get_operations()[0]) is None


def test_a_session_is_what_it_was_made_as(in_cluster, target):
    chief = Sees()
    assert seen_by(chief, master=target) == Role(is_chief=True)
    # A chief's session initialises, whatever the cluster says of the process.
    in_cluster('worker', 1)
    assert seen_by(Sees(), master=target) == Role(True, 'worker', 1, CLUSTER)


def test_a_worker_sees_its_task(in_cluster, target):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        # As a chief would have initialised it; the container is the server's.
        with tf.Session(target) as session:
            session.run(tf.global_variables_initializer())
        train = tf.assign_add(step, 1)
        for task, role in [(None, Role(False)), (1, Role(False, 'worker', 1, CLUSTER))]:
            if task is not None:
                in_cluster('worker', task)
            hook = Sees()
            with tfhooks.MonitoredTrainingSession(
                master=target, is_chief=False, hooks=[hook], max_wait_secs=120
            ) as session:
                session.run(train)
                assert tfhooks.role(session) == role
            assert set(hook.roles.values()) == {role}
            assert len(hook.roles) == 5


def test_a_creator_of_ones_own_leaves_it_to_the_cluster(in_cluster):
    class Creator(tf.train.SessionCreator):
        def create_session(self):
            return tf.Session()

    for index, is_chief in ((0, True), (1, False)):
        in_cluster('worker', index, {'worker': ['a:1', 'b:1']})
        hooks = [Sees(), tfhooks.chief_only(RecordingHook())]
        with tf.Graph().as_default():
            one = tf.constant(1)
            with tfhooks.MonitoredSession(Creator(), hooks) as session:
                session.run(one)
        assert {role.is_chief for role in hooks[0].roles.values()} == {is_chief}
        assert bool(hooks[1].wrapped_hook.calls) == is_chief


def test_a_recovered_session_keeps_its_role():
    roles = []

    class Loses(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            roles.append(tfhooks.role(session))

        def before_run(self, run_context):
            if len(roles) == 1:
                raise tf.errors.AbortedError(None, None, 'lost')

    with tf.Graph().as_default():
        one = tf.constant(1)
        with tfhooks.MonitoredSession(hooks=[Loses()]) as session:
            session.run(one)
    assert roles == [Role(True), Role(True)]


def test_sessions_that_begin_inside_another_do_not_mix(in_cluster):
    in_cluster('worker', 1)
    seen = []

    class Inner(tfhooks.SessionRunHook):
        def begin(self):
            seen.append(('inner', tfhooks.role().is_chief))

    class Outer(tfhooks.SessionRunHook):
        def begin(self):
            seen.append(('before', tfhooks.role().is_chief))
            with tf.Graph().as_default():
                tf.no_op()
                tfhooks.MonitoredSession(hooks=[Inner()]).close()
            seen.append(('after', tfhooks.role().is_chief))

    creator = tf.train.WorkerSessionCreator()
    with tf.Graph().as_default():
        tf.no_op()
        tfhooks.MonitoredSession(creator, [Outer()]).close()
    assert seen == [('before', False), ('inner', True), ('after', False)]
    assert not tfhooks.role().is_chief


def test_tensorflows_sessions_tell_too(in_cluster):
    in_cluster('worker', 1)
    hook = Sees()
    with tf.Graph().as_default():
        one = tf.constant(1)
        with tf.train.MonitoredTrainingSession(hooks=[hook]) as session:
            assert tfhooks.role(session) == Role(True, 'worker', 1, CLUSTER)
            session.run(one)
    # A raw session that tfhooks has not made is what the cluster says.
    assert set(hook.roles.values()) == {Role(False, 'worker', 1, CLUSTER)}


def test_a_server_tells_its_task():
    cluster = {'chief': ['127.0.0.1:0'], 'worker': ['127.0.0.1:0', '127.0.0.1:0']}
    server = tf.train.Server(cluster, job_name='worker', task_index=1, start=False)
    assert tfhooks.role(server) == Role(False, 'worker', 1, cluster)


def test_what_is_no_session_is_refused():
    with pytest.raises(TypeError, match=r"role: session must be .* session='grpc:'"):
        tfhooks.role('grpc:')


# For the chief alone.


class Saves(RecordingHook):
    chief_only = True


def marked():
    return [Saves(), tfhooks.chief_only(RecordingHook()), RecordingHook()]


def called(hooks):
    return [bool(getattr(hook, 'wrapped_hook', hook).calls) for hook in hooks]


def test_the_chief_has_them():
    hooks = marked()
    with tf.Graph().as_default():
        one = tf.constant(1)
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            session.run(one)
    assert called(hooks) == [True, True, True]
    assert hooks[1].wrapped_hook.methods == hooks[2].methods == hooks[0].methods


def test_a_worker_leaves_them_out_whatever_is_around_them():
    hooks = [*marked(), tfhooks.every(tfhooks.chief_only(RecordingHook()), secs=1000)]
    with tf.Graph().as_default():
        one = tf.constant(1)
        creator = tf.train.WorkerSessionCreator()
        with tfhooks.MonitoredSession(creator, hooks) as session:
            # A program that is the same on all processes may name them.
            assert session.run(one, skip_hooks=[Saves, hooks[1]]) == 1
            session.run(one)
            with pytest.raises(ValueError, match='skip_hooks must name hooks of this session'):
                session.run(one, skip_hooks=[tfhooks.StopAtStepHook])
    assert called(hooks[:3]) == [False, False, True]
    assert not hooks[3].wrapped_hook.wrapped_hook.calls


@pytest.mark.parametrize('index', [0, 1])
def test_in_tensorflows_sessions_the_cluster_tells(in_cluster, index):
    in_cluster('worker', index, {'worker': ['a:1', 'b:1']})
    hook = RecordingHook()
    with tf.Graph().as_default():
        one = tf.constant(1)
        with tf.train.MonitoredSession(hooks=[tfhooks.chief_only(hook)]) as session:
            session.run(one)
    names = ['begin', 'after_create_session', 'before_run', 'after_run', 'end']
    assert hook.methods == ([] if index else names)


def test_one_gets_what_it_fetched_and_sleeps_as_it_does(tmp_path):
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        hook = RecordingHook(tfhooks.SessionRunArgs({'step': train}))
        saver = tfhooks.chief_only(tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=2))
        assert callable(saver.next_due)
        with tfhooks.MonitoredSession(hooks=[tfhooks.chief_only(hook), saver]) as session:
            for _ in range(3):
                session.run(train)
    assert hook.results == [{'step': 1}, {'step': 2}, {'step': 3}]
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor('global_step') == 3


def test_what_is_marked_is_a_hook():
    with pytest.raises(TypeError, match='chief_only must hold hooks'):
        tfhooks.chief_only(None)
    assert tfhooks.chief_only(RecordingHook()).__name__ == 'chief_only(RecordingHook)'
