"""What a hook may rely on in each run; see test_hook_contract_life.py."""

from __future__ import annotations

import pytest
import tensorflow as tensorflow_2
from contract_models import count, make_hook, raising

tf = tensorflow_2.compat.v1


class TestBeforeRun:
    def test_is_called_before_each_run(self, kinds):
        step = count()
        read = tf.train.get_global_step()
        seen = []
        hook = make_hook(kinds, before_run=lambda context: seen.append(context.session.run(read)))
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            for _ in range(3):
                session.run(step)
        assert seen == [0, 1, 2]

    def test_may_return_none(self, kinds):
        results = []
        hook = make_hook(
            kinds,
            before_run=lambda context: None,
            after_run=lambda context, values: results.append(values.results),
        )
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert session.run(step) == 1
        assert results == [None]

    def test_tensors_it_returns_run_together_with_the_callers(self, kinds):
        random = tf.random_uniform([])
        results = []
        args = kinds.hooks.SessionRunArgs({'random': random})
        hook = make_hook(
            kinds,
            before_run=lambda context: args,
            after_run=lambda context, values: results.append(values.results['random']),
        )
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            drawn = [session.run(random) for _ in range(3)]
        assert results == drawn
        assert len(set(drawn)) == 3

    def test_operations_it_returns_run_together_with_the_callers(self, kinds):
        grown = tf.get_variable('grown', initializer=0)
        grow = tf.assign_add(grown, 1).op
        hook = make_hook(kinds, before_run=lambda context: kinds.hooks.SessionRunArgs(grow))
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            session.run(step)
            session.run(step)
            value = session.run_step_fn(lambda step_context: step_context.session.run(grown))
        assert value == 2

    def test_feeds_it_returns_are_fed_together_with_the_callers(self, kinds):
        x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
        args = kinds.hooks.SessionRunArgs(None, feed_dict={x: 2.0})
        hook = make_hook(kinds, before_run=lambda context: args)
        product = x * y
        feeds = {y: 5.0}
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert session.run(product, feed_dict=feeds) == 10.0
        assert list(feeds.values()) == [5.0]

    def test_run_context_gives_the_originally_requested_operations_and_tensors(self, kinds):
        x = tf.placeholder_with_default(1.0, [])
        y = tf.identity(x)
        other = make_hook(kinds, before_run=lambda context: kinds.hooks.SessionRunArgs({'x': x}))
        seen = []
        hook = make_hook(kinds, before_run=lambda context: seen.append(context.original_args))
        with kinds.sessions.MonitoredSession(hooks=[other, hook]) as session:
            session.run({'y': [y, y.op]}, feed_dict={x: 4.0})
        assert isinstance(seen[0], tf.train.SessionRunArgs)
        assert list(seen[0].fetches) == ['y']
        assert seen[0].fetches['y'][0] is y
        assert seen[0].fetches['y'][1] is y.op
        ((key, value),) = seen[0].feed_dict.items()
        assert getattr(key, 'deref', lambda: key)() is x
        assert value == 4.0

    def test_run_context_gives_the_session(self, kinds):
        x = tf.constant(3.0)
        created, seen = [], []
        hook = make_hook(
            kinds,
            after_create_session=lambda session, coord: created.append(session),
            before_run=lambda context: seen.append((context.session, context.session.run(x))),
        )
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            session.run(x)
        assert isinstance(created[0], tf.Session)
        assert seen == [(created[0], 3.0)]

    def test_no_operation_can_be_added(self, kinds):
        def add(context):
            with pytest.raises(RuntimeError, match='finalized'):
                tf.constant(1)

        hook = make_hook(kinds, before_run=add)
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert session.run(step) == 1
        assert 'before_run' in hook.calls


class TestAfterRun:
    def test_is_called_after_each_run(self, kinds):
        step = count()
        read = tf.train.get_global_step()
        seen = []
        hook = make_hook(
            kinds, after_run=lambda context, values: seen.append(context.session.run(read))
        )
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            for _ in range(3):
                session.run(step)
        assert seen == [1, 2, 3]

    def test_gets_the_results_of_what_before_run_asked_for(self, kinds):
        a, b = tf.constant(1), tf.constant([2.0, 3.0])
        seen = []

        def hook_for(fetches):
            return make_hook(
                kinds,
                before_run=lambda context: kinds.hooks.SessionRunArgs(fetches),
                after_run=lambda context, values: seen.append(values.results),
            )

        hooks = [hook_for(a), hook_for([a, a.op]), hook_for({'b': (b,)})]
        with kinds.sessions.MonitoredSession(hooks=hooks) as session:
            assert session.run(a) == 1
        assert seen[:2] == [1, [1, None]]
        assert seen[2]['b'][0].tolist() == [2.0, 3.0]

    def test_gets_the_run_context_that_before_run_had(self, kinds):
        before, after = [], []
        hook = make_hook(
            kinds,
            before_run=lambda context: before.append(context),
            after_run=lambda context, values: after.append(context),
        )
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            session.run(step)
            session.run(step)
        assert len(before) == 2
        assert all(one is other for one, other in zip(before, after, strict=True))
        assert before[0] is not before[1]

    def test_request_stop_stops_the_iteration(self, kinds):
        def stop(context, values):
            context.request_stop()
            assert context.stop_requested

        hook = make_hook(kinds, after_run=stop)
        step = count()
        runs = 0
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            while not session.should_stop():
                session.run(step)
                runs += 1
        assert runs == 1
        assert hook.calls[-2:] == ['after_run', 'end']

    def test_other_hooks_are_called_in_the_run_in_which_one_asks_for_a_stop(self, kinds):
        hooks = [
            make_hook(kinds, before_run=lambda context: context.request_stop()),
            make_hook(kinds),
        ]
        step = count()
        with kinds.sessions.MonitoredSession(hooks=hooks) as session:
            session.run(step)
            assert session.should_stop()
        assert hooks[1].calls[-3:] == ['before_run', 'after_run', 'end']

    @pytest.mark.parametrize('case', ['invalid argument', 'end of data', 'raised by a hook'])
    def test_is_not_called_if_run_raises_anything(self, kinds, case):
        x = tf.placeholder_with_default(float('nan'), [])
        fetches = {
            'invalid argument': lambda: tf.check_numerics(x, 'not a number'),
            'end of data': lambda: tf.data.make_one_shot_iterator(
                tf.data.Dataset.range(0)
            ).get_next(),
            'raised by a hook': lambda: tf.identity(x),
        }[case]()
        hook = make_hook(kinds)
        hooks = [hook]
        if case == 'raised by a hook':
            hooks.append(make_hook(kinds, before_run=raising(KeyError('mine'))))
        session = kinds.sessions.MonitoredSession(hooks=hooks)
        with pytest.raises((tf.errors.OpError, KeyError)):
            session.run(fetches)
        assert hook.calls == ['begin', 'after_create_session', 'before_run']
