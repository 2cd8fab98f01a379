"""What TensorFlow has between a monitored session and the raw one."""

from __future__ import annotations

from typing import Any


class Layer:
    """Stands where TensorFlow has a wrapper around a session.

    Programs go through them, `session._sess._sess._sess._sess`, to the raw session. Some stop on
    the way, and run there: that is a run with hooks in TensorFlow, too. For anything else a layer
    is the monitored session.
    """

    def __init__(self, session: Any, inner: Any) -> None:
        """Makes one layer.

        Args:
          session: The monitored session.
          inner: The next layer, or the raw session in the innermost.
        """
        self._session = session
        self._sess = inner

    def __getattr__(self, name: str) -> Any:
        if name in ('_session', '_sess'):  # Not made yet, as while it is copied.
            raise AttributeError(name)
        return getattr(self._session, name)
