"""The context of a run: TensorFlow's fields in it are read and set, as programs do."""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from session_models import both, count, lost

import tfhooks

pytestmark = pytest.mark.usefixtures('graph')


class Calls(tf.train.SessionRunHook):
    """Calls functions of the run context."""

    def __init__(self, before=None, after=None):
        self._before = before or (lambda run_context: None)
        self._after = after or (lambda run_context: None)

    def before_run(self, run_context):
        return self._before(run_context)

    def after_run(self, run_context, run_values):
        self._after(run_context)


def evaluate(run_context):
    """What evaluation hooks of programs do: the stop of their inner hooks is not the training's."""
    before = run_context.stop_requested
    run_context._stop_requested = False
    run_context.request_stop()
    run_context._stop_requested = before


@both
@pytest.mark.parametrize('when', ['before', 'after'])
def test_a_stop_that_is_taken_back_does_not_end_the_training(kind, when):
    train = count()
    hooks = [Calls(**{when: evaluate}), tfhooks.StopAtStepHook(last_step=3)]
    with kind(hooks=[*hooks, Calls(**{when: evaluate})]) as session:
        runs = 0
        while not session.should_stop():
            session.run(train)
            runs += 1
    assert runs == 3
    assert session.stop_reason.who == 'StopAtStepHook'


def test_who_asks_last_is_the_one_who_stops():
    def take_back(run_context):
        run_context._stop_requested = False

    class Asks(Calls):
        pass

    train = count()
    asks = tf.train.SessionRunContext.request_stop
    with tfhooks.MonitoredSession(hooks=[Calls(asks), Calls(take_back), Asks(asks)]) as session:
        session.run(train)
        assert session.should_stop()
    assert session.stop_reason.who == 'Asks'


def test_a_stop_set_as_a_field_stops():
    train = count()
    hook = Calls(after=lambda run_context: setattr(run_context, '_stop_requested', True))
    with tfhooks.MonitoredSession(hooks=[hook]) as session:
        session.run(train)
        assert session.should_stop()


def test_a_stop_asked_for_in_a_run_that_loses_the_session_is_asked_for_again(tmp_path):
    """The step goes back to the checkpoint, and training goes on to its last step."""
    train = count()
    errors = [lost()]

    def lose(run_context):
        if run_context.stop_requested and errors:
            raise errors.pop()

    hooks = [tfhooks.StopAtStepHook(last_step=7), Calls(after=lose)]
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), hooks=hooks, save_checkpoint_steps=5
    ) as session:
        while not session.should_stop():
            last = session.run(train)
    assert not errors
    assert last == 7


@both
def test_feeds_put_into_the_callers_feed_dict_take_part(kind):
    count()
    x = tf.placeholder_with_default(0.0, [])
    y = x + 1

    def feed(run_context):
        run_context.original_args.feed_dict[x] = 5.0

    with kind(hooks=[Calls(feed)]) as session:
        assert [session.run(y, {}) for _ in range(3)] == [6.0] * 3
        assert session.run(y, {x: 1.0}) == 6.0


def test_tensorflows_fields_are_there_and_may_be_set():
    train, seen = count(), []

    def look(run_context):
        seen.append((run_context._original_args.fetches, run_context._session))
        run_context._original_args = tf.train.SessionRunArgs('another')
        run_context._session = 'another session'

    def see(run_context):
        seen.append((run_context.original_args.fetches, run_context.session))

    with tfhooks.MonitoredSession(hooks=[Calls(look, see)]) as session:
        session.run(train)
        raw = session.raw_session()
    assert seen == [(train, raw), ('another', 'another session')]


@pytest.mark.parametrize('name', ['steps', 'runs', 'stopper'])
def test_what_a_program_keeps_on_a_context_means_nothing(name, tmp_path):
    train, seen = count(), []
    keep = Calls(
        lambda run_context: setattr(run_context, name, 'of the program'),
        lambda run_context: seen.append(getattr(run_context, name)),
    )
    stock = [tfhooks.StopAtStepHook(last_step=3), tfhooks.StepCounterHook(1)]
    stock.append(tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1))
    with tfhooks.MonitoredSession(hooks=[keep, *stock]) as session:
        while not session.should_stop():
            session.run(train)
    assert seen == ['of the program'] * 3
    assert session.stop_reason.who == 'StopAtStepHook'
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-3')
