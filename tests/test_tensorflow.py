"""The one door: each private name of TensorFlow has a public way where a release lacks it."""

from __future__ import annotations

import importlib
import logging
import sys

import numpy as np
import pytest
import tensorflow
import warm_python
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.client import session as client_session
from tensorflow.python.ops import session_ops

import tfhooks
from tfhooks import _tensorflow as tf_private
from tfhooks._run import structures
from tfhooks._run.plan_cache import PlanCache

tf = tensorflow.compat.v1


# Run plans.


@pytest.mark.parametrize(
    ('owner', 'name'),
    [
        (client_session, '_FetchHandler'),
        (client_session, '_REGISTERED_EXPANSIONS'),
        (client_session.BaseSession, '_do_call'),
        (client_session.BaseSession, '_extend_graph'),
        (client_session.BaseSession, '_call_tf_sessionrun'),
        (client_session.BaseSession, '_make_callable_from_options'),
        (session_ops, 'TensorHandle'),
        (config_pb2, 'CallableOptions'),
        (pywrap_tf_session, 'TF_SessionRunCallable'),
    ],
)
def test_no_plans_without_a_private_part_of_sessions(monkeypatch, owner, name):
    with tf.Graph().as_default(), tf.Session() as session:
        value = tf.constant(3)
        with monkeypatch.context() as patch:
            patch.delattr(owner, name)
            assert tf_private.session_parts() is None
            plans = PlanCache(session)
        plans.install()
        assert 'run' not in vars(session)
        assert plans.run(value) == 3
        assert plans.counters.served == 0


def test_feeds_are_converted_by_numpy_where_tensorflow_does(monkeypatch):
    monkeypatch.delattr(client_session, 'numpy_compat', raising=False)
    assert tf_private.session_parts().as_array is np.asarray


# Starting up as TensorFlow 1.


def test_eager_has_run_only_where_it_has():
    script = """
from tfhooks._tensorflow import eager_has_run, tf
tf.Session(graph=tf.Graph()).close()
assert not eager_has_run()
tf.constant(1)
assert eager_has_run()
with tf.Graph().as_default():
    assert not eager_has_run()
tf.disable_eager_execution()
assert not eager_has_run()
"""
    done = warm_python.run(
        [sys.executable, '-c', script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def test_eager_has_run_is_false_without_its_private_name(monkeypatch):
    context = importlib.import_module('tensorflow.python.eager.context')
    tf.constant(1)
    assert tf_private.eager_has_run() is True
    monkeypatch.delattr(context, 'context_safe')
    assert tf_private.eager_has_run() is False


@pytest.mark.parametrize(('silence_is_there', 'logged'), [(True, 0), (False, 1)])
def test_deprecations_are_logged_only_without_the_private_name(
    monkeypatch, caplog, silence_is_there, logged
):
    deprecation = importlib.import_module('tensorflow.python.util.deprecation')

    def warn():
        @deprecation.deprecated(None, 'Use nothing.')
        def old():
            return 7

        caplog.clear()
        assert old() == 7
        return sum('deprecated' in record.getMessage() for record in caplog.records)

    if not silence_is_there:
        monkeypatch.delattr(deprecation, 'silence')
    logger = logging.getLogger('tensorflow')
    propagates = logger.propagate
    logger.propagate = True
    try:
        with tf_private.without_deprecation_warnings():
            assert warn() == logged
        assert warn() == 1
    finally:
        logger.propagate = propagates


def test_the_file_of_an_event_writer_is_not_known_without_its_private_name(tmp_path):
    class Writer:
        event_writer = object()

    with tensorflow.Graph().as_default():
        writer = tf_private.tf.summary.FileWriterCache.get(str(tmp_path))
        writer.flush()
        assert tf_private.event_file_of(writer) == str(next(tmp_path.iterdir()))
    assert tf_private.event_file_of(Writer()) is None


def test_a_cached_event_writer_is_not_forgotten_without_the_private_names(tmp_path, monkeypatch):
    cache = tf_private.tf.summary.FileWriterCache
    with tensorflow.Graph().as_default():
        writer = cache.get(str(tmp_path))
        monkeypatch.delattr(cache, '_lock')
        assert tf_private.forget_event_writer(str(tmp_path)) is False
        monkeypatch.undo()
        assert cache.get(str(tmp_path)) is writer
        assert tf_private.forget_event_writer(str(tmp_path)) is True
        assert cache.get(str(tmp_path)) is not writer


@pytest.mark.parametrize('private', [True, False])
def test_a_savers_lists_go_back_with_and_without_their_private_names(
    tmp_path, monkeypatch, private
):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable('v', initializer=1.0)
        saver = tf.train.Saver([variable], max_to_keep=2)
        session.run(variable.initializer)
        for step in (1, 2):
            saver.save(session, str(tmp_path / 'model'), step)
        before = saver.last_checkpoints
        lists = tf_private.saver_lists(saver)
        if not private:
            lists = (before, None)  # What is returned where the private lists are missing.
        saver.save(session, str(tmp_path / 'model'), 3, write_meta_graph=False)
        (tmp_path / 'model-1.index').touch()  # As if the save had failed before it deleted it.
        tf_private.restore_saver_lists(saver, lists)
        assert saver.last_checkpoints == before


def test_a_savers_lists_without_their_private_names():
    class WithoutLists:
        last_checkpoints = ('a', 'b')

    assert tf_private.saver_lists(WithoutLists()) == (['a', 'b'], None)


def test_a_saver_removes_under_another_name_where_it_lets_one(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable('v', initializer=1.0)
        saver = tf.train.Saver([variable], max_to_keep=1)
        session.run(variable.initializer)
        (tmp_path / 'other.index').touch()
        asked = []

        def rename(prefix):
            asked.append(prefix)
            return str(tmp_path / 'other')

        for step in (1, 2):
            with tf_private.pruning_by(saver, rename):
                saver.save(session, str(tmp_path / 'model'), step)
    assert asked == [str(tmp_path / 'model-1')]
    assert (tmp_path / 'model-1.index').exists()
    assert not (tmp_path / 'other.index').exists()
    assert type(saver._checkpoints_to_be_deleted) is list

    class WithoutList:
        pass

    with tf_private.pruning_by(WithoutList(), rename):
        pass


def test_the_session_interface_is_what_a_saver_asks_for(monkeypatch):
    assert issubclass(tf.Session, tf_private.session_interface())
    assert issubclass(tf.InteractiveSession, tf_private.session_interface())

    class Alone:
        pass

    monkeypatch.setattr(tf_private.tf, 'Session', Alone)
    assert tf_private.session_interface() is Alone


def test_a_variable_of_an_unknown_module_goes_to_tensorflow(monkeypatch):
    monkeypatch.setattr(structures, 'VARIABLE_MODULES', frozenset())
    monkeypatch.setattr(structures, '_fixed_types', set())
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable('v', initializer=3.0)
        session.run(variable.initializer)
        plans = PlanCache(session)
        assert plans.run(variable) == 3.0
        assert plans.counters.served == 0
        assert sum(plans.counters.fallbacks.values()) == 1


def test_the_creator_of_a_session_is_found_where_it_can_be():
    with tf.Graph().as_default():
        tf.no_op()
        creator = tf.train.ChiefSessionCreator()
        with tf.train.MonitoredSession(creator) as session:
            assert tf_private.creator_of(session) is creator
    assert tf_private.creator_of(object()) is None


def test_the_master_of_a_creator_is_found_where_it_can_be():
    with tf.Graph().as_default():
        for make in (tf.train.ChiefSessionCreator, tf.train.WorkerSessionCreator):
            assert tf_private.master_of(make(master='grpc://here:1')) == 'grpc://here:1'
    assert tf_private.master_of(object()) == ''


def test_a_session_that_a_manager_was_making_is_found_where_it_can_be(monkeypatch):
    made, others = [], []

    def fail(session):
        made.append(session)
        others.append(tf.Session())
        other = others[0]
        raise ValueError(f'not with {other}')

    with tf.Graph().as_default():
        manager = tf.train.SessionManager()
        with pytest.raises(ValueError, match='not with') as caught:
            manager.prepare_session('', init_fn=fail)
    assert tf_private.half_made_sessions(caught.value) == set(made)

    class Other:
        """A manager whose methods are none of those in the traceback."""

    monkeypatch.setattr(tf_private.originals, 'SessionManager', Other)
    assert tf_private.half_made_sessions(caught.value) == set()
    for session in made + others:
        session.close()


def test_a_profiler_writes_timelines_alone_without_the_private_definitions(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorflow.tsl.profiler.protobuf.xplane_pb2', None)
    parent = sys.modules.get('tensorflow.tsl.profiler.protobuf')
    monkeypatch.delattr(parent, 'xplane_pb2', raising=False)
    with tf.Graph().as_default():
        step = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        hook = tfhooks.ProfilerHook(save_steps=1, output_dir=str(tmp_path))
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(2):
                session.run(step)
    assert (tmp_path / 'timeline-2.json').exists()
    assert not (tmp_path / 'plugins').exists()


# Savers.


def test_where_a_saver_saves(tmp_path):
    with tf.Graph().as_default():
        tf.get_variable('weights', initializer=1.0)
        saver = tf.train.Saver()
        hook = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=1, saver=saver)
        assert tf_private.saves_to(hook) == (str(tmp_path), saver)
        # Without a Saver, or where a release keeps it elsewhere.
        assert (
            tf_private.saves_to(tf.train.CheckpointSaverHook(str(tmp_path), save_steps=1)) is None
        )
        assert tf_private.saves_to(object()) is None


def test_last_saved_step_without_the_private_timer(tmp_path):
    with tf.Graph().as_default():
        saver = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=1)
        assert tf_private.last_saved_step(saver) is None
        saver._timer.update_last_triggered_step(7)
        assert tf_private.last_saved_step(saver) == 7
        del saver._timer
        assert tf_private.last_saved_step(saver) is None


def test_a_name_that_is_not_exported_is_taken_or_missed():
    assert tf_private.unexported('tensorflow.python.util.nest', 'flatten_up_to')([0], [[1]]) == [
        [1]
    ]
    with pytest.raises(AttributeError, match='no_such_name'):
        tf_private.unexported('tensorflow.python.util.nest', 'no_such_name')
    with pytest.raises(AttributeError, match=r'TensorFlow .* has no tensorflow.python.no_such'):
        tf_private.unexported('tensorflow.python.no_such', 'name')


def test_the_worker_that_a_coordinator_runs_is_known_while_it_runs(monkeypatch):
    from tensorflow.python.distribute import distribute_coordinator, distribute_coordinator_context

    assert tf_private.worker_context() is None
    context = distribute_coordinator._WorkerContext(None, None, None, None)
    with context:
        assert tf_private.worker_context() is context
        monkeypatch.delattr(distribute_coordinator_context, 'get_current_worker_context')
        assert tf_private.worker_context() is None


# Patching.


def test_modules_that_a_release_lacks_are_left_out(monkeypatch):
    names = [module.__name__.rpartition('.')[2] for module in tf_private.training_modules()]
    assert names == ['session_run_hook', 'basic_session_run_hooks', 'monitored_session', 'training']
    monkeypatch.setitem(sys.modules, 'tensorflow.python.training.basic_session_run_hooks', None)
    left = [module.__name__.rpartition('.')[2] for module in tf_private.training_modules()]
    assert left == ['session_run_hook', 'monitored_session', 'training']
    assert len(tf_private.compat_modules()) == 2
    monkeypatch.delitem(sys.modules, 'tensorflow._api.v2.compat.v1')
    assert tf_private.compat_modules() == [tf_private.tf]


def test_modules_of_other_packages_are_not_internal():
    assert tf_private.is_internal('tensorflow.python')
    assert tf_private.is_internal('tensorflow.python.ops.nn')
    assert not any(
        map(tf_private.is_internal, ('tensorflow', 'tensorflow.pythonic', 'tf_slim.ops'))
    )


# Fetches and feeds.


def test_what_stands_for_an_element_without_its_private_name(monkeypatch):
    class Own:
        def _as_graph_element(self):
            return None

    with tf.Graph().as_default():
        variable = tf.get_variable('v', initializer=1.0)
        assert tf_private.stands_for_element(variable)
        assert tf_private.stands_for_element(Own())
        monkeypatch.setattr(tf_private, '_ELEMENT_OF', '_no_such_name')
        assert tf_private.stands_for_element(variable)
        assert not tf_private.stands_for_element(Own())


@pytest.mark.parametrize('there', [True, False])
def test_composites_come_apart_without_the_private_registry(monkeypatch, there):
    if not there:
        monkeypatch.delattr(client_session, '_REGISTERED_EXPANSIONS')
    with tf.Graph().as_default():
        plain, dense = tf.constant([1.0]), tf.constant([4], tf.int64)
        index = tf.constant([[0]], tf.int64)
        sparse = tf.SparseTensor(index, plain, dense)
        slices = tf.IndexedSlices(plain, dense)
        assert _same(tf_private.fetch_components(plain), [plain])
        assert _same(tf_private.fetch_components(sparse), [index, plain, dense])
        assert _same(tf_private.fetch_components(slices), [plain, dense])
        fed = tf_private.feed_components(sparse, (1, 2, 3))
        assert _same([key for key, _ in fed], [index, plain, dense])
        assert [value for _, value in fed] == [1, 2, 3]
        fed = tf_private.feed_components(slices, (1, 2))
        assert _same([key for key, _ in fed], [plain, dense])
        assert [value for _, value in tf_private.feed_components(plain, 7)] == [7]


def _same(found, wanted):
    return list(map(id, found)) == list(map(id, wanted))


@pytest.mark.parametrize('there', [True, False])
def test_feed_dicts_are_flattened_without_the_private_function(monkeypatch, there):
    if not there:
        nest = importlib.import_module('tensorflow.python.util.nest')
        monkeypatch.delattr(nest, 'flatten_dict_items')
    assert tf_private.flatten_feed_dict({'a': 1, ('b', 'c'): (2, 3)}) == {'a': 1, 'b': 2, 'c': 3}
    with pytest.raises((TypeError, ValueError)):
        tf_private.flatten_feed_dict({('b', 'c'): (2,)})


# Graphs.


def test_the_global_step_is_read_without_the_shared_read(monkeypatch):
    training_util = importlib.import_module('tensorflow.python.training.training_util')
    with tf.Graph().as_default() as graph:
        assert tf_private.global_step_read() is None
        step = tf.train.get_or_create_global_step()
        assert tf_private.made_global_step_read(graph) is None
        read = tf_private.global_step_read(graph)
        assert read.op.name.startswith('global_step/')
        assert tf_private.made_global_step_read(graph) is read
        monkeypatch.delattr(training_util, '_get_or_create_global_step_read')
        assert tf_private.global_step_read(graph) is step
        monkeypatch.delattr(training_util, 'GLOBAL_STEP_READ_KEY')
        assert tf_private.made_global_step_read(graph) is None


def test_a_graph_stays_finalized_without_the_private_method(monkeypatch):
    graph = tf.Graph()
    graph.finalize()
    with monkeypatch.context() as patch:
        patch.setattr(tf.Graph, '_unsafe_unfinalize', None)
        tf_private.unfinalize(graph)
        assert graph.finalized
    tf_private.unfinalize(graph)
    assert not graph.finalized


def test_the_strategy_of_a_worker_is_known_where_it_can_be():
    class Context:
        _strategy = 'strategy'

    assert tf_private.strategy_of(Context()) == 'strategy'
    assert tf_private.strategy_of(object()) is None


def test_a_private_module_that_a_release_lacks_is_none():
    assert tf_private.private_module('python.framework.ops').__name__.endswith('.framework.ops')
    assert tf_private.private_module('python.no_such_module') is None
