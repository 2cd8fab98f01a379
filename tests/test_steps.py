"""StepTracker on simulated runs, and the exact steps that hooks see in real sessions."""

import itertools
import threading

import pytest
import tensorflow.compat.v1 as tf

from tfhooks import steps
from tfhooks.steps import StepTracker


class Simulated:
    """A session whose only variable is the step, and runs whose read comes early or late."""

    def __init__(self, step=0):
        self.step = step
        self.reads = 0
        self.tracker = StepTracker('step')
        self.stuck = []
        self.tracker.on_stuck.append(self.stuck.append)
        self.tracker.reset(self)
        self.reads = 0

    def run(self, tensor):
        assert tensor == 'step'
        self.reads += 1
        return self.step

    def train(self, by=1, late=False, others=0):
        early = self.step
        self.step += by + others
        self.tracker.ran(self.step if late else early)


def test_lower_never_exceeds_the_step_and_reach_covers_it():
    model = Simulated()
    model.train(by=3)
    model.tracker.after(tf.train.SessionRunContext(None, model))
    assert model.tracker.stride == model.tracker.advance == 3
    for late in [False, True, True, False, False, True, False] * 30:
        bound = model.tracker.lower + 2 * model.tracker.stride
        model.train(by=3, late=late)
        assert model.tracker.lower <= model.step <= bound
        assert model.tracker.advance == 3


def test_stride_of_ordered_reads_is_what_a_run_adds():
    model = Simulated()
    for _ in range(10):
        model.train(by=3)
    assert model.tracker.stride == 3
    assert model.tracker.lower == 27


def test_stride_of_racing_reads_is_at_most_twice_what_a_run_adds():
    model = Simulated()
    for late in [False, True] * 50:
        model.train(late=late)
    assert model.tracker.stride == 2


def test_stride_includes_other_workers():
    model = Simulated()
    for others in [0, 4, 2]:
        model.train(others=others)
    model.train()
    assert model.tracker.stride == 5


@pytest.mark.parametrize('pattern', [[False], [True], [False, True], [True, False, False, True]])
@pytest.mark.parametrize('by', [1, 3])
def test_a_step_that_increases_is_never_said_to_be_stuck(pattern, by):
    model = Simulated(7)
    for late in itertools.islice(itertools.cycle(pattern), 2000):
        model.train(by=by, late=late)
    assert model.stuck == []
    assert model.reads <= 5


def test_ordered_reads_cost_no_exact_read():
    model = Simulated()
    for _ in range(1000):
        model.train()
    assert model.reads == 0


@pytest.mark.parametrize('late', [False, True])
def test_a_step_that_stands_still_is_said_so_from_the_second_run(late):
    model = Simulated(4)
    model.train(by=0, late=late)
    assert model.stuck == []
    model.train(by=0, late=late)
    assert model.stuck == [4]
    model.train(by=0, late=late)
    assert model.stuck == [4, 4]
    assert model.reads == 0  # The step was read when the session was made, which proves it.


def test_a_step_that_stops_later_is_found_by_one_read_and_then_by_proof():
    model = Simulated()
    for _ in range(5):
        model.train()
    model.train(by=0)
    assert model.stuck == []
    model.train(by=0)
    assert model.stuck == [5]
    model.train(by=0)
    assert model.stuck == [5, 5]
    assert model.reads == 1


def test_after_vain_reads_only_a_proof_counts():
    model = Simulated()
    for late in [True, False] * 20:
        model.train(late=late)
    assert (model.stuck, model.reads) == ([], 5)
    for _ in range(3):
        model.train(by=0, late=True)
    assert model.stuck
    assert set(model.stuck) == {40}
    assert model.reads == 5


def test_a_step_increased_every_third_run_is_said_to_stand_still_in_between():
    model = Simulated()
    for run in range(9):
        model.train(by=run % 3 == 2)
    assert model.stuck == [0, 0, 1, 1, 2, 2][: len(model.stuck)]
    assert len(model.stuck) >= 3


def test_other_workers_keep_a_step_from_standing_still():
    model = Simulated()
    for _ in range(100):
        model.train(by=0, others=1)
    assert model.stuck == []


def test_a_new_session_may_begin_at_an_older_step():
    model = Simulated()
    for _ in range(20):
        model.train(by=2)
    model.step = 10
    model.tracker.reset(model)
    assert model.tracker.lower == 10
    model.train(by=2)
    assert model.tracker.lower == 10
    assert model.tracker.stride == 2
    model.train(by=2)
    assert model.tracker.lower == 12
    assert model.stuck == []


def test_reset_without_a_session_forgets_the_step():
    model = Simulated(3)
    model.tracker.reset(None)
    assert model.tracker.lower is None


def test_runs_of_two_threads_are_not_compared():
    model = Simulated()
    model.step = 4  # Four threads have read 0 before any of them added to it.
    together = threading.Barrier(4)  # A thread's identity may pass to another when it ends.

    def run():
        together.wait()
        model.tracker.ran(0)
        together.wait()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.stuck == []


def test_what_other_threads_add_during_a_run_is_not_its_advance():
    model = Simulated()
    model.train()
    context = tf.train.SessionRunContext(None, model)
    model.tracker.before(context)
    other = threading.Thread(target=lambda: [model.train() for _ in range(500)])
    other.start()
    other.join()
    model.train()
    assert model.tracker.after(context) == 502
    assert model.tracker.advance == 1
    # Two threads: each of them may be in a run, and one of them may not have told of its last.
    assert model.tracker.ahead == 3


def test_a_jump_of_other_workers_is_forgotten():
    model = Simulated()

    def run(others=0):
        context = tf.train.SessionRunContext(None, model)
        model.tracker.before(context)
        model.train(others=others)
        model.tracker.after(context)

    run(others=5000)
    assert model.tracker.advance == 5001
    assert model.tracker.ahead >= 5001
    for _ in range(200):
        run()
    assert model.tracker.advance == model.tracker.stride == 1
    assert model.tracker.ahead == 2


def test_exact_is_read_once_until_the_next_run():
    model = Simulated(5)
    assert [model.tracker.exact(model) for _ in range(3)] == [5, 5, 5]
    assert model.reads == 1
    model.train()
    assert model.tracker.exact(model) == 6
    assert model.reads == 2


def test_before_after_and_reach_share_one_read_each_and_learn_the_advance():
    model = Simulated(5)
    context = tf.train.SessionRunContext(None, model)
    assert model.tracker.before(context) == model.tracker.before(context) == 5
    assert model.tracker.max_step_after(context) == 6
    model.train(by=4)
    assert model.tracker.before(context) == 5
    assert model.tracker.after(context) == model.tracker.after(context) == 9
    assert model.reads == 2
    assert model.tracker.max_step_after(tf.train.SessionRunContext(None, model)) == 13


class Steps(tf.train.SessionRunHook):
    """Notes what hooks are told of the step."""

    def __init__(self):
        self.seen = []

    def begin(self):
        self.tensor = tf.train.get_global_step()

    def before_run(self, run_context):
        self.reach = steps.max_step_after(run_context, self.tensor)
        steps.before(run_context, self.tensor)

    def after_run(self, run_context, run_values):
        self.seen.append(
            (
                steps.before(run_context, self.tensor),
                steps.after(run_context, self.tensor),
                self.reach,
            )
        )


@pytest.mark.parametrize('by', [1, 3])
def test_a_foreign_session_tells_exact_steps_of_a_racing_model(by):
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), by)
        hook = Steps()
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            for _ in range(200):
                session.run(train)
    assert [(b, a) for b, a, _ in hook.seen] == [(i * by, i * by + by) for i in range(200)]
    assert [reach - b for b, _, reach in hook.seen[1:]] == [by] * 199


def test_two_foreign_sessions_are_kept_apart():
    hooks = []
    for by in (5, 1):
        with tf.Graph().as_default():
            train = tf.assign_add(tf.train.get_or_create_global_step(), by)
            hooks.append(Steps())
            with tf.train.MonitoredSession(hooks=hooks[-1:]) as session:
                session.run(train)
                session.run(train)
    assert [hook.seen[1] for hook in hooks] == [(5, 10, 10), (1, 2, 2)]


def test_wake_compares_with_any_number():
    assert steps.NEVER.step > 10**18
    assert steps.ALWAYS.step < 0
