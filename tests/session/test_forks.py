"""A process that is forked while it has a session: the child is told, the parent goes on."""

from __future__ import annotations

import json
import os
import sys

import pytest
import warm_python

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='there are no forks here')

PROGRAM = """
import json, os, sys
import tensorflow.compat.v1 as tf
import tfhooks

tf.disable_eager_execution()
ended = []
step = tf.assign_add(tf.train.get_or_create_global_step(), 1)
hooks = [tfhooks.hook(end=lambda session: ended.append(os.getpid()))]
closed = tfhooks.MonitoredSession()
closed.close()
was = str(closed.stop_reason)


def child(session):
    raised = [session.should_stop()]
    for method in (session.run, session.run_without_hooks, session.run_step_fn):
        try:
            method(step)
        except tfhooks.SessionClosedError as error:
            raised.append(str(error))
    session.__exit__(None, None, None)  # As at the end of its block.
    session.close()
    runs = int(threadless.run(alone))
    return [raised, session.graph is None, ended, str(closed.stop_reason) == was, runs]


config = tf.ConfigProto(inter_op_parallelism_threads=-1, intra_op_parallelism_threads=1)
with tf.Graph().as_default():
    alone = tf.assign_add(tf.train.get_or_create_global_step(), 1)
    threadless = tfhooks.SingularMonitoredSession(config=config)
with tfhooks.MonitoredTrainingSession(checkpoint_dir=sys.argv[1], hooks=hooks) as session:
    session.run(step)
    reads, writes = os.pipe()
    made_in = os.getpid()
    if os.fork() == 0:
        os.write(writes, json.dumps(child(session)).encode())
        os._exit(0)
    os.wait()
    last = int(session.run(step))
print(json.dumps([json.loads(os.read(reads, 10000)), made_in, last, ended == [made_in]]))
"""


def test_a_fork_runs_and_ends_nothing_and_its_parent_goes_on(tmp_path):
    done = warm_python.run(
        [sys.executable, '-c', PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (child, made_in, last, is_ended) = json.loads(done.stdout)
    raised, has_no_graph, ended, keeps_reason, runs = child
    assert raised[0] is True
    assert len(raised) == 4
    for text in raised[1:]:
        assert f'it was made in process {made_in}, and this is process' in text
        assert "get_context('spawn')" in text
        assert 'Make a new one' not in text
    assert has_no_graph
    assert ended == []
    assert keeps_reason
    assert runs == 1
    assert last == 2
    assert is_ended
