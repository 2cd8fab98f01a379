"""`import tfhooks.v1 as tf`, as a TensorFlow 1 program has it: what is in the namespace."""

from __future__ import annotations

import copy
import importlib
import inspect
import io
import logging
import os
import pickle
import sys
import threading
import typing
from unittest import mock

import pytest
from v1_processes import KEY, Holder, checked_in, main, prepares, raised

LOG = io.StringIO()


@prepares('program')
def _():
    logging.getLogger('tensorflow').addHandler(logging.StreamHandler(LOG))
    import tfhooks.v1 as tf

    assert tf is sys.modules['tfhooks.v1']


@checked_in('program')
def test_behaviour_is_tensorflow_1s():
    import tfhooks.v1 as tf

    assert not tf.executing_eagerly()
    assert not tf.resource_variables_enabled()
    assert not tf.control_flow_v2_enabled()
    assert tf.TensorShape([7])[0].value == 7
    with tf.Graph().as_default():
        total = tf.constant([1.0, 2.0]) + tf.get_variable(
            'v', [], initializer=tf.ones_initializer()
        )
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            assert session.run(total).tolist() == [2.0, 3.0]


@checked_in('program')
def test_import_logs_nothing():
    import tfhooks.v1 as tf

    assert LOG.getvalue() == ''
    # A deprecation that the program itself earns is still logged.
    tf.disable_resource_variables()
    assert 'deprecated' in LOG.getvalue()


@checked_in('program')
def test_attributes_are_tensorflows():
    import tfhooks.v1 as tf

    upstream = sys.modules['tensorflow'].compat.v1
    assert tf.__version__ == upstream.__version__
    assert tf.logging.info is upstream.logging.info
    assert tf.summary.FileWriter is upstream.summary.FileWriter
    assert tf.app.run is upstream.app.run
    assert tf.gfile.Exists(__file__)
    assert tf.flags.FLAGS is upstream.app.flags.FLAGS
    assert tf.nn.relu is upstream.nn.relu
    assert tf.float32 is upstream.float32
    assert tf.Session is upstream.Session
    assert vars(tf)['Session'] is upstream.Session, 'not kept after the first look'


@checked_in('program')
def test_train_is_laid_over():
    import tfhooks
    import tfhooks.v1 as tf

    upstream = sys.modules['tensorflow'].compat.v1
    assert tf.train.SessionRunHook is upstream.train.SessionRunHook
    assert tf.train.SecondOrStepTimer is tfhooks.SecondOrStepTimer
    assert tf.train.AdamOptimizer is upstream.train.AdamOptimizer
    assert upstream.train.SecondOrStepTimer is not tfhooks.SecondOrStepTimer, 'changed'


@checked_in('program')
def test_a_coordinator_takes_an_error_that_is_not_being_handled():
    import tfhooks.v1 as tf

    coordinator = tf.train.Coordinator()
    coordinator.request_stop(ValueError('of a thread that ended'))
    assert coordinator.should_stop()
    with pytest.raises(ValueError, match='of a thread that ended'):
        coordinator.join()


@checked_in('program')
def test_compat_v1_is_the_shim():
    import tfhooks.v1.compat.v1 as again
    from tfhooks.v1.compat.v1.train import SessionRunHook

    import tfhooks.v1 as tf
    from tfhooks.v1.compat import v1

    assert tf.compat.v1 is tf
    assert again is tf
    assert v1 is tf
    assert SessionRunHook is tf.train.SessionRunHook
    assert tf.compat.as_text(b'a') == 'a'
    assert tf.compat.v2.constant is sys.modules['tensorflow'].constant


@checked_in('program')
def test_import_statements():
    import tfhooks.v1.gfile
    import tfhooks.v1.keras.layers as keras_layers
    import tfhooks.v1.layers as layers
    import tfhooks.v1.nn.rnn_cell as rnn_cell
    from tfhooks.v1.data import Dataset
    from tfhooks.v1.saved_model import builder
    from tfhooks.v1.saved_model.builder import SavedModelBuilder
    from tfhooks.v1.train.experimental import FixedLossScale

    import tfhooks.v1 as tf
    import tfhooks.v1.train
    import tfhooks.v1.train as train_module
    from tfhooks.v1 import gfile, train
    from tfhooks.v1.train import Saver, SessionRunHook

    assert tfhooks.v1.gfile is gfile is tf.gfile
    assert tfhooks.v1.train is train is train_module is tf.train
    assert layers is tf.layers
    assert rnn_cell is tf.nn.rnn_cell
    assert keras_layers is tf.keras.layers
    assert Dataset is tf.data.Dataset
    assert builder is tf.saved_model.builder
    assert SavedModelBuilder is tf.saved_model.builder.SavedModelBuilder
    assert Saver is tf.train.Saver
    assert SessionRunHook is tf.train.SessionRunHook
    assert FixedLossScale is tf.train.experimental.FixedLossScale


@checked_in('program')
def test_imports_leave_tensorflows_modules_as_they_are():
    """An alias is the module itself, under its own name and with its own origin."""
    import tfhooks.v1 as tf

    for name in ('gfile', 'saved_model.builder'):
        module = importlib.import_module(f'tfhooks.v1.{name}')
        assert module.__name__.startswith('tensorflow.')
        assert module.__spec__.name == module.__name__
    assert tf.__name__ == 'tfhooks.v1'
    assert tf.__spec__.name == 'tfhooks.v1'


@checked_in('program')
def test_star_import():
    import tfhooks.v1 as tf

    names: dict[str, object] = {}
    exec('from tfhooks.v1 import *', names)
    assert names['Session'] is tf.Session
    assert names['train'] is tf.train
    assert names['layers'] is tf.layers
    assert not [name for name in names if name.startswith('_') and name != '__builtins__']
    assert set(tf.__all__) <= set(names)
    names = {}
    exec('from tfhooks.v1.train import *', names)
    assert names['SessionRunHook'] is tf.train.SessionRunHook
    assert names['Saver'] is tf.train.Saver


@checked_in('program')
def test_import_of_what_is_not_there():
    assert 'tfhooks.v1.no_such_module' in raised(
        ModuleNotFoundError, 'import tfhooks.v1.no_such_module'
    )
    assert 'no_such_name' in raised(ImportError, 'from tfhooks.v1 import no_such_name')
    assert 'no_such_name' in raised(ImportError, 'from tfhooks.v1.train import no_such_name')
    assert 'no_such' in raised(ModuleNotFoundError, 'import tfhooks.v1.gfile.no_such')
    # A function is not a module.
    assert 'constant' in raised(ModuleNotFoundError, 'import tfhooks.v1.constant')
    text = raised(AttributeError, 'tf.no_such_name')
    assert text == "module 'tfhooks.v1' has no attribute 'no_such_name'"


@checked_in('program')
def test_import_of_tensorflows_own_contrib_is_told_where_it_is():
    for statement in ('from tensorflow.contrib import slim', 'import tensorflow.contrib.slim'):
        text = raised(ModuleNotFoundError, statement)
        assert text.startswith("No module named 'tensorflow.contrib'")
        assert 'from tfhooks.v1.contrib import slim' in text


@checked_in('program')
def test_no_other_name_is_suggested_behind_an_error_that_says_what_to_do():
    import tfhooks.v1 as tf

    # Python adds a name of the object in the error that is spelt like the one that lacks.
    for place, name, found in (
        (tf.contrib, 'rpc', None),
        (tf.estimator, 'EstimatorSpek', None),
        (tf.train, 'AdamOptimiser', tf.train),
    ):
        with pytest.raises(AttributeError) as error:
            getattr(place, name)
        assert error.value.obj is found


@checked_in('program')
def test_contrib_and_estimator_are_modules():
    import tfhooks.v1 as tf

    for name in ('contrib', 'estimator'):
        module = getattr(tf, name)
        assert module is importlib.import_module(f'tfhooks.v1.{name}')
        assert name in dir(tf)
        assert pickle.loads(pickle.dumps(module)) is copy.copy(module) is module
        gone = 'is gone since TensorFlow 2'
        assert not hasattr(module, 'something')
        assert getattr(module, 'something', None) is None
        for kind, statement in [
            (AttributeError, f'tf.{name}.something'),
            (ModuleNotFoundError, f'import tfhooks.v1.{name}.something'),
            (ModuleNotFoundError, f'import tfhooks.v1.{name}.something.more'),
            (ModuleNotFoundError, f'from tfhooks.v1.{name} import something'),
        ]:
            assert f'tf.{name}.something {gone}' in raised(kind, statement), statement


@checked_in('program')
def test_pickle_and_copy():
    import tfhooks.v1 as tf

    for kind in (
        tf.train.SessionRunHook,
        tf.train.SessionRunArgs,
        tf.train.Saver,
        tf.Session,
        tf.train.SecondOrStepTimer,
    ):
        assert pickle.loads(pickle.dumps(kind)) is kind
        assert copy.copy(kind) is kind
        assert copy.deepcopy(kind) is kind
    arguments = tf.train.SessionRunArgs('a:0', feed_dict={'b:0': 1})
    again = pickle.loads(pickle.dumps(arguments))
    assert again == arguments
    assert type(again) is tf.train.SessionRunArgs
    for module in (tf, tf.train, tf.compat, tf.gfile):
        assert copy.deepcopy(Holder(module)).module is module
        assert pickle.loads(pickle.dumps(Holder(module))).module is module


@checked_in('program')
def test_introspection():
    import tfhooks.v1 as tf

    assert repr(tf).startswith("<module 'tfhooks.v1' from ")
    assert repr(tf.train).startswith("<module 'tfhooks.v1.train' from ")
    assert inspect.ismodule(tf)
    assert 'tf.compat.v1' in inspect.getdoc(tf)
    assert 'choose_keras' in inspect.getsource(tf)
    assert inspect.getmodule(tf.train) is tf.train
    assert inspect.unwrap(tf) is tf
    assert dict(inspect.getmembers(tf.train))['Saver'] is tf.train.Saver
    assert len(inspect.getmembers(tf)) > 600
    for module in (tf, tf.train, tf.compat):
        assert typing.get_type_hints(module) == {}
    assert 'saver_def' in inspect.signature(tf.train.Saver).parameters
    typing.get_type_hints(tf.train.StopAtStepHook)


@checked_in('program')
def test_dir_is_what_can_be_had():
    import tfhooks.v1 as tf

    assert dir(tf) == sorted(set(dir(tf)))
    for module in (tf, tf.train, tf.compat):
        names = dir(module)
        assert not [name for name in names if not hasattr(module, name)]
        assert not [name for name in names if name[0] == '_' and name[:2] != '__']
    assert {'Session', 'train', 'layers', '__version__', '__name__', '__file__'} <= set(dir(tf))
    assert {'SessionRunHook', 'Saver', 'experimental'} <= set(dir(tf.train))


@checked_in('program')
def test_reload():
    import tfhooks.v1 as tf

    finders = list(sys.meta_path)
    session = tf.Session
    for module in (tf, tf.train, tf.compat):
        assert importlib.reload(module) is module
    assert sys.meta_path == finders
    assert tf.Session is session
    assert tf.train is sys.modules['tfhooks.v1.train']
    assert tf.compat.v1 is tf
    assert tf.train.MonitoredSession.__module__ == 'tfhooks._session.sessions'
    assert not tf.executing_eagerly()


@checked_in('program')
def test_names_can_be_set_and_patched():
    import tfhooks.v1 as tf

    upstream = sys.modules['tensorflow'].compat.v1
    for name in ('NanTensorHook', 'LooperThread', 'write_graph'):
        was = getattr(upstream.train, name)
        with mock.patch.object(tf.train, name, 'patched'):
            assert getattr(tf.train, name) == 'patched'
            assert getattr(upstream.train, name) is was
        assert getattr(tf.train, name) != 'patched'
    with mock.patch('tfhooks.v1.train.Saver') as saver:
        assert tf.train.Saver is saver
    assert tf.train.Saver is upstream.train.Saver


@checked_in('program')
def test_threads_see_one_object():
    import tfhooks.v1 as tf

    names = [name for name in dir(tf.train) if name[0] != '_']
    for name in names:
        vars(tf.train).pop(name, None)
    start = threading.Barrier(8)
    seen = []

    def look():
        start.wait()
        seen.append([getattr(tf.train, name) for name in names])

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(a is b for others in seen for a, b in zip(others, seen[0], strict=True))


@checked_in('program', needs_keras_2=True)
def test_keras_2_is_used():
    from tfhooks.v1.layers import dense

    import tfhooks.v1 as tf

    assert os.environ[KEY] == '1'
    assert dense is tf.layers.dense
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [None, 3, 5])
        logits = tf.layers.dense(images[:, 0], 2)
        outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(4), images, dtype=tf.float32)
        assert logits.shape.as_list() == [None, 2]
        assert outputs.shape.as_list() == [None, 3, 4]
        assert len(tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)) == 4


if __name__ == '__main__':
    main(*sys.argv[1:])
