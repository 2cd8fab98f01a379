"""Several threads on one session."""

from __future__ import annotations

import threading

import pytest
import tensorflow.compat.v1 as tf
from session_models import Recorder, Sessions, count, is_open, lost

import tfhooks
from tfhooks._timing.global_steps import StepTracker

THREADS = 8
RUNS = 25


pytestmark = pytest.mark.usefixtures('graph')


def in_threads(function, number=THREADS):
    """Calls `function` with 0, 1, ... in as many threads; raises what the first one raised."""
    errors = []

    def target(index):
        try:
            function(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=target, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_before_run_and_after_run_of_a_run_belong_together():
    x = tf.placeholder(tf.int64, [])
    doubled = 2 * x
    met = []

    class Together(tfhooks.SessionRunHook):
        def before_run(self, run_context):
            run_context.fed = run_context.original_args.feed_dict[x]
            return tfhooks.SessionRunArgs([x, doubled])

        def after_run(self, run_context, run_values):
            met.append((run_context.fed, *run_values.results))

    with tfhooks.MonitoredSession(hooks=[Together()]) as session:

        def use(index):
            for run in range(RUNS):
                value = 1000 * index + run
                assert session.run(doubled, {x: value}) == 2 * value

        in_threads(use)
    assert len(met) == THREADS * RUNS
    assert all(fed == fetched and 2 * fed == twice for fed, fetched, twice in met)


def test_the_stock_hooks_miss_nothing_and_mix_nothing_up(tmp_path):
    step = tf.train.get_or_create_global_step()
    x = tf.placeholder_with_default(tf.constant(0, tf.int64), [])
    with tf.control_dependencies([x]):
        train = tf.assign_add(step, 1)
    loss = tf.cast(x, tf.float32)
    summary = tf.summary.scalar('x', loss)
    logged = []

    def formatter(values):
        logged.append((values['x'], values['twice']))
        return ''

    hooks = [
        tfhooks.NanTensorHook(loss),
        tfhooks.LoggingTensorHook({'x': x, 'twice': 2 * x}, every_n_iter=1, formatter=formatter),
        tfhooks.SummarySaverHook(save_steps=1, output_dir=str(tmp_path), summary_op=summary),
        tfhooks.StepCounterHook(every_n_steps=10, output_dir=str(tmp_path)),
        tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=50),
        tfhooks.StopAtStepHook(last_step=THREADS * RUNS),
    ]
    with tfhooks.MonitoredSession(hooks=hooks) as session:

        def use(index):
            for run in range(RUNS):
                session.run(train, {x: 1000 * index + run})

        in_threads(use)
        assert session.run_without_hooks(step) == THREADS * RUNS
        assert session.should_stop()
    assert logged
    assert all(twice == 2 * value for value, twice in logged)
    written = []
    for path in tmp_path.glob('events*'):
        for event in tf.train.summary_iterator(str(path)):
            written += [value.simple_value for value in event.summary.value if value.tag == 'x']
    fed = {1000 * index + run for index in range(THREADS) for run in range(RUNS)}
    assert written
    assert set(written) <= fed
    # No run's summary is written twice.
    assert len(set(written)) == len(written)


class LosesOnce(tf.train.SessionRunHook):
    """Loses the session in the middle of the runs of all threads."""

    def __init__(self, after):
        self.left = after
        self._lock = threading.Lock()

    def before_run(self, run_context):
        with self._lock:
            self.left -= 1
            now = self.left == 0
        if now:
            raise lost()


@pytest.mark.parametrize('run_plans', [True, False])
def test_all_threads_go_on_when_the_session_is_lost_below_them(run_plans):
    train = count()
    creator = Sessions()
    loses = LosesOnce(after=THREADS * RUNS // 2)
    seen = Recorder([])
    done = []
    with tfhooks.MonitoredSession(creator, [seen, loses], run_plans=run_plans) as session:

        def use(index):
            for _ in range(RUNS):
                assert not session.should_stop()
                assert session.run(train) >= 1
                done.append(index)

        in_threads(use)
        assert session.raw_session() is creator.made[-1]
    assert len(done) == THREADS * RUNS
    assert len(creator.made) == 2
    assert not any(is_open(made) for made in creator.made)
    assert seen.calls.count('hook.after_create_session') == 2
    assert seen.calls.count('hook.end') == 1


def test_a_thread_that_is_blocked_in_a_lost_session_runs_again_on_the_new_one():
    train = count()
    queue = tf.FIFOQueue(1, tf.int64, shapes=[[]])
    item = queue.dequeue()
    put = queue.enqueue(tf.constant(7, tf.int64))
    creator = Sessions()
    blocked = threading.Event()
    values = []

    class Loses(tf.train.SessionRunHook):
        def before_run(self, run_context):
            if run_context.original_args.fetches is item:
                blocked.set()
            elif len(creator.made) == 1:
                raise lost()

    with tfhooks.MonitoredSession(creator, [Loses()]) as session:

        def use(index):
            if index == 0:
                values.append(session.run(item))
            else:
                blocked.wait(60)
                assert session.run(train) == 1
                session.run(put)

        in_threads(use, 2)
    assert values == [7]
    assert len(creator.made) == 2


def test_should_stop_is_false_while_another_thread_recovers():
    train = count()
    creator = Sessions()
    asked = []

    class Asks(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            if len(creator.made) == 2:
                # From another thread, in the middle of the recovery.
                in_threads(lambda _: asked.append(monitored.should_stop()), 1)

        def before_run(self, run_context):
            if len(creator.made) == 1:
                raise lost()

    monitored = tfhooks.MonitoredSession(creator, [Asks()])
    monitored.run(train)
    monitored.close()
    assert asked == [False]


def test_a_session_closed_by_one_thread_refuses_the_others():
    train = count()
    session = tfhooks.MonitoredSession()
    started = threading.Barrier(THREADS)
    ended = []

    def use(index):
        started.wait()
        if index == 0:
            session.run(train)
            session.close()
            return
        try:
            while True:
                session.run(train)
        except (RuntimeError, tf.errors.CancelledError) as error:
            # Cancelled is what a run is that the closing finds on its way.
            ended.append(error)

    in_threads(use)
    assert len(ended) == THREADS - 1
    assert session.raw_session() is None


def test_threads_of_a_coordinator_end_quietly_when_a_stop_is_requested():
    train = count()
    hook = Recorder([])
    with tfhooks.MonitoredSession(hooks=[hook]) as session:

        def work():
            with hook.coord.stop_on_exception():
                while True:
                    if session.run(train) == 20:
                        session.request_stop('enough')

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            hook.coord.register_thread(thread)
            thread.start()
        for thread in threads:
            thread.join(60)
    assert session.stop_reason.who == 'enough'
    assert hook.calls[-1] == 'hook.end'


def _gone_when_read_again(name):
    def read(tracker):
        value = vars(tracker)[name]
        vars(tracker)[name] = None
        return value

    def write(tracker, value):
        vars(tracker)[name] = value

    return property(read, write)


class Disturbed(StepTracker):
    """What other threads do at the worst moments, by `run_without_hooks` and by a recovery."""

    lower = _gone_when_read_again('lower')
    _start = _gone_when_read_again('_start')
    _session = _gone_when_read_again('_session')


def test_what_is_known_of_the_step_may_be_taken_back_at_any_time():
    train = count()
    still = tf.constant(1)
    stop = tfhooks.StopAtStepHook(last_step=20)
    with tfhooks.MonitoredSession(hooks=[stop]) as session:
        session._group.runner.tracker.__class__ = Disturbed
        for run in range(18):
            # A step that stands still is read once more.
            session.run(still if run % 3 == 2 else train)
        assert session.run(train) == 13


def test_values_are_logged_every_so_many_runs_exactly():
    step = tf.train.get_or_create_global_step()
    train = tf.assign_add(step, 1)
    lines = []
    hook = tfhooks.LoggingTensorHook(['good:0'], every_n_iter=20, formatter=lines.append)
    tf.identity(1.0, name='good')
    with tfhooks.MonitoredSession(hooks=[hook]) as session:
        in_threads(lambda _: [session.run(train) for _ in range(20 * RUNS)])
    assert len(lines) == THREADS * RUNS


def test_a_stop_is_forgotten_where_another_thread_then_loses_the_session(tmp_path):
    step = tf.train.get_or_create_global_step()
    train = tf.assign_add(step, 1)
    stopped, waits = threading.Event(), threading.Event()

    class LosesAfterTheStop(tfhooks.SessionRunHook):
        is_lost = False

        def before_run(self, run_context):
            if threading.current_thread().name == 'other' and not self.is_lost:
                waits.set()
                assert stopped.wait(60)
                self.is_lost = True
                raise tf.errors.AbortedError(None, None, 'the session is lost')

    hooks = [LosesAfterTheStop(), tfhooks.StopAtStepHook(last_step=6)]
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), hooks=hooks, save_checkpoint_steps=4
    ) as session:

        def loop():
            while not session.should_stop():
                session.run(train)

        other = threading.Thread(target=loop, name='other')
        other.start()
        assert waits.wait(60)
        loop()
        assert session.should_stop()
        stopped.set()
        other.join(60)
        assert not other.is_alive()
        assert session.run_without_hooks(step) == 6
    assert session.stop_reason.kind == 'hook'
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-6')
