"""What a hook may rely on: each sentence that documents TensorFlow's SessionRunHook, as a test.

Every test runs for hooks of tfhooks in sessions of tfhooks, for hooks of tfhooks in TensorFlow's
sessions and for TensorFlow's hooks in sessions of tfhooks; and, so that the sentence is known to be
TensorFlow's, for its own hooks in its own sessions.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
import tensorflow as tensorflow_2

import tfhooks

tf = tensorflow_2.compat.v1


@pytest.fixture(
    params=['tfhooks-tfhooks', 'tfhooks-tensorflow', 'tensorflow-tfhooks', 'tensorflow-tensorflow']
)
def kinds(request):
    """The modules that hooks and sessions come from, in a graph of its own."""
    modules = {'tfhooks': tfhooks, 'tensorflow': tf.train}
    hooks, sessions = request.param.split('-')
    with tf.Graph().as_default() as graph:
        yield SimpleNamespace(hooks=modules[hooks], sessions=modules[sessions], graph=graph)


def make_hook(kinds, **methods):
    """A hook of the kind under test that has the functions in `methods` as its methods.

    `hook.calls` lists the names of all methods called, in order.
    """

    def recording(name):
        def method(self, *args):
            self.calls.append(name)
            return methods[name](*args) if name in methods else None

        return method

    names = ('begin', 'after_create_session', 'before_run', 'after_run', 'end')
    base = kinds.hooks.SessionRunHook
    hook = type('Recorded', (base,), {name: recording(name) for name in names})()
    hook.calls = []
    return hook


def count():
    """An operation that adds 1 to the global step; its value is the new step."""
    return tf.assign_add(tf.train.get_or_create_global_step(), 1)


def raising(error, times=1):
    """A function of any arguments that raises `error` in its first `times` calls."""
    left = [error] * times

    def function(*_):
        if left:
            raise left.pop()

    return function


def lost():
    return tf.errors.AbortedError(None, None, 'the session is lost')


class TestBegin:
    def test_is_called_once_before_using_the_session(self, kinds):
        hook = make_hook(kinds)
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            session.run(step)
            session.run(step)
        assert hook.calls[0] == 'begin'
        assert hook.calls.count('begin') == 1

    def test_is_not_called_again_when_the_session_is_recovered(self, kinds):
        hook = make_hook(kinds, before_run=raising(lost()))
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            session.run(step)
        assert hook.calls.count('begin') == 1

    def test_default_graph_is_the_one_that_will_be_launched(self, kinds):
        seen = []
        hook = make_hook(
            kinds,
            begin=lambda: seen.append(tf.get_default_graph()),
            after_create_session=lambda session, coord: seen.append(session.graph),
        )
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            seen.append(session.graph)
        assert seen == [kinds.graph] * 3

    def test_hook_can_add_operations(self, kinds):
        hook = make_hook(kinds, begin=lambda: tf.constant(7, name='added'))
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert session.run('added:0') == 7

    def test_hook_can_add_variables_and_they_are_initialized(self, kinds):
        hook = make_hook(kinds, begin=lambda: tf.get_variable('added', initializer=3.0))
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert session.run(tf.global_variables()) == [3.0]

    def test_graph_is_finalized_after_it(self, kinds):
        finalized = []
        hook = make_hook(kinds, begin=lambda: finalized.append(kinds.graph.finalized))
        with kinds.sessions.MonitoredSession(hooks=[hook]):
            finalized.append(kinds.graph.finalized)
            with pytest.raises(RuntimeError, match='finalized'):
                tf.constant(1)
        assert finalized == [False, True]

    def test_second_begin_on_the_same_graph_does_not_change_it(self, kinds, tmp_path):
        loss = tf.constant(1.0, name='loss')
        count()
        summary = tf.summary.scalar('summary', loss)
        folder = str(tmp_path)
        make = kinds.hooks
        stock = [
            make.CheckpointSaverHook(folder, save_steps=1),
            make.LoggingTensorHook([loss, 'loss:0'], every_n_iter=1),
            make.StepCounterHook(output_dir=folder),
            make.StopAtStepHook(num_steps=1),
            make.NanTensorHook(loss),
            make.SummarySaverHook(save_steps=1, output_dir=folder, summary_op=summary),
            make.GlobalStepWaiterHook(1),
            make.FinalOpsHook(loss),
            make.FeedFnHook(dict),
            make.ProfilerHook(save_steps=1, output_dir=folder),
        ]
        for hook in stock:
            hook.begin()
        after_the_first = kinds.graph.as_graph_def()
        for hook in stock:
            hook.begin()
        assert kinds.graph.as_graph_def() == after_the_first


class TestAfterCreateSession:
    def test_is_called_when_a_new_session_has_been_created(self, kinds):
        values = []
        step = count()
        hook = make_hook(
            kinds, after_create_session=lambda session, coord: values.append(session.run(step))
        )
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert hook.calls == ['begin', 'after_create_session']
            assert session.run(step) == 2
        assert values == [1]
        assert hook.calls.count('after_create_session') == 1

    def test_is_called_after_all_hooks_have_begun(self, kinds):
        order = []
        hooks = [
            make_hook(
                kinds,
                begin=lambda name=name: order.append(('begin', name)),
                after_create_session=lambda *_, name=name: order.append(('created', name)),
            )
            for name in 'ab'
        ]
        with kinds.sessions.MonitoredSession(hooks=hooks):
            pass
        assert order == [('begin', 'a'), ('begin', 'b'), ('created', 'a'), ('created', 'b')]

    def test_graph_is_finalized_and_no_operation_can_be_added(self, kinds):
        def add(session, coord):
            assert session.graph.finalized
            with pytest.raises(RuntimeError, match='finalized'):
                tf.constant(1)

        hook = make_hook(kinds, after_create_session=add)
        with kinds.sessions.MonitoredSession(hooks=[hook]):
            assert 'after_create_session' in hook.calls

    def test_is_called_again_when_a_wrapped_session_is_recovered(self, kinds):
        sessions = []
        hook = make_hook(
            kinds,
            after_create_session=lambda session, coord: sessions.append(session),
            before_run=raising(lost()),
        )
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert session.run(step) == 1
        assert len(sessions) == 2
        assert sessions[0] is not sessions[1]
        assert hook.calls == [
            'begin',
            'after_create_session',
            'before_run',
            'after_create_session',
            'before_run',
            'after_run',
            'end',
        ]

    def test_coord_is_the_coordinator_that_keeps_track_of_all_threads(self, kinds):
        threads, coordinators = [], []

        def start(session, coord):
            coordinators.append(coord)
            threads.append(threading.Thread(target=coord.wait_for_stop, daemon=True))
            coord.register_thread(threads[0])
            threads[0].start()

        hook = make_hook(kinds, after_create_session=start)
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            assert isinstance(coordinators[0], tf.train.Coordinator)
            assert threads[0].is_alive()
            assert not session.should_stop()
        assert not threads[0].is_alive()

    def test_a_stop_asked_of_coord_stops_the_session(self, kinds):
        coordinators = []
        hook = make_hook(
            kinds, after_create_session=lambda session, coord: coordinators.append(coord)
        )
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            coordinators[0].request_stop()
            assert session.should_stop()


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


class TestEnd:
    def test_is_called_at_the_end(self, kinds):
        hook = make_hook(kinds)
        step = count()
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            session.run(step)
            assert 'end' not in hook.calls
        assert hook.calls[-1] == 'end'
        assert hook.calls.count('end') == 1

    def test_is_called_by_close(self, kinds):
        hook = make_hook(kinds)
        session = kinds.sessions.MonitoredSession(hooks=[hook])
        session.close()
        assert hook.calls == ['begin', 'after_create_session', 'end']

    def test_session_can_still_run_final_operations(self, kinds):
        step = count()
        seen = []
        hook = make_hook(kinds, end=lambda session: seen.append(session.run(step)))
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            session.run(step)
        assert seen == [2]

    def test_a_last_checkpoint_can_be_saved(self, kinds, tmp_path):
        step = count()
        saver = tf.train.Saver()
        path = str(tmp_path / 'last')
        hook = make_hook(kinds, end=lambda session: saver.save(session, path))
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            for _ in range(3):
                session.run(step)
        assert tf.train.load_checkpoint(path).get_tensor('global_step') == 3

    @pytest.mark.parametrize('error', [ValueError, tf.errors.InvalidArgumentError])
    def test_is_not_called_if_run_raised(self, kinds, error):
        x = tf.placeholder(tf.float32, [2])
        checked = tf.check_numerics(x, 'not a number')
        value = [1.0] if error is ValueError else [1.0, float('nan')]
        hook = make_hook(kinds)

        def use():
            with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
                session.run(checked, {x: [1.0, 1.0]})
                session.run(checked, {x: value})

        with pytest.raises(error):
            use()
        assert hook.calls[-2:] == ['after_run', 'before_run']

    def test_is_called_though_after_run_is_not_on_out_of_range_error(self, kinds):
        element = tf.data.make_one_shot_iterator(tf.data.Dataset.range(2)).get_next()
        hook = make_hook(kinds)
        elements = []
        with kinds.sessions.MonitoredSession(hooks=[hook]) as session:
            while not session.should_stop():
                elements.append(session.run(element))
        assert elements == [0, 1]
        assert hook.calls[-3:] == ['after_run', 'before_run', 'end']

    def test_is_called_though_after_run_is_not_on_stop_iteration(self, kinds):
        hook = make_hook(kinds)
        out_of_feeds = make_hook(kinds, before_run=raising(StopIteration()))
        step = count()
        runs = []
        with kinds.sessions.MonitoredSession(hooks=[hook, out_of_feeds]) as session:
            runs.append(session.run(step))
        assert runs == []
        assert hook.calls == ['begin', 'after_create_session', 'before_run', 'end']
