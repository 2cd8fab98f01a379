"""Several processes in one directory: nobody's save is harmed, and each is told of the others."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys

import pytest
import warm_python
from saving_models import latest_step, saver, steps_in, training

from tfhooks._base import files
from tfhooks._checkpoints import claims
from tfhooks._checkpoints.best import BestCheckpoints

needs_proc = pytest.mark.skipif(not os.path.exists('/proc/self/stat'), reason='needs /proc')

# Three ranks at once: each saves when it begins, twice meanwhile, and at its end. They are forked,
# since importing TensorFlow takes seconds.
_RANKS = """
import os, sys
import tensorflow.compat.v1 as tf
import tfhooks

def train():
    step = tf.train.get_or_create_global_step()
    weights = tf.get_variable('weights', shape=[1_000_000], initializer=tf.zeros_initializer())
    op = tf.group(step.assign_add(1), weights.assign_add(tf.ones([1_000_000])))
    scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=50))
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=sys.argv[1], scaffold=scaffold, save_checkpoint_steps=2,
        save_summaries_steps=None, log_step_count_steps=None,
    ) as session:
        for _ in range(5):
            session.run(op)

children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        with tf.Graph().as_default():
            train()
        os._exit(0)
    children.append(child)
print(*children)
for child in children:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@needs_proc
def test_ranks_that_share_a_directory_all_end_and_are_told(tmp_path):
    command = [sys.executable, '-c', _RANKS, str(tmp_path)]
    ranks = warm_python.run(command, capture_output=True, text=True, timeout=300, check=True)
    pids, *codes = ranks.stdout.splitlines()
    assert codes == ['0', '0', '0'], ranks.stderr
    warned = re.findall(r'Another process saves into .*: process (\d+) on host', ranks.stderr)
    assert set(warned) <= set(pids.split())
    assert len(set(warned)) >= 2
    assert latest_step(tmp_path) in steps_in(tmp_path)
    assert steps_in(tmp_path)[-1] >= 5


@pytest.fixture
def neighbour():
    """A process that lives on."""
    with subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE) as process:
        yield process
        process.communicate(b'\n')


def lease(directory, **changes):
    pid = changes.get('pid', os.getpid())
    holder = {
        'host': socket.gethostname(),
        'pid': pid,
        'started': claims._started(pid),
        'lease': 'abc',
        **changes,
    }
    (directory / '.tfhooks_saver').write_text(json.dumps(holder))


@needs_proc
def test_a_process_of_this_machine_is_known_at_once(tmp_path, neighbour, log):
    lease(tmp_path, pid=neighbour.pid)
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    (line,) = log('Another process saves into')
    assert f'process {neighbour.pid} on host {socket.gethostname()}' in line


@needs_proc
def test_what_another_process_is_just_keeping_as_best_is_left_alone(tmp_path, neighbour):
    best = tmp_path / 'best'
    best.mkdir()
    (best / 'model.ckpt-7.index').write_text('')
    state = {'mode': 'min', 'checkpoints': [], 'unfinished': ['model.ckpt-7']}
    (best / 'best_checkpoints.json').write_text(json.dumps(state))
    lease(tmp_path, pid=neighbour.pid)
    BestCheckpoints(len).begin(str(tmp_path))
    assert (best / 'model.ckpt-7.index').exists()
    lease(tmp_path)  # This process itself.
    BestCheckpoints(len).begin(str(tmp_path))
    assert not (best / 'model.ckpt-7.index').exists()


def test_a_process_elsewhere_is_known_when_it_saves_again(tmp_path, log):
    lease(tmp_path, host='elsewhere', pid=7)
    hook = saver(tmp_path)
    with training(tmp_path, [hook]) as run:
        run(1)
        assert not log('Another process')
        lease(tmp_path, host='elsewhere', pid=7)  # As its next save does.
        run(1)
        assert 'process 7 on host elsewhere' in log('Another process saves into')[0]
        lease(tmp_path, host='elsewhere', pid=7)
        run(2)
        assert len(log('Another process saves into')) == 1
        assert 'process 7 on host elsewhere' in claims.other_saver(str(tmp_path))


@pytest.mark.parametrize(
    'left',
    [
        {'pid': 2**22 + 1},  # It was killed.
        {'started': '0'},  # Another process has its number now.
        {'host': 'elsewhere'},  # Nobody knows.
    ],
)
def test_what_a_killed_process_left_says_nothing(left, tmp_path, log):
    lease(tmp_path, **left)
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    assert not log('Another process')
    assert not (tmp_path / '.tfhooks_saver').exists()


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'\xff',
        b'[' * 100_000,
        b'3',
        b'{"host": 1}',
        b'{"host": [], "pid": "x", "started": {}, "lease": 1}',
    ],
)
def test_a_damaged_lease_blocks_nothing(content, tmp_path):
    (tmp_path / '.tfhooks_saver').write_bytes(content)
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    assert steps_in(tmp_path) == [0, 2, 3]


def test_a_lease_that_cannot_be_written_blocks_nothing(tmp_path):
    (tmp_path / '.tfhooks_saver' / 'in the way').mkdir(parents=True)
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
    assert steps_in(tmp_path) == [0, 2, 3]


def test_the_lease_of_another_stays(tmp_path):
    with training(tmp_path, [saver(tmp_path)]) as run:
        run(3)
        lease(tmp_path, host='elsewhere')
        before = (tmp_path / '.tfhooks_saver').read_text()
        claims._leases[files.key(str(tmp_path))].release()
        assert (tmp_path / '.tfhooks_saver').read_text() == before
