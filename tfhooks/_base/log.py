"""The log 'tfhooks', for tfhooks' own messages.

It is a logger of Python's `logging`, a child of TensorFlow's: its lines go where TensorFlow's go,
at the same level, unless a program gives it a level or handlers of its own. Lines that TensorFlow
logs, too, stay in TensorFlow's log, for programs that read them.
"""

from __future__ import annotations

import logging

from tfhooks._tensorflow import tf

logger = logging.getLogger('tfhooks')
logger.parent = tf.get_logger()

info = logger.info
warning = logger.warning
error = logger.error
