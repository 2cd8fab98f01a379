"""Takes SIGTERM and SIGINT as a request to stop after the running step.

Python calls a signal handler in the main thread, between two of its instructions: in the middle of
whatever runs there, whatever locks it holds, and not before a call into TensorFlow returns. So the
handler only sets attributes and puts the previous handlers back. All that may wait for a lock, a
log line for instance, is left to a thread, which is told through a pipe (`signal.set_wakeup_fd`)
even while a step blocks the main thread; that is also where a second signal is noticed then.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from tfhooks._base import log

WATCHED = (signal.SIGTERM, signal.SIGINT)


class SignalWatch:
    """Watches for a first SIGTERM or SIGINT; a second one goes to the handlers of before.

    All watches of a process share one pair of handlers, which are there as long as there is a
    watch. They are installed and put back in the main thread only, as Python wants it.
    """

    def __init__(self, on_signal: Callable[[str], None]) -> None:
        """Begins to watch; outside the main thread only if the handlers are installed already.

        Args:
          on_signal: A bound method, held weakly, that takes the name of the signal. It is called in
            a signal handler: it must neither lock nor log nor run anything.
        """
        self._on_signal = weakref.WeakMethod(on_signal)
        _handlers.add(self)

    def alive(self) -> bool:
        """True if the object that is to be told of signals still exists."""
        return self._on_signal() is not None

    def tell(self, name: str) -> bool:
        """Calls `on_signal`; returns False if its object is gone."""
        on_signal = self._on_signal()
        if on_signal is None:
            return False
        on_signal(name)
        return True

    def stop(self) -> None:
        """Ends the watch; the last one puts the handlers back that were there before."""
        _handlers.remove(self)


class _Handlers:
    """The signal handlers of the process."""

    def __init__(self) -> None:
        # Replaced as a whole, since a handler may interrupt any change.
        self._watches: tuple[SignalWatch, ...] = ()
        self._previous: dict[int, Any] = {}
        self._alarm: _Alarm | None = None

    def add(self, watch: SignalWatch) -> None:
        watches = (*(other for other in self._watches if other.alive()), watch)
        if self._previous and all(signal.getsignal(n) == self._handle for n in WATCHED):
            self._watches = watches
            return
        if not _in_main_thread():
            self._watches = ()
            log.warning(
                'save_on_preemption needs a session of the main thread: no signals are watched.'
            )
            return
        # A program may have replaced these handlers: its handlers are the previous ones now.
        self.restore()
        self._watches = watches
        self._alarm = _Alarm(self._watched, self._tell)
        for number in WATCHED:
            self._previous[number] = signal.signal(number, self._handle)

    def remove(self, watch: SignalWatch) -> None:
        self._watches = tuple(w for w in self._watches if w is not watch and w.alive())
        # In another thread the handlers stay until a signal comes, and find no watch then.
        if not self._watches and _in_main_thread():
            self.restore()

    def restore(self) -> None:
        """Puts the previous handlers back, except where a program has set its own meanwhile."""
        while self._previous:
            number, handler = self._previous.popitem()
            if signal.getsignal(number) == self._handle:
                # None stands for a handler that is not Python's and cannot be put back.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.close()

    def forget(self) -> None:
        """Drops all watches, in a child process; does not touch the parent's pipe."""
        self._watches = ()
        self.restore()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        watched = self._tell(self._watches, number)
        if watched and self._alarm is not None:
            self._alarm.told = True
        self._watches = ()
        # A second signal goes to the previous handlers.
        self.restore()
        if not watched:
            signal.raise_signal(number)

    def _watched(self) -> tuple[SignalWatch, ...]:
        return self._watches

    def _tell(self, watches: tuple[SignalWatch, ...], number: int) -> bool:
        told = [watch.tell(signal.Signals(number).name) for watch in watches]
        return any(told)


class _Alarm:
    """A thread that is told of signals at once, also while the main thread is inside TensorFlow."""

    def __init__(
        self,
        watched: Callable[[], tuple[SignalWatch, ...]],
        tell: Callable[[tuple[SignalWatch, ...], int], bool],
    ) -> None:
        # Whether the main thread has told the watches already.
        self.told = False
        self._closed = False
        self._watched = watched
        self._tell = tell
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._fd = self._sender.fileno()
        previous = signal.set_wakeup_fd(self._fd, warn_on_full_buffer=False)
        if previous != -1:
            # An event loop uses it; then a second signal is noticed after the step.
            signal.set_wakeup_fd(previous)
        threading.Thread(target=self._listen, name='tfhooks-signals', daemon=True).start()

    def _listen(self) -> None:
        heard = 0
        with self._receiver:
            while True:
                try:
                    numbers = self._receiver.recv(16)
                except OSError:
                    return
                if not numbers:
                    return
                for number in numbers:
                    if number not in WATCHED:
                        continue
                    if heard:
                        # The main thread has not handled the first signal: it is blocked.
                        os._exit(128 + number)
                    # The watches are taken first: those of a later alarm are not this one's, and
                    # by the time they are there this alarm is closed.
                    watches = self._watched()
                    if self.told or (not self._closed and self._tell(watches, number)):
                        heard += 1
                        name = signal.Signals(number).name
                        log.warning(
                            '%s received: stopping after this step. Once more to kill.', name
                        )

    def close(self) -> None:
        self._closed = True
        current = signal.set_wakeup_fd(-1)
        if current not in (-1, self._fd):
            signal.set_wakeup_fd(current)
        # The thread reads what was sent before, and then the end.
        self._sender.close()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


_handlers = _Handlers()
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_handlers.forget)
