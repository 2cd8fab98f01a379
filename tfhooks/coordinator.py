"""The coordinator of a session's threads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfhooks._tensorflow import tf

if TYPE_CHECKING:
    from tfhooks._tensorflow import Coordinator as _Base
else:
    _Base = tf.train.Coordinator


class Coordinator(_Base):
    """`tf.compat.v1.train.Coordinator`, which also takes an exception that is not being handled.

    Attributes:
      asked_to_stop: Whether the session was asked to stop, by a signal or its caller. Its threads
        go on until it is closed, but what waits for long should not.
    """

    asked_to_stop: Callable[[], bool] = staticmethod(lambda: False)

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop.

        Args:
          ex: The exception to raise again in the main thread, or `sys.exc_info()`, or None.
            TensorFlow takes an exception only inside the `except` that caught it.
        """
        if isinstance(ex, BaseException) and sys.exc_info()[1] is not ex:
            ex = (type(ex), ex, ex.__traceback__)
        super().request_stop(ex)
