"""What the cache of plans holds: many requests, by what they take, each known by one key."""

from __future__ import annotations

import collections
import itertools

import pytest
import tensorflow
from plan_models import Model

import tfhooks
from tfhooks._run import merging, plan_cache
from tfhooks._run.plan_cache import PlanCache, run_plans
from tfhooks._run.request_keys import key_of, request_key

tf = tensorflow.compat.v1


class Asks(tfhooks.SessionRunHook):
    """Asks for a fetch in every so many runs, and keeps what it gets."""

    def __init__(self, fetches, every=1):
        self.fetches, self.every, self.runs, self.seen = fetches, every, 0, []

    def before_run(self, run_context):
        self.runs += 1
        return tfhooks.SessionRunArgs(self.fetches) if self.runs % self.every == 0 else None

    def after_run(self, run_context, run_values):
        if run_values.results is not None:
            self.seen.append(run_values.results)


def test_hundreds_of_requests_in_turn_are_analysed_once(model, session, plans):
    with model.graph.as_default():
        constants = [tf.constant(n) for n in range(8)]
    requests = [
        [(n, constants[n]) for n in chosen]
        for size in range(1, 9)
        for chosen in itertools.combinations(range(8), size)
    ]
    for _ in range(3):
        for request in requests:
            assert plans.run([tensor for _, tensor in request]) == [n for n, _ in request]
    assert plans.counters == plan_cache.PlanCounters(3 * 255, 255, 0, {})


def test_the_cache_is_bounded_by_what_it_holds(model, session, plans, monkeypatch):
    monkeypatch.setattr(plan_cache, '_MOST_ELEMENTS', 100)
    with model.graph.as_default():
        constants = [tf.constant(n) for n in range(40)]
    for constant in constants:
        plans.run(constant)
    assert len(plans) == 9  # Of 10 + 1 each.
    plans.run(constants)
    assert len(plans) == 5  # One of 10 + 40, and four of the others.
    plans.run(constants * 3)  # Larger than all that may be held: alone.
    assert len(plans) == 1
    assert plans.run(constants[0]) == 0
    assert len(plans) == 1


def test_executors_are_bounded_and_go_to_the_plans_in_use(model, session, plans, monkeypatch):
    monkeypatch.setattr(plan_cache, '_LEAST_EXECUTORS', 2)
    monkeypatch.setattr(plan_cache, '_MOST_NODES', 0)
    with model.graph.as_default():
        first, second, third = [tf.constant(n) for n in range(3)]

    def owners():
        return [plans.find(fetch).has_own_executor for fetch in (first, second, third)]

    for fetch in (first, second, third):
        plans.run(fetch)
    assert owners() == [True, True, False]
    plans.run(first)
    assert [plans.run(third) for _ in range(7)] == [2] * 7
    assert owners() == [True, False, True]
    assert [plans.run(fetch) for fetch in (first, second, third)] == [0, 1, 2]
    assert plans.counters.evicted == 0


def test_hooks_that_ask_sometimes_are_merged_once_for_each_request(monkeypatch):
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        train = tf.assign_add(step, 1)
        tensors = [tf.constant(float(n)) for n in range(3)]
        hooks = [
            Asks(tensors[0]),
            Asks([tensors[1], tensors[0]], every=2),
            Asks({'value': tensors[2]}, every=3),
        ]
        gathered = collections.Counter()
        gather = merging.gather
        monkeypatch.setattr(
            merging, 'gather', lambda *args: gathered.update(['gather']) or gather(*args)
        )
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            plans = run_plans(session)
            compiled = plans.counters.compiled
            assert [session.run(train) for _ in range(12)] == list(range(1, 13))
            assert plans.counters.compiled - compiled == 4
        assert gathered['gather'] == 4
    assert hooks[0].seen == [0.0] * 12
    assert hooks[1].seen == [[1.0, 0.0]] * 6
    assert hooks[2].seen == [{'value': 2.0}] * 4


def test_what_is_asked_simply_is_not_checked_before_it_runs(monkeypatch):
    with tf.Graph().as_default():
        foreign = tf.constant(1)
    with tf.Graph().as_default():
        here = tf.constant(2)
        hook = Asks(here)
        checked = []
        check = merging.check
        monkeypatch.setattr(merging, 'check', lambda *args: checked.append(1) or check(*args))
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            assert session.run([here]) == [2]
            assert checked == []
            hook.fetches = [foreign]
            with pytest.raises(ValueError, match=r'Asks.before_run.*cannot be interpreted'):
                session.run([here])


def test_keys_of_a_sessions_own_requests_and_of_merged_ones_differ(model):
    a, b = model.next, model.constant
    keys = [
        key_of([a]),
        key_of([a], {b: 1}),
        key_of([[a]]),
        key_of(a),
        request_key([a], None, []),
        request_key([a], None, [], b),
        request_key([a], {b: 1}, []),
        request_key([a], None, [('hook', tfhooks.SessionRunArgs(b))]),
        request_key([a], None, [('hook', tfhooks.SessionRunArgs([b]))]),
        request_key([a], None, [('hook', tfhooks.SessionRunArgs({'b': b}))]),
    ]
    assert len(set(keys)) == len(keys)


def test_a_plan_on_a_graph_that_grows_is_still_known():
    model = Model()
    with model.graph.as_default(), tf.Session(graph=model.graph) as session:
        plans = PlanCache(session)
        plan = plans.compile([model.constant], None, 'a key', [3])
        assert plan.result_indices == [3]
        tf.constant(1)
        assert plans.get('a key') is plan
        assert plan.version == model.graph.version
