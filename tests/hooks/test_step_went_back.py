"""What stock hooks do where a program runs its initializer inside the session."""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from stock_models import summary_steps, train_op

import tfhooks


@pytest.fixture
def session_of(tmp_path):
    """Makes a session with hooks, its train op and the operation that begins anew."""

    def make(*hooks):
        train = train_op()
        again = tf.global_variables_initializer()
        return tfhooks.MonitoredSession(hooks=hooks), train, again

    with tf.Graph().as_default():
        yield make


def test_cadences_go_on_from_the_step_as_it_is(session_of, tmp_path, log, caplog):
    train_op()
    summaries = tfhooks.SummarySaverHook(
        10, output_dir=str(tmp_path), summary_op=tf.summary.scalar('a', 1.0)
    )
    evaluated = []
    evaluation = tfhooks.EvalHook(10, lambda session: evaluated.append(1) or {}, at_end=False)
    session, train, again = session_of(summaries, evaluation)
    with session:
        for _ in range(35):
            session.run(train)
        assert len(evaluated) == 3
        session.run_without_hooks(again)
        for _ in range(25):
            session.run(train)
    assert len(evaluated) == 5
    assert summary_steps(tmp_path, 'a') == [1, 11, 21, 31, 11, 21]
    (warning,) = [m for m in caplog.messages if 'has gone back' in m]
    assert 'The global step has gone back from 3' in warning
    assert 'to 0, as by' in warning or 'to 1, as by' in warning
