"""FeedFnHook feeds what its function gives, in every run."""

import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS

import tfhooks
from tfhooks import FeedFnHook


def test_feed_fn_must_be_a_function():
    with pytest.raises(TypeError, match=r"FeedFnHook: feed_fn must be a function; feed_fn=\{'a'"):
        FeedFnHook({'a': 1})


def test_it_is_both_tensorflows_hook_and_tfhooks_hook():
    assert isinstance(FeedFnHook(dict), tf.train.FeedFnHook)
    assert isinstance(FeedFnHook(dict), tfhooks.SessionRunHook)


@pytest.mark.parametrize('make', SESSIONS)
def test_feeds_what_the_function_returns_in_each_run(make):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        y = x * 2
        values = iter([1.0, 2.0, 3.0])
        hook = FeedFnHook(lambda: {x: next(values)})
        for expected in ([2.0, 4.0], [6.0]):
            with make(hooks=[hook]) as session:
                assert [session.run(y) for _ in expected] == expected
