"""Starts the tasks of a cluster as processes on this machine, kills them and reads their logs.

    with Cluster(tmp_path, 'program.py', {'ps': 1, 'chief': 1, 'worker': 2}) as cluster:
        cluster.start()
        cluster.until_logged('chief:0', 'step 5')
        cluster.kill('ps:0')
        cluster.start('ps:0')
        assert cluster.wait('chief:0') == 0

A task is the program in a Python of its own, with TF_CONFIG set. Its stdout and stderr go to a
file, one for each of its lives. It must print a line `serving` when its server is up. Whatever
happens, no task outlives the `with`, the test process or the hard limit.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import warm_python

SERVING = r'(?m)^serving$'
_BIND_FAILED = re.compile(r'Could not start gRPC server|[Aa]ddress already in use')
_STARTS = 5
_POLL_SECS = 0.05


class TaskFailed(AssertionError):
    """A task ended before it logged what was waited for, or the hard limit is over."""


class Ports:
    """Ports of the loopback interface that nobody else gets while this object is open.

    Each is kept by a bound socket that does not listen. It allows others to share its port, and
    TF_GRPC_REUSE_PORT lets TensorFlow's server do so.
    """

    def __init__(self, count: int) -> None:
        self._sockets: list[socket.socket] = []
        try:
            for _ in range(count):
                holder = socket.socket()
                self._sockets.append(holder)
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                holder.bind(('127.0.0.1', 0))
        except BaseException:
            self.close()
            raise
        self.numbers: list[int] = [holder.getsockname()[1] for holder in self._sockets]

    def close(self) -> None:
        for holder in self._sockets:
            holder.close()


class Task:
    """One task and the process that it has now."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.job, _, index = name.partition(':')
        self.index = int(index)
        self.directory = directory
        self.lives = 0
        self.process: subprocess.Popen[bytes] | None = None

    def log_path(self, life: int | None = None) -> Path:
        return self.directory / f'{self.job}_{self.index}.{life or self.lives}.log'

    def log(self, life: int | None = None) -> str:
        """What the process has written in its newest life, or in that one (from 1 on)."""
        path = self.log_path(life)
        return path.read_text(encoding='utf-8', errors='replace') if path.exists() else ''

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        assert self.process is None, f'{self.name} runs already'
        self.lives += 1
        with open(self.log_path(), 'wb') as log:
            # The pipe to its stdin breaks when this process ends, however that happens.
            self.process = warm_python.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=self.directory,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Ends the process, if there is one, with SIGKILL."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()


class Cluster:
    """The tasks of one cluster. A context manager; leaving it kills every task.

    Attributes:
      tasks: The tasks by name, such as 'ps:0', 'chief:0' and 'worker:1'.
      addresses: The addresses of each job's tasks, as in a ClusterSpec.
    """

    def __init__(
        self,
        directory: Path,
        program: Path | str,
        jobs: Mapping[str, int],
        arguments: Iterable[object] = (),
        environment: Mapping[str, str] | None = None,
        limit_secs: float = 300,
    ) -> None:
        """Starts nothing yet.

        Args:
          directory: Where logs go, and the working directory of the tasks.
          program: The path of the Python program that each task runs.
          jobs: How many tasks each job has. They are started in this order.
          arguments: Arguments of the program.
          environment: Variables for the tasks, added to this process's own.
          limit_secs: After so many seconds every task is killed, and what is waited for fails.
        """
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._command = [sys.executable, str(Path(__file__).resolve()), str(program)]
        self._command += [str(argument) for argument in arguments]
        self._added = dict(environment or {})
        self._jobs = dict(jobs)
        self._limit_secs = limit_secs
        self._expired = threading.Event()
        self._timer = threading.Timer(limit_secs, self._expire)
        self._timer.daemon = True
        self._ports: Ports | None = None
        self.addresses: dict[str, list[str]] = {}
        self.tasks: dict[str, Task] = {}
        self._renew()

    def _renew(self) -> None:
        """Takes new ports, and tasks that have not lived."""
        if self._ports is not None:
            self._ports.close()
        self._ports = Ports(sum(self._jobs.values()))
        numbers = iter(self._ports.numbers)
        self.addresses = {
            job: [f'127.0.0.1:{next(numbers)}' for _ in range(count)]
            for job, count in self._jobs.items()
        }
        self.tasks = {
            f'{job}:{index}': Task(f'{job}:{index}', self._directory)
            for job, count in self._jobs.items()
            for index in range(count)
        }

    def __enter__(self) -> Cluster:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kills every task and gives the ports back."""
        self._timer.cancel()
        try:
            for task in self.tasks.values():
                task.kill()
        finally:
            if self._ports is not None:
                self._ports.close()

    def _expire(self) -> None:
        self._expired.set()
        for task in self.tasks.values():
            process = task.process
            if process is not None and process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    # Processes.

    def environment_of(self, name: str) -> dict[str, str]:
        """The environment variables of a task."""
        task = self.tasks[name]
        environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='-1')
        environment['PYTHONPATH'] = os.pathsep.join(path or os.getcwd() for path in sys.path)
        environment['PYTHONUNBUFFERED'] = '1'
        environment['TF_GRPC_REUSE_PORT'] = '1'
        environment['TF_CONFIG'] = json.dumps(
            {'cluster': self.addresses, 'task': {'type': task.job, 'index': task.index}}
        )
        # A proxy of this machine must not stand between processes on it.
        for variable in ('http_proxy', 'https_proxy', 'grpc_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'):
            environment.pop(variable, None)
        return {**environment, **self._added}

    def start(self, *names: str) -> None:
        """Starts these tasks, or all, and waits until they serve.

        If a port cannot be had, a cluster of which nothing has run before begins anew with other
        ports.
        """
        fresh = not any(task.lives for task in self.tasks.values())
        for attempt in range(1, _STARTS + 1):
            started = names or tuple(self.tasks)
            for name in started:
                self.tasks[name].start(self._command, self.environment_of(name))
            try:
                for name in started:
                    self.until_logged(name, SERVING)
                return
            except TaskFailed:
                logs = [self.tasks[name].log() for name in started]
                if not fresh or attempt == _STARTS or not any(map(_BIND_FAILED.search, logs)):
                    raise
            for name in started:
                self.tasks[name].kill()
            self._renew()

    def launch(self, *names: str) -> None:
        """Starts these tasks and waits for nothing."""
        for name in names:
            self.tasks[name].start(self._command, self.environment_of(name))

    def kill(self, name: str) -> None:
        """Ends a running task with SIGKILL."""
        process = self.tasks[name].process
        if process is None or process.poll() is not None:
            raise TaskFailed(self._about(f'{name} does not run'))
        self.tasks[name].kill()

    def restart(self, name: str) -> None:
        """Kills a task and starts it again."""
        self.kill(name)
        self.start(name)

    def wait(self, name: str) -> int:
        """Waits until the task has ended by itself; returns its exit status."""
        process = self.tasks[name].process
        assert process is not None, f'{name} was not started'
        while process.poll() is None:
            self._raise_if_expired(f'the end of {name}')
            time.sleep(_POLL_SECS)
        self._raise_if_expired(f'the end of {name}')
        return process.returncode

    # Logs.

    def log(self, name: str, life: int | None = None) -> str:
        """What a task has logged in its newest life, or in that one (from 1 on)."""
        return self.tasks[name].log(life)

    def until_logged(self, name: str, pattern: str, count: int = 1) -> list[Any]:
        """Waits until the newest life of a task has logged what `pattern` finds.

        Args:
          name: The task.
          pattern: A regular expression.
          count: How many matches to wait for.

        Returns:
          All that `re.findall` finds.

        Raises:
          TaskFailed: The task has ended without it, or the hard limit is over.
        """
        task = self.tasks[name]
        while True:
            process = task.process
            ended = process is None or process.poll() is not None
            found = re.findall(pattern, task.log())
            if len(found) >= count:
                return found
            self._raise_if_expired(f'{pattern!r} of {name}')
            if ended:
                raise TaskFailed(self._about(f'{name} has ended without logging {pattern!r}'))
            time.sleep(_POLL_SECS)

    def _raise_if_expired(self, what: str) -> None:
        if self._expired.is_set():
            limit = self._limit_secs
            raise TaskFailed(self._about(f'{what} did not come within limit_secs={limit}'))

    def _about(self, what: str) -> str:
        parts = [what]
        for task in self.tasks.values():
            for life in range(1, task.lives + 1):
                tail = '\n'.join(task.log(life).splitlines()[-40:])
                parts.append(f'--- {task.name}, life {life}\n{tail}')
        return '\n'.join(parts)


def _main() -> None:
    """Runs the program that the arguments name, and ends with the process that started this one."""

    def end_with_parent() -> None:
        while os.read(0, 4096):
            pass
        os._exit(3)

    threading.Thread(target=end_with_parent, daemon=True).start()
    del sys.argv[0]
    # What stood there was the folder of this file.
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name='__main__')


if __name__ == '__main__':
    _main()
