"""Programs override what TensorFlow's session creators do, and change their fields."""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from session_models import count

import tfhooks


@pytest.fixture
def trained(tmp_path):
    """A directory whose newest checkpoint is of global step 3."""
    with tf.Graph().as_default():
        train = count()
        with tfhooks.MonitoredTrainingSession(
            checkpoint_dir=str(tmp_path), save_checkpoint_steps=3, save_summaries_steps=None
        ) as session:
            for _ in range(3):
                session.run(train)
    return str(tmp_path)


@pytest.mark.parametrize('kind', [tfhooks.ChiefSessionCreator, tfhooks.WorkerSessionCreator])
def test_the_session_manager_may_be_another(kind):
    train, managers = count(), []

    class Creator(kind):
        def _get_session_manager(self):
            managers.append(super()._get_session_manager())
            return managers[-1]

    if kind is tfhooks.WorkerSessionCreator:  # A chief in this process would be another session.
        ready = tf.constant([], tf.string)
        scaffold = tf.train.Scaffold(ready_op=ready, ready_for_local_init_op=ready)
        session = Creator(scaffold, max_wait_secs=20).create_session()
    else:
        session = tfhooks.MonitoredSession(Creator())
        assert session.run(train) == 1
    session.close()
    assert len(managers) == 1
    assert isinstance(managers[0], tf.train.SessionManager)


def test_fields_may_be_changed_until_the_session_is_made(trained):
    train = count()

    class Anew(tfhooks.ChiefSessionCreator):
        def create_session(self):
            self._checkpoint_dir = None
            return super().create_session()

    with tfhooks.MonitoredSession(Anew(checkpoint_dir=trained)) as session:
        assert session.run(train) == 1


def test_fields_may_be_set_after_the_constructor(trained):
    train = count()
    creator = tfhooks.ChiefSessionCreator()
    creator._checkpoint_dir = trained
    creator._config = tf.ConfigProto(device_count={'CPU': 2})
    with tfhooks.MonitoredSession(creator) as session:
        assert session.run(train) == 4
        assert len(session.raw_session().list_devices()) == 2


def test_a_class_that_sets_tensorflows_fields_itself(trained):
    train = count()

    class Creator(tfhooks.ChiefSessionCreator):
        def __init__(self, directory):
            self._checkpoint_dir, self._checkpoint_filename_with_path = directory, None
            self._scaffold, self._session_manager = tf.train.Scaffold(), None
            self._master, self._config = '', None

    with tfhooks.MonitoredSession(Creator(trained)) as session:
        assert session.run(train) == 4


def test_a_directory_and_a_checkpoint_are_one_too_many(trained):
    count()
    with pytest.raises(ValueError, match='both checkpoint_dir and checkpoint_filename_with_path'):
        tfhooks.SingularMonitoredSession(
            checkpoint_dir=trained, checkpoint_filename_with_path=f'{trained}/model.ckpt-0'
        )


@pytest.mark.parametrize('kind', ['stock', 'fetching'])
def test_the_graph_of_the_session_counts_not_the_default_one(kind):
    """A creator may make its session on a graph of its own."""
    with tf.Graph().as_default() as own:
        train = count()
        other = tf.constant(7, name='other')

    class Creator(tf.train.SessionCreator):
        def create_session(self):
            session = tf.Session(graph=own)
            with own.as_default():
                session.run(tf.global_variables_initializer())
            return session

    class Fetches(tf.train.SessionRunHook):
        got = None

        def before_run(self, run_context):
            return tf.train.SessionRunArgs({'other': other})

        def after_run(self, run_context, run_values):
            self.got = run_values.results

    if kind == 'stock':
        # It begins on the default graph, as in TensorFlow, and reads the step there.
        with own.as_default():
            hooks = [tfhooks.StopAtStepHook(last_step=2)]
            session = tfhooks.MonitoredSession(Creator(), hooks)
            assert session.run(train) == 1
            assert not session.should_stop()
            assert session.run(train) == 2
            assert session.should_stop()
    else:
        hooks = [Fetches()]
        session = tfhooks.MonitoredSession(Creator(), hooks)
        assert session.run(train) == 1
        assert session.run(train) == 2
        assert hooks[0].got == {'other': 7}
        assert session.graph is own
    session.close()
