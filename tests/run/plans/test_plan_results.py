"""Run plans give what `Session.run` gives."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow
from plan_models import raised

from tfhooks import _tensorflow as tf_private
from tfhooks._run.plan_cache import PlanCache

tf = tensorflow.compat.v1


def test_a_request_is_analysed_once(model, plans):
    assert plans.find(model.count) is None
    plan = plans.compile(model.count)
    assert plans.find(model.count) is plan
    assert [plan.run() for _ in range(3)] == [1, 2, 3]
    assert plan.times == 3
    assert plans.counters.served == 3
    assert plans.counters.compiled == 1
    assert plans.counters.fallbacks == {}


def test_run_stands_for_session_run(model, session, plans):
    feeds = {model.x: [[1.0, 2.0]], model.n: 4}
    for _ in range(3):
        result = plans.run({'a': [model.double, model.next], 'b': model.count.op}, feeds)
        np.testing.assert_array_equal(result['a'][0], [[2.0, 4.0]])
        assert result['a'][1] == 5
        assert type(result['a'][1]) is np.int32
        assert result['b'] is None
    assert session.run(model.step) == 3
    assert plans.counters.served == 3


def test_an_installed_planner_serves_eval_and_operations_and_callables(model, session, plans):
    plans.install()
    assert session.run.__self__ is plans
    assert model.next.eval({model.n: 1}) == 2
    model.count.op.run()
    assert session.make_callable(model.next, [model.n])(7) == 8
    assert plans.counters.served == 3
    plans.uninstall()
    assert 'run' not in vars(session)
    assert session.run(model.step) == 1
    assert plans.counters.served == 3


@pytest.mark.parametrize('name', ['constant', 'resource', 'reference', 'text'])
def test_results_are_the_callers_own(model, plans, name):
    fetch = getattr(model, name)
    first = plans.run(fetch)
    expected = first.copy()
    assert first.flags.writeable
    first[:] = first[::-1].copy()
    np.testing.assert_array_equal(plans.run(fetch), expected)


def test_a_result_does_not_follow_the_variable(model, plans):
    before = plans.run(model.reference)
    plans.run(model.grow)
    np.testing.assert_array_equal(before, [3.0, 4.0])
    np.testing.assert_array_equal(plans.run(model.reference), [4.0, 5.0])


def test_a_tensor_fetched_twice_is_one_object(model, plans):
    first, second = plans.run([model.constant, {'again': model.constant}])
    assert first is second['again']


def test_a_fed_tensor_that_is_fetched_gives_the_fed_value(model, plans):
    value = np.ones((1, 2), np.float32)
    fetched, double = plans.run([model.x, model.double], {model.x: value})
    assert fetched is value
    np.testing.assert_array_equal(double, 2 * value)
    assert plans.run(model.double, {model.double: [[7.0, 7.0]]}).dtype == np.float32


def test_nothing_but_fed_values_needs_no_run(model, plans):
    assert plans.run([]) == []
    assert plans.run({}, {model.n: 3}) == {}
    assert plans.run([model.n], {model.n: 3}) == [3]
    assert plans.counters.served == 3


def test_names_and_variables_may_be_fetched_and_names_fed(model, plans):
    result = plans.run(['next:0', model.resource, model.reference, 'init'], {'n:0': 2})
    assert result[0] == 3
    np.testing.assert_array_equal(result[1], [1.0, 2.0])
    np.testing.assert_array_equal(result[2], [3.0, 4.0])
    assert result[3] is None
    assert plans.counters.served == 1


def test_sparse_results_come_as_sparse_values(plans, model):
    with model.graph.as_default():
        sparse = tf.SparseTensor([[0, 1]], [2.0], [3, 3])
        slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]))
    result = plans.run([sparse, slices, model.step])
    assert isinstance(result[0], tf.SparseTensorValue)
    assert type(result[1]).__name__ == 'IndexedSlicesValue'
    np.testing.assert_array_equal(result[0].dense_shape, [3, 3])
    assert result[2] == 0
    assert plans.counters.served == 1


def test_a_changed_list_is_another_request(model, plans):
    fetches = [model.step]
    assert len(plans.run(fetches)) == 1
    fetches.append(model.constant)
    assert len(plans.run(fetches)) == 2
    assert plans.counters.compiled == 2


def test_the_graph_may_grow_between_runs(model, plans):
    assert plans.run(model.step) == 0
    with model.graph.as_default():
        later = model.next + 1
    assert plans.run(model.step) == 0
    assert plans.run(later, {model.n: 1}) == 3
    assert plans.counters.compiled == 2


@pytest.mark.parametrize('shape', [[None], [40_000]])
def test_large_results_are_not_copied_without_need(model, session, plans, monkeypatch, shape):
    shared = []
    shared_call = tf_private.shared_call
    monkeypatch.setattr(
        tf_private, 'shared_call', lambda *args: shared.append(1) or shared_call(*args)
    )
    with model.graph.as_default():
        size = tf.placeholder(tf.int32, [])
        large = tf.fill([size], 1.5)
        large.set_shape(shape)
    for _ in range(3):
        np.testing.assert_array_equal(
            plans.run(large, {size: 40_000}), np.full(40_000, 1.5, np.float32)
        )
    assert plans.run(model.step) == 0
    assert len(shared) == 1


def test_an_interactive_session_is_served(model):
    session = tf.InteractiveSession(graph=model.graph)
    try:
        plans = PlanCache(session)
        plans.install()
        session.run(model.init)
        assert model.next.eval({model.n: 1}) == 2
        assert plans.counters.served == 2
    finally:
        session.close()


def test_a_server_session_is_served_without_a_callable(model, monkeypatch):
    server = tf.train.Server.create_local_server()
    monkeypatch.setattr(tf_private, 'direct_call', None)
    with tf.Session(server.target, graph=model.graph) as session:
        plans = PlanCache(session)
        plans.run(model.init)
        feeds = {model.x: [[np.nan, 1.0]], model.n: 1}
        for _ in range(10):
            result = plans.run([model.next, model.double, model.count], feeds)
        assert result[0] == 2
        assert result[2] == 10
        assert plans.counters.served == 11
        expected = raised(session.run, model.checked, feeds)
        ours = raised(plans.run, model.checked, feeds)
        assert ours[0] is expected[0]
        # The rest of what a server says differs from call to call.
        assert 'not a number : Tensor had NaN values' in ours[1]
        assert 'not a number : Tensor had NaN values' in expected[1]
