"""StepTracker on simulated runs, and the exact steps that hooks see in real sessions."""

import itertools
import math
import threading

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._base.hook_types import ALWAYS, NEVER
from tfhooks._tensorflow import global_step_read
from tfhooks._timing import global_steps
from tfhooks._timing.global_steps import StepTracker


class Simulated:
    """A session whose only variable is the step, and runs whose read comes early or late."""

    def __init__(self, step=0, most=math.inf):
        self.step = step
        self.reads = 0
        self.tracker = StepTracker('step', most)
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
        return self.tracker.ran(self.step if late else early)


def test_bounds_hold_whenever_the_read_comes():
    model = Simulated(most=3)
    for late in [False, True, True, False, False, True, False] * 30:
        bound = model.tracker.lower + model.tracker.ahead
        model.train(by=3, late=late)
        assert model.tracker.lower <= model.step <= bound
        assert model.step <= model.tracker.lower + model.tracker.slack


def test_each_thread_may_add_what_a_run_adds():
    model = Simulated(most=3)
    assert (model.tracker.slack, model.tracker.ahead) == (3, 6)
    model.tracker.allow_threads(2)
    model.tracker.allow_threads(1)
    assert (model.tracker.slack, model.tracker.ahead) == (6, 12)


def test_a_step_that_goes_back_is_told_once():
    model = Simulated(most=1)
    told = [model.train(late=late) for late in [False, True] * 10]
    model.step = 2
    told += [model.train(), model.train()]
    assert told == [None] * 20 + [(20, 3), None]


def _increments(*kinds):
    step = tf.train.get_or_create_global_step()
    for kind in kinds:
        kind(step)
    return global_steps.most_per_run(step)


def _save(step):
    tf.train.Saver()


def _read(step):
    return [tf.identity(step), step.read_value(), tf.add(tf.train.get_global_step(), 1)]


def _shared_read(step):
    global_step_read()


def _add_in_a_branch(step):
    tf.cond(tf.placeholder(tf.bool, []), lambda: tf.assign_add(step, 3), lambda: step.read_value())


def _add_in_a_loop(step):
    def body(i):
        with tf.control_dependencies([tf.assign_add(step, 1)]):
            return [i + 1]

    tf.while_loop(lambda i: i < 3, body, [0])


@pytest.mark.parametrize('use_resource', [False, True])
@pytest.mark.parametrize(
    ('kinds', 'most'),
    [
        ([], 1),
        ([_save, _read, _shared_read], 1),
        ([lambda step: tf.assign_add(step, 1), _save, _read], 1),
        ([lambda step: tf.assign_add(step, 5), lambda step: tf.assign_add(step, 2)], 7),
        ([lambda step: tf.assign_add(step, tf.placeholder(tf.int64, []))], math.inf),
        ([lambda step: tf.assign(step, 500)], math.inf),
        ([lambda step: tf.assign_sub(step, 1)], math.inf),
    ],
)
def test_the_graph_tells_what_a_run_adds_at_most(kinds, most, use_resource):
    with tf.Graph().as_default(), tf.variable_scope('', use_resource=use_resource):
        assert _increments(*kinds) == most


@pytest.mark.parametrize('kind', [_add_in_a_loop, _add_in_a_branch])
def test_what_a_loop_or_a_branch_adds_is_not_known(kind):
    with tf.Graph().as_default(), tf.variable_scope('', use_resource=True):
        assert _increments(kind) == math.inf


@pytest.mark.parametrize('use_resource', [False, True])
def test_an_optimizer_adds_one(use_resource):
    with tf.Graph().as_default(), tf.variable_scope('', use_resource=use_resource):
        step = tf.train.get_or_create_global_step()
        loss = tf.square(tf.get_variable('w', initializer=1.0))
        tf.train.AdamOptimizer().minimize(loss, global_step=step)
        assert global_steps.most_per_run(step) == 1


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
    model.train(by=2)
    assert model.tracker.lower == 12
    assert model.stuck == []


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
    assert model.tracker.advance == 1
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
        self.reach = global_steps.max_step_after(run_context, self.tensor)
        global_steps.before(run_context, self.tensor)

    def after_run(self, run_context, run_values):
        self.seen.append(
            (
                global_steps.before(run_context, self.tensor),
                global_steps.after(run_context, self.tensor),
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


def test_a_new_session_reads_the_step_by_one_tensor(tmp_path):
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        hooks = [tfhooks.StopAtStepHook(last_step=3)]
        with tfhooks.MonitoredTrainingSession(checkpoint_dir=str(tmp_path), hooks=hooks) as session:
            session.run(train)
            plans = repr(tfhooks.run_plans(session))
            raw, read = session.raw_session(), global_step_read()
            other = tf.get_default_graph().get_tensor_by_name('global_step/Read/ReadVariableOp:0')
            assert global_steps.read(raw, read) == global_steps.read(raw, other) == 1
    assert other.name in plans
    assert read.name not in plans


def test_what_a_program_has_put_in_the_place_of_the_read_is_read():
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        other = step + 100
        with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(last_step=9)]) as session:
            assert global_steps.read(session.raw_session(), other) == 100


def test_wake_compares_with_any_number():
    assert NEVER.step > 10**18
    assert ALWAYS.step < 0
