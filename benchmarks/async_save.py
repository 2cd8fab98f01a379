"""How long the step that saves waits: blocking, asynchronous, and for a plain copy by fetching.

Run it as `python benchmarks/async_save.py --gigabytes 1`. It prints a table; times are in seconds,
each the median of several saves made in turns by one process, and the wait is also given as a part
of that of a blocking save.
"""

from __future__ import annotations

import argparse
import filecmp
import glob
import os
import shutil
import statistics
import tempfile
import time

import tensorflow.compat.v1 as tf

from tfhooks._checkpoints.async_save import BackgroundWriter
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook


class Stopwatch(tf.train.SessionRunHook):
    """Measures from the moment at which the session has run to the end of the step."""

    def after_run(self, run_context, run_values):
        self.ran = time.perf_counter()


def build(gigabytes, variables, resource):
    step = tf.train.get_or_create_global_step()
    size = int(gigabytes * 2**30 / 4 / variables)
    weights = [
        tf.get_variable(f'v{i}', [size], initializer=tf.ones_initializer(), use_resource=resource)
        for i in range(variables)
    ]
    return tf.group(step.assign_add(1), *[v.assign_add(tf.ones_like(v)) for v in weights])


def measure(arguments, directory, asynchronous):
    """The wait of each save, how long a step takes that does not save, and for a plain fetch."""
    waits, plain, fetches = [], [], []
    with tf.Graph().as_default():
        train_op = build(arguments.gigabytes, arguments.variables, not arguments.reference)
        hook = CheckpointSaverHook(
            directory,
            save_steps=2,
            saver=tf.train.Saver(max_to_keep=1, sharded=True),
            asynchronous=asynchronous,
        )
        watch = Stopwatch()
        with tf.train.MonitoredSession(hooks=[watch, hook]) as session:
            # What is on its way to the disk would slow down whoever is measured next.
            for i in range(2 * arguments.rounds):
                hook.wait_for_save()
                os.sync()
                began = time.perf_counter()
                session.run(train_op)
                ended = time.perf_counter()
                (waits if i % 2 else plain).append(ended - (watch.ran if i % 2 else began))
            raw = session._tf_sess() if asynchronous else None
            if raw is not None:
                hook.wait_for_save()
                uncopied = BackgroundWriter(hook._get_saver(), raw, {})
                for _ in range(arguments.rounds):
                    began = time.perf_counter()
                    uncopied.snapshot()
                    fetches.append(time.perf_counter() - began)
    return waits, plain, fetches


def same_files(one, other):
    names = [os.path.basename(p) for p in glob.glob(os.path.join(one, 'model.ckpt-*[!a]'))]
    names = [name for name in names if not name.endswith('.meta')]
    assert names, one
    match, _, _ = filecmp.cmpfiles(one, other, names, shallow=False)
    return len(match) == len(names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--gigabytes', type=float, default=1.0, help='size of all variables')
    parser.add_argument('--variables', type=int, default=16, help='how many they are')
    parser.add_argument('--rounds', type=int, default=7, help='saves of each kind')
    parser.add_argument('--directory', help='where to write (default: a temporary directory)')
    parser.add_argument('--reference', action='store_true', help='variables of TensorFlow 1')
    arguments = parser.parse_args()
    root = tempfile.mkdtemp(dir=arguments.directory)
    tf.logging.set_verbosity(tf.logging.ERROR)
    try:
        blocking_dir, async_dir = os.path.join(root, 'blocking'), os.path.join(root, 'async')
        blocking, _, _ = measure(arguments, blocking_dir, False)
        waits, plain, fetches = measure(arguments, async_dir, True)
        base = statistics.median(blocking)
        print(f'{arguments.gigabytes:g} GiB in {arguments.variables} variables, seconds')
        for name, values in (
            ('blocking save', blocking),
            ('asynchronous save', waits),
            ('copy by a plain fetch', fetches),
            ('a step that does not save', plain),
        ):
            median = statistics.median(values)
            spread = f'{min(values):.3f} to {max(values):.3f}'
            print(f'{name:26} {median:7.3f}  ({spread})  ratio {median / base:.2f}')
        print('the files are', 'identical' if same_files(blocking_dir, async_dir) else 'DIFFERENT')
    finally:
        shutil.rmtree(root)


if __name__ == '__main__':
    main()
