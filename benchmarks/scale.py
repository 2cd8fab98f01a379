"""What a step, a start and the memory cost at sizes that programs have, beside TensorFlow's own.

    python benchmarks/scale.py                       # the steps, some minutes
    python benchmarks/scale.py --case 'own hooks sometimes' --rounds 9
    python benchmarks/scale.py --start               # start new and restart, 1,500 variables
    python benchmarks/scale.py --memory              # many runs, many sessions in a row

`MonitoredTrainingSession` of TensorFlow and of tfhooks live in one process and take turns, round by
round. A ratio is taken within a round; the table shows the medians over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import functools
import gc
import itertools
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np
import tensorflow

import tfhooks

tf = tensorflow.compat.v1

LIBRARIES = {
    'TensorFlow': (tf.train, tf.train.MonitoredTrainingSession),
    'tfhooks': (tfhooks, tfhooks.MonitoredTrainingSession),
}
# A session, and what it is asked in its next step.
Stepping = tuple[Any, Callable[[], tuple[Any, Any]]]


class Model:
    """A step, and tensors to fetch and to feed."""

    def __init__(self, tensors: int = 0, feeds: int = 0) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.step = tf.train.create_global_step()
            self.train = tf.assign_add(self.step, 1)
            self.base = tf.placeholder_with_default(1.0, [])
            self.tensors = [self.base * float(n) for n in range(tensors)]
            self.placeholders = [tf.placeholder(tf.float32, [None]) for _ in range(feeds)]
            if feeds:
                sums = [tf.reduce_sum(placeholder) for placeholder in self.placeholders]
                with tf.control_dependencies([tf.add_n(sums)]):
                    self.train = tf.assign_add(self.step, 1)


def opened(stack: contextlib.ExitStack, library: str, model: Model, hooks: Any = ()) -> Any:
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with model.graph.as_default():
        return stack.enter_context(
            LIBRARIES[library][1](
                hooks=list(hooks),
                config=config,
                log_step_count_steps=None,
                save_summaries_steps=None,
                save_summaries_secs=None,
            )
        )


def changing_requests(stack: contextlib.ExitStack, library: str, feeds: bool = False) -> Stepping:
    """500 fetch lists in turn, of 1 to 8 of 21 tensors each; with `feeds` a value that changes."""
    model, choose = Model(21), random.Random(0)
    lists = [choose.sample(model.tensors, choose.randint(1, 8)) for _ in range(500)]
    turn = itertools.cycle(lists)
    values = itertools.count()
    return opened(stack, library, model), lambda: (
        [model.train, *next(turn)],
        {model.base: float(next(values))} if feeds else None,
    )


def new_requests(stack: contextlib.ExitStack, library: str) -> Stepping:
    """A fetch list in each step of which nothing came before in this combination."""
    model = Model(21)
    lists = iter(random.Random(0).sample([*itertools.combinations(model.tensors, 5)], 20_000))
    return opened(stack, library, model), lambda: ([model.train, *next(lists)], None)


def many_feeds(stack: contextlib.ExitStack, library: str) -> Stepping:
    """100 feeds, given as lists of floats."""
    model = Model(feeds=100)
    feeds = {placeholder: [1.0, 2.0, 3.0] for placeholder in model.placeholders}
    return opened(stack, library, model), lambda: (model.train, feeds)


def many_fetches(stack: contextlib.ExitStack, library: str) -> Stepping:
    """200 fetches in a dict."""
    model = Model(200)
    fetches = {str(n): tensor for n, tensor in enumerate(model.tensors)}
    return opened(stack, library, model), lambda: ([model.train, fetches], None)


def asking(library: str, tensor: Any, every: int) -> Any:
    """A hook of a user's that asks for a tensor every so many runs."""

    class Asks(LIBRARIES[library][0].SessionRunHook):
        runs = 0

        def before_run(self, run_context: Any) -> Any:
            self.runs += 1
            if self.runs % every:
                return None
            return LIBRARIES[library][0].SessionRunArgs({'value': tensor})

        def after_run(self, run_context: Any, run_values: Any) -> None:
            if run_values.results is not None:
                self.value = run_values.results['value']

    return Asks()


def own_hooks(stack: contextlib.ExitStack, library: str) -> Stepping:
    """Ten hooks of a user's, each asking in every run."""
    model = Model(10)
    hooks = [asking(library, tensor, 1) for tensor in model.tensors]
    return opened(stack, library, model, hooks), lambda: (model.train, None)


def own_hooks_sometimes(stack: contextlib.ExitStack, library: str) -> Stepping:
    """Ten hooks of a user's, each asking every 2nd to 11th run."""
    model = Model(10)
    hooks = [asking(library, tensor, n) for n, tensor in enumerate(model.tensors, 2)]
    return opened(stack, library, model, hooks), lambda: (model.train, None)


def early_stopping(stack: contextlib.ExitStack, library: str) -> Stepping:
    """A check of EarlyStoppingHook in each step after 100,000; TensorFlow: a hook that fetches."""
    model = Model(1)
    if library == 'TensorFlow':
        return opened(stack, library, model, [asking(library, model.tensors[0], 1)]), lambda: (
            model.train,
            None,
        )
    hook = tfhooks.EarlyStoppingHook(model.tensors[0], patience=10**9, every_n_steps=1)
    session = opened(stack, library, model, [hook])
    for _ in range(100_000):
        session.run(model.train)
    return session, lambda: (model.train, None)


# Each with the steps before the first round and in a round.
CASES = {
    '500 fetch lists in turn': (changing_requests, 1000, 1000),
    'a new fetch list in each step': (new_requests, 20, 50),
    '100 feeds as lists': (many_feeds, 50, 200),
    '200 fetches': (many_fetches, 50, 200),
    'own hooks': (own_hooks, 50, 500),
    # The hooks ask for the same together every 27,720 runs.
    'own hooks sometimes, from the first step on': (own_hooks_sometimes, 0, 500),
    'own hooks sometimes': (own_hooks_sometimes, 27_720, 1000),
    'EarlyStoppingHook, 100,000 checks': (early_stopping, 50, 500),
}


def seconds_per_step(stepping: Stepping, count: int) -> float:
    session, request = stepping
    start = time.perf_counter()
    for _ in range(count):
        session.run(*request())
    return (time.perf_counter() - start) / count


def measure_steps(names: list[str], rounds: int) -> None:
    print('| case | TensorFlow, us | tfhooks, us | tfhooks / TensorFlow |')
    print('| --- | --- | --- | --- |')
    for name in names:
        make, before, count = CASES[name]
        times: dict[str, list[float]] = {library: [] for library in LIBRARIES}
        with contextlib.ExitStack() as stack:
            contestants = {library: make(stack, library) for library in LIBRARIES}
            for stepping in contestants.values():
                seconds_per_step(stepping, before or 1)
            for turn in range(rounds):
                for library in list(LIBRARIES)[:: 1 if turn % 2 else -1]:
                    times[library].append(seconds_per_step(contestants[library], count))
        print_row(name, times, 1e6, '.0f')


def print_row(name: str, times: dict[str, list[float]], unit: float, form: str) -> None:
    medians = [format(statistics.median(times[library]) * unit, form) for library in LIBRARIES]
    ratios = [
        statistics.median(a / b for a, b in zip(column, times['TensorFlow'], strict=True))
        for library, column in times.items()
        if library != 'TensorFlow'
    ]
    print('|', ' | '.join([name, *medians, *(f'{ratio:.2f}' for ratio in ratios)]), '|', flush=True)


def layered(variables: int) -> tf.Graph:
    """A training of many small variables, with some 25 operations for each."""
    graph = tf.Graph()
    with graph.as_default():
        step = tf.train.create_global_step()
        towers = []
        for tower in range(variables // 20):
            x = tf.ones([1, 4])
            for n in range(10):
                weights = tf.get_variable(f'weights_{tower}_{n}', [4, 4])
                bias = tf.get_variable(f'bias_{tower}_{n}', [4])
                x = tf.tanh(tf.matmul(x, weights) + bias)
            towers.append(tf.reduce_sum(x))
        loss = tf.add_n(towers)
        tf.summary.scalar('loss', loss)
        optimizer = tf.train.GradientDescentOptimizer(0.01)
        tf.add_to_collection('train', optimizer.minimize(loss, global_step=step))
    return graph


def seconds_to_start(library: str, directory: str, variables: int) -> float:
    """From the finished graph to the end of the first step."""
    graph = layered(variables)
    gc.collect()
    start = time.perf_counter()
    with (
        graph.as_default(),
        LIBRARIES[library][1](
            checkpoint_dir=directory,
            log_step_count_steps=None,
            save_checkpoint_secs=None,
            save_checkpoint_steps=10**9,
        ) as session,
    ):
        session.run(tf.get_collection('train'))
        return time.perf_counter() - start


def seconds_to_start_bare(directory: str, variables: int) -> float:
    """The same in a bare session, with no look at what is initialised and nothing for TensorBoard.

    A new one is initialised and saved, as a monitored session saves its first checkpoint; a later
    one is restored.
    """
    graph = layered(variables)
    gc.collect()
    start = time.perf_counter()
    with graph.as_default(), tf.Session() as session:
        saver = tf.train.Saver()
        checkpoint = tf.train.latest_checkpoint(directory)
        if checkpoint is None:
            session.run(tf.global_variables_initializer())
            saver.save(session, os.path.join(directory, 'model.ckpt'), write_meta_graph=False)
        else:
            saver.restore(session, checkpoint)
        session.run(tf.get_collection('train'))
        return time.perf_counter() - start


def measure_starts(variables: int, rounds: int) -> None:
    operations = len(layered(variables).get_operations())
    print(f'{variables:,} variables, {operations:,} operations\n')
    print('| case | TensorFlow, s | tfhooks, s | tfhooks / TensorFlow | bare / TensorFlow |')
    print('| --- | --- | --- | --- | --- |')
    columns: dict[str, Callable[[str, int], float]] = {
        library: functools.partial(seconds_to_start, library) for library in LIBRARIES
    }
    columns['bare'] = seconds_to_start_bare
    new: dict[str, list[float]] = {column: [] for column in columns}
    again: dict[str, list[float]] = {column: [] for column in columns}
    for turn in range(rounds):
        for column in list(columns)[:: 1 if turn % 2 else -1]:
            directory = tempfile.mkdtemp()
            new[column].append(columns[column](directory, variables))
            again[column].append(columns[column](directory, variables))
            shutil.rmtree(directory)
    print_row('start in a new directory', new, 1, '.1f')
    print_row('restart from a checkpoint', again, 1, '.1f')


def resident_megabytes() -> float:
    with open('/proc/self/statm') as numbers:
        pages = int(numbers.read().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def measure_memory(steps: int, sessions: int) -> None:
    """Prints how the resident memory of the process grows; of tfhooks alone."""
    with contextlib.ExitStack() as stack:
        session, request = changing_requests(stack, 'tfhooks', feeds=True)
        settled = 0.0
        for number in range(1, steps + 1):
            session.run(*request())
            if number == steps // 10 or number == steps:
                gc.collect()
                settled = settled or resident_megabytes()
                print(f'run {number:>9,}: {resident_megabytes():.1f} MB', flush=True)
        print(
            f'growth in the last {steps - steps // 10:,} runs, 500 fetch lists: '
            f'{resident_megabytes() - settled:+.1f} MB'
        )
    model = Model(1)
    with model.graph.as_default():
        kept = tf.get_variable('kept', initializer=np.ones([1 << 20], np.float32))
        tf.add_to_collection('kept', kept)
    gc.collect()
    gc.disable()  # What a closed session held must be free without it.
    settled = 0.0
    for number in range(1, sessions + 1):
        with contextlib.ExitStack() as stack:
            opened(stack, 'tfhooks', model).run(model.train)
        if number == sessions // 10:
            settled = resident_megabytes()
    gc.enable()
    print(
        f'growth in the last {sessions - sessions // 10} of {sessions} sessions in a row, 4 MB '
        f'of variables each: {resident_megabytes() - settled:+.1f} MB'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--case', action='append', choices=CASES, help='may be repeated')
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--start', action='store_true', help='the start of training instead')
    parser.add_argument('--variables', type=int, default=1500)
    parser.add_argument('--memory', action='store_true', help='the memory instead')
    parser.add_argument('--steps', type=int, default=1_000_000)
    parser.add_argument('--sessions', type=int, default=300)
    arguments = parser.parse_args()
    tf.logging.set_verbosity(tf.logging.ERROR)
    print(
        f'{datetime.date.today()}, TensorFlow {tensorflow.__version__}, Python '
        f'{platform.python_version()}, {os.cpu_count()} cores, {arguments.rounds} rounds\n'
    )
    if arguments.start:
        measure_starts(arguments.variables, arguments.rounds)
    elif arguments.memory:
        measure_memory(arguments.steps, arguments.sessions)
    else:
        measure_steps(arguments.case or list(CASES), arguments.rounds)


if __name__ == '__main__':
    main()
