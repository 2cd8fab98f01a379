"""What each test of a session has: a graph to build its model in, and no waits."""

from __future__ import annotations

import pytest

from tfhooks._session import recovery_policy


@pytest.fixture(autouse=True)
def _in_a_graph(graph):
    """Every test here builds its model in a graph of its own."""


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The waits between attempts to make a session again, in seconds; nobody waits."""
    waits = []
    monkeypatch.setattr(recovery_policy, '_sleep', lambda seconds, stops: waits.append(seconds))
    return waits


@pytest.fixture
def lines(caplog):
    """A function that gives tfhooks' own log lines so far."""
    return lambda: [(r.levelname, r.getMessage()) for r in caplog.records if r.name == 'tfhooks']
