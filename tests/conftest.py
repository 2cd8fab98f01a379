"""What the tests run on, and what no test leaves to the next one.

Only a run of `-m gpu` sees GPUs. All other tests are of the CPU: some compare with figures that
were recorded there, and many processes run at once.
"""

import gc
import logging
import os
import pathlib
import time

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent
# TensorFlow's own logs are no test's affair. It reads this when it is imported.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')


def pytest_configure(config):
    # Both are read when TensorFlow first looks for GPUs, and child processes inherit them.
    if config.option.markexpr != 'gpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    # Processes on one GPU take what they need of its memory, and not all that there is.
    os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')


def pytest_collection_finish():
    # TensorFlow's modules are there to stay. Tests that collect garbage need not look at them.
    gc.freeze()


def pytest_ignore_collect(collection_path, config):
    # The other files import what a machine with a GPU need not have.
    if config.option.markexpr == 'gpu' and collection_path.parent == FOLDER:
        return collection_path.name != 'gpu' or None
    return None


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """Programs and commands that a test runs in its own process may set TensorFlow's verbosity."""
    loggers = [logging.getLogger(name) for name in ('tensorflow', 'tfhooks', 'absl')]
    before = [(logger.level, logger.propagate, logger.disabled) for logger in loggers]
    yield
    for logger, (level, propagate, disabled) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled


@pytest.fixture
def graph():
    """A new graph, which is the default graph during the test."""
    import tensorflow

    with tensorflow.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def log(caplog):
    """A function that gives the messages logged so far, at level INFO and above."""
    caplog.set_level(logging.INFO, 'tensorflow')
    return lambda containing='': [m for m in caplog.messages if containing in m]


@pytest.fixture
def clock(monkeypatch):
    """The time of `time.monotonic`, which only a test moves."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(time, 'monotonic', lambda: Clock.now)
    return Clock
