"""What it costs to put the requests of many hooks together, and to check them once.

    python benchmarks/merging.py

Prints microseconds of CPU time a run: `gather` and `split` are paid in each run, `check` once for
each distinct request. Then what the requests of ten hooks cost that were seen before.
"""

from __future__ import annotations

import os
import statistics
import time
import timeit

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import tensorflow

from tfhooks._run import merging
from tfhooks._run.request_keys import request_key

tf = tensorflow.compat.v1

ROUNDS = 9


def microseconds(function: object, count: int) -> float:
    return (
        statistics.median(
            timeit.repeat(function, number=count, repeat=ROUNDS, timer=time.process_time)
        )
        / count
        * 1e6
    )


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

    print()
    print('| ten hooks, seen before | us in all |')
    print('| --- | --- |')
    for what, cost in seen_before():
        print(f'| {what} | {cost:.2f} |', flush=True)


def seen_before() -> list[tuple[str, float]]:
    """What a session pays in each run for requests it knows: the key, the look-up, the way back."""
    rows = []
    with tf.Graph().as_default():
        fetches = [tf.constant(float(n)) for n in range(11)]
        caller = tf.train.SessionRunArgs(fetches[10])
        asked = {
            'a tensor each': lambda n: fetches[n],
            'a list of two each': lambda n: [fetches[n], fetches[10]],
            'a dict each': lambda n: {'loss': fetches[n]},
        }
        for what, ask in asked.items():
            requests = [(f'hook {n}', tf.train.SessionRunArgs(ask(n))) for n in range(10)]
            merged = merging.merge(tf.get_default_graph(), caller, requests)
            results = list(range(len(merged.fetches)))
            known = {request_key(caller.fetches, None, requests): merged}

            def run(requests=requests, results=results, known=known):
                places = known[request_key(caller.fetches, None, requests)].places
                return [results[place] if place else None for place in places]

            rows.append((what, microseconds(run, 2000)))
    return rows


if __name__ == '__main__':
    main()
