"""HookGroup: all the hooks of a session as one, without a session around it."""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from session_models import Recorder, count

import tfhooks
from tfhooks._session.hook_group import HookGroup


def begun(*hooks, run_plans=True):
    """A group that has begun, its raw session with initialized variables, and its coordinator."""
    group = HookGroup(hooks, run_plans=run_plans)
    group.begin()
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    tf.get_default_graph().finalize()
    coord = tf.train.Coordinator()
    group.after_create_session(session, coord)
    return group, session, coord


@pytest.mark.parametrize('run_plans', [True, False])
def test_hooks_are_called_in_order_and_each_gets_its_own(run_plans):
    a, b = tf.constant(1), tf.constant(2)
    got = []

    class Asks(tfhooks.SessionRunHook):
        def __init__(self, fetches):
            self.fetches = fetches

        def before_run(self, run_context):
            return tfhooks.SessionRunArgs(self.fetches)

        def after_run(self, run_context, run_values):
            got.append(run_values.results)

    group, session, _ = begun(Asks(a), Asks({'b': [b]}), Asks(None), run_plans=run_plans)
    assert group.runner.run(session, [a, b]) == [1, 2]
    assert got == [1, {'b': [2]}, None]
    session.close()


def test_a_session_other_than_the_last_one_is_not_served_by_its_plans():
    train = count()
    hook = Recorder([])
    group, old, coord = begun(hook)
    init = tf.get_default_graph().get_operation_by_name('init')
    assert group.runner.run(old, train) == 1
    new = tf.Session()
    new.run(init)
    group.after_create_session(new, coord)
    # A thread that was about to run on the session that was lost.
    assert group.runner.run(old, train) == 2
    assert new.run(tf.train.get_global_step()) == 0
    old.close()
    with pytest.raises(RuntimeError, match='closed'):
        group.runner.run(old, train)
    assert group.runner.run(new, train) == 1
    new.close()


def test_end_ends_all_and_raises_the_first_error_with_the_others():
    calls = []
    group, session, _ = begun(
        Recorder(calls, 'a', 'end', KeyError('first')),
        Recorder(calls, 'b', 'end', SystemExit('second')),
        Recorder(calls, 'c'),
    )
    with pytest.raises(KeyError, match='first') as caught:
        group.end(session)
    assert calls[-3:] == ['a.end', 'b.end', 'c.end']
    assert [type(error) for error in caught.value.other_errors] == [SystemExit]
    assert caught.value.raised_in == 'Recorder[0].end'
    session.close()


def test_only_hooks_that_have_begun_are_told_of_an_error():
    calls = []
    group = HookGroup([Recorder(calls, 'a'), Recorder(calls, 'b', 'begin'), Recorder(calls, 'c')])
    with pytest.raises(ValueError, match='boom'):
        group.begin()
    group.on_error(None, KeyError())
    assert calls == ['a.begin', 'b.begin', 'a.on_error(KeyError)']


def test_the_hook_that_stops_the_coordinator_is_known():
    class Stops(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            coord.request_stop()

    group, session, _ = begun(Recorder([]), Stops(), Stops())
    assert group.thread_stopper == 'Stops[1]'
    group.after_create_session(session, tf.train.Coordinator())
    assert group.thread_stopper == 'Stops[1]'
    session.close()


def test_step_is_read_exactly_from_a_session_and_is_none_without_one():
    train = count()
    group, session, _ = begun(Recorder([]))
    for _ in range(3):
        group.runner.run(session, train)
    assert group.step(session) == 3
    assert group.step() is None
    session.close()
    # What is said about a step never becomes an error.
    assert group.step(session) is None


def test_save_saves_by_savers_only_and_attaches_what_fails(tmp_path):
    train, calls = count(), []
    saver = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=100)
    group = HookGroup([Recorder(calls), saver])
    with tfhooks.MonitoredSession(hooks=[]) as session:
        session.run(train)
    group.begin()
    tf.train.Saver()
    with tf.Session() as session:
        error = ValueError('boom')
        # No session was made known to it, and no variable is initialized: it cannot save.
        group.save(session, error)
    assert 'hook.end' not in calls
    assert len(error.other_errors) == 1
    assert error.other_errors[0].raised_in == 'CheckpointSaverHook.end'


def test_find_knows_hooks_by_object_and_by_class():
    hooks = [Recorder([]), Recorder([]), tf.train.SessionRunHook()]
    group = HookGroup(hooks)
    assert [member.hook for member in group.find([hooks[1]])] == [hooks[1]]
    assert [member.hook for member in group.find([Recorder])] == hooks[:2]
    for single in (tfhooks.SessionRunHook(), tfhooks.SessionRunHook, 'SessionRunHook', 5):
        with pytest.raises(TypeError, match=r'skip_hooks must be a list .* got skip_hooks='):
            group.find(single)
    with pytest.raises(ValueError, match=r'skip_hooks must name hooks .* got 5'):
        group.find([5])
