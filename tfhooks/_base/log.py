"""What tfhooks itself has to say, in a log of its own.

The log 'tfhooks' is an ordinary one of Python's `logging`, a child of TensorFlow's: its lines go
where TensorFlow's go and are as verbose, unless a program gives it a level or handlers of its own.
TensorFlow's log keeps the lines it always had, so that what reads them goes on working.
"""

from __future__ import annotations

import logging

from tfhooks._tensorflow import tf

logger = logging.getLogger('tfhooks')
logger.parent = tf.get_logger()

info = logger.info
warning = logger.warning
error = logger.error
