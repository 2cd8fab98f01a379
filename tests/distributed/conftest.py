"""A hard limit for each test.

The tasks of a cluster have one of their own. But a call of TensorFlow's that hangs in the process
of the test cannot be ended, other than with the process.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading

import pytest

LIMIT_SECS = 600


@pytest.fixture(autouse=True)
def _ends_within_the_limit(request):
    capture = request.config.pluginmanager.getplugin('capturemanager')

    def expire():
        with capture.global_and_fixture_disabled():
            name = request.node.nodeid
            print(f'\n{name} has not ended within {LIMIT_SECS} seconds', file=sys.__stderr__)
            faulthandler.dump_traceback(sys.__stderr__)
        os._exit(1)

    timer = threading.Timer(LIMIT_SECS, expire)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


@pytest.fixture(autouse=True)
def _no_proxy_in_between(monkeypatch):
    monkeypatch.setenv('no_grpc_proxy', 'localhost,127.0.0.1')
