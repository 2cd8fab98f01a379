"""A lost session is made again, also when a thread says that it is lost, and training goes on."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from session_models import Fails, Recorder, Sessions, count, is_open, latest_step, lost

import tfhooks
from tfhooks._run.plan_cache import PlanCache
from tfhooks._session import recovery_policy
from tfhooks._session.recovery_policy import RecoveryPolicy, is_recovery


@pytest.mark.parametrize('error', [tf.errors.AbortedError, tf.errors.UnavailableError])
@pytest.mark.parametrize('before', [True, False], ids=['before_run', 'after_run'])
def test_a_lost_session_is_made_again_at_once(error, before, waits, lines):
    train, calls = count(), []
    creator = Sessions()
    fails = Fails(2, before=before, error=lambda: error(None, None, 'gone\nsecond line'))
    with tfhooks.MonitoredSession(creator, [Recorder(calls), fails]) as session:
        assert [session.run(train) for _ in range(3)] == [1, 1, 2]
    assert len(creator.made) == 2
    assert not is_open(creator.made[0])
    assert waits == []
    name = error.__name__
    # Python 3.10 has no notes for an error's traceback: whose it is stands in the log before.
    warnings = [line for line in lines() if line[0] == 'WARNING']
    assert warnings[0] == ('WARNING', f'The session was lost and is made again: {name}: gone')
    assert calls.count('hook.begin') == calls.count('hook.end') == 1
    assert not any('on_error' in call for call in calls)


def test_each_step_failing_after_a_recovery_is_bounded(waits, lines):
    train = count()
    creator = Sessions()
    fails = Fails(*range(2, 1000))
    session = tfhooks.MonitoredSession(creator, [fails], recovery=RecoveryPolicy(tries=4))
    session.run(train)
    with pytest.raises(tf.errors.AbortedError, match='the session is lost'):
        session.run(train)
    assert fails.runs == 1 + 1 + 4
    assert len(creator.made) == 1 + 4
    assert not any(is_open(made) for made in creator.made)
    assert len(waits) == 3
    assert sum('Next attempt in' in line for _, line in lines()) == 3
    session.close()


def test_a_step_that_succeeds_ends_the_count():
    train = count()
    fails = Fails(*(number for number in range(1, 40) if number % 3))
    policy = RecoveryPolicy(tries=2)
    with tfhooks.MonitoredSession(hooks=[fails], recovery=policy) as session:
        for _ in range(13):
            session.run(train)
    assert fails.runs == 39


def test_failures_to_make_the_session_again_count_too(waits):
    train = count()
    creator = Sessions()
    policy = RecoveryPolicy(tries=5)
    with tfhooks.MonitoredSession(creator, [Fails(1)], recovery=policy) as session:
        creator.failures = [lost()] * 4
        assert session.run(train) == 1
    assert len(waits) == 4
    calls = []
    with (
        pytest.raises(tf.errors.AbortedError, match='too often'),
        tfhooks.MonitoredSession(creator, [Recorder(calls), Fails(1)], recovery=policy) as session,
    ):
        creator.failures = [lost('too often')] * 100
        session.run(train)
    assert len(creator.failures) == 95
    assert calls[-1] == 'hook.on_error(AbortedError)'
    assert session.stop_reason.kind == 'error'


def test_a_session_whose_recovery_was_given_up():
    train, calls = count(), []
    creator = Sessions()
    policy = RecoveryPolicy(tries=2)
    session = tfhooks.MonitoredSession(creator, [Recorder(calls), Fails(1)], recovery=policy)
    creator.failures = [lost()] * 2
    with pytest.raises(tf.errors.AbortedError):
        session.run(train)
    assert session.raw_session() is None
    assert session.should_stop()
    assert session.stop_reason.kind == 'error'
    # Somebody may try once more.
    assert session.run(train) == 1
    creator.failures = [lost()] * 2
    session._life.drop()
    with pytest.raises(tf.errors.AbortedError):
        session.run(train)
    session.close()
    assert calls[-1] == 'hook.on_error(AbortedError)'
    assert 'hook.end' not in calls


def test_another_error_while_a_session_is_made_again_comes_out_and_leaves_no_half_session():
    train, calls = count(), []
    creator = Sessions()
    hook = Recorder(calls)
    session = tfhooks.MonitoredSession(creator, [hook, Fails(2)])
    session.run(train)
    hook.fail_in, hook.times = 'after_create_session', 1
    with pytest.raises(ValueError, match='boom'):
        session.run(train)
    assert [is_open(made) for made in creator.made] == [False, False]
    assert session.raw_session() is None
    # The next run makes a whole one.
    assert session.run(train) == 1
    assert calls.count('hook.after_create_session') == 3
    session.close()


def test_a_plan_for_a_session_that_is_lost_meanwhile_is_not_kept_for_the_next(monkeypatch):
    train = count()
    compiles = PlanCache.compile
    losses = [1]

    def lose_after_compiling(self, *arguments):
        plan = compiles(self, *arguments)
        if losses:
            losses.pop()
            # As another thread would.
            session._life.drop()
            session._life._connect()
        return plan

    with tfhooks.MonitoredSession() as session:
        monkeypatch.setattr(PlanCache, 'compile', lose_after_compiling)
        assert [session.run(train) for _ in range(3)] == [1, 2, 3]
    assert not losses


def test_hooks_see_that_it_is_a_recovery():
    seen = []

    class Sees(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            seen.append(is_recovery(coord))

    train = count()
    with tfhooks.MonitoredSession(hooks=[Sees(), Fails(1, 3)]) as session:
        session.run(train)
        session.run(train)
    with tfhooks.MonitoredSession(hooks=[Sees()]):
        pass
    assert seen == [False, True, True, False]
    assert not is_recovery(tf.train.Coordinator())


def test_a_singular_session_is_not_recovered():
    train, calls = count(), []
    with (
        pytest.raises(tf.errors.AbortedError),
        tfhooks.SingularMonitoredSession(hooks=[Recorder(calls), Fails(1)]) as session,
    ):
        session.run(train)
    assert calls.count('hook.after_create_session') == 1
    assert calls[-1] == 'hook.on_error(AbortedError)'


@pytest.mark.parametrize('way', ['run', 'run_without_hooks', 'run_step_fn'])
def test_every_way_to_run_recovers(way):
    train = count()
    creator = Sessions()
    errors = [lost()]

    def fail():
        if errors:
            raise errors.pop()

    class Failing(tf.train.SessionRunHook):
        def before_run(self, run_context):
            fail()

    with tfhooks.MonitoredSession(creator, [Failing()]) as session:
        if way == 'run_without_hooks':
            real = session.raw_session().run
            session.raw_session().run = lambda *args: (fail(), real(*args))[1]

        def run():
            if way == 'run_step_fn':
                return session.run_step_fn(lambda step_context: step_context.run_with_hooks(train))
            return getattr(session, way)(train)

        assert [run(), run()] == [1, 2]
    assert len(creator.made) == 2


def test_a_loss_that_a_thread_reports_is_recovered_from_when_asked(caplog, lines):
    train, calls = count(), []
    creator = Sessions()
    hook = Recorder(calls)
    verbosity = tf.logging.get_verbosity()
    tf.logging.set_verbosity(tf.logging.INFO)
    try:
        with tfhooks.MonitoredSession(creator, [hook]) as session:
            assert session.run(train) == 1
            hook.coord.request_stop(lost('in a thread'))
            assert not session.should_stop()
            assert is_recovery(hook.coord)
            assert session.run(train) == 1
    finally:
        tf.logging.set_verbosity(verbosity)
    assert len(creator.made) == 2
    assert not is_open(creator.made[0])
    assert [line for _, line in lines() if 'was lost' in line] == [
        'The session was lost and is made again: AbortedError: in a thread'
    ]
    assert any('while considering whether the session is complete' in m for m in caplog.messages)


def test_an_error_of_a_run_that_a_reported_loss_has_caused_is_recovered_from():
    train, calls = count(), []
    creator = Sessions()
    hook = Recorder(calls)

    class Fails2(tf.train.SessionRunHook):
        def before_run(self, run_context):
            if len(creator.made) == 1:
                hook.coord.request_stop(lost('in a thread'))
                raise tf.errors.CancelledError(None, None, 'the queue is closed')

    with tfhooks.MonitoredSession(creator, [hook, Fails2()]) as session:
        assert session.run(train) == 1
    assert len(creator.made) == 2


def test_an_error_of_a_run_beside_another_error_of_a_thread_comes_out_itself():
    train = count()
    hook = Recorder([])
    with (
        pytest.raises(KeyError, match='in the run'),
        tfhooks.MonitoredSession(
            hooks=[hook, Fails(1, before=True, error=lambda: KeyError('in the run'))]
        ) as session,
    ):
        hook.coord.request_stop(ValueError('in a thread'))
        session.run(train)


def test_a_thread_that_loses_every_session_at_once_is_bounded(waits):
    count()
    creator = Sessions()

    class Loses(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            coord.request_stop(lost('always'))

    policy = RecoveryPolicy(tries=3)
    session = tfhooks.MonitoredSession(creator, [Loses()], recovery=policy)
    asked = 0
    with pytest.raises(tf.errors.AbortedError, match='always'):
        while asked < 1000:
            asked += 1
            assert not session.should_stop()
    assert asked <= 4
    assert len(waits) == asked - 2
    session.close()


def test_a_loss_reported_to_the_coordinator_does_not_come_out_of_close(caplog):
    hook = Recorder([])
    session = tfhooks.MonitoredSession(hooks=[hook])
    hook.coord.request_stop(lost('at the end'))
    session.close()
    assert any('attempting to close the session' in m for m in caplog.messages)
    singular = tfhooks.SingularMonitoredSession(hooks=[hook])
    hook.coord.request_stop(lost('at the end'))
    with pytest.raises(tf.errors.AbortedError):
        singular.close()


def test_queue_runners_are_started_again():
    value = tf.train.input_producer(tf.range(100), shuffle=False).dequeue()
    fails = Fails(3)
    with tfhooks.MonitoredSession(hooks=[fails]) as session:
        assert [session.run(value) for _ in range(4)] == [0, 1, 0, 1]


def test_training_goes_on_from_the_last_checkpoint(tmp_path):
    train = count()
    summary = tf.summary.scalar('step', tf.train.get_global_step())
    assert summary is not None
    steps = []
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path),
        save_checkpoint_steps=4,
        save_checkpoint_secs=None,
        save_summaries_steps=1,
        log_step_count_steps=1,
        hooks=[Fails(7), tfhooks.StopAtStepHook(last_step=10)],
    ) as session:
        while not session.should_stop():
            steps.append(int(session.run(train)))
    assert steps == [1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 9, 10]
    assert latest_step(tmp_path) == 10
    values = {}
    for path in sorted(tmp_path.glob('events*')):
        for event in tf.train.summary_iterator(str(path)):
            for value in event.summary.value:
                values.setdefault(value.tag, []).append((event.step, value.simple_value))
    # Every step has its summary, the replayed ones a second time. In step 7 the session was lost
    # after the summary had been written.
    assert [step for step, _ in values['step']] == [1, 2, 3, 4, 5, 6, 7, 5, 6, 7, 8, 9, 10]
    rates = values['global_step/sec']
    assert all(rate > 0 for _, rate in rates)
    assert {step for step, _ in rates} >= {6, 7, 8, 9, 10}


def test_a_stop_requested_before_the_loss_still_stops():
    train = count()

    class Stops(tf.train.SessionRunHook):
        def before_run(self, run_context):
            run_context.request_stop()

    with tfhooks.MonitoredSession(hooks=[Stops(), Fails(1)]) as session:
        session.run(train)
        assert session.should_stop()
    assert session.stop_reason.who == 'Stops'


def test_a_stop_that_is_requested_while_waiting_ends_the_waiting(monkeypatch):
    train = count()
    creator = Sessions()
    session = tfhooks.MonitoredSession(
        creator, [Fails(1, before=True)], recovery=RecoveryPolicy(tries=5)
    )
    creator.failures = [lost() for _ in range(9)]
    waits = []

    def wait(seconds, stops):
        waits.append(seconds)
        session.request_stop('enough')

    monkeypatch.setattr(recovery_policy, '_sleep', wait)
    with session:
        session.run(train)
    assert len(waits) == 1
    assert session.stop_reason.who == 'enough'
