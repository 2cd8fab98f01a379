"""What is not there is waited for as long as was asked for, and then named in an error."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from harness import Cluster

import tfhooks
from tfhooks._session import servers


@pytest.fixture(scope='module')
def history(tmp_path_factory):
    """What a worker without its servers has said, and the address of the parameter server."""
    directory = tmp_path_factory.mktemp('cluster')
    program = Path(__file__).with_name('hopeless.py')
    with Cluster(directory, program, {'ps': 1, 'worker': 1}, limit_secs=300) as cluster:
        cluster.start('worker:0')
        cluster.until_logged('worker:0', 'to be started')
        cluster.start('ps:0')
        cluster.until_logged('ps:0', 'serving')
        (directory / 'started').touch()
        cluster.until_logged('worker:0', '(?m)^trains$')
        cluster.kill('ps:0')
        status = cluster.wait('worker:0')
        yield {
            'status': status,
            'log': cluster.log('worker:0'),
            'address': cluster.addresses['ps'][0],
        }


def outcome(history, attempt):
    lines = [json.loads(line) for line in re.findall(r'(?m)^{"attempt".*$', history['log'])]
    (line,) = (line for line in lines if line['attempt'] == attempt)
    return line['outcome']


def gave_up(history):
    """The number of attempts after which tfhooks gave up, each time."""
    found = re.findall(r'Gave up to .* after (\d+) of (\d+) attempts', history['log'])
    return [tuple(map(int, numbers)) for numbers in found]


def test_nothing_waits_for_ever(history):
    assert history['status'] == 0
    assert re.search('(?m)^done$', history['log'])


def test_a_server_that_never_comes_is_named_after_the_tries(history):
    text = outcome(history, 'the server never comes')
    assert text.startswith('UnavailableError')
    assert '/job:ps/replica:0/task:0' in text
    assert gave_up(history)[0] == (4, 4)
    assert 'Attempt 3 of 4 to create a session failed: UnavailableError' in history['log']
    assert re.search(r'Gave up .*/job:ps/replica:0/task:0', history['log'])


def test_a_server_that_does_not_come_in_the_time_asked_for(history):
    text = outcome(history, 'nor in the time asked for')
    assert text.startswith('UnavailableError')
    tries, of = gave_up(history)[1]
    # It is the time that has ended it.
    assert tries < of == 10**6


def test_a_master_that_never_comes(history):
    text = outcome(history, 'the master never comes')
    assert text.startswith(f'UnavailableError: The server at grpc://{history["address"]} cannot be')
    assert gave_up(history)[2] == (4, 4)


def test_a_chief_that_never_comes(history):
    text = outcome(history, 'the chief never comes')
    assert text.startswith('DeadlineExceededError: Session was not ready after waiting 2 secs')


def test_a_server_that_dies_for_ever(history):
    assert outcome(history, 'the server dies for ever').startswith('UnavailableError')
    # The first of the tries is the one that lost the session.
    assert gave_up(history)[3] == (4, 4)


# What holds in this process.


def test_only_a_session_on_a_server_lets_calls_fail(monkeypatch):
    monkeypatch.delenv('GRPC_FAIL_FAST', raising=False)
    for master in ('', 'local', None):
        servers.fail_fast(master)
        assert 'GRPC_FAIL_FAST' not in servers.os.environ
    monkeypatch.setenv('GRPC_FAIL_FAST', 'false')
    servers.fail_fast('grpc://localhost:1')
    assert servers.os.environ['GRPC_FAIL_FAST'] == 'false'


def test_a_master_of_which_only_grpc_knows_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(servers.socket, 'create_connection', pytest.fail)
    for name in servers._PROXIES:
        monkeypatch.delenv(name, raising=False)
    for master in ('', 'local', None, 'grpc:///a', 'grpc://a:1,b:2', 'unix:/tmp/socket'):
        servers.check(master)
    monkeypatch.setenv('http_proxy', 'http://here:3128')
    servers.check('grpc://localhost:1')


def test_a_session_that_cannot_be_closed_is_left_behind(monkeypatch, caplog):
    monkeypatch.setattr(servers, '_CLOSE_SECS', 0.05)
    over = threading.Event()

    class Stuck:
        def close(self):
            over.wait(120)

    class Fails:
        def close(self):
            raise tf.errors.AbortedError(None, None, 'boom')

    servers.close(Stuck())
    over.set()
    monkeypatch.setattr(servers, '_CLOSE_SECS', 120)
    assert [r.getMessage() for r in caplog.records if r.name == 'tfhooks'] == [
        'A lost session is left behind: its server has not answered for 0 seconds.'
    ]
    with pytest.raises(tf.errors.AbortedError, match='boom'):
        servers.close(Fails())


def test_threads_that_do_not_end_are_named_at_close(caplog):
    over = threading.Event()

    class StartsThreads(tfhooks.SessionRunHook):
        def after_create_session(self, session, coord):
            self.coord, self.threads = coord, {}
            for name, wait in (('slow_reader', over.wait), ('good_reader', coord.wait_for_stop)):
                thread = threading.Thread(target=wait, args=[120], name=name, daemon=True)
                coord.register_thread(thread)
                thread.start()
                self.threads[name] = thread

        def end(self, session):
            self.coord.request_stop()
            self.threads['good_reader'].join()

    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        with tfhooks.MonitoredSession(
            hooks=[StartsThreads()], stop_grace_period_secs=0.2
        ) as session:
            session.run(step)
    over.set()
    (line,) = (
        r.getMessage() for r in caplog.records if r.name == 'tfhooks' and 'thread' in r.getMessage()
    )
    assert 'slow_reader' in line
    assert 'good_reader' not in line
