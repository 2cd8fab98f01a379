"""What no test leaves to the next one."""

import logging

import pytest


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """Programs and commands that a test runs in its own process may set TensorFlow's verbosity."""
    loggers = [logging.getLogger(name) for name in ('tensorflow', 'tfhooks', 'absl')]
    before = [(logger.level, logger.propagate, logger.disabled) for logger in loggers]
    yield
    for logger, (level, propagate, disabled) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
