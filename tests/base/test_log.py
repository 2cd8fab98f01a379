"""The log 'tfhooks': a child of TensorFlow's, and an ordinary one of `logging`."""

import io
import logging

import pytest
import tensorflow.compat.v1 as tf

from tfhooks._base import log


@pytest.fixture
def lines(monkeypatch):
    """A function that gives what TensorFlow's handler has written, when it is the only one."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    monkeypatch.setattr(tf.get_logger(), 'handlers', [handler])
    monkeypatch.setattr(tf.get_logger(), 'propagate', False)
    return lambda: stream.getvalue().splitlines()


def speak():
    log.info('%s steps', 3)
    log.warning('slow')
    log.error('broken')


@pytest.mark.parametrize(
    ('verbosity', 'shown'),
    [
        (tf.logging.INFO, ['INFO:tfhooks:3 steps', 'WARNING:tfhooks:slow', 'ERROR:tfhooks:broken']),
        (tf.logging.WARN, ['WARNING:tfhooks:slow', 'ERROR:tfhooks:broken']),
        (tf.logging.FATAL, []),
    ],
)
def test_lines_go_where_those_of_tensorflow_go(lines, verbosity, shown):
    tf.logging.set_verbosity(verbosity)
    speak()
    assert lines() == shown


def test_it_has_a_level_of_its_own_if_given_one(lines):
    tf.logging.set_verbosity(tf.logging.INFO)
    logging.getLogger('tfhooks').setLevel(logging.ERROR)
    speak()
    tf.logging.info('of TensorFlow')
    assert lines() == ['ERROR:tfhooks:broken', 'INFO:tensorflow:of TensorFlow']


@pytest.mark.parametrize('way', ['disabled', 'propagate'])
def test_it_can_be_silenced(lines, way, capfd):
    tf.logging.set_verbosity(tf.logging.INFO)
    setattr(logging.getLogger('tfhooks'), way, way == 'disabled')
    speak()
    assert lines() == []
    # Without a handler, Python itself prints warnings: a program gives the log one that is silent.
    assert (capfd.readouterr().err == '') == (way == 'disabled')


def test_a_line_says_where_it_comes_from(caplog):
    log.warning('here')
    assert [(r.filename, r.funcName) for r in caplog.records] == [
        ('test_log.py', 'test_a_line_says_where_it_comes_from')
    ]
