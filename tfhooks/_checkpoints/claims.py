"""Allows one saver a directory: a second is an error in this process, a warning among processes.

Each process that saves into a directory says so in a small file in it, the lease. Nothing waits for
a lease, and nothing fails by it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import uuid
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tfhooks._base import files, log
from tfhooks._tensorflow import originals, saves_to, tf

_LEASE = '.tfhooks_saver'
_claims: dict[tuple[str, str], Claim] = {}
_leases: dict[str, _Lease] = {}
_lock = threading.Lock()


class Claim:
    """Reserves a directory for the saves of one hook, for as long as its session is open.

    A lease tells other processes.

    Args:
      directory: The directory.
      basename: The beginning of the names of its checkpoints there.
      hook: The hook.
      name: The hook's name in errors.
      session: The session that the hook saves.
      coord: The Coordinator of the session, or None.
      saver: The Saver of the hook. Hooks may share a Saver, which knows what it has written.

    Raises:
      ValueError: Another hook of an open session saves under this name in the directory.
    """

    def __init__(
        self,
        directory: str,
        basename: str,
        hook: Any,
        name: str,
        session: Any,
        coord: Any,
        saver: Any,
    ) -> None:
        self._key = files.key(directory), basename
        self._hook = weakref.ref(hook)
        self._session = weakref.ref(session)
        self._coord = coord
        # Weakly, since a Saver may keep the session alive.
        self._saver: Callable[[], Any] = lambda: None
        with contextlib.suppress(TypeError):  # It cannot be referred to weakly.
            self._saver = weakref.ref(saver)
        self.name = name
        with _lock:
            other = _claims.get(self._key)
            if other is not None and other._holds_against(hook, saver):
                raise ValueError(
                    f'Two savers must not share a directory: {other.name} and {name} both save '
                    f'into checkpoint_dir={directory!r}. Give one of them another directory, or '
                    'leave one out: MonitoredTrainingSession makes a saver of its own unless '
                    'save_checkpoint_secs=None and save_checkpoint_steps=None. A saver of an '
                    'earlier session is in the way until that session is closed.'
                )
            beside = next((c for c in _claims.values() if c._is_beside(self)), None)
            _claims[self._key] = self
            lease = _leases.get(self._key[0])
            if lease is None or lease.is_inherited():
                lease = _leases[self._key[0]] = _Lease(directory)
        if beside is not None:
            log.warning(
                '%s and %s both save into %s, under other names: the file `checkpoint` names what '
                'the last of them has saved, and a restart restores that. Give one of them another '
                'directory, or its Saver another `latest_filename`.',
                beside.name,
                name,
                directory,
            )
        lease.renew()

    def release(self) -> None:
        """Lets another hook save into the directory."""
        with _lock:
            if _claims.get(self._key) is not self:
                return
            del _claims[self._key]
            directory = self._key[0]
            is_last = all(other != directory for other, _ in _claims)
            lease = _leases.pop(directory, None) if is_last else None
        if lease is not None:
            lease.release()

    def _is_beside(self, other: Claim) -> bool:
        """True if this claim is for another name in the directory of `other`."""
        return (
            self._key[0] == other._key[0]
            and self._key != other._key
            and self._holds_against(other._hook(), other._saver)
        )

    def _holds_against(self, hook: Any, saver: Any) -> bool:
        mine = self._hook()
        if mine is None or mine is hook or self._session() is None:
            return False
        if saver is not None and saver is self._saver():
            return False
        # A failed session calls no `end`, but its coordinator is stopped.
        return self._coord is None or not self._coord.should_stop()


def other_saver(directory: str) -> str | None:
    """Describes another process that saves into a directory claimed here; None if none is known.

    Warns of each such process once. To be called with each save, and when one fails.
    """
    with _lock:
        lease = _leases.get(files.key(directory))
    return None if lease is None else lease.renew()


def is_anothers(directory: str) -> bool:
    """True if another process of this machine is known to save into a directory."""
    lease = _Lease(directory)
    found = lease.read()
    return found is not None and found.pid != os.getpid() and lease.is_alive(found)


class _Holder(NamedTuple):
    """A process that saves, as a lease names it.

    Attributes:
      host: The name of its machine.
      pid: Its number there.
      started: Its start time, which tells it from a later process of the same number; None where
        the system does not say.
      lease: A random name of the lease itself.
    """

    host: str
    pid: int
    started: str | None
    lease: str


class _Lease:
    """A file that says which process saves into a directory.

    The process that came or saved last has written it. One that finds another's entry where it had
    written its own knows that the other is alive.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._path = os.path.join(directory, _LEASE)
        pid = os.getpid()
        self._mine = _Holder(socket.gethostname(), pid, _started(pid), uuid.uuid4().hex)
        self._is_written = False
        self._met: dict[str, str] = {}
        self._lock = threading.Lock()

    def is_inherited(self) -> bool:
        """True if this process was forked from the one that made the lease."""
        return self._mine.pid != os.getpid()

    def renew(self) -> str | None:
        """Writes the lease unless it is there; returns a description of another saver, or None."""
        with self._lock:
            found = self.read()
            if found != self._mine:
                if found is not None and (self._is_written or self.is_alive(found)):
                    self._meet(found)
                self._write()
            return next(reversed(self._met.values()), None)

    def release(self) -> None:
        """Removes the lease if it is this process's."""
        with self._lock:
            if self.read() == self._mine:
                files.remove(self._path)

    def is_alive(self, other: _Holder) -> bool:
        """True if another holder is known to be alive; False where that cannot be known."""
        is_here = other.host == self._mine.host and other.started is not None
        return is_here and _started(other.pid) == other.started

    def _meet(self, other: _Holder) -> None:
        if other.lease in self._met:
            return
        self._met[other.lease] = f'process {other.pid} on host {other.host}'
        log.warning(
            "Another process saves into %s, too: %s. Each removes and replaces the other's "
            'checkpoints, and a restart goes on from what was saved last by either. Give '
            'checkpoint_dir to one of them only (with Horovod: to rank 0), or a directory of its '
            'own to each.',
            self._directory,
            self._met[other.lease],
        )

    def _write(self) -> None:
        self._is_written = False
        with contextlib.suppress(OSError, tf.errors.OpError):
            files.write_json(self._path, self._mine._asdict())
            self._is_written = True

    def read(self) -> _Holder | None:
        """Reads the holder from the file, or returns None if that is no lease."""
        try:
            if tf.gfile.Exists(self._path):
                holder = _Holder(**files.read_json(self._path))
                return holder._replace(host=str(holder.host), pid=int(holder.pid))
        except (OSError, tf.errors.OpError, ValueError, TypeError):
            pass
        return None


def _started(pid: int) -> str | None:
    """The start time of a process of this machine, in clock ticks since boot; None if unknown."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as file:
            # The name of the program, in brackets, may hold anything.
            state, *fields = file.read().rpartition(')')[2].split()
    except (OSError, ValueError):
        return None
    return None if state in 'ZX' else fields[18]


def warn_of_shared(hooks: Iterable[tuple[str, Any]]) -> None:
    """Warns of TensorFlow's own savers beside others in one directory.

    Hooks may share a Saver, which knows what it has written. tfhooks' own hooks claim their
    directory.

    Args:
      hooks: The hooks of a session, each with its name.
    """
    found: dict[str, tuple[str, Any]] = {}
    for name, hook in hooks:
        parts = saves_to(hook) if isinstance(hook, originals.CheckpointSaverHook) else None
        if parts is None:
            continue
        directory, saver = parts
        other, other_saver = found.setdefault(files.key(directory), (name, saver))
        if saver is not other_saver:
            log.warning(
                '%s and %s both save into %s, with a Saver each: they remove and replace '
                "each other's checkpoints. Give one of them another directory, or both one Saver.",
                other,
                name,
                directory,
            )
