"""Run plans serve sessions on a server, too: by the call that `Session.run` itself ends in.

A C-level callable of a request's own, which serves sessions in this process, gains nothing here:
the time goes into the protocol. And to release it would be one more call to a server that may have
gone, made whenever Python collects garbage.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks import _tensorflow as tf_private


@pytest.fixture(scope='module')
def server():
    return tf.train.Server.create_local_server()


@pytest.fixture(autouse=True)
def _no_callable(monkeypatch):
    def refuse(*args):
        raise AssertionError('a callable was made for a session on a server')

    monkeypatch.setattr(tf_private, 'direct_call', refuse)


class Model:
    def __init__(self):
        self.x = tf.placeholder(tf.float32, [None, 2], name='x')
        self.weights = tf.get_variable(
            'weights', [2, 1], initializer=tf.ones_initializer(), use_resource=True
        )
        step = tf.train.get_or_create_global_step()
        self.product = tf.matmul(self.x, self.weights)
        self.loss = tf.reduce_mean(tf.square(self.product))
        self.label = tf.constant(['a', 'bc'])
        with tf.control_dependencies([self.loss]):
            update = self.weights.assign_sub(0.1 * tf.gradients(self.loss, [self.weights])[0])
        with tf.control_dependencies([update]):
            self.train = tf.assign_add(step, 1).op
        self.nothing = tf.no_op()
        self.init = tf.global_variables_initializer()


@pytest.fixture
def model():
    with tf.Graph().as_default():
        yield Model()


FEED = np.arange(6, dtype=np.float32).reshape(3, 2)


class Initialise(tfhooks.SessionRunHook):
    """A server keeps variables from session to session."""

    def __init__(self, model):
        self._model = model

    def after_create_session(self, session, coord):
        session.run(self._model.init)


def trained(model, server, **arguments):
    """What 20 steps of a training on the server come to, and the counters of its plans."""
    hooks = [Initialise(model), tfhooks.StopAtStepHook(num_steps=20)]
    hooks.append(tfhooks.NanTensorHook(model.loss))
    losses = []
    with tfhooks.MonitoredTrainingSession(server.target, hooks=hooks, **arguments) as session:
        while not session.should_stop():
            losses.append(session.run([model.loss, model.train], {model.x: FEED * 0.1})[0])
        plans = tfhooks.run_plans(session)
    # Closed by now, and so without plans, which makes it false.
    return losses, None if plans is None else plans.counters


def test_a_training_on_a_server_is_served_and_comes_to_the_same(model, server):
    planned, counters = trained(model, server)
    unplanned, none = trained(model, server, run_plans=False)
    assert none is None
    assert len(planned) == 20
    assert counters.served >= 20
    assert counters.fallbacks == {}
    np.testing.assert_allclose(planned, unplanned, rtol=1e-5)
    assert planned[-1] < planned[0]


def test_results_are_what_an_unplanned_run_gives(model, server):
    fetches = {'product': model.product, 'rest': [model.label, model.x, model.nothing]}
    with tfhooks.MonitoredTrainingSession(server.target) as session:
        raw = session.raw_session()
        for feed in (FEED, FEED.astype(np.float64), FEED[:0], FEED.tolist()):
            ours = session.run(fetches, {model.x: feed})
            theirs = tf.Session.run(raw, fetches, {model.x: feed})
            assert type(ours['product']) is type(theirs['product'])
            np.testing.assert_array_equal(ours['product'], theirs['product'])
            assert ours['rest'][0].tolist() == theirs['rest'][0].tolist() == [b'a', b'bc']
            np.testing.assert_array_equal(ours['rest'][1], theirs['rest'][1])
            assert ours['rest'][2] is None
        # Results are one's own: later runs do not write into them.
        first = session.run(model.weights)
        first[:] = 77.0
        assert 77.0 not in session.run(model.weights)
        assert tfhooks.run_plans(session).counters.fallbacks == {}


def test_errors_are_those_of_an_unplanned_run(model, server):
    fed = tf.placeholder(tf.float32, [None, None])
    misfit = tf.matmul(fed, model.weights, name='misfit')
    with tfhooks.MonitoredTrainingSession(server.target) as session:
        raw = session.raw_session()
        for wrong in ({fed: np.ones((2, 3))}, {}, {model.x: np.ones((2, 3))}, {fed: ['text']}):
            with pytest.raises((tf.errors.OpError, ValueError)) as ours:
                raw.run(misfit, wrong)
            with pytest.raises((tf.errors.OpError, ValueError)) as theirs:
                tf.Session.run(raw, misfit, wrong)
            assert type(ours.value) is type(theirs.value)
        assert session.run(misfit, {fed: np.zeros((1, 2))}) == 0.0


def test_a_recovered_session_on_a_server_is_served_again(model, server):
    class Loses(tfhooks.SessionRunHook):
        sessions = 0

        def after_create_session(self, session, coord):
            self.sessions += 1

        def before_run(self, run_context):
            if self.sessions == 1 and run_context._tfhooks_runs == 3:
                raise tf.errors.AbortedError(None, None, 'lost')

    loses = Loses()
    with tfhooks.MonitoredTrainingSession(server.target, hooks=[loses]) as session:
        first = tfhooks.run_plans(session)
        for _ in range(6):
            session.run(model.train, {model.x: FEED})
        again = tfhooks.run_plans(session)
        assert loses.sessions == 2
        assert again is not first
        assert again.counters.served >= 3
        assert again.counters.fallbacks == {}
