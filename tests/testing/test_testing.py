"""`tfhooks.testing`: hooks are driven, recorded and checked without a model."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks import testing
from tfhooks.testing import RecordingHook, _contract, check_hook, drive
from tfhooks.testing import fresh_graph as fresh_graph

SESSIONS = [tf.train.MonitoredSession, tfhooks.MonitoredSession]


def test_fresh_graph_is_the_default_graph_and_empty(fresh_graph):
    assert tf.get_default_graph() is fresh_graph
    assert fresh_graph.get_operations() == []
    tf.constant(1, name='only_here')


def test_fresh_graph_is_another_one_in_another_test(fresh_graph):
    assert fresh_graph.get_operations() == []


def test_fresh_graph_without_pytest():
    with testing.contextlib.contextmanager(testing._fresh_graph)() as graph:
        assert tf.get_default_graph() is graph
    assert tf.get_default_graph() is not graph


class TestRecordingHook:
    def test_notes_every_call_with_its_arguments(self, fresh_graph):
        x = tf.constant([1.0, 2.0], name='x')
        hook = RecordingHook(tfhooks.SessionRunArgs('x:0'))
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            raw = session.raw_session()
            session.run(x)
            session.run(x)
        assert hook.methods == [
            'begin',
            'after_create_session',
            *['before_run', 'after_run'] * 2,
            'end',
        ]
        assert np.array_equal(hook.results, [[1.0, 2.0]] * 2)
        assert hook.calls[0].args == ()
        assert hook.calls[1].args[0] is raw
        assert isinstance(hook.calls[1].args[1], tf.train.Coordinator)
        assert hook.calls[2].args[0] is hook.calls[3].args[0]
        assert hook.calls[2].args[0].original_args.fetches is x
        assert hook.calls[-1].args == (raw,)

    def test_asks_for_what_a_function_says(self, fresh_graph):
        x = tf.placeholder_with_default(1, [])
        hook = RecordingHook(
            lambda run_context: tfhooks.SessionRunArgs(
                run_context.original_args.fetches, feed_dict={x: 7}
            )
        )
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            assert session.run(x) == 7
        assert hook.results == [7]

    def test_notes_an_error(self, fresh_graph):
        hook = RecordingHook()
        error = ValueError('mine')

        def fail():
            with tfhooks.MonitoredSession(hooks=[hook]):
                raise error

        with pytest.raises(ValueError, match='mine'):
            fail()
        assert hook.methods == ['begin', 'after_create_session', 'on_error']
        assert hook.calls[-1].args[1] is error


class TestDrive:
    @pytest.mark.parametrize('session', SESSIONS)
    def test_takes_a_hook_through_a_life(self, session):
        hook = RecordingHook()
        driven = drive(hook, 3, session=session)
        assert driven == testing.Driven(hook=hook, runs=3, step=3, stopped=False)
        assert hook.methods[:2] == ['begin', 'after_create_session']
        assert hook.methods[2:-1] == ['before_run', 'after_run'] * 3
        assert hook.methods[-1] == 'end'

    @pytest.mark.parametrize('session', SESSIONS)
    def test_gives_a_value_for_each_run(self, session):
        hook = RecordingHook(tfhooks.SessionRunArgs({'loss': 'loss:0', 'w': 'layer/w:0'}))
        drive(
            hook,
            3,
            results={'loss': [3.0, 2.0, float('nan')], 'layer/w:0': np.array([1, 2])},
            session=session,
        )
        losses = [results['loss'] for results in hook.results]
        assert losses[:2] == [3.0, 2.0]
        assert np.isnan(losses[2])
        assert [results['w'].tolist() for results in hook.results] == [[1, 2]] * 3

    def test_a_hook_may_read_the_values_by_runs_of_its_own(self):
        seen = []

        def read(run_context):
            seen.append(run_context.session.run('loss:0'))

        drive(RecordingHook(read), 3, results={'loss': [3, 2, 1]})
        assert seen == [3, 2, 1]

    def test_makes_the_hook_in_the_graph(self):
        def make():
            loss = tf.get_default_graph().get_tensor_by_name('loss:0')
            return RecordingHook(tfhooks.SessionRunArgs(loss))

        assert drive(make, 2, results={'loss': 4.0}).hook.results == [4.0, 4.0]
        assert drive(RecordingHook, 1).hook.methods[-1] == 'end'

    @pytest.mark.parametrize('session', SESSIONS)
    def test_ends_when_the_hook_has_the_session_stop(self, session):
        driven = drive(tfhooks.StopAtStepHook(last_step=4), 10, session=session)
        assert (driven.runs, driven.step, driven.stopped) == (4, 4, True)
        driven = drive(tfhooks.StopAtStepHook(last_step=0), 10, session=session)
        # TensorFlow's own sessions make one more run.
        runs = 0 if session is tfhooks.MonitoredSession else 1
        assert (driven.runs, driven.step, driven.stopped) == (runs, runs, True)

    @pytest.mark.parametrize('session', SESSIONS)
    def test_loses_the_session_once(self, session):
        hook = RecordingHook(tfhooks.SessionRunArgs('x:0'))
        driven = drive(hook, 5, results={'x': [0, 1, 2, 3, 4]}, lose_session_after=2)
        assert (driven.runs, driven.step) == (5, 3)
        assert hook.methods.count('begin') == 1
        assert hook.methods.count('after_create_session') == 2
        assert hook.results == [0, 1, 2, 3, 4]

    def test_raises_what_the_hook_raises(self):
        hook = tfhooks.NanTensorHook('loss:0')
        with pytest.raises(tfhooks.NanLossDuringTrainingError, match='at global step 2'):
            drive(hook, 3, results={'loss': [1.0, float('nan'), 1.0]})

    @pytest.mark.parametrize(
        ('steps', 'results', 'error', 'text'),
        [
            (0, None, ValueError, 'steps must be at least 1; steps=0'),
            (2.0, None, TypeError, r'steps must be an int; steps=2\.0'),
            (True, None, TypeError, 'steps must be an int; steps=True'),
            (2, {'a': [1]}, ValueError, r"each run; len\(results\['a'\]\)=1, steps=2"),
        ],
    )
    def test_arguments(self, steps, results, error, text):
        with pytest.raises(error, match=text):
            drive(RecordingHook(), steps, results=results)


LOSS = {'loss': [3.0, 2.0, 1.0, 0.5]}


class TestCheckHook:
    def broken(self, hook, **arguments):
        with pytest.raises(AssertionError) as caught:
            check_hook(hook, **arguments)
        return str(caught.value)

    def test_passes_a_good_hook(self):
        class Good(tfhooks.SessionRunHook):
            def begin(self):
                self.count = 0

            def before_run(self, run_context):
                self.count += 1
                return tfhooks.SessionRunArgs('loss:0') if self.count % 2 else None

        check_hook(Good, results=LOSS)
        check_hook(tf.train.SessionRunHook)

    def test_no_hook(self):
        assert 'must hold hooks' in self.broken(dict)

    def test_operations_in_a_second_begin(self):
        class Adds(tfhooks.SessionRunHook):
            def begin(self):
                tf.constant(1, name='added')

        assert 'a second begin() on a graph adds operations: added_1' in self.broken(Adds)

    def test_operations_after_begin(self):
        class Adds(tfhooks.SessionRunHook):
            def after_run(self, run_context, run_values):
                with run_context.session.graph.as_default():
                    tf.constant(1)

        text = self.broken(Adds)
        assert 'one of two sessions raises RuntimeError: Graph is finalized' in text

    def test_operations_after_begin_behind_the_graphs_back(self):
        class Adds(tfhooks.SessionRunHook):
            def after_create_session(self, session, coord):
                session.graph._unsafe_unfinalize()
                with session.graph.as_default():
                    tf.constant(1, name='sly')

        assert 'operations were added after begin(): sly' in self.broken(Adds)

    def test_state_of_a_first_session(self):
        class Counts(tfhooks.SessionRunHook):
            count = 0

            def after_run(self, run_context, run_values):
                self.count += 1
                if self.count == 3:
                    run_context.request_stop()

        text = self.broken(Counts)
        assert 'it does not serve twice' in text
        assert 'Event 4 of the first one: asks for a stop; of the second one: asks for' in text

    def test_state_of_a_first_session_in_what_it_asks_for(self):
        class First(tfhooks.SessionRunHook):
            asked = False

            def before_run(self, run_context):
                self.asked, asked = True, self.asked
                return None if asked else tfhooks.SessionRunArgs('loss:0')

        assert "Event 1 of the first one: asks for fetches=['loss:0']" in self.broken(
            First, results=LOSS
        )

    def test_a_session_kept_alive(self):
        class Keeps(tfhooks.SessionRunHook):
            def after_create_session(self, session, coord):
                self.session = session

        assert self.broken(Keeps).endswith('1. it keeps a session alive after end()')

    def test_a_graph_kept_alive(self):
        kept = []

        class Keeps(tfhooks.SessionRunHook):
            def begin(self):
                kept.append(tf.train.get_global_step())

        assert self.broken(Keeps).endswith(
            'the graph is kept alive though session and hook are gone'
        )

    def test_a_thread_left(self, monkeypatch):
        monkeypatch.setattr(_contract, '_JOIN_SECS', 0.01)
        release = threading.Event()

        class Starts(tfhooks.SessionRunHook):
            def after_create_session(self, session, coord):
                threading.Thread(target=release.wait, name='left behind', daemon=True).start()

        try:
            assert self.broken(Starts).endswith('threads are left after end(): left behind')
        finally:
            release.set()

    def test_a_recovery_not_survived(self):
        class Once(tfhooks.SessionRunHook):
            created = 0

            def begin(self):
                self.created = 0

            def after_create_session(self, session, coord):
                self.created += 1
                assert self.created == 1, 'once only'

        text = self.broken(Once)
        assert '1. a session that is lost and made again raises AssertionError: once only' in text

    def test_a_hook_of_tfhooks_sessions_only(self):
        class Ours(tfhooks.SessionRunHook):
            def before_run(self, run_context):
                return run_context._tfhooks_steps and None

        assert "a session of TensorFlow's own raises AttributeError" in self.broken(Ours)

    def test_all_that_is_wrong_is_listed(self):
        class Bad(tfhooks.SessionRunHook):
            count = 0

            def after_create_session(self, session, coord):
                self.session = session

            def before_run(self, run_context):
                self.count += 1
                return tfhooks.SessionRunArgs('loss:0') if self.count == 1 else None

        text = self.broken(Bad, results=LOSS)
        assert '\n  1. it keeps a session alive' in text
        assert '\n  2. it does not serve twice' in text
