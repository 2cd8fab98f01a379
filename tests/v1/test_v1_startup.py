"""`import tfhooks.v1` without Keras 2, or late: what it does, and what it says when it cannot."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import pickle
import sys

from v1_processes import KEY, Holder, checked_in, main, prepares, raised

# Without Keras 2.


@prepares('without Keras 2')
def _():
    sys.modules['tf_keras'] = None  # As if it were not installed.
    import tfhooks.v1

    assert tfhooks.v1.layers
    assert KEY not in os.environ


@checked_in('without Keras 2')
def test_layers_name_the_extra():
    import tfhooks.v1 as tf

    for name, statements in {
        'tf.layers.dense': ['tf.layers.dense', 'import tfhooks.v1.layers as layers; layers.dense'],
        'tf.nn.rnn_cell.LSTMCell': [
            'tf.nn.rnn_cell.LSTMCell',
            'import tfhooks.v1.nn.rnn_cell as rnn_cell; rnn_cell.LSTMCell',
            'from tfhooks.v1.nn import rnn_cell; rnn_cell.LSTMCell',
        ],
    }.items():
        for statement in statements:
            text = raised(AttributeError, statement)
            assert text.startswith(f'{name} is not in Keras 3'), statement
            assert 'pip install "tfhooks[legacy]"' in text
    text = raised(ImportError, 'from tfhooks.v1.layers import dense')
    assert 'pip install "tfhooks[legacy]"' in text
    text = raised(ImportError, 'from tfhooks.v1.nn.rnn_cell import LSTMCell')
    assert 'pip install "tfhooks[legacy]"' in text
    assert not hasattr(tf.layers, 'dense')
    assert 'dense' not in dir(tf.layers)


@checked_in('without Keras 2')
def test_the_rest_works_without_keras_2():
    from tfhooks.v1.nn import relu

    import tfhooks.v1 as tf

    upstream = sys.modules['tensorflow'].compat.v1
    assert relu is tf.nn.relu is upstream.nn.relu
    assert {'relu', 'rnn_cell'} <= set(dir(tf.nn))
    assert set(upstream.nn.__all__) - {'__path__'} == set(tf.nn.__all__)
    for module in (tf.layers, tf.nn, tf.nn.rnn_cell):
        assert repr(module).startswith(f"<module '{module.__name__}'")
        assert inspect.unwrap(module) is module
        inspect.getmembers(module)
        importlib.import_module(module.__name__)
        assert copy.deepcopy(Holder(module)).module is module
        assert pickle.loads(pickle.dumps(Holder(module))).module is module


# Keras 2 chosen or refused by the user.


@prepares('Keras 2 set but missing')
def _():
    sys.modules['tf_keras'] = None
    os.environ[KEY] = 'True'
    import tfhooks.v1

    assert tfhooks.v1.layers


@checked_in('Keras 2 set but missing')
def test_a_missing_keras_2_that_was_asked_for_keeps_tensorflows_error():
    assert os.environ[KEY] == 'True'
    text = raised(ImportError, 'tf.layers.dense')
    assert 'pip install "tfhooks[legacy]"' in text
    text = raised(ImportError, 'tf.nn.rnn_cell.LSTMCell')
    assert 'pip install "tfhooks[legacy]"' in text


@prepares('Keras 2 refused')
def _():
    os.environ[KEY] = '0'
    import tfhooks.v1

    assert tfhooks.v1.layers


@checked_in('Keras 2 refused', needs_keras_2=True)
def test_a_choice_of_the_users_is_left_alone():
    assert os.environ[KEY] == '0'
    assert f"{KEY}='0'" in raised(AttributeError, 'tf.layers.dense')


# TensorFlow was there first.


@prepares('after TensorFlow')
def _():
    import tensorflow

    assert tensorflow.executing_eagerly()
    import tfhooks.v1

    assert tfhooks.v1.train


@checked_in('after TensorFlow')
def test_import_after_tensorflow_switches():
    import tensorflow

    import tfhooks.v1 as tf

    assert not tensorflow.executing_eagerly()
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.constant(3) + 4) == 7


@checked_in('after TensorFlow', needs_keras_2=True)
def test_layers_after_tensorflow_say_to_import_first():
    assert KEY not in os.environ
    for statement in ('tf.layers.dense', 'tf.nn.rnn_cell.LSTMCell'):
        text = raised(AttributeError, statement)
        assert 'import tfhooks.v1 before tensorflow' in text
        assert f'{KEY}=1' in text


@prepares('after eager execution')
def _():
    import tensorflow

    assert tensorflow.constant(1).numpy() == 1


@checked_in('after eager execution')
def test_import_after_eager_execution_says_what_to_do():
    import tensorflow

    for _ in range(2):  # The second time must not find half a module.
        text = raised(RuntimeError, 'import tfhooks.v1')
        assert 'must be imported before anything runs eagerly' in text
        assert 'restart the kernel' in text
        assert 'tfhooks.v1' not in sys.modules
        assert 'tfhooks.v1.train' not in sys.modules
    import tfhooks

    assert not hasattr(tfhooks, 'v1')
    assert tfhooks.SessionRunHook
    assert tensorflow.executing_eagerly()
    assert tensorflow.compat.v1.resource_variables_enabled()
    assert not [f for f in sys.meta_path if type(f).__module__.startswith('tfhooks')]
    # What the message says: whoever switches by hand, may.
    tensorflow.compat.v1.disable_v2_behavior()
    import tfhooks.v1 as tf

    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.constant(3) + 4) == 7


if __name__ == '__main__':
    main(*sys.argv[1:])
