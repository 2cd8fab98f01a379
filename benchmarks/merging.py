"""What it costs to put the requests of many hooks together, and to check them once.

    python benchmarks/merging.py

Prints microseconds a run: `gather` and `split` are paid in each run, `check` once for each
distinct request.
"""

from __future__ import annotations

import os
import statistics
import timeit

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import tensorflow

from tfhooks import merging

tf = tensorflow.compat.v1

ROUNDS = 9


def microseconds(function: object, count: int) -> float:
    return statistics.median(timeit.repeat(function, number=count, repeat=ROUNDS)) / count * 1e6


def main() -> None:
    print('| hooks | gather, us | split, us | check, us |')
    print('| --- | --- | --- | --- |')
    for hooks in (0, 1, 6, 30, 100):
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(tf.float32, [None])
            caller = tf.train.SessionRunArgs([tf.reduce_sum(x)], {x: [1.0, 2.0]})
            requests = [
                (f'hook {n}', tf.train.SessionRunArgs({'loss': tf.constant(float(n))}))
                for n in range(hooks)
            ]
        merged = merging.gather(caller, requests)
        results = list(range(len(merged.fetches)))
        costs = [
            microseconds(lambda c=caller, r=requests: merging.gather(c, r), 2000),
            microseconds(lambda m=merged, r=results: m.split(r), 2000),
            microseconds(lambda g=graph, c=caller, r=requests: merging.check(g, c, r), 100),
        ]
        print('|', ' | '.join([str(hooks), *(f'{cost:.2f}' for cost in costs)]), '|', flush=True)


if __name__ == '__main__':
    main()
