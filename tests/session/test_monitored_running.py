"""A monitored session runs: with hooks, without them or some of them, and step functions."""

from __future__ import annotations

import functools
import gc
import weakref

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from session_models import Fails, Recorder, Sessions, both, count, is_open, lost

import tfhooks


@both
def test_run_without_hooks_calls_no_hook(kind):
    train, calls = count(), []
    with kind(hooks=[Recorder(calls)]) as session:
        del calls[:]
        assert session.run_without_hooks(train) == 1
        x = tf.train.get_global_step()
        assert session.run_without_hooks([x], feed_dict={x: 7}) == [7]
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        assert session.run_without_hooks(train, options=options, run_metadata=metadata) == 2
        assert metadata.HasField('step_stats')
        assert not calls
        assert session.run(train) == 3
        assert calls == ['hook.before_run', 'hook.after_run']


def test_run_without_hooks_goes_on_after_a_stop():
    train = count()
    with tfhooks.MonitoredSession() as session:
        session.request_stop()
        assert session.run_without_hooks(train) == 1


@both
def test_skip_hooks_leaves_out_what_it_names(kind):
    class Other(Recorder):
        pass

    train, calls = count(), []
    first, second, other = Recorder(calls, '1'), Recorder(calls, '2'), Other(calls, 'o')
    with kind(hooks=[first, other, second]) as session:

        def called(skip):
            del calls[:]
            session.run(train, skip_hooks=skip)
            return calls

        assert called([second]) == ['1.before_run', 'o.before_run', '1.after_run', 'o.after_run']
        assert called([Other]) == ['1.before_run', '2.before_run', '1.after_run', '2.after_run']
        assert called(hook for hook in [first, Other]) == ['2.before_run', '2.after_run']
        assert called([tf.train.SessionRunHook]) == []
        assert len(called([])) == 6
        with pytest.raises(ValueError, match='skip_hooks must name hooks of this session'):
            session.run(train, skip_hooks=[Recorder(calls)])
        with pytest.raises(ValueError, match='skip_hooks must name hooks of this session'):
            session.run(train, skip_hooks=[tf.train.StopAtStepHook])


def test_skipped_hooks_are_skipped_in_the_run_again_too():
    train, calls = count(), []
    hook = Recorder(calls)
    with tfhooks.MonitoredSession(hooks=[hook, Fails(2)]) as session:
        session.run(train)
        del calls[:]
        session.run(train, skip_hooks=[hook])
        assert calls == ['hook.after_create_session']


@both
def test_raw_session_is_the_session_in_use_and_none_after_close(kind, graph):
    with kind() as session:
        assert isinstance(session.raw_session(), tf.Session)
        assert session.raw_session().graph is graph
        assert session.graph is graph
    assert session.raw_session() is None
    assert session.graph is None


def test_raw_session_is_the_new_one_after_a_recovery():
    train = count()
    creator = Sessions()
    with tfhooks.MonitoredSession(creator, hooks=[Fails(1)]) as session:
        assert session.raw_session() is creator.made[0]
        session.run(train)
        assert session.raw_session() is creator.made[1]
        assert not is_open(creator.made[0])


def test_a_step_function_uses_the_recovered_session():
    train = count()
    creator = Sessions()
    used = []

    def step_fn(step_context):
        used.append(step_context.session)
        return step_context.session.run(train), step_context.run_with_hooks(train)

    with tfhooks.MonitoredSession(creator, hooks=[Fails(1)]) as session:
        assert session.run_step_fn(step_fn) == (1, 2)
        assert session.run_step_fn(step_fn) == (3, 4)
    assert used == [creator.made[0], creator.made[1], creator.made[1]]


def test_a_loss_in_a_step_function_itself_is_recovered_from():
    train = count()
    creator = Sessions()

    def step_fn(step_context):
        if len(creator.made) == 1:
            raise lost()
        return step_context.run_with_hooks(train)

    with tfhooks.MonitoredSession(creator) as session:
        assert session.run_step_fn(step_fn) == 1
    assert len(creator.made) == 2


@both
def test_a_step_function_that_stops_ends_the_loop(kind):
    train, calls = count(), []

    def step_fn(step_context):
        if step_context.run_with_hooks(train) == 2:
            step_context.request_stop()

    with kind(hooks=[Recorder(calls)]) as session:
        while not session.should_stop():
            session.run_step_fn(step_fn)
    assert calls[-1] == 'hook.end'
    assert session.stop_reason == 'step_fn asked for a stop at global step 2'
    assert session.stop_reason.kind == 'requested'


class Model:
    def method(self, step_context):
        return step_context.session.run(tf.train.get_global_step())

    def two(self, step_context, other):
        pass


@both
def test_what_a_step_function_may_take(kind):
    count()
    with kind() as session:
        assert session.run_step_fn(Model().method) == 0
        assert session.run_step_fn(functools.partial(Model.method, Model())) == 0
        assert session.run_step_fn(lambda step_context, *args, **kwargs: 5) == 5
        for wrong in (lambda: None, lambda context: None, Model().two):
            with pytest.raises(ValueError, match='may either have one `step_context` argument'):
                session.run_step_fn(wrong)


def test_run_with_hooks_refuses_after_a_stop_as_run_does():
    train = count()

    def step_fn(step_context):
        return step_context.run_with_hooks(train)

    with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(num_steps=1)]) as session:
        session.run_step_fn(step_fn)
        assert session.should_stop()
        with pytest.raises(RuntimeError, match='Run called even after should_stop requested'):
            session.run_step_fn(step_fn)


def test_names_of_tensorflow_that_programs_use_though_they_are_private():
    hook = tf.train.SessionRunHook()
    step = tf.train.get_or_create_global_step()
    session = tfhooks.MonitoredSession(hooks=[hook])
    raw = session.raw_session()
    found = session
    # The loop of many a program of the time.
    while type(found).__name__ != 'Session':
        found = found._sess
    assert found is raw
    for layer in (session._sess, session._sess._sess, session._sess._sess._sess):
        assert layer.graph is raw.graph
        assert layer.run(step) == 0
        assert not layer.should_stop()
    assert session._tf_sess() is raw
    assert session._hooks == [hook]
    assert session._coordinated_creator.tf_sess is raw
    assert isinstance(session._coordinated_creator.coord, tf.train.Coordinator)
    assert not session._is_closed()
    session.close()
    assert session._is_closed()


@pytest.mark.parametrize('fetch', ['a tensor', 'an operation'])
def test_an_error_that_is_gone_takes_the_values_of_its_run_along(fetch):
    # Without that they stay until the garbage collector comes: on a large model, gigabytes.
    class Fed(np.ndarray):
        """An array that weak references may point to."""

    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2])
        wrong = tf.debugging.assert_positive(x)
        if fetch == 'a tensor':
            with tf.control_dependencies([wrong]):
                wrong = tf.identity(x)
        with tfhooks.MonitoredSession() as session:
            gc.collect()
            gc.disable()
            try:
                for _ in range(3):  # As known and unknown requests.
                    fed = np.zeros([2], np.float32).view(Fed)
                    gone = weakref.ref(fed)
                    try:
                        session.run(wrong, {x: fed})
                    except tf.errors.InvalidArgumentError:
                        pass
                    else:
                        pytest.fail('it was to fail')
                    del fed
                    assert gone() is None
            finally:
                gc.enable()
