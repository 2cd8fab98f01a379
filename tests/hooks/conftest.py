import time

import pytest
import tensorflow.compat.v1 as tf


@pytest.fixture
def log(caplog):
    """A function that gives the messages logged so far, at level INFO and above."""
    verbosity = tf.logging.get_verbosity()
    tf.logging.set_verbosity(tf.logging.INFO)
    yield lambda containing='': [m for m in caplog.messages if containing in m]
    tf.logging.set_verbosity(verbosity)


@pytest.fixture
def clock(monkeypatch):
    """The time of `time.monotonic`, which only a test moves."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(time, 'monotonic', lambda: Clock.now)
    return Clock
