"""One unchanged program on TensorFlow 1.15, on compat.v1 of today's TensorFlow, and with tfhooks.

    python benchmarks/against_the_original.py --old /path/to/python3.7
    python benchmarks/against_the_original.py              # without the old Python: the other two

The program trains a small model with the hooks of a usual MonitoredTrainingSession; what differs is
what `tensorflow` means. Each turn is a process of its own, on one core, and prints the steps a
second after a warm-up; the table shows medians over the turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap

# Runs on Python 3.7 as well.
PROGRAM = """
    import sys, tempfile, time
    import numpy as np
    {imports}
    tf.logging.set_verbosity(tf.logging.ERROR)

    kind, seconds = sys.argv[1], float(sys.argv[2])

    def dense(x, size, name):
        with tf.variable_scope(name):
            w = tf.get_variable('w', [int(x.shape[-1]), size])
            return tf.matmul(x, w) + tf.get_variable('b', [size])

    def convolution(x, size, name):
        with tf.variable_scope(name):
            w = tf.get_variable('w', [5, 5, int(x.shape[-1]), size])
            x = tf.nn.relu(tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding='SAME'))
            return tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')

    x = tf.placeholder(tf.float32, [None, 784])
    y = tf.placeholder(tf.int64, [None])
    if kind == 'CNN':
        hidden = tf.reshape(x, [-1, 28, 28, 1])
        hidden = convolution(convolution(hidden, 32, 'one'), 64, 'two')
        hidden = tf.nn.relu(dense(tf.reshape(hidden, [-1, 7 * 7 * 64]), 256, 'three'))
    else:
        hidden = tf.nn.relu(dense(tf.nn.relu(dense(x, 64, 'one')), 64, 'two'))
    logits = dense(hidden, 10, 'logits')
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    tf.summary.scalar('loss', loss)
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(0.001).minimize(loss, global_step=step)

    random = np.random.RandomState(0)
    images = random.rand(32, 784).astype(np.float32)
    labels = random.randint(0, 10, 32)
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    hooks = [
        tf.train.StopAtStepHook(last_step=10 ** 9),
        tf.train.NanTensorHook(loss),
        tf.train.LoggingTensorHook({{'loss': loss}}, every_n_iter=100),
    ]
    directory = tempfile.mkdtemp(dir=sys.argv[3])
    with tf.train.MonitoredTrainingSession(
            checkpoint_dir=directory, hooks=hooks, config=config) as session:
        def run(seconds):
            steps, start = 0, time.time()
            while time.time() < start + seconds:
                session.run(train, {{x: images, y: labels}})
                steps += 1
            return steps / (time.time() - start)
        run(seconds / 4)
        print('steps a second:', run(seconds))
"""
OLD = 'TensorFlow 1.15'
IMPORTS = {
    OLD: 'import tensorflow as tf',
    'compat.v1': 'import tensorflow.compat.v1 as tf; tf.disable_v2_behavior()',
    'tfhooks': 'import tfhooks.v1 as tf',
}


def steps_a_second(python: str, way: str, model: str, seconds: float) -> float:
    program = textwrap.dedent(PROGRAM).format(imports=IMPORTS[way])
    environment = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': '-1'}
    if way == OLD:
        environment.pop('PYTHONPATH', None)
    with tempfile.TemporaryDirectory() as directory:
        ran = subprocess.run(
            [python, '-c', program, model, str(seconds), directory],
            capture_output=True,
            text=True,
            env=environment,
        )
    for line in ran.stdout.splitlines():
        if line.startswith('steps a second:'):
            return float(line.split(':')[1])
    raise SystemExit(f'{way} failed:\n{ran.stderr}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--old', help='a Python with TensorFlow 1.15')
    parser.add_argument('--model', action='append', choices=['CNN', 'MLP'])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=4)
    arguments = parser.parse_args()
    if hasattr(os, 'sched_setaffinity'):  # Of this process and all that it starts.
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    ways = [way for way in IMPORTS if way != OLD or arguments.old]
    print('|', ' | '.join(['steps a second', *ways]), '|')
    print('|', ' | '.join(['---'] * (1 + len(ways))), '|')
    for model in arguments.model or ['CNN', 'MLP']:
        found: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(arguments.rounds):
            for way in ways[:: 1 if turn % 2 else -1]:
                python = arguments.old if way == OLD else sys.executable
                found[way].append(steps_a_second(python, way, model, arguments.seconds))
        cells = [f'{statistics.median(found[way]):,.0f}' for way in ways]
        print('|', ' | '.join([f'small {model}', *cells]), '|', flush=True)


if __name__ == '__main__':
    main()
