"""`python -m tfhooks --quiet`: what the program says, and nothing of TensorFlow's twice."""

from __future__ import annotations

import logging
import os
import subprocess

import pytest
from cli_programs import RUNNER, python, write

from tfhooks._migration import quiet

PROGRAM = """
    import tensorflow as tf

    def main(argv):
        tf.logging.set_verbosity(tf.logging.INFO)
        tf.logging.info('a line of the program')
        tf.logging.warning('a warning of the program')
        tf.disable_resource_variables()  # Deprecated.

    tf.app.run(main)
"""


def test_a_program_under_tf_app_run(tmp_path):
    write(tmp_path, {'train': PROGRAM})
    done = python(tmp_path, *RUNNER, '--quiet', 'train.py', run=subprocess.run)
    assert done.returncode == 0, done.stderr
    said = [line.rpartition('] ')[2] for line in done.stderr.splitlines()]
    assert said == ['a line of the program', 'a warning of the program']


BANNER = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795820055.493310   20025 port.cc:153] oneDNN custom operations are on.
"""
OTHERS = b"""\
E0000 00:00:1795820070.706630   20025 cuda_platform.cc:52] failed call to cuInit
W0000 00:00:1795820070.706630   20025 some.cc:52] a warning
I am a line of the program.
"""


def test_the_banner_is_left_out_and_all_else_is_kept(capfd):
    with quiet.without_banner():
        os.write(2, BANNER + OTHERS + BANNER)
        assert capfd.readouterr().err == ''
    os.write(2, BANNER)
    assert capfd.readouterr().err == (OTHERS + BANNER).decode()


def test_what_was_said_before_an_error_is_kept(capfd):
    def load():
        with quiet.without_banner():
            os.write(2, BANNER + OTHERS)
            raise ImportError('no such library')

    with pytest.raises(ImportError, match='no such library'):
        load()
    assert capfd.readouterr().err == OTHERS.decode()


@pytest.mark.parametrize(
    ('of_root', 'propagates', 'is_written'),
    [
        ([logging.StreamHandler()], True, False),
        ([logging.StreamHandler()], False, True),
        ([logging.FileHandler(os.devnull)], True, True),
        ([], True, True),
    ],
)
def test_a_line_is_written_once(monkeypatch, of_root, propagates, is_written):
    log, handler = logging.getLogger('tensorflow'), logging.StreamHandler()
    monkeypatch.setattr(log, 'handlers', [handler])
    monkeypatch.setattr(log, 'propagate', propagates)
    monkeypatch.setattr(logging.getLogger(), 'handlers', of_root)
    quiet.leave_out_doubles()
    record = log.makeRecord('tensorflow', logging.INFO, __file__, 1, 'a line', (), None)
    assert bool(handler.filter(record)) == is_written
