"""What a step costs: a bare session, TensorFlow's monitored session, tfhooks, and the C-level call.

    python benchmarks/step_cost.py            # all cases, some minutes
    python benchmarks/step_cost.py --quick    # fewer steps a round
    python benchmarks/step_cost.py --case 'no feed, six hooks' --rounds 21
    python benchmarks/step_cost.py --device gpu

Where TensorFlow sees a GPU, each row has columns of it beside those of the CPU.

All contestants of a case live in one process and take turns, round by round, so that whatever else
the machine does falls on all of them. A ratio is taken within a round; the table shows the median
over the rounds. 'fails' stands where a step raised.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import math
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import numpy as np
import tensorflow
from tensorflow.core.protobuf import config_pb2

import tfhooks

tf = tensorflow.compat.v1

COLUMNS = ('bare', 'TensorFlow', 'tfhooks', 'limit')
NEVER = 10**9


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        feeds: Whether two arrays are fed in each step.
        hooks: 'no', 'six' (checkpoint, summary, step counter, stop, NaN, logging), '30 idle', or
            'six and five new': in tfhooks' session also evaluation, early stopping, metrics files,
            progress and a time limit, on and not due.
        slow: Whether a step takes 10 ms by itself.
        threads: How many threads share the session.
        server: Whether the session is one worker's, on a `tf.distribute.Server` of this process.
    """

    feeds: bool
    hooks: str
    slow: bool = False
    threads: int = 1
    server: bool = False

    @property
    def name(self) -> str:
        parts = ['two feeds' if self.feeds else 'no feed', f'{self.hooks} hooks']
        if self.slow:
            parts.append('10 ms step')
        if self.threads > 1:
            parts.append(f'{self.threads} threads')
        if self.server:
            parts.append('local server')
        return ', '.join(parts)


CASES = [Case(feeds, hooks) for feeds in (False, True) for hooks in ('no', 'six', '30 idle')]
CASES += [Case(feeds, 'six and five new') for feeds in (False, True)]
CASES += [Case(feeds, 'six', threads=4) for feeds in (False, True)]
CASES += [Case(True, 'six', slow=True)]
CASES += [Case(feeds, 'six', server=True) for feeds in (False, True)]


class Training:
    """A linear regression in a graph of its own."""

    def __init__(self, case: Case, device: str) -> None:
        self.graph = tf.Graph()
        random = np.random.RandomState(0)
        inputs = random.rand(32, 10).astype(np.float32)
        targets = random.rand(32).astype(np.float32)
        with self.graph.as_default(), tf.device(device):
            with tf.device('/CPU:0'):
                self.step = tf.train.create_global_step()
                self.step_value = tf.identity(self.step)
            if case.feeds:
                x = tf.placeholder(tf.float32, [None, 10])
                y = tf.placeholder(tf.float32, [None])
                self.feeds = {x: inputs, y: targets}
            else:
                x, y = tf.constant(inputs), tf.constant(targets)
                self.feeds = {}
            weights = tf.get_variable('weights', [10, 1], initializer=tf.zeros_initializer())
            errors = tf.matmul(x, weights)[:, 0] - y
            if case.slow:
                with tf.device('/CPU:0'), tf.control_dependencies([errors]):
                    wait = tf.py_func(lambda: time.sleep(0.01), [], [], stateful=True)
                with tf.control_dependencies([wait]):
                    errors = tf.identity(errors)
            self.loss = tf.reduce_mean(tf.square(errors))
            optimizer = tf.train.GradientDescentOptimizer(0.01)
            self.train = optimizer.minimize(self.loss, global_step=self.step)
            with tf.device('/CPU:0'):
                tf.summary.scalar('loss', self.loss)
            self.init = tf.global_variables_initializer()
        # A server keeps variables by name: each training has its own.
        self.server = tf.train.Server.create_local_server(config=config()) if case.server else None
        self.master = '' if self.server is None else self.server.target


def config() -> Any:
    return tf.ConfigProto(
        intra_op_parallelism_threads=1,
        inter_op_parallelism_threads=1,
        # What is said to be on a device is there, and nowhere else.
        allow_soft_placement=False,
        gpu_options=tf.GPUOptions(allow_growth=True),
    )


def monitored(library: Any, session_of: Callable[..., Any], case: Case, training: Training) -> Any:
    """A context manager that opens a monitored session of `library` with the case's hooks."""

    class Idle(library.SessionRunHook):
        def before_run(self, run_context: Any) -> None:
            pass

        def after_run(self, run_context: Any, run_values: Any) -> None:
            pass

    if not case.hooks.startswith('six'):
        hooks = [Idle() for _ in range(30)] if case.hooks == '30 idle' else []
        return session_of(
            master=training.master,
            hooks=hooks,
            config=config(),
            log_step_count_steps=None,
            save_summaries_steps=None,
        )
    directory = tempfile.TemporaryDirectory()
    hooks = [
        library.StopAtStepHook(last_step=NEVER),
        library.NanTensorHook(training.loss),
        library.LoggingTensorHook({'loss': training.loss}, every_n_iter=100),
    ]
    stack = contextlib.ExitStack()
    path = stack.enter_context(directory)
    if case.hooks == 'six and five new' and library is tfhooks:
        hooks += new_hooks(training, path)

    @contextlib.contextmanager
    def opened() -> Any:
        with (
            stack,
            session_of(
                master=training.master, checkpoint_dir=path, hooks=hooks, config=config()
            ) as session,
        ):
            yield session

    return opened()


def new_hooks(training: Training, directory: str) -> list[Any]:
    """Hooks that TensorFlow has not, of which none is due in the benchmark."""
    evaluation = tfhooks.EvalHook(
        NEVER, fetches={'loss': training.loss}, feeds=training.feeds, at_end=False
    )
    return [
        evaluation,
        tfhooks.EarlyStoppingHook(evaluation.result('loss'), patience=3),
        tfhooks.MetricsWriterHook(
            [tfhooks.JsonLinesWriter(os.path.join(directory, 'metrics.jsonl'))],
            {'loss': training.loss},
            every_n_steps=NEVER,
        ),
        tfhooks.ProgressHook(tensors={'loss': training.loss}, every_n_steps=NEVER, bar=False),
        tfhooks.TimeLimitHook(secs=NEVER),
    ]


def contestants(
    case: Case, device: str, stack: contextlib.ExitStack
) -> dict[str, Callable[[], Any]]:
    """For each column a function that makes one step."""
    steps: dict[str, Callable[[], Any]] = {}

    bare = Training(case, device)
    raw = stack.enter_context(tf.Session(bare.master, graph=bare.graph, config=config()))
    raw.run(bare.init)
    steps['bare'] = lambda: raw.run(bare.train, bare.feeds)

    options = config_pb2.CallableOptions(
        feed=[tensor.name for tensor in bare.feeds],
        fetch=[bare.step_value.name, bare.loss.name],
        target=[bare.train.name],
    )
    call = raw._make_callable_from_options(options)
    arrays = list(bare.feeds.values())
    steps['limit'] = lambda: call(*arrays)

    theirs = Training(case, device)
    with theirs.graph.as_default():
        session = stack.enter_context(
            monitored(tf.train, tf.train.MonitoredTrainingSession, case, theirs)
        )
    steps['TensorFlow'] = lambda: session.run(theirs.train, theirs.feeds)

    ours = Training(case, device)
    with ours.graph.as_default():
        hooked = stack.enter_context(
            monitored(tfhooks, tfhooks.MonitoredTrainingSession, case, ours)
        )
    steps['tfhooks'] = lambda: hooked.run(ours.train, ours.feeds)
    return {column: steps[column] for column in COLUMNS}


def seconds_per_step(step: Callable[[], Any], count: int, threads: int) -> float:
    failed = []

    def work() -> None:
        try:
            for _ in range(count // threads):
                step()
        except Exception as error:
            failed.append(error)

    if threads == 1:
        start = time.perf_counter()
        work()
        return math.nan if failed else (time.perf_counter() - start) / count
    workers = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - start
    return math.nan if failed else elapsed / (count // threads * threads)


def measure(case: Case, device: str, rounds: int, count: int) -> dict[str, list[float]]:
    """Seconds a step, one figure a round, for each column."""
    if case.slow:
        count = max(10, count // 50)
    times: dict[str, list[float]] = {column: [] for column in COLUMNS}
    with contextlib.ExitStack() as stack:
        steps = contestants(case, device, stack)
        for step in steps.values():
            seconds_per_step(step, max(count // 4, 2 * case.threads), case.threads)
        for turn in range(rounds):
            order = COLUMNS[turn % 4 :] + COLUMNS[: turn % 4]
            for column in order:
                times[column].append(seconds_per_step(steps[column], count, case.threads))
    return times


def ratio(times: dict[str, list[float]], column: str, to: str) -> float:
    ratios = [one / other for one, other in zip(times[column], times[to], strict=True)]
    return math.nan if any(map(math.isnan, ratios)) else statistics.median(ratios)


def processor() -> str:
    with contextlib.suppress(OSError), open('/proc/cpuinfo') as lines:
        for line in lines:
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return platform.processor()


def devices_of(choice: str) -> list[str]:
    """The devices to train on.

    Raises:
        SystemExit: A GPU is asked for, and TensorFlow sees none.
    """
    if choice.startswith('/'):
        return [choice]
    has_gpu = bool(tensorflow.config.list_physical_devices('GPU'))
    if choice == 'auto':
        return ['/CPU:0', '/GPU:0'] if has_gpu else ['/CPU:0']
    if choice not in ('cpu', 'gpu'):
        raise SystemExit(f'--device must be cpu, gpu, auto or a name with a slash; got {choice}')
    if choice == 'gpu' and not has_gpu:
        raise SystemExit('TensorFlow sees no GPU; python -m tfhooks.smoke says why')
    return [f'/{choice.upper()}:0']


def described(device: str) -> str:
    """A device's name, and for a GPU which one it is."""
    if '/GPU:' in device.upper():
        with contextlib.suppress(Exception):
            found = tensorflow.config.list_physical_devices('GPU')[int(device.split(':')[-1])]
            details = tensorflow.config.experimental.get_device_details(found)
            return f'{device} ({details["device_name"]})'
    return device


def headings(device: str, devices: list[str]) -> list[str]:
    names = ['bare, us', 'TensorFlow / bare', 'tfhooks / bare', 'tfhooks / limit', 'limit / bare']
    return names if len(devices) == 1 else [f'{device[1:]}: {name}' for name in names]


def cells_of(times: dict[str, list[float]]) -> list[str]:
    ratios = [
        ratio(times, 'TensorFlow', 'bare'),
        ratio(times, 'tfhooks', 'bare'),
        ratio(times, 'tfhooks', 'limit'),
        ratio(times, 'limit', 'bare'),
    ]
    bare = f'{statistics.median(times["bare"]) * 1e6:.0f}'
    return [bare, *('fails' if math.isnan(value) else f'{value:.2f}' for value in ratios)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--quick', action='store_true', help='300 steps a round, not 1000')
    parser.add_argument('--rounds', type=int, default=9, help='at least 9 for a figure to quote')
    parser.add_argument('--case', action='append', help='the name of a row; may be repeated')
    parser.add_argument(
        '--device',
        default='auto',
        help="cpu, gpu, or auto: the CPU, and the GPU where there is one; or a name like '/GPU:1'",
    )
    arguments = parser.parse_args()
    tf.logging.set_verbosity(tf.logging.ERROR)
    devices = devices_of(arguments.device)
    count = 300 if arguments.quick else 1000
    print(
        f'{datetime.date.today()}, TensorFlow {tensorflow.__version__}, Python '
        f'{platform.python_version()}, {processor()}, {os.cpu_count()} cores, '
        f'{", ".join(map(described, devices))}, {arguments.rounds} rounds of {count} steps\n'
    )
    print(
        '|',
        ' | '.join(['case', *(h for device in devices for h in headings(device, devices))]),
        '|',
    )
    print('|', ' | '.join(['---'] * (1 + 5 * len(devices))), '|')
    by_name = {}
    for case in CASES:
        if arguments.case and case.name not in arguments.case:
            continue
        cells = []
        for device in devices:
            times = measure(case, device, arguments.rounds, count)
            by_name[device, case.name] = times
            cells += cells_of(times)
        print('|', ' | '.join([case.name, *cells]), '|', flush=True)
    for device in devices:
        of_device = {name: times for (where, name), times in by_name.items() if where == device}
        print_idle_cost(described(device), of_device)


def print_idle_cost(device: str, by_name: dict[str, dict[str, list[float]]]) -> None:
    for feeds in ('no feed', 'two feeds'):
        idle, none = by_name.get(f'{feeds}, 30 idle hooks'), by_name.get(f'{feeds}, no hooks')
        if idle and none:
            for column in ('TensorFlow', 'tfhooks'):
                # The two cases ran at different times: the bare session tells the machine's pace.
                pace = statistics.median(idle['bare']) / statistics.median(none['bare'])
                more = statistics.median(idle[column]) - pace * statistics.median(none[column])
                print(
                    f'\n{device}, {feeds}: each further idle hook costs {column} '
                    f'{more / 30 * 1e6:.2f} us'
                )


if __name__ == '__main__':
    main()
