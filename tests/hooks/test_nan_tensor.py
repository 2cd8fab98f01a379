"""NanTensorHook stops at a loss that is not a number, before it is saved."""

import pickle

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, train_op

import tfhooks
from tfhooks import NanLossDuringTrainingError, NanTensorHook

FLOATS = [tf.float16, tf.bfloat16, tf.float32, tf.float64]
NAN, INF = float('nan'), float('inf')


@pytest.mark.parametrize('loss', [None, 3.0, ['loss:0'], {}])
def test_loss_must_be_a_tensor_or_a_name(loss):
    with pytest.raises(TypeError, match='loss_tensor must be a tensor of numbers or its name'):
        NanTensorHook(loss)


def test_a_tensor_of_strings_cannot_be_a_loss():
    with tf.Graph().as_default(), pytest.raises(TypeError, match='a tensor of numbers'):
        NanTensorHook(tf.constant('a'))


def test_a_tensor_of_several_parts_cannot_be_a_loss():
    with tf.Graph().as_default():
        parts = tf.SparseTensor([[0]], [1.0], [2])
        for loss in (parts, tf.IndexedSlices([1.0], [0])):
            with pytest.raises(TypeError, match='one dense tensor, such as the values of this one'):
                NanTensorHook(loss)


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    assert isinstance(NanTensorHook('loss:0'), tf.train.NanTensorHook)
    assert isinstance(NanTensorHook('loss:0'), tfhooks.SessionRunHook)


def run(make, value, dtype=tf.float32, runs=1, step=True, **hook):
    """Runs twice with a good loss, then with `value`; returns how often it ran after that."""
    with tf.Graph().as_default():
        train = train_op() if step else tf.no_op()
        loss = tf.placeholder(dtype, np.shape(value), name='loss')
        good = np.zeros(np.shape(value))
        with make(hooks=[NanTensorHook(loss, **hook)]) as session:
            session.run(train, {loss: good})
            session.run(train, {loss: good})
            made = 0
            while made < runs and not session.should_stop():
                session.run(train, {loss: value})
                made += 1
    return made


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('dtype', FLOATS)
def test_nan_of_any_float_type(make, dtype, log):
    with pytest.raises(NanLossDuringTrainingError) as caught:
        run(make, NAN, dtype)
    assert str(caught.value) == 'NaN loss during training. loss:0 is nan at global step 3.'
    assert (caught.value.tensor, caught.value.step, caught.value.index) == ('loss:0', 3, ())
    assert isinstance(caught.value, tf.train.NanLossDuringTrainingError)
    assert log('diverged') == ['Model diverged with loss = NaN.']


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('dtype', FLOATS)
def test_an_element_of_an_array_is_named(make, dtype):
    with pytest.raises(NanLossDuringTrainingError, match=r'loss:0 is nan at index \[1, 0\] at'):
        run(make, [[0.0, 1.0], [NAN, 2.0]], dtype)
    assert run(make, [0.0, 1.0], dtype) == 1
    assert run(make, np.zeros([0]), dtype) == 1


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('value', [INF, -INF, [1.0, INF]])
def test_infinity_counts_only_when_asked_for(make, value, log):
    assert run(make, value) == 1
    with pytest.raises(NanLossDuringTrainingError, match=r'loss:0 is -?inf'):
        run(make, value, check_inf=True)
    assert log('diverged') == ['Model diverged with loss = Inf.']


@pytest.mark.parametrize('make', SESSIONS)
def test_a_stop_instead_of_an_error(make, log):
    assert run(make, NAN, runs=9, fail_on_nan_loss=False) == 1
    assert log('diverged') == ['Model diverged with loss = NaN.']


@pytest.mark.parametrize('make', SESSIONS)
def test_without_a_global_step_none_is_named(make):
    with pytest.raises(NanLossDuringTrainingError) as caught:
        run(make, NAN, step=False)
    assert str(caught.value) == 'NaN loss during training. loss:0 is nan.'


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('value', [np.complex64(1j), np.int32(3), np.bool_(True)])
def test_other_numbers_are_no_error(make, value):
    assert run(make, value, tf.as_dtype(value.dtype)) == 1


def test_a_complex_nan():
    with pytest.raises(NanLossDuringTrainingError):
        run(tfhooks.MonitoredSession, complex(0, NAN), tf.complex64)


def test_by_name():
    with tf.Graph().as_default():
        loss = tf.placeholder(tf.float32, [], name='loss')
        with (
            pytest.raises(NanLossDuringTrainingError, match=r'training\. loss:0 is nan'),
            tfhooks.MonitoredSession(hooks=[NanTensorHook('loss:0')]) as session,
        ):
            session.run(loss, {loss: NAN})


def test_the_error_is_tensorflows_when_raised_bare_and_can_be_pickled():
    assert str(NanLossDuringTrainingError()) == str(tf.train.NanLossDuringTrainingError())
    error = pickle.loads(pickle.dumps(NanLossDuringTrainingError('loss:0', 3, (1,), NAN)))
    assert str(error) == 'NaN loss during training. loss:0 is nan at index [1] at global step 3.'


def test_the_request_is_the_same_object_each_run():
    hook = NanTensorHook('loss:0')
    context = tf.train.SessionRunContext(None, None)
    assert hook.before_run(context) is hook.before_run(context)
    assert hook.before_run(context).fetches == 'loss:0'
