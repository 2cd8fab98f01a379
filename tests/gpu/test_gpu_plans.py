"""Run plans on the device give what TensorFlow's own run gives."""

from __future__ import annotations

import gpu_models
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import tfhooks

pytestmark = pytest.mark.gpu

FLOATS = ['float16', 'bfloat16', 'float32', 'float64']


def both(fetches, feeds, times=3):
    """What a planned and an unplanned session give: the last of several runs each."""
    with gpu_models.session_with() as planned:
        with gpu_models.session_with(run_plans=False) as unplanned:
            for _ in range(times):
                ours, theirs = planned.run(fetches, feeds), unplanned.run(fetches, feeds)
            assert tfhooks.run_plans(unplanned) is None
        counters = tfhooks.run_plans(planned).counters
        assert counters.served == times, counters
        metadata = gpu_models.traced(planned.raw_session().run, fetches, feeds)
    return ours, theirs, metadata


def assert_same(ours, theirs):
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert list(ours) == list(theirs)
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(ours, (list, tuple)):
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
        return
    np.testing.assert_array_equal(ours, theirs)
    assert getattr(ours, 'dtype', None) == getattr(theirs, 'dtype', None)
    assert getattr(ours, 'shape', None) == getattr(theirs, 'shape', None)


@pytest.mark.parametrize('dtype', [*FLOATS, 'int64', 'complex64'])
def test_numbers(device, dtype):
    with tf.Graph().as_default():
        x = tf.placeholder(dtype, [None, 3], name='x')
        with tf.device(device):
            doubled = tf.add(x, x, name='doubled')
            first = doubled[0]
        label = tf.constant('on the host')
        fetches = {'doubled': doubled, 'rest': [first, label], 'fed': x}
        ours, theirs, metadata = both(fetches, {x: np.arange(6).reshape(2, 3)})
    assert_same(ours, theirs)
    np.testing.assert_array_equal(np.asarray(ours['doubled'], complex), [[0, 2, 4], [6, 8, 10]])
    assert ours['rest'][1] == b'on the host'
    assert 'doubled' in gpu_models.executed(metadata, device)


def test_bools(device):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.bool, [None], name='x')
        with tf.device(device):
            swapped = tf.logical_not(x, name='swapped')
        ours, theirs, metadata = both([swapped, x], {x: [True, False, True]})
    assert_same(ours, theirs)
    assert ours[0].tolist() == [False, True, False]
    assert 'swapped' in gpu_models.executed(metadata, device)


def test_strings_beside_what_is_on_the_device(device):
    with tf.Graph().as_default():
        name = tf.placeholder(tf.string, [None], name='names')
        x = tf.placeholder(tf.float32, [None], name='x')
        with tf.device('/CPU:0'):
            upper = tf.strings.upper(name)
            shown = tf.strings.as_string(x)
        with tf.device(device):
            squares = tf.square(x, name='squares')
            total = tf.reduce_sum(squares)
        feeds = {name: ['a', 'bc'], x: [1.5, 2.0]}
        ours, theirs, metadata = both((upper, shown, squares, total), feeds)
    assert_same(ours, theirs)
    assert ours[0].tolist() == [b'A', b'BC']
    assert ours[3] == 6.25
    assert 'squares' in gpu_models.executed(metadata, device)


@pytest.mark.parametrize('elements', [0, 1, 1000, 200_000])
def test_results_of_any_size_are_ones_own(device, elements):
    """A result must not change when the next run writes into the same memory of the device."""
    with tf.Graph().as_default():
        with tf.device(device):
            variable = tf.get_variable(
                'variable', [elements], initializer=tf.zeros_initializer(), use_resource=True
            )
            with tf.control_dependencies([variable.assign_add(tf.ones([elements]))]):
                value = variable.read_value()
        with gpu_models.session_with() as session:
            results = [session.run(value) for _ in range(4)]
            results[0] += 100.0
            results.append(session.run(value))
            assert tfhooks.run_plans(session).counters.served == 5
    means = [101.0, 2.0, 3.0, 4.0, 5.0]
    for result, mean in zip(results, means, strict=True):
        np.testing.assert_array_equal(result, np.full([elements], mean, np.float32))


def test_sparse_and_nested_fetches(device):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 2], name='x')
        with tf.device(device):
            twice = x * 2.0
        sparse = tf.SparseTensor(
            tf.constant([[0, 1]], tf.int64), tf.reshape(twice[0, :1], [1]), [2, 2]
        )
        fetches = {'sparse': sparse, 'nest': [(twice, [x]), tf.no_op()]}
        ours, theirs, _ = both(fetches, {x: [[1.0, 2.0]]})
    assert_same(list(ours['sparse']), list(theirs['sparse']))
    assert_same(ours['nest'][0], theirs['nest'][0])
    assert ours['nest'][1] is None


def test_a_training_comes_to_the_same_weights(device):
    with tf.Graph().as_default():
        model = gpu_models.adam_model(device)
        weights = []
        for run_plans in (True, False):
            with gpu_models.session_with(
                [tfhooks.NanTensorHook(model.loss)], run_plans=run_plans
            ) as session:
                for _ in range(20):
                    session.run(model.train)
                weights.append(session.run_without_hooks(model.weights))
    assert np.any(weights[0])
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-4)
