"""CheckpointSaverHook(asynchronous=True): the same files, written by a thread."""

from __future__ import annotations

import contextlib
import os
import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from saving_models import SESSIONS, Told, latest_step, leftovers, saver, steps_in, training
from stock_models import LoseSession

import tfhooks
from tfhooks._base.errors import CheckpointSaveError
from tfhooks._base.hook_types import ALWAYS, NextDue
from tfhooks._checkpoints import async_save
from tfhooks._checkpoints.best import BestCheckpoints

both = pytest.mark.parametrize('session_class', SESSIONS)


class Gate(tf.train.Saver):
    """A saver that waits, when it writes in the background, until it is told to go on.

    It waits before it records what it has written, so the state file still names what was there.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.open = threading.Event()
        self.fails = False
        self.fails_before_writing = False
        self.error = tf.errors.ResourceExhaustedError(None, None, 'the disk is full')

    @property
    def last_checkpoints(self):
        # Read when the state file is about to be written.
        if threading.current_thread() is not threading.main_thread():
            assert self.open.wait(60)
            if self.fails_before_writing:
                raise self.error
        return super().last_checkpoints

    def export_meta_graph(self, *args, **kwargs):
        if threading.current_thread() is not threading.main_thread():
            assert self.open.wait(60)
            if self.fails:
                raise tf.errors.OutOfRangeError(None, None, 'the disk is full')
        return super().export_meta_graph(*args, **kwargs)


def open_when_waited_for(gate, hook):
    """Opens a gate as soon as the saver waits for it, as where its session is made again."""
    background = hook._tfhooks_state.background
    wait = background.wait

    def open_and_wait():
        if background.pending is not None:
            gate.open.set()
        wait()

    background.wait = open_and_wait


@contextlib.contextmanager
def gated(directory, session_class, hooks=(), **arguments):
    """A session with a Gate. Gives the gate, the hook and a function that runs steps."""
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        weights = tf.get_variable('weights', shape=[3], initializer=tf.zeros_initializer())
        op = tf.group(step.assign_add(1), weights.assign_add([1.0] * 3))
        gate = Gate()
        hook = saver(directory, saver=gate, asynchronous=True, **arguments)
        open_when_waited_for(gate, hook)
        creator = tfhooks.ChiefSessionCreator(checkpoint_dir=str(directory))
        with session_class(creator, [hook, *hooks]) as session:

            def run(times=1):
                for _ in range(times):
                    session.run(op)

            run.session = session
            run.step = lambda: session.run_step_fn(
                lambda step_context: step_context.session.run(step)
            )
            try:
                yield gate, hook, run
            finally:
                gate.open.set()


def many_variables():
    """Variables of all kinds: large, small, partitioned, with strings, by reference or resource."""
    step = tf.train.get_or_create_global_step()
    changed = [
        tf.get_variable('large', shape=[400_000], use_resource=True),
        tf.get_variable('large_ref', shape=[700, 500], use_resource=False),
        tf.get_variable('small', initializer=[1.0, 2.0]),
        tf.get_variable('double', initializer=np.arange(200_000, dtype=np.float64)),
        *tf.get_variable('parts', shape=[9, 100_000], partitioner=tf.fixed_size_partitioner(3)),
    ]
    tf.get_variable('flags', initializer=[True, False])
    tf.get_variable('bytes', initializer=np.arange(300, dtype=np.uint8))
    tf.get_variable('names', initializer=['one', 'two', ''])
    return tf.group(step.assign_add(1), *[v.assign_add(tf.ones_like(v)) for v in changed])


@both
@pytest.mark.parametrize('sharded', [True, False])
def test_writes_byte_for_byte_what_a_blocking_save_writes(tmp_path, session_class, sharded):
    directory, other = tmp_path / 'async', tmp_path / 'blocking'
    other.mkdir()
    with tf.Graph().as_default():
        op = many_variables()
        own = tf.train.Saver(sharded=sharded)
        by_hand = tf.train.Saver(saver_def=own.saver_def)
        hook = saver(directory, save_steps=3, saver=own, asynchronous=True)
        with session_class(hooks=[hook]) as session:
            for _ in range(3):
                session.run(op)
            writer = hook._tfhooks_state.background.writer
            assert writer is not None
            by_hand.save(writer.session, str(other / 'model.ckpt'), global_step=3)
            session.run(op)
    names = [name for name in os.listdir(other) if name.startswith('model.ckpt-3.')]
    assert len(names) == 3
    for name in names:
        assert (directory / name).read_bytes() == (other / name).read_bytes(), name


def test_shards_are_written_as_the_saver_writes_them(tmp_path):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        for i in range(2):
            with tf.device(f'/job:localhost/task:0/cpu:{i}'):
                tf.get_variable(f'on_{i}', initializer=[float(i)] * 400_000, use_resource=True)
        own = tf.train.Saver(sharded=True)
        hook = saver(tmp_path / 'a', save_steps=2, saver=own, asynchronous=True)
        (tmp_path / 'b').mkdir()
        creator = tf.train.ChiefSessionCreator(config=tf.ConfigProto(device_count={'CPU': 2}))
        op = step.assign_add(1)
        with tf.train.MonitoredSession(creator, [hook]) as session:
            session.run(op)
            session.run(op)
            by_hand = tf.train.Saver(saver_def=own.saver_def)
            by_hand.save(
                hook._tfhooks_state.background.writer.session, str(tmp_path / 'b' / 'model.ckpt'), 2
            )
    names = sorted(n for n in os.listdir(tmp_path / 'b') if n.startswith('model.ckpt-2.'))
    assert len([name for name in names if '-of-00003' in name or '-of-00002' in name]) >= 2
    for name in names:
        assert (tmp_path / 'a' / name).read_bytes() == (tmp_path / 'b' / name).read_bytes(), name


@both
def test_the_step_does_not_wait_for_the_file(tmp_path, session_class):
    with gated(tmp_path, session_class, save_steps=2) as (gate, hook, run):
        assert hook.next_due() == NextDue(step=2)
        run(2)
        assert hook._tfhooks_state.background.pending.step == 2
        assert hook.next_due() == ALWAYS
        run()
        gate.open.set()
        hook.wait_for_save()
        run()
        assert latest_step(tmp_path) in (2, 4)
    assert steps_in(tmp_path) == [0, 2, 4]
    assert leftovers(tmp_path) == []


@both
def test_the_copy_is_of_the_step_though_training_goes_on(tmp_path, session_class):
    with gated(tmp_path, session_class, save_steps=3) as (gate, _hook, run):
        run(5)
        gate.open.set()
        run(6)
    # steps_in looks into the files: every weight must equal the step of the file's name.
    assert steps_in(tmp_path) == [0, 3, 6, 9, 11]


@both
def test_listeners_are_told_when_the_file_is_complete(tmp_path, session_class):
    told = Told(stop_at=2)
    with gated(tmp_path, session_class, listeners=[told]) as (gate, hook, run):
        run(3)
        assert told.calls[-1] == ('before_save', 2)
        gate.open.set()
        hook.wait_for_save()
        assert not run.session.should_stop()
        run()
        assert ('after_save', 2) in told.calls
        assert run.session.should_stop()
    assert told.calls[-1] == ('end', 4)


@both
def test_an_error_in_the_thread_surfaces_at_the_next_step(tmp_path, session_class):
    def train():
        with gated(tmp_path, session_class, save_steps=2) as (gate, hook, run):
            with pytest.raises(CheckpointSaveError, match='disk is full') as raised:
                fail_at_two(gate, hook, run)
            assert raised.value.step == 2
            assert isinstance(raised.value, tf.errors.OutOfRangeError)
            gate.fails = False
            # It is due again at once.
            run()
            hook.wait_for_save()
            assert latest_step(tmp_path) == 4

    def fail_at_two(gate, hook, run):
        run(2)
        gate.fails = True
        gate.open.set()
        hook.wait_for_save()
        run()

    train()
    assert leftovers(tmp_path) == []


def test_a_thread_that_is_ended_while_it_saves_has_not_saved(tmp_path):
    with gated(tmp_path, tfhooks.MonitoredSession, save_steps=3) as (gate, hook, run):
        run(3)
        gate.error, gate.fails_before_writing = SystemExit('of a library'), True
        gate.open.set()
        hook.wait_for_save()
        with pytest.raises(SystemExit):
            run()
        gate.fails_before_writing = False
        # It is due again at once.
        run()
        hook.wait_for_save()
        assert latest_step(tmp_path) == 5


def test_retries_also_count_in_the_background(tmp_path, caplog, clock):
    with gated(tmp_path, SESSIONS[1], save_steps=2, save_retries=1) as (gate, hook, run):
        gate.fails = True
        gate.open.set()
        run(2)
        hook.wait_for_save()
        run()
        assert any('failure 1 of 1' in record.getMessage() for record in caplog.records)
        gate.fails = False
        run()
        hook.wait_for_save()
        assert latest_step(tmp_path) == 4


@both
def test_the_end_waits_and_saves_what_failed(tmp_path, session_class):
    with gated(tmp_path, session_class, save_steps=2) as (gate, hook, run):
        run(2)
        gate.fails = True
        gate.open.set()
        hook.wait_for_save()
    assert latest_step(tmp_path) == 2
    assert steps_in(tmp_path) == [0, 2]


def test_the_end_waits_also_where_the_session_cannot_run_any_more(tmp_path):
    told = Told()
    arguments = {'save_steps': 2, 'listeners': [told]}
    with gated(tmp_path, tfhooks.MonitoredSession, **arguments) as (gate, hook, run):
        run(2)
        run.session.raw_session().close()
        background = hook._tfhooks_state.background
        outcome, take = background.pending.outcome, background.take

        def open_and_take():
            gate.open.set()
            return take()

        background.take = open_and_take
        with pytest.raises(RuntimeError, match='closed Session'):
            run.session.close()
        assert outcome.done()
    assert ('after_save', 2) in told.calls
    assert latest_step(tmp_path) == 2


def test_an_error_in_the_thread_is_attached_to_that_of_the_body(tmp_path, log):
    def train():
        with gated(tmp_path, tfhooks.MonitoredSession, save_steps=2) as (gate, hook, run):
            run(2)
            gate.fails_before_writing = True
            gate.open.set()
            hook.wait_for_save()
            raise KeyError('a mistake of the program')

    with pytest.raises(KeyError) as raised:
        train()
    [other] = raised.value.other_errors
    assert isinstance(other, CheckpointSaveError)
    assert other.step == 2
    assert len(log('The background save of step 2 failed')) == 1


def test_the_state_of_an_iterator_is_saved_while_the_step_waits(tmp_path, log):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        iterator = tf.data.make_initializable_iterator(tf.data.Dataset.range(10))
        state = tf.data.experimental.make_saveable_from_iterator(iterator)
        item = iterator.get_next()
        op = step.assign_add(1)
        own = tf.train.Saver({'global_step': step, 'data': state})
        hook = saver(tmp_path, saver=own, asynchronous=True)
        scaffold = tf.train.Scaffold(local_init_op=iterator.initializer)
        creator = tf.train.ChiefSessionCreator(scaffold)
        with tfhooks.MonitoredSession(creator, [hook, LoseSession(3)]) as session:
            for _ in range(4):
                session.run([item, op])
            own.restore(session.raw_session(), str(tmp_path / 'model.ckpt-2'))
            assert session.run_without_hooks(item) == 2
    assert len(log('Steps will wait')) == 1


@both
def test_a_recovery_waits_for_what_is_being_written_and_goes_on_from_it(tmp_path, session_class):
    lose = LoseSession(3)
    with gated(tmp_path, session_class, [lose], save_steps=2) as (_gate, hook, run):
        run(2)
        assert latest_step(tmp_path) == 0
        # Lost at 3 while 2 was being written; this run is made again from 2.
        run()
        hook.wait_for_save()
        assert latest_step(tmp_path) == 2
        assert run.step() == 3
        run()
    assert steps_in(tmp_path) == [0, 2, 4]


@both
def test_an_error_before_a_recovery_surfaces_after_it(tmp_path, session_class):
    lose = LoseSession(3)
    with gated(tmp_path, session_class, [lose], save_steps=2) as (gate, _hook, run):
        run(2)
        gate.fails_before_writing = True
        with pytest.raises(CheckpointSaveError):
            run(2)
        gate.fails_before_writing = False
        run(2)
    assert leftovers(tmp_path) == []
    assert latest_step(tmp_path) == steps_in(tmp_path)[-1]


@both
def test_a_recovery_finds_the_hook_ready(tmp_path, session_class):
    hooks = [saver(tmp_path, save_steps=2, asynchronous=True), LoseSession(5)]
    with training(tmp_path, hooks, session_class) as run:
        run(4)
        hooks[0].wait_for_save()
        run(6)
    assert steps_in(tmp_path)[-1] == 10 or latest_step(tmp_path) >= 9
    assert leftovers(tmp_path) == []


class SaverOfItsOwn(tf.train.Saver):
    def save(self, *args, **kwargs):
        return super().save(*args, **kwargs)


def test_a_saver_with_a_save_of_its_own_is_waited_for(tmp_path, caplog):
    with tf.Graph().as_default():
        op = tf.train.get_or_create_global_step().assign_add(1)
        hook = saver(tmp_path, saver=SaverOfItsOwn(), asynchronous=True)
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            for _ in range(2):
                session.run(op)
            assert latest_step(tmp_path) == 2
    assert any('Steps will wait' in record.getMessage() for record in caplog.records)


def test_copies_are_added_for_large_variables_only():
    with tf.Graph().as_default() as graph:
        many_variables()
        copies = async_save.add_copies(graph)
        assert sorted(copies) == [
            'double', 'large', 'large_ref', 'parts/part_0', 'parts/part_1', 'parts/part_2'
        ]  # fmt: skip


def test_a_blocking_hook_adds_nothing_to_the_graph(tmp_path):
    def names(hook_class):
        with tf.Graph().as_default() as graph:
            many_variables()
            tf.train.Saver()
            hook_class(str(tmp_path), save_steps=1).begin()
            return [op.name for op in graph.get_operations()]

    from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook

    assert names(CheckpointSaverHook) == names(tf.train.CheckpointSaverHook)


def test_the_best_are_kept_with_the_metric_of_their_step(tmp_path):
    best = BestCheckpoints(lambda session, step: float(-abs(step - 4)), 'max', n=1)
    with gated(tmp_path, SESSIONS[1], save_steps=2, keep_best=best) as (gate, _hook, run):
        gate.open.set()
        run(8)
    assert [kept.step for kept in best.checkpoints] == [4]
    assert latest_step(tmp_path / 'best') == 4


def test_a_metric_that_fails_loses_no_save(tmp_path):
    def metric(session, step):
        if step == 2:
            raise ArithmeticError('no metric')
        return 0.0

    with gated(tmp_path, SESSIONS[1], keep_best=BestCheckpoints(metric)) as (gate, hook, run):
        gate.open.set()
        run()
        with pytest.raises(ArithmeticError):
            run()
        hook.wait_for_save()
        assert latest_step(tmp_path) == 2
