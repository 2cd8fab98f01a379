"""What each test of a session has: a graph to build its model in, and no waits."""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf

from tfhooks._session import recovery


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The waits between attempts to make a session again, in seconds; nobody waits."""
    waits = []
    monkeypatch.setattr(recovery, '_sleep', waits.append)
    return waits


@pytest.fixture
def lines(caplog):
    """A function that gives tfhooks' own log lines so far."""
    return lambda: [(r.levelname, r.getMessage()) for r in caplog.records if r.name == 'tfhooks']
