"""`--seed`, `--deterministic` and `--stop-after-runs` of `python -m tfhooks`."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from cli_programs import RUNNER, python, write

PROGRAM = """
    import json, random
    import numpy as np
    import tensorflow as tf

    def train(seed=None):
        if seed is not None:
            tf.set_random_seed(seed)
        number = tf.random_uniform([])
        count = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        with tf.train.MonitoredTrainingSession() as session:
            while not session.should_stop():
                runs = session.run([count, number])
        return int(runs[0]), float(runs[1])

    found = {'python': random.random(), 'numpy': np.random.rand(), 'default graph': train()}
    with tf.Graph().as_default():
        found['same'] = train()
    with tf.Graph().as_default():
        found['seeded by the program'] = train(7)
    with tf.Graph().as_default() as graph:
        graph.seed = None
        try:
            found['not seeded'] = str(tf.random_uniform([]))
        except RuntimeError as error:
            found['not seeded'] = str(error)
    print(json.dumps(found))
"""


def test_the_same_numbers_and_an_end(tmp_path):
    write(tmp_path, {'train': PROGRAM})
    options = ('--seed', 3, '--deterministic', '--stop-after-runs', 5)
    done = python(tmp_path, *RUNNER, *options, 'train.py')
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found['python'] == random.Random(3).random()
    assert found['numpy'] == np.random.RandomState(3).rand()
    assert found['default graph'] == found['same']
    assert found['same'] != found['seeded by the program']
    assert {found[name][0] for name in ('default graph', 'same', 'seeded by the program')} == {5}
    # TensorFlow is deterministic: it refuses an operation that cannot be.
    assert 'require a seed to be set when determinism is enabled' in found['not seeded']


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (('--seed', '-1'), 'argument --seed: must be at least 0: -1'),
        (('--seed', 'x'), "argument --seed: invalid _whole value: 'x'"),
        (('--stop-after-runs', '0'), 'argument --stop-after-runs: must be at least 1: 0'),
    ],
)
def test_bad_arguments(tmp_path, options, text):
    done = python(tmp_path, *RUNNER, *options, 'train.py')
    assert done.returncode == 2
    assert text in done.stderr
