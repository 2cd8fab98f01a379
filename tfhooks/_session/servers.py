"""Makes calls to servers that do not answer fail, where TensorFlow waits for ever."""

from __future__ import annotations

import os
import re
import socket
import threading
from typing import Any

from tfhooks import _tensorflow as tf_private
from tfhooks._base import log
from tfhooks._tensorflow import Session, tf

# How long a server may take to accept a connection, and to take part in closing a lost session.
_CONNECT_SECS = 10.0
_CLOSE_SECS = 10.0

_ADDRESS = re.compile(r'grpc://(?P<host>[^/,:\[\]]+|\[[^\]]+\]):(?P<port>\d+)/?')
_PROXIES = ('grpc_proxy', 'https_proxy', 'http_proxy')


def fail_fast(master: Any) -> None:
    """Makes a call to a server that cannot be reached fail with UnavailableError.

    TensorFlow's calls wait until the server is there again, in `run` as in `close`. It reads the
    environment variable GRPC_FAIL_FAST at each call; a value that the user has set stays.

    Args:
      master: The master of a session. The variable is set only if that is a server.
    """
    if isinstance(master, str) and master.startswith('grpc'):
        os.environ.setdefault('GRPC_FAIL_FAST', 'true')


def check(master: Any) -> None:
    """Checks that the server that a session is to be made on accepts connections.

    The first call to a master waits for ever, even with GRPC_FAIL_FAST. Only a plain address is
    checked, since only gRPC can resolve others.

    Args:
      master: As for `tf.compat.v1.Session`, such as 'grpc://host:2222' or ''.

    Raises:
      tf.errors.UnavailableError: It does not accept one within ten seconds.
    """
    address = _ADDRESS.fullmatch(master) if isinstance(master, str) else None
    if address is None or any(os.environ.get(name) for name in _PROXIES):
        return
    try:
        place = address['host'].strip('[]'), int(address['port'])
        socket.create_connection(place, timeout=_CONNECT_SECS).close()
    except OSError as error:
        raise tf.errors.UnavailableError(
            None, None, f'The server at {master} cannot be reached: {error}'
        ) from error


def close(session: Session) -> None:
    """Closes a session that is lost; abandons it if its server does not answer.

    Raises:
      Exception: What closing it raised.
    """
    errors: list[Exception] = []

    def attempt() -> None:
        try:
            session.close()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=attempt, name='tfhooks_close', daemon=True)
    thread.start()
    thread.join(_CLOSE_SECS)
    if thread.is_alive():
        log.warning(
            'A lost session is left behind: its server has not answered for %.0f seconds.',
            _CLOSE_SECS,
        )
    if errors:
        raise errors[0]


def close_half_made(error: BaseException) -> None:
    """Closes the session that TensorFlow's SessionManager was making when `error` was raised.

    The manager keeps no reference to it. The garbage collector would close it at some later time,
    in any thread, and hang if the master is gone by then.
    """
    if error.__cause__ is not None:  # A creator may have raised an error of its own.
        close_half_made(error.__cause__)
    for session in tf_private.half_made_sessions(error):
        try:
            close(session)
        except Exception as another:
            log.info('While a session that was not ready was being closed: %s', another)
