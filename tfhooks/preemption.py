"""SIGTERM and SIGINT, taken as a wish to stop after the running step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from tfhooks import log


class SignalWatch:
    """Watches for a first SIGTERM or SIGINT; a second one does what it did before.

    Signals can be watched from the main thread only. In another thread a warning is logged, and signals
    do what they did before.
    """

    def __init__(self, on_signal: Callable[[str], None]) -> None:
        self._on_signal = on_signal
        self._previous: dict[int, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            log.warning(
                'save_on_preemption needs a session made in the main thread: signals are not watched.'
            )
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # First of all, so that a second signal is not lost on somebody who means it.
        self.restore()
        name = signal.Signals(number).name
        log.warning('%s received: stopping after this step. Once more to kill.', name)
        self._on_signal(name)

    def restore(self) -> None:
        """Puts the handlers back that were there before."""
        while self._previous:
            number, handler = self._previous.popitem()
            # None stands for a handler that was not installed from Python, and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
