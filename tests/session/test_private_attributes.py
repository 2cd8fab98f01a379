"""Programs reach into a session: its list of hooks, and what closes it."""

# The body of a session is what raises.
# ruff: noqa: PT012

from __future__ import annotations

import threading

import pytest
import tensorflow.compat.v1 as tf
from session_models import Fails, Recorder, both, count, lost

import tfhooks
from tfhooks._base.errors import NotAHookError
from tfhooks._session.coordinator import Coordinator


@both
def test_a_hook_appended_later_takes_part(kind):
    train, calls = count(), []
    with kind(hooks=[Recorder(calls, 'a')]) as session:
        session.run(train)
        session._hooks.append(Recorder(calls, 'b'))
        session.run(train)
    # As in TensorFlow nobody begins it.
    assert calls == [
        *('a.begin', 'a.after_create_session', 'a.before_run', 'a.after_run'),
        *('a.before_run', 'b.before_run', 'a.after_run', 'b.after_run', 'a.end', 'b.end'),
    ]


def test_a_stock_hook_appended_later_stops_the_training():
    train = count()
    with tfhooks.MonitoredSession() as session:
        stop = tfhooks.StopAtStepHook(last_step=4)
        stop._global_step_tensor = tf.train.get_global_step()
        session._hooks.append(stop)
        runs = 0
        while not session.should_stop() and runs < 9:
            session.run(train)
            runs += 1
    assert runs == 4


def test_a_list_that_was_given_is_the_sessions():
    train, calls, hooks = count(), [], []
    with tfhooks.MonitoredSession(hooks=hooks) as session:
        hooks.append(Recorder(calls))
        session.run(train)
        assert session._hooks is hooks
        hooks.clear()
        session.run(train)
    assert calls == ['hook.before_run', 'hook.after_run']


def test_a_hook_that_another_adds_when_it_begins_takes_part():
    class Adds(tf.train.SessionRunHook):
        def begin(self):
            hooks.append(Recorder(calls))

    train, calls, hooks = count(), [], []
    hooks.append(Adds())
    with tfhooks.MonitoredSession(hooks=hooks) as session:
        session.run(train)
    assert calls[0] == 'hook.begin'
    assert calls[-1] == 'hook.end'


def test_an_appended_hook_is_told_of_a_recovered_session():
    train, calls = count(), []
    with tfhooks.MonitoredSession(hooks=[Fails(2)]) as session:
        session._hooks.append(Recorder(calls))
        session.run(train)
        session.run(train)
    assert calls.count('hook.after_create_session') == 1


def test_what_is_appended_and_is_no_hook_is_refused():
    train = count()
    with tfhooks.MonitoredSession() as session:
        session._hooks.append('no hook')
        with pytest.raises(NotAHookError):
            session.run(train)
        session._hooks.clear()
        assert session.run(train) == 1


@both
def test_a_hook_put_in_the_place_of_an_equal_one_takes_part(kind):
    class Equal(Recorder):
        def __eq__(self, other):
            return True

        __hash__ = None

    train, calls = count(), []
    with kind(hooks=[Equal(calls, 'a')]) as session:
        session.run(train)
        session._hooks[0] = Equal(calls, 'b')
        session.run(train)
    assert calls[2:] == ['a.before_run', 'a.after_run', 'b.before_run', 'b.after_run', 'b.end']


def test_a_hook_is_not_compared_with_another():
    class Incomparable(Recorder):
        def __eq__(self, other):
            raise AssertionError

        __hash__ = None

    train, calls = count(), []
    with tfhooks.MonitoredSession(hooks=[Incomparable(calls, 'a')]) as session:
        session._hooks.insert(0, Incomparable(calls, 'b'))
        session.run(train)
    assert calls[2:4] == ['b.before_run', 'a.before_run']


@both
@pytest.mark.parametrize('how', ['object', 'class'])
def test_a_step_function_is_given_the_session_that_a_program_names(kind, how):
    class Named(kind):
        def _tf_sess(self):
            return self._sess._sess if how == 'class' else super()._tf_sess()

    train, calls = count(), []
    with Named(hooks=[Recorder(calls)]) as session:
        if how == 'object':
            session._tf_sess = lambda: session._sess._sess
        assert session.run_step_fn(lambda step_context: step_context.session.run(train)) == 1
    # What runs there is a run with hooks.
    assert calls[2:4] == ['hook.before_run', 'hook.after_run']


def test_a_list_put_in_the_place_of_the_hooks_is_what_is_ended():
    """TensorFlow's runs go on with the hooks that they have."""
    train, calls = count(), []
    with tfhooks.MonitoredSession(hooks=[Recorder(calls, 'a')]) as session:
        session._hooks = [Recorder(calls, 'b')]
        session.run(train)
    assert calls[2:] == ['a.before_run', 'a.after_run', 'b.end']


@both
def test_a_wrapper_put_around_what_runs(kind):
    class Wrapper:
        def __init__(self, inner):
            self._inner = inner

        def run(self, *args, **kwargs):
            calls.append('run')
            return self._inner.run(*args, **kwargs)

        def should_stop(self):
            calls.append('should_stop')
            return self._inner.should_stop()

        def close(self):
            calls.append('close')
            self._inner.close()

    train, calls = count(), []
    recorder = Recorder([])
    with kind(hooks=[tfhooks.StopAtStepHook(last_step=2), recorder]) as session:
        session._sess = Wrapper(session._sess)
        while not session.should_stop():
            session.run(train)
    assert calls == ['should_stop', 'run', 'should_stop', 'run', 'should_stop', 'close']
    assert recorder.calls[-2:] == ['hook.after_run', 'hook.end']
    assert session.raw_session() is None


@both
@pytest.mark.parametrize('how', ['with', 'close', 'error', 'end of data'])
def test_what_closes_may_be_overridden(kind, how):
    class Session(kind):
        def _close_internal(self, exception_type=None):
            closed.append(exception_type)
            super()._close_internal(exception_type)

    train, closed, calls = count(), [], []
    errors = {'error': KeyError('x'), 'end of data': tf.errors.OutOfRangeError(None, None, 'end')}
    try:
        with Session(hooks=[Recorder(calls)]) as session:
            session.run(train)
            if how == 'close':
                session.close()
            if how in errors:
                raise errors[how]
    except KeyError:
        assert how == 'error'
    assert closed == [KeyError if how == 'error' else None]
    assert calls[-1] == ('hook.on_error(KeyError)' if how == 'error' else 'hook.end')


def test_a_program_may_close_as_after_an_error():
    train, calls = count(), []
    session = tfhooks.MonitoredSession(hooks=[Recorder(calls)])
    session.run(train)
    session._close_internal(ValueError)
    assert calls[-1] == 'hook.on_error(RuntimeError)'
    assert session._is_closed()


# What tfhooks' own hooks have and TensorFlow's have not.
OURS = (
    *('chief_only', 'when_fed', 'wrapped_hook', 'measure_calls', 'on_error', 'standing_request'),
    *('next_due', 'skip_final_save', 'step_not_increased', 'decides_after_run'),
    *('session_is_ready', 'step_went_back'),
)


@pytest.mark.parametrize('of', ['class', 'object'])
@pytest.mark.parametrize('value', [True, lambda *_: 1 / 0], ids=['value', 'function'])
def test_attributes_that_mean_something_to_tfhooks_mean_nothing_on_a_programs_hook(of, value):
    class Unrelated(tf.train.SessionRunHook):
        def __init__(self):
            self.results = []
            if of == 'object':
                vars(self).update(dict.fromkeys(OURS, value))

        def before_run(self, run_context):
            return tf.train.SessionRunArgs('global_step:0')

        def after_run(self, run_context, run_values):
            self.results.append(run_values.results is not None)

    if of == 'class':
        for name in OURS:
            setattr(Unrelated, name, value)
    back, train = tf.assign(tf.train.get_or_create_global_step(), 0), count()
    hook, loss = Unrelated(), tf.placeholder_with_default(1.0, [])
    stock = [tfhooks.StepCounterHook(), tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)]
    with (
        pytest.raises(ValueError, match='of the program') as caught,
        tfhooks.MonitoredSession(hooks=[hook, *stock], save_on_error=True) as session,
    ):
        for fetches in [train] * 5 + [back, train, 'global_step:0', 'global_step:0']:
            session.run(fetches)
        session.run(train, {loss: float('nan')})
        raise ValueError('of the program')
    assert hook.results == [True] * 10
    assert not hasattr(caught.value, 'other_errors')


def test_a_restore_hook_comes_before_what_saves(tmp_path):
    """The first checkpoint holds what was restored."""
    with tf.Graph().as_default():
        tf.get_variable('v', initializer=5.0)
        count()
        with tfhooks.MonitoredTrainingSession(checkpoint_dir=str(tmp_path / 'old')):
            pass
    old = tf.train.latest_checkpoint(str(tmp_path / 'old'))
    tf.get_variable('v', initializer=1.0)
    count()
    hook = tfhooks.RestoreHook(old, exclude=['global_step'])
    new = str(tmp_path / 'new')
    with tfhooks.MonitoredTrainingSession(checkpoint_dir=new, hooks=[hook]):
        assert tf.train.load_variable(new, 'v') == 5.0


@pytest.mark.parametrize('fails', ['begin', 'after_create_session', 'creator'])
def test_a_retry_on_the_same_graph_works(fails, tmp_path):
    step = tf.train.get_or_create_global_step()
    v = tf.get_variable('v', [], initializer=tf.ones_initializer())
    train = tf.group(step.assign_add(1), v.assign_add(1.0))

    class Creator(tfhooks.ChiefSessionCreator):
        def create_session(self):
            session = super().create_session()
            if fails == 'creator':
                session.close()
                raise ValueError('boom')
            return session

    class MakesVariable(tf.train.SessionRunHook):
        def begin(self):
            with tf.variable_scope('', reuse=tf.AUTO_REUSE):
                tf.get_variable('of_a_hook', [], initializer=tf.zeros_initializer())

    hooks = [MakesVariable(), Recorder([], fail_in=None if fails == 'creator' else fails)]
    with pytest.raises(ValueError, match='boom'):
        tfhooks.MonitoredSession(Creator(), hooks)
    assert not tf.get_default_graph().finalized
    assert 'v:0' in [variable.name for variable in tf.global_variables()]
    directory = str(tmp_path)
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=directory, hooks=[MakesVariable()], save_summaries_steps=None
    ) as session:
        session.run(train)
        assert session.run([v, step]) == [2.0, 1]


def test_a_coordinator_waits_for_the_threads_of_a_generator():
    coordinator, goes_on, ended = Coordinator(), threading.Event(), []

    def work():
        goes_on.wait(10)
        ended.append(True)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    threading.Timer(0.05, goes_on.set).start()
    coordinator.join(thread for thread in threads)
    assert ended == [True] * 3


def test_a_loss_in_a_run_of_an_appended_hook_recovers():
    train = count()

    class Loses(tf.train.SessionRunHook):
        left = 1

        def before_run(self, run_context):
            if self.left:
                self.left = 0
                raise lost()

    with tfhooks.MonitoredSession() as session:
        session.run(train)
        session._hooks.append(Loses())
        assert session.run(train) == 1


def test_names_of_a_raw_session_are_told_where_they_are():
    with tf.Graph().as_default(), tfhooks.MonitoredSession() as session:
        for name in ('graph_def', 'as_default', 'make_callable', 'list_devices', 'sess_str'):
            assert not hasattr(session, name)
            with pytest.raises(
                AttributeError, match=rf'session\.raw_session\(\)\.{name}\.'
            ) as raised:
                getattr(session, name)
            assert raised.value.obj is None  # Else Python adds 'Did you mean: graph?'.
        for name in ('sholud_stop', '_target'):
            with pytest.raises(AttributeError, match=r"no attribute '\w+'$") as raised:
                getattr(session, name)
            assert (raised.value.name, raised.value.obj) == (name, session)
