"""What an EvalHook evaluates on: fetches, feeds, datasets, batches; and what comes of it."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from evaluation_models import train
from stock_models import (
    train_op,
)

import tfhooks
from tfhooks._more_hooks.evaluation import EvalHook


@pytest.mark.parametrize(
    ('fetches', 'text'),
    [
        (['nobody:0'], r"fetches\['nobody'\]='nobody:0'"),
        ({'m': 'matrix:0'}, r"must be scalars; fetches\['m'\]='matrix:0', shape=\(2, 2\)"),
    ],
)
def test_fetches_must_be_scalars_of_the_graph(fetches, text):
    with tf.Graph().as_default():
        tf.train.get_or_create_global_step()
        tf.ones([2, 2], name='matrix')
        with pytest.raises(ValueError, match=text):
            EvalHook(1, fetches=fetches).begin()


def evaluate_batches(runs=1, dataset=None, **arguments):
    """What an EvalHook with `fetches` finds at each step, in a model with an input `x`."""
    found = []
    with tf.Graph().as_default():
        train = train_op()
        if dataset is None:
            x = tf.placeholder_with_default(7.0, [], name='x')
        else:
            iterator = tf.data.make_initializable_iterator(dataset())
            x = tf.identity(iterator.get_next(), name='x')
            if arguments.pop('initialize', True):
                arguments['initializer'] = iterator.initializer
            else:
                tf.add_to_collection(tf.GraphKeys.LOCAL_INIT_OP, iterator.initializer)
                tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
        tf.square(x, name='square')
        hook = EvalHook(1, fetches={'x': x, 'square': 'square:0'}, at_end=False, **arguments)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(runs):
                session.run(train)
                found.append(hook.latest.results)
    return found


def test_an_initializer_of_another_graph_is_an_error():
    with tf.Graph().as_default():
        elsewhere = tf.no_op(name='elsewhere')
    with pytest.raises(ValueError, match="operation of the default graph; initializer='elsewhere'"):
        evaluate_batches(initializer=elsewhere)


def test_one_batch_by_default():
    assert evaluate_batches() == [{'x': 7, 'square': 49}]


def test_one_feed_dict_serves_each_batch():
    assert evaluate_batches(feeds={'x:0': 3.0}, num_batches=4) == [{'x': 3, 'square': 9}]


def test_the_mean_over_a_list_of_feed_dicts_each_time():
    feeds = [{'x:0': 1.0}, {'x:0': 2.0}, {'x:0': 6.0}]
    assert evaluate_batches(2, feeds=feeds) == [{'x': 3, 'square': 41 / 3}] * 2
    assert evaluate_batches(feeds=feeds, num_batches=2) == [{'x': 1.5, 'square': 2.5}]


def test_a_function_gives_new_feeds_each_time():
    feeds = iter([[{'x:0': 1.0}, {'x:0': 3.0}], [{'x:0': 5.0}]])
    found = evaluate_batches(2, feeds=lambda: iter(next(feeds)))
    assert found == [{'x': 2, 'square': 5}, {'x': 5, 'square': 25}]


def test_a_dataset_is_initialized_each_time_and_read_to_its_end():
    def dataset():
        return tf.data.Dataset.from_tensor_slices(np.array([1.0, 2.0, 6.0]))

    assert evaluate_batches(2, dataset) == [{'x': 3, 'square': 41 / 3}] * 2
    assert evaluate_batches(2, dataset, num_batches=1) == [{'x': 1, 'square': 1}] * 2


def test_data_that_has_ended_is_an_error_and_not_the_end_of_training():
    def dataset():
        return tf.data.Dataset.from_tensor_slices(np.array([1.0]))

    with pytest.raises(RuntimeError, match=r'must have at least one batch.*needs the initializer'):
        evaluate_batches(3, dataset, initialize=False)
    with pytest.raises(RuntimeError, match='must have at least one batch'):
        evaluate_batches(feeds=[])

    def evaluate(session):
        raise tf.errors.OutOfRangeError(None, None, 'End of sequence')

    with pytest.raises(RuntimeError, match=r'must not run out of data.*End of sequence'):
        train(tfhooks.MonitoredSession, [EvalHook(1, evaluate)], 3)


@pytest.mark.parametrize(
    ('result', 'error', 'text'),
    [
        (None, TypeError, 'evaluate must return a dict from names to numbers; result=None'),
        ({1: 1.0}, TypeError, r'evaluate must return a dict from names to numbers; result=\{1'),
        ({'a': 'x'}, TypeError, "the result 'a' must be a number; value='x'"),
        ({'a': [1, 2]}, ValueError, r"the result 'a' must be one number; shape=\(2,\)"),
    ],
)
def test_what_evaluate_must_return(result, error, text):
    with pytest.raises(error, match=text):
        train(tfhooks.MonitoredSession, [EvalHook(1, lambda session: result)], 1)


def test_an_error_of_a_lost_session_recovers_it():
    fails = [True]

    def evaluate(session):
        if fails:
            fails.pop()
            raise tf.errors.UnavailableError(None, None, 'the worker is gone')
        return {'a': 1.0}

    hook = EvalHook(5, evaluate, at_end=False)
    train(tfhooks.MonitoredSession, [hook], 7, start=(0, 3))
    assert hook.latest.step == 5
