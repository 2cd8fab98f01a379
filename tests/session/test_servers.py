"""A raw session is closed by the monitored one, not at some time by the garbage collector.

What the collector closes on a server that is gone by then hangs whatever thread it runs in.
"""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from session_models import both, count, is_open, lost

import tfhooks


@both
def test_closing_closes_the_raw_session(kind):
    train = count()
    with kind() as session:
        session.run(train)
        raw = session.raw_session()
        assert is_open(raw)
    assert not is_open(raw)


class Inits:
    """An `init_fn` that keeps the sessions it is given and fails in the first ones."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.sessions = []

    def __call__(self, scaffold, session):
        self.sessions.append(session)
        if self.errors:
            raise self.errors.pop(0)


@pytest.mark.parametrize('creator', [tf.train.ChiefSessionCreator, tfhooks.ChiefSessionCreator])
def test_a_session_whose_making_failed_is_closed_at_once(creator):
    count()
    inits = Inits(lost(), tf.errors.UnavailableError(None, None, 'not there'))
    scaffold = tf.train.Scaffold(init_fn=inits)
    with tfhooks.MonitoredSession(creator(scaffold)):
        assert [is_open(each) for each in inits.sessions] == [False, False, True]


@pytest.mark.parametrize('error', [ValueError('boom'), KeyboardInterrupt()])
def test_so_it_is_where_nobody_tries_again(error):
    count()
    inits = Inits(error)
    scaffold = tf.train.Scaffold(init_fn=inits)
    with pytest.raises(type(error)):
        tfhooks.SingularMonitoredSession(scaffold=scaffold)
    assert [is_open(each) for each in inits.sessions] == [False]
