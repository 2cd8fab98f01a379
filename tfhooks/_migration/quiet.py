"""`--quiet`: leaves out TensorFlow's own banner, deprecations and doubled log lines."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Lines of level INFO that TensorFlow's libraries write while they are loaded, when no setting of
# TensorFlow's holds for them yet, and the line above them.
_BANNER = re.compile(
    rb'(I\d{4} [\d:.]+ +\d+ \S+:\d+\] |WARNING: All log messages before absl::InitializeLog).*\n'
)


def install() -> None:
    """Leaves out the lines of TensorFlow's C++ code below warnings, and deprecations."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '1')
    logging.getLogger('tensorflow').addFilter(_is_no_deprecation)


def _is_no_deprecation(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parts[-3:] != ('python', 'util', 'deprecation.py')


def leave_out_doubles() -> None:
    """Leaves log lines to the root logger's handler if that writes to the terminal, too.

    TensorFlow has a handler of its own; `tf.app.run` and `logging.basicConfig` add another one.
    """
    log = logging.getLogger('tensorflow')
    for handler in log.handlers:
        if type(handler) is logging.StreamHandler:
            handler.addFilter(lambda record: not (log.propagate and _root_writes()))


def _root_writes() -> bool:
    from absl.logging import ABSLHandler

    # No subclasses, of which FileHandler is one.
    return any(type(h) in (logging.StreamHandler, ABSLHandler) for h in logging.root.handlers)


@contextlib.contextmanager
def without_banner() -> Iterator[None]:
    """Context for the import of TensorFlow: writes stderr afterwards, without the banner.

    If the process itself crashes meanwhile, that is lost.
    """
    try:
        sys.stderr.flush()
        stderr = os.dup(2)
    except (AttributeError, OSError):  # There is no stderr.
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            said = _BANNER.sub(b'', kept.read())
            if said:
                os.write(2, said)
