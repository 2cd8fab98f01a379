"""What run plans leave to `Session.run`, and whose sessions they leave alone."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow
from tensorflow.python.client import session as client_session
from tensorflow.python.training import monitored_session

import tfhooks
from tfhooks import _tensorflow as tf_private
from tfhooks._run.plan_cache import PlanCache, run_plans

tf = tensorflow.compat.v1


def test_options_and_metadata_go_to_tensorflow(model, session, plans):
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    assert plans.run(model.step, options=options, run_metadata=metadata) == 0
    assert metadata.step_stats.dev_stats
    assert plans.counters.fallbacks == {'run options': 1}


def test_requests_of_other_kinds_go_to_tensorflow_and_are_counted(model, session, plans):
    with model.graph.as_default():
        sparse = tf.sparse_placeholder(tf.float32)
        dense = tf.sparse_tensor_to_dense(sparse)
        handle = tf.get_session_handle(model.constant)
        holder, from_handle = tf.get_session_tensor(session.run(handle).handle, tf.float32)
    value = tf.SparseTensorValue([[0]], [1.0], [1])
    np.testing.assert_array_equal(plans.run(dense, {sparse: value}), [1.0])
    np.testing.assert_array_equal(
        plans.run(model.resource.handle), session.run(model.resource.handle)
    )
    kept = plans.run(handle)
    np.testing.assert_array_equal(plans.run(from_handle, {holder: kept.handle}), [5.0, 6.0])
    assert plans.run([model.n], {(model.n,): (3,)}) == [3]
    assert plans.run(model.next, {model.n: 1, 'n:0': 2}) == 3
    assert plans.counters.fallbacks == {
        'feed key of type SparseTensor': 1,
        'fetch of dtype resource': 1,
        'fetch of a tensor handle': 1,
        'feed key of type tuple': 1,
        'two feed keys for one tensor': 1,
    }


def test_a_registered_conversion_goes_to_tensorflow(model, plans):
    class Squared:
        def __init__(self, tensor):
            self.tensor = tensor

    session_module = pytest.importorskip('tensorflow.python.client.session')
    expansions = session_module._REGISTERED_EXPANSIONS
    before = list(expansions)
    assert plans.run(model.next, {'n:0': 2}) == 3
    try:
        session_module.register_session_run_conversion_functions(
            Squared, lambda s: ([s.tensor], lambda v: v[0] ** 2), lambda s, v: [(s.tensor, v)]
        )
        assert plans.run(Squared(model.next), {model.n: 2}) == 9
        assert plans.run(model.next, {Squared(model.n): 2}) == 3
        session_module.register_session_run_conversion_functions(
            tf.Tensor, lambda t: ([t], lambda v: ('converted', v[0]))
        )
        assert plans.run(model.next, {'n:0': 2}) == ('converted', 3)
    finally:
        expansions[:] = before
    assert plans.run(model.step) == 0


def test_a_session_whose_run_is_overridden_is_left_alone(model):
    class Logged(tf.Session):
        def run(self, *args, **kwargs):
            return 'logged'

    class Closer(tf.Session):
        def close(self):
            super().close()

    with Logged(graph=model.graph) as session:
        assert not PlanCache.serves(session)
        plans = PlanCache(session)
        plans.install()
        assert 'run' not in vars(session)
        assert plans.find(model.step) is None
        assert plans.run(model.step) == 'logged'
        assert plans.counters.fallbacks == {'session of another kind': 1}
    with Closer(graph=model.graph) as session:
        assert PlanCache.serves(session)
    with tf.Session(graph=model.graph) as session:
        assert PlanCache.serves(session)
        session.run = lambda *args: 'patched'
        assert not PlanCache.serves(session)
    assert not PlanCache.serves(object())


@pytest.mark.parametrize('name', ['run', '_run', '_do_run', '_call_tf_sessionrun', '_do_call'])
def test_a_class_of_sessions_that_is_patched_is_left_alone(model, session, monkeypatch, name):
    original = getattr(client_session.BaseSession, name)

    @functools.wraps(original)
    def watched(self, *args, **kwargs):
        return original(self, *args, **kwargs)

    assert PlanCache.serves(session)
    monkeypatch.setattr(client_session.BaseSession, name, watched)
    assert not PlanCache.serves(session)


@pytest.mark.parametrize('owner', [None, tf.Session, client_session.BaseSession])
def test_who_watches_runs_sees_each_one_from_then_on(owner, monkeypatch):
    seen = []

    class Asker(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return tf.train.SessionRunArgs(step)

        def after_run(self, run_context, run_values):
            run_context.session.run(step)

    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        count = tf.assign_add(step, 1)
        with tfhooks.MonitoredSession(hooks=[Asker()]) as monitored:
            assert [monitored.run(count) for _ in range(3)] == [1, 2, 3]
            watched = monitored.raw_session() if owner is None else owner
            original = watched.run

            def run(*args, **kwargs):
                seen.append('run')
                return original(*args, **kwargs)

            with monkeypatch.context() as patch:
                patch.setattr(watched, 'run', run)
                assert [monitored.run(count) for _ in range(3)] == [4, 5, 6]
            # Each run, and what the hook runs itself.
            assert len(seen) == 6
            plans = run_plans(monitored)
            served = plans.counters.served
            assert monitored.run(count) == 7
            assert len(seen) == 6
            if owner is not tf.Session:  # There monkeypatch leaves what it found by inheritance.
                assert plans.counters.served > served


def test_without_the_private_parts_tensorflow_runs_everything(model, session, monkeypatch):
    monkeypatch.setattr(tf_private, 'session_parts', lambda: None)
    assert not PlanCache.serves(session)
    plans = PlanCache(session)
    plans.install()
    assert 'run' not in vars(session)
    assert plans.find(model.count) is None
    assert plans.compile(model.count) is None
    assert [plans.run(model.count) for _ in range(2)] == [1, 2]
    assert plans.counters.served == 0
    assert plans.counters.fallbacks == {'session of another kind': 3}


@pytest.mark.parametrize('name', ['_MonitoredSession', '_HookedSession', '_CoordinatedSession'])
def test_private_classes_of_tensorflows_session_are_not_used(name, monkeypatch):
    seen = []
    kind = getattr(monitored_session, name)
    for method in ('__init__', 'run'):
        monkeypatch.setattr(kind, method, lambda *args, **kwargs: seen.append(args))
    with tf.Graph().as_default():
        one = tf.constant(1)
        with tfhooks.MonitoredSession() as session:
            assert session.run(one) == 1
    assert seen == []
