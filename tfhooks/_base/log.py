"""What tfhooks itself has to say, in a log of its own.

TensorFlow's log keeps the lines it always had, so that what reads them goes on working. The log
'tfhooks' is an ordinary one of Python's `logging`; nothing is set up at import. Where nobody has
configured logging to show them, its lines go to stderr as TensorFlow's do, if TensorFlow's
verbosity lets them.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from tfhooks._tensorflow import tf

logger = logging.getLogger('tfhooks')


def info(message: str, *args: Any) -> None:
    _log(logging.INFO, message, args)


def warning(message: str, *args: Any) -> None:
    _log(logging.WARNING, message, args)


def error(message: str, *args: Any) -> None:
    _log(logging.ERROR, message, args)


def _log(level: int, message: str, args: tuple[Any, ...]) -> None:
    if logger.hasHandlers() and logger.isEnabledFor(level):
        logger.log(level, message, *args)
    elif level >= tf.logging.get_verbosity():
        record = logger.makeRecord(logger.name, level, __file__, 0, message, args, None)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        handler.handle(record)
