"""Workers that TensorFlow's distribute coordinator runs: who makes the session, what is saved."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
from session_models import Recorder, count

import tfhooks
from tfhooks._session import monitored, training


class Context:
    """What a training asks of a worker's context."""

    task_type, task_id = 'worker', 1

    def __init__(self, is_chief=True, saves=True, collective=False):
        self.is_chief = self.should_checkpoint = self.should_save_summary = is_chief and saves
        self.is_chief = is_chief
        name = 'MultiWorkerMirroredStrategy' if collective else 'ParameterServerStrategy'
        self._strategy = type(name, (), {})()
        self.made = []

    def session_creator(self, scaffold=None, config=None, checkpoint_dir=None, max_wait_secs=7200):
        self.made.append(checkpoint_dir)
        return tfhooks.ChiefSessionCreator(scaffold, config=config, checkpoint_dir=checkpoint_dir)


def train(directory, monkeypatch, context, **arguments):
    """Trains two steps; returns the log of a hook for all workers and one for the chief."""
    monkeypatch.setattr(training, 'worker_context', lambda: context)
    increment = count()
    tf.summary.scalar('a', 1.0)
    every, chief_only = Recorder([]), Recorder([])
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(directory),
        hooks=[every],
        chief_only_hooks=[chief_only],
        log_step_count_steps=1,
        **arguments,
    ) as session:
        for _ in range(2):
            session.run(increment)
    return every, chief_only


def written(directory):
    return sorted({path.name.split('.')[0] for path in directory.glob('*')})


def test_the_context_makes_the_session_and_says_that_all_is_saved(tmp_path, monkeypatch):
    context = Context()
    every, chief_only = train(tmp_path, monkeypatch, context)
    assert context.made == [str(tmp_path)]
    assert written(tmp_path) == ['checkpoint', 'events', 'graph', 'model']
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / 'model.ckpt-2')
    assert every.calls
    assert chief_only.calls


def test_the_context_says_that_nothing_is_saved(tmp_path, monkeypatch):
    every, chief_only = train(tmp_path, monkeypatch, Context(is_chief=False))
    assert written(tmp_path) == []
    assert every.calls
    assert not chief_only.calls


def test_a_chief_need_not_save(tmp_path, monkeypatch):
    _, chief_only = train(tmp_path, monkeypatch, Context(saves=False))
    assert written(tmp_path) == []
    assert chief_only.calls


def test_workers_that_save_together_do_so_apart(tmp_path, monkeypatch):
    train(tmp_path, monkeypatch, Context(is_chief=False, collective=True), save_checkpoint_secs=600)
    assert written(tmp_path) == ['tmp_worker_1']
    apart = tmp_path / 'tmp_worker_1'
    assert written(apart) == ['checkpoint', 'events', 'graph', 'model']
    assert tf.train.latest_checkpoint(str(apart)) == str(apart / 'model.ckpt-2')


def test_a_session_without_a_creator_asks_the_context(monkeypatch):
    context = Context()
    monkeypatch.setattr(monitored, 'worker_context', lambda: context)
    step = tf.train.get_or_create_global_step()
    with tfhooks.MonitoredSession() as session:
        assert session.run(step) == 0
    assert context.made == [None]


def test_checkpoints_need_no_summaries(tmp_path, monkeypatch):
    train(tmp_path, monkeypatch, Context(), save_summaries_steps=None, save_summaries_secs=None)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / 'model.ckpt-2')
