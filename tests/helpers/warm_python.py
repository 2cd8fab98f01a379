"""`run` and `Popen` of subprocess for Python programs, without the seconds that TensorFlow takes.

A program is forked from a process that has imported TensorFlow (warm_server.py), and is otherwise
as a Python of its own. Only what such a fork cannot be is started as ever: another command, Python
with options, a process with file descriptors or a user of its own.

A test of what is imported, of how the process starts or of its threads belongs to subprocess.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys

SERVER = pathlib.Path(__file__).with_name('warm_server.py')
# Variables that Python or TensorFlow reads when it starts: each set of values has its server.
EARLY = re.compile(r'(PYTHON|TF_|CUDA|NVIDIA|XLA|KERAS|OMP|MKL|LD_|LANG|LC_)')
# But these are read by the program, or are done by the server.
LATE = {'PYTHONPATH', 'TF_CONFIG', 'TF_GRPC_REUSE_PORT', 'TF_USE_LEGACY_KERAS'}


@functools.cache
def _server(early):
    """The connection to a server, which ends when this process does."""
    owner = os.getpid()
    environment = {k: v for k, v in os.environ.items() if not EARLY.match(k)}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, SERVER, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env={**environment, **dict(early)},
            pass_fds=[theirs.fileno()],
        )

    @atexit.register
    def end():
        if os.getpid() == owner:
            ours.shutdown(socket.SHUT_RDWR)
            process.wait()

    return ours


class Popen(subprocess.Popen):
    """A `subprocess.Popen` whose process is a fork of a server, where it can be one."""

    _status = None

    def _execute_child(
        self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo,
        creationflags, shell, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,
        restore_signals, gid, gids, uid, umask, start_new_session, *process_group,
    ):  # fmt: skip
        cwd = os.path.abspath(cwd or os.curdir)
        environment = dict(os.environ if env is None else env)
        unusual = {executable, preexec_fn, shell or None, *pass_fds, gid, gids, uid, umask}
        unusual.update(process_group)
        if unusual - {None, -1} or not _is_program(args, cwd) or 'PYTHONSAFEPATH' in environment:
            return super()._execute_child(
                args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo,
                creationflags, shell, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,
                restore_signals, gid, gids, uid, umask, start_new_session, *process_group,
            )  # fmt: skip
        early = {k: v for k, v in environment.items() if EARLY.match(k) and k not in LATE}
        connection = _server(tuple(sorted(early.items())))
        request = {
            'arguments': [os.fspath(argument) for argument in args[1:]],
            'environment': environment,
            'cwd': cwd,
            'new_session': start_new_session,
        }
        pipes = (p2cread, c2pwrite, errwrite)
        fds = [number if fd == -1 else fd for number, fd in enumerate(pipes)]
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(connection, [json.dumps(request).encode()], [*fds, theirs.fileno()])
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
        answer = self._status.recv(100).split()
        assert answer[:1] == [b'pid'], 'the server has ended: its stderr says why'
        self.pid = int(answer[1])
        self._child_created = True

    def _wait(self, timeout):
        if self._status is None:
            return super()._wait(timeout)
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            # It stays there for other threads.
            end = self._status.recv(100, socket.MSG_PEEK).split()
            # A server that ends kills its children.
            self.returncode = int(end[1]) if end else -signal.SIGKILL
        return self.returncode

    def _internal_poll(self, *args, **options):
        if self._status is None:
            return super()._internal_poll(*args, **options)
        try:
            return self._wait(0)
        except subprocess.TimeoutExpired:
            return None


def _is_program(command, cwd):
    """Whether a command is Python with a program alone."""
    python, first, *more = [*map(os.fspath, command), '']
    if python != sys.executable or isinstance(command, str):
        return False
    if first in ('-c', '-m'):
        return len(more) > 1
    return first.endswith('.py') and os.path.isfile(os.path.join(cwd, first))


def run(command, *, input=None, capture_output=False, timeout=None, check=False, **options):
    """Runs a program to its end, as `subprocess.run` does."""
    if input is not None:
        options['stdin'] = subprocess.PIPE
    if capture_output:
        options.update(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with Popen(command, **options) as process:
        try:
            output = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, *output)
    if check:
        done.check_returncode()
    return done
