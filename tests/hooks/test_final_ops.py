"""FinalOpsHook runs its ops when the training ends, with the last values of the variables."""

import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, train_op

import tfhooks
from tfhooks import FinalOpsHook


def test_feed_dict_must_be_a_dict():
    with pytest.raises(TypeError, match=r'final_ops_feed_dict must be a dict or None'):
        FinalOpsHook(None, final_ops_feed_dict=[1])


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    assert isinstance(FinalOpsHook(None), tf.train.FinalOpsHook)
    assert isinstance(FinalOpsHook(None), tfhooks.SessionRunHook)


@pytest.mark.parametrize('make', SESSIONS)
def test_values_at_the_end_of_each_session(make):
    with tf.Graph().as_default():
        train = train_op()
        step = tf.train.get_global_step()
        x = tf.placeholder(tf.int64, [])
        hook = FinalOpsHook({'sum': step + x}, {x: 10})
        assert hook.final_ops_values is None
        for runs in (3, 2):
            with make(hooks=[hook]) as session:
                assert hook.final_ops_values is None  # Also of the first session, by then.
                for _ in range(runs):
                    session.run(train)
            assert hook.final_ops_values == {'sum': 10 + runs}
