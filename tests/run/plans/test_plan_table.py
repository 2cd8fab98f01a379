"""Which plans are kept: found again, dropped, shared by threads, shown."""

from __future__ import annotations

import collections
import gc
import threading
import traceback
import weakref

import pytest
import tensorflow
from plan_models import Model

from tfhooks import _tensorflow as tf_private
from tfhooks._run.plan_cache import PlanCache, plans_enabled, run_plans

tf = tensorflow.compat.v1


def test_the_least_recently_used_plan_leaves(model, session):
    plans = PlanCache(session, limit=2)
    with model.graph.as_default():
        fetches = [tf.constant(n) for n in range(4)]
    assert [plans.run(fetch) for fetch in fetches] == [0, 1, 2, 3]
    assert len(plans) == 2
    assert plans.find(fetches[0]) is None
    assert plans.find(fetches[3]) is not None
    assert plans.counters.evicted == 2
    assert plans.counters.served == 4


def test_a_plan_in_use_survives_those_that_come_once(model, session):
    plans = PlanCache(session, limit=4)
    kept = plans.compile(model.step)
    with model.graph.as_default():
        passing = [tf.constant(n) for n in range(20)]
    for number, fetch in enumerate(passing):
        assert plans.run(fetch) == number
        assert plans.run(model.step) == 0
    assert plans.find(model.step) is kept
    assert kept.times == 20


def test_an_evicted_plan_can_still_run(model, session):
    plans = PlanCache(session, limit=1)
    plan = plans.compile(model.count)
    plans.compile(model.step)
    assert plan.run() == 1
    assert plans.find(model.count) is None
    assert plans.counters.served == 1
    plans.clear()
    assert plan.run() == 2
    assert plans.counters.served == 2


def test_an_often_used_plan_gets_its_own_executor_after_the_table_overflowed(
    model, session, monkeypatch
):
    plans = PlanCache(session, limit=1)
    built = []
    direct_call = tf_private.direct_call
    monkeypatch.setattr(
        tf_private, 'direct_call', lambda *args: built.append(1) or direct_call(*args)
    )
    for fetch in (model.step, model.constant, model.count):
        plans.run(fetch)
    assert len(built) == 1
    assert [plans.run(model.count) for _ in range(20)] == list(range(2, 22))
    assert len(built) == 2


def test_the_table_does_not_grow(model, session):
    with model.graph.as_default():
        fetches = [[tf.constant(n), model.step] for n in range(50)]
    plans = PlanCache(session, limit=16)

    def objects():
        gc.collect()
        return collections.Counter(type(o).__name__ for o in gc.get_objects())

    def turn():
        for fetch in fetches:
            plans.run(list(fetch))
        return objects()

    # Of other tests in this process, which may keep plans of theirs.
    first = objects()
    turn()
    before = turn()
    after = turn()
    for name in ('Plan', '_Callable', 'function', 'Feed', 'list', 'dict', 'tuple', 'cell'):
        assert after[name] <= before[name] + 25, name  # A turn has 50 runs.
    assert after['Plan'] - first['Plan'] <= 17
    assert after['_Callable'] - first['_Callable'] <= 17
    assert len(plans) == 16


def test_a_session_left_behind_is_collected():
    model = Model()
    session = tf.Session(graph=model.graph)
    plans = PlanCache(session)
    plans.install()
    session.run(model.init)
    found = weakref.ref(session)
    plans.uninstall()
    del plans, session
    gc.collect()
    assert found() is None


def test_threads_get_their_own_results(model, session):
    plans = PlanCache(session, limit=4)
    plans.install()
    with model.graph.as_default():
        fetches = [tf.add(model.n, 1000 * number) for number in range(8)]
    barrier = threading.Barrier(8)
    errors = []

    def work(number):
        try:
            barrier.wait()
            for turn in range(100):
                other = fetches[(number + turn) % 8]
                request = {
                    'mine': fetches[number],
                    'fed': model.n,
                    'others': [other, model.count.op],
                }
                result = session.run(request, {model.n: turn})
                assert result == {
                    'mine': turn + 1000 * number,
                    'fed': turn,
                    'others': [turn + 1000 * ((number + turn) % 8), None],
                }
        except BaseException:
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert session.run(model.step) == 800
    assert len(plans) <= 4


def test_threads_that_ask_at_once_share_one_plan(model, session, plans):
    barrier = threading.Barrier(8)
    found = []

    def work():
        barrier.wait()
        found.append(plans.find(model.count) or plans.compile(model.count))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1
    assert plans.counters.compiled == 1


def test_run_plans_finds_the_plans_of_a_session(model, session, plans, monkeypatch):
    assert run_plans(session) is plans

    class Monitored:
        def raw_session(self):
            return session

    assert run_plans(Monitored()) is plans
    with tf.Session(graph=model.graph) as other:
        assert run_plans(other) is None
    monkeypatch.setattr(Monitored, 'raw_session', lambda self: None)
    assert run_plans(Monitored()) is None


def test_the_plans_can_be_read(model, plans):
    for _ in range(2):
        plans.run([model.next, model.init], {model.n: 1})
    plans.run('next:0', {(model.n,): (1,)})
    lines = repr(plans).splitlines()
    assert lines[0].startswith('PlanCache(limit=None, ')
    assert "fallbacks={'feed key of type tuple': 1}" in lines[0]
    assert lines[1] == "Plan(fetches=['next:0', 'init'], feeds=['n:0'], times=2)"


def test_a_limit_below_one_is_refused(session):
    with pytest.raises(ValueError, match='limit=0'):
        PlanCache(session, limit=0)


def test_plans_are_on_unless_switched_off(monkeypatch):
    monkeypatch.delenv('TFHOOKS_RUN_PLANS', raising=False)
    assert plans_enabled()
    assert not plans_enabled(False)
    monkeypatch.setenv('TFHOOKS_RUN_PLANS', '0')
    assert not plans_enabled()
    assert plans_enabled(True)
    monkeypatch.setenv('TFHOOKS_RUN_PLANS', '1')
    assert plans_enabled(None)
