"""What a hook may rely on from `begin` to `end`.

Each sentence that documents TensorFlow's SessionRunHook is a test. It runs for hooks of tfhooks in
sessions of tfhooks, for hooks of tfhooks in TensorFlow's sessions and for TensorFlow's hooks in
sessions of tfhooks; and, so that the sentence is known to be TensorFlow's, for its own hooks in its
own sessions.
"""

from __future__ import annotations

import threading

import pytest
import tensorflow as tensorflow_2
from contract_models import count, lost, make_hook, raising

tf = tensorflow_2.compat.v1


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
