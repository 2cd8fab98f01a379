"""`every` and `only_if` call a hook when it is due, and hand on what they are told."""

from __future__ import annotations

import threading

import pytest
import tensorflow.compat.v1 as tf
from stock_models import LoseSession, starting_at

import tfhooks
from tfhooks import testing
from tfhooks._more_hooks.wrappers import every, only_if
from tfhooks.testing import RecordingHook, drive

SESSIONS = [tf.train.MonitoredSession, tfhooks.MonitoredSession]

HOOK = tf.train.SessionRunHook()


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({}, ValueError, 'exactly one of steps, secs and at must be given; steps=None'),
        ({'steps': 1, 'secs': 2}, ValueError, 'steps=1, secs=2, at=None'),
        (
            {'steps': 0},
            ValueError,
            r'every\(SessionRunHook\): steps must be at least 1; invalid steps=0',
        ),
        ({'steps': 1.5}, TypeError, r'steps must be a whole number; steps=1\.5'),
        ({'secs': 0}, ValueError, 'secs must be greater than 0 seconds; secs=0'),
        ({'secs': 'x'}, TypeError, "secs must be a number of seconds; secs='x'"),
        ({'at': 5}, TypeError, 'at must be a list of global steps; at=5'),
        ({'at': '5'}, TypeError, "at must be a list of global steps; at='5'"),
        ({'at': []}, ValueError, r'at must hold a global step; at=\[\]'),
        ({'at': [0]}, ValueError, 'at must be at least 1; invalid at=0'),
        ({'at': ['x']}, TypeError, "at must be a whole number; at='x'"),
        ({'at': [None]}, TypeError, 'at must be a whole number; at=None'),
    ],
)
def test_arguments_of_every(arguments, error, text):
    with pytest.raises(error, match=text):
        every(HOOK, **arguments)


@pytest.mark.parametrize('hook', [None, 'hook', tf.train.SessionRunHook, object()])
def test_what_is_wrapped_is_a_hook(hook):
    with pytest.raises(TypeError, match='every must hold hooks'):
        every(hook, steps=1)
    with pytest.raises(TypeError, match='only_if must hold hooks'):
        only_if(hook, bool)


@pytest.mark.parametrize(
    ('predicate', 'text'),
    [
        (None, r'only_if\(SessionRunHook\): predicate must be a function; predicate=None'),
        (lambda: True, 'predicate must take one argument, the run_context; predicate=<function'),
        (lambda a, b: True, 'predicate must take one argument'),
    ],
)
def test_a_predicate_is_checked_when_it_is_given(predicate, text):
    with pytest.raises(TypeError, match=text):
        only_if(HOOK, predicate)


def test_a_predicate_may_be_a_built_in_function():
    assert drive(only_if(RecordingHook(), bool), 2).runs == 2


def test_they_are_hooks():
    for hook in (every(HOOK, steps=1), every(HOOK, at=[1]), only_if(HOOK, bool)):
        assert isinstance(hook, tfhooks.SessionRunHook)
        assert isinstance(hook, tf.train.SessionRunHook)


def counted(by=1, racing=False):
    step = tf.train.get_or_create_global_step()
    if racing:
        return tf.assign_add(step, by).op
    with tf.control_dependencies([step.read_value()]):
        return tf.assign_add(step, by).op


class Steps(tf.train.SessionRunHook):
    """Notes the global steps after the runs it takes part in."""

    def __init__(self):
        self.before = 0
        self.steps = []

    def before_run(self, run_context):
        self.before += 1

    def after_run(self, run_context, run_values):
        assert run_values.results is None
        step = tf.train.get_global_step(run_context.session.graph)
        self.steps.append(int(run_context.session.run(step)))


def steps_of(make, wrap, runs=30, by=1, racing=False, start=(0,), lose=None):
    hook = Steps()
    with tf.Graph().as_default():
        train = counted(by, racing)
        hooks = [wrap(hook)] + ([LoseSession(lose)] if lose else [])
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs):
                session.run(train)
    return hook.steps


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_every_n_steps(make, racing):
    steps = steps_of(make, lambda hook: every(hook, steps=10), 100, racing=racing)
    assert steps == [1, *range(11, 101, 10)]


@pytest.mark.parametrize('make', SESSIONS)
def test_every_n_steps_where_a_run_is_several(make):
    steps = steps_of(make, lambda hook: every(hook, steps=10), 20, by=3, racing=True)
    assert steps == [3, 15, 27, 39, 51]


@pytest.mark.parametrize('make', SESSIONS)
def test_every_n_steps_goes_on_where_it_was_after_a_recovery(make):
    steps = steps_of(make, lambda hook: every(hook, steps=10), 45, start=(0, 15), lose=25)
    assert steps == [1, 11, 21, 21, 31]


@pytest.mark.parametrize('make', SESSIONS)
def test_every_n_secs(make, clock):
    def run(make, hook):
        with tf.Graph().as_default():
            train = counted()
            with make(hooks=[hook]) as session:
                for _ in range(20):
                    session.run(train)
                    clock.now += 10

    hook = Steps()
    wrapped = every(hook, secs=45)
    run(make, wrapped)
    assert hook.steps == [1, 6, 11, 16]
    run(make, wrapped)
    assert hook.steps == [1, 6, 11, 16] * 2


@pytest.mark.parametrize('make', SESSIONS)
def test_every_n_secs_needs_no_global_step(make):
    hook = RecordingHook()
    with tf.Graph().as_default():
        x = tf.constant(1)
        with make(hooks=[every(hook, secs=1000)]) as session:
            for _ in range(5):
                session.run(x)
    assert hook.methods.count('after_run') == 1


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_at(make, racing):
    steps = steps_of(make, lambda hook: every(hook, at=[20, 5, 5, 6, 100]), racing=racing)
    assert steps == [5, 6, 20]


@pytest.mark.parametrize('make', SESSIONS)
def test_at_where_a_run_is_several(make):
    # The run that passes several is one run.
    steps = steps_of(make, lambda hook: every(hook, at=[4, 5, 20, 21]), 10, by=4, racing=True)
    assert steps == [4, 8, 20, 24]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('arguments', [{'at': [3]}, {'steps': 2}])
def test_a_run_that_does_not_reach_the_step_is_not_due(make, arguments):
    hook = Steps()
    with tf.Graph().as_default():
        train, other = counted(), tf.constant(0)
        with make(hooks=[every(hook, **arguments)]) as session:
            for fetch in (train, train, other, other, train, other):
                session.run(fetch)
    assert hook.steps == ([3] if 'at' in arguments else [1, 3])
    # It was asked in vain in the runs that might have reached it.
    assert hook.before == (3 if 'at' in arguments else 4)


@pytest.mark.parametrize('make', SESSIONS)
def test_at_steps_that_are_over(make):
    steps = steps_of(make, lambda hook: every(hook, at=[5, 7, 9]), start=(7,))
    assert steps == [9]


@pytest.mark.parametrize('make', SESSIONS)
def test_at_steps_that_come_again_after_a_recovery(make):
    steps = steps_of(make, lambda hook: every(hook, at=[5, 12]), start=(0, 10), lose=15)
    assert steps == [5, 12, 12]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('arguments', [{'steps': 3}, {'at': [1, 4]}])
def test_begin_begins_anew(make, arguments):
    hook = Steps()
    wrapped = every(hook, **arguments)
    for _ in range(2):
        drive(wrapped, 6, session=make)
    assert hook.steps == [1, 4] * 2


@pytest.mark.parametrize('arguments', [{'steps': 3}, {'at': [1]}])
def test_begin_needs_a_global_step(arguments):
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match=r'every\(Steps\).begin: glob'):
        every(Steps(), **arguments).begin()


def test_sleeps_until_it_is_due():
    class Counted:
        count = 0

    wrapped = every(Steps(), steps=100)
    asked = wrapped.before_run

    def before_run(run_context):
        Counted.count += 1
        return asked(run_context)

    wrapped.before_run = before_run
    # Sleeping is for methods that the class has; this one counts them only.
    wrapped.next_due = wrapped.next_due
    drive(wrapped, 300)
    assert wrapped.wrapped_hook.steps == [1, 101, 201]
    assert Counted.count < 15
    assert wrapped.wrapped_hook.before == 3


@pytest.mark.parametrize('make', SESSIONS)
def test_only_if(make):
    hook = RecordingHook(tfhooks.SessionRunArgs('x:0'))
    with tf.Graph().as_default():
        x = tf.constant(5, name='x')
        train, other = counted(), tf.constant(0)
        wrapped = only_if(hook, lambda context: context.original_args.fetches is train)
        with make(hooks=[wrapped]) as session:
            session.run(train)
            session.run(other)
            session.run([train, x])
            session.run(train)
    runs = hook.methods[2:-1]
    assert runs == ['before_run', 'after_run'] * 2
    assert hook.results == [5, 5]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize(
    ('fetches', 'expected'),
    [
        (None, None),
        ('x:0', 5),
        (['x:0'], [5]),
        ({'a': ('x:0', 'x')}, {'a': (5, None)}),
        ([], []),
        ((), ()),
    ],
)
def test_results_are_those_that_the_hook_asked_for(make, fetches, expected):
    hook = RecordingHook(tfhooks.SessionRunArgs(fetches))
    for wrapped in (every(hook, steps=1), only_if(hook, lambda context: True)):
        hook.calls.clear()
        drive(wrapped, 3, results={'x': 5}, session=make)
        assert hook.results == [expected] * 3


@pytest.mark.parametrize('make', SESSIONS)
def test_feeds_and_options_of_the_hook_are_used(make):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        doubled = 2 * x
        counted()
        request = tfhooks.SessionRunArgs(
            None, {x: 4.0}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        )
        hook = RecordingHook(request)
        with make(hooks=[every(hook, steps=1)]) as session:
            assert session.run(doubled) == 8.0
    values = hook.calls[3].args[1]
    assert values.results is None
    assert values.options.trace_level == tf.RunOptions.FULL_TRACE
    assert values.run_metadata.step_stats.dev_stats


def test_begin_create_end_and_errors_are_always_told():
    hook = RecordingHook()
    drive(only_if(hook, lambda context: False), 3, lose_session_after=1)
    assert hook.methods == ['begin', 'after_create_session', 'after_create_session', 'end']

    hook = RecordingHook()

    def fail():
        with tfhooks.MonitoredSession(hooks=[only_if(hook, lambda context: False)]):
            raise ValueError('mine')

    with tf.Graph().as_default(), pytest.raises(ValueError, match='mine'):
        fail()
    assert hook.methods == ['begin', 'after_create_session', 'on_error']


def test_a_session_that_never_came_is_told_as_the_hook_inside_wants_it():
    class Fails(tf.train.SessionRunHook):
        def begin(self):
            raise ValueError('mine')

    class Plain(tf.train.SessionRunHook):
        ended = False

        def end(self, session):
            self.ended = True

    plain, recording = Plain(), RecordingHook()
    hooks = [every(plain, secs=1), every(recording, secs=1), Fails()]
    with tf.Graph().as_default(), pytest.raises(ValueError, match='mine'):
        tfhooks.MonitoredSession(hooks=hooks)
    assert plain.ended
    assert recording.methods == ['begin', 'on_error']


def test_errors_name_both():
    class Fails(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            raise ValueError('mine')

    with pytest.raises(ValueError, match='mine') as caught:
        drive(every(Fails(), steps=1), 1)
    assert caught.value.raised_in == 'every(Fails).after_run'
    with pytest.raises(ValueError, match='mine') as caught:
        drive(only_if(every(Fails(), steps=1), lambda context: True), 1)
    assert caught.value.raised_in == 'only_if(every(Fails)).after_run'


def test_what_is_no_request_is_named():
    with pytest.raises(TypeError, match=r"every\(RecordingHook\).before_run: .*got 'x:0'"):
        drive(every(RecordingHook('x:0'), steps=1), 1, results={'x': 1})


def test_a_wrapped_nan_hook_still_keeps_bad_weights_from_being_saved(tmp_path):
    with tf.Graph().as_default():
        train = counted()
        loss = tf.placeholder_with_default(float('nan'), [], name='loss')
        nan = tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)
        saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1)
        with tfhooks.MonitoredSession(hooks=[saver, every(nan, steps=2)]) as session:
            session.run(train, {loss: 1.0})
            session.run(train, {loss: 1.0})
            session.run(train)
            assert session.should_stop()
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-2')


def test_a_wrapped_saver_saves_on_an_error_if_that_is_asked_for(tmp_path):
    def fail():
        with tf.Graph().as_default():
            train = counted()
            saver = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1000)
            hooks = [every(saver, at=[1000])]
            with tfhooks.MonitoredSession(hooks=hooks, save_on_error=True) as session:
                session.run(train)
                raise ValueError('mine')

    with pytest.raises(ValueError, match='mine'):
        fail()
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-1')


def test_skip_hooks_finds_the_hook_inside():
    hook = RecordingHook()
    with tf.Graph().as_default():
        train = counted()
        wrapped = only_if(hook, lambda context: True)
        with tfhooks.MonitoredSession(hooks=[wrapped]) as session:
            session.run(train, skip_hooks=[RecordingHook])
            session.run(train, skip_hooks=[hook])
            session.run(train, skip_hooks=[wrapped])
            assert 'before_run' not in hook.methods
            session.run(train)
    assert hook.methods.count('before_run') == 1


@pytest.mark.parametrize('make', SESSIONS)
def test_threads_do_not_share_what_is_due(make):
    hook = Steps()
    with tf.Graph().as_default():
        train = counted(racing=True)
        with make(hooks=[every(hook, steps=10)]) as session:
            threads = [
                threading.Thread(target=lambda: [session.run(train) for _ in range(50)])
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    # A run that was due may end late, so that the next is due later.
    assert 10 <= len(hook.steps) <= 20


def test_only_if_sleeps_while_the_hook_inside_does():
    asked = []

    def predicate(run_context):
        asked.append(run_context)
        return True

    stop = only_if(tfhooks.StopAtStepHook(last_step=300), predicate)
    assert drive(stop, 400).runs == 300
    assert len(asked) < 10


@pytest.mark.parametrize(
    'make',
    [
        lambda: every(tfhooks.LoggingTensorHook(['loss:0'], every_n_iter=1), steps=2),
        lambda: every(tfhooks.NanTensorHook('loss:0'), at=[2, 3]),
        lambda: every(tf.train.LoggingTensorHook(['loss:0'], every_n_iter=1), secs=100),
        lambda: only_if(tfhooks.StopAtStepHook(num_steps=2), lambda context: True),
    ],
)
def test_keeps_the_contract(make):
    testing.check_hook(make, results={'loss': 1.0})
