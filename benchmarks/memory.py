"""Whether many steps take more and more memory: changing values, 500 distinct lists of fetches.

    python benchmarks/memory.py                  # one million steps
    python benchmarks/memory.py --steps 100000

Prints the resident memory of the process as the steps go; growth is counted from step 10,000 on.
"""

from __future__ import annotations

import argparse
import gc
import os
import random

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np
import tensorflow

import tfhooks
from tfhooks.plan_cache import run_plans

tf = tensorflow.compat.v1

DISTINCT = 500
SETTLED = 10_000


def resident_megabytes() -> float:
    with open('/proc/self/statm') as numbers:
        pages = int(numbers.read().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--steps', type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tf.Graph().as_default():
        step = tf.train.create_global_step()
        x = tf.placeholder(tf.float32, [None])
        increment = tf.assign_add(step, 1)
        tensors = [tf.reduce_sum(x) + float(n) for n in range(32)]
        choose = random.Random(0)
        requests = [
            [increment, *choose.sample(tensors, choose.randint(1, 6))] for _ in range(DISTINCT)
        ]
        config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        with tfhooks.MonitoredTrainingSession(config=config, log_step_count_steps=None) as session:
            settled = 0.0
            for number in range(1, arguments.steps + 1):
                value = np.full(number % 7 + 1, number, np.float32)
                session.run(list(requests[number % DISTINCT]), {x: value})
                if number == SETTLED or number % (arguments.steps // 10) == 0:
                    gc.collect()
                    now = resident_megabytes()
                    settled = now if number <= SETTLED else settled or now
                    print(f'step {number:>9,}: {now:.1f} MB', flush=True)
            print(f'growth since step {SETTLED:,}: {now - settled:+.1f} MB')
            print(repr(run_plans(session)).splitlines()[0])


if __name__ == '__main__':
    main()
