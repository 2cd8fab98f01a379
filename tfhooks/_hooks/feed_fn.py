"""FeedFnHook: feeds the values that a function returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tfhooks._run.stock_hooks import PlainHook
from tfhooks._tensorflow import tf


class FeedFnHook(tf.train.FeedFnHook, PlainHook[None]):
    """Adds to each run the feeds that a function returns.

    Stands for `tf.compat.v1.train.FeedFnHook`.

    Example:
      ```python
      x = tf.placeholder(tf.float32, [])
      product = x * loss
      feeds = tfhooks.FeedFnHook(lambda: {x: 3.0})
      with tfhooks.MonitoredSession(hooks=[feeds]) as session:
          print(session.run(product))  # 12.0
      ```
    """

    def __init__(self, feed_fn: Callable[[], Mapping[Any, Any]]) -> None:
        """Makes the hook.

        Args:
          feed_fn: A function without arguments, called before each run, that returns a dict from
            tensors to the values to feed.

        Raises:
          TypeError: `feed_fn` cannot be called.
        """
        if not callable(feed_fn):
            raise TypeError(f'FeedFnHook: feed_fn must be a function; feed_fn={feed_fn!r}')
        super().__init__(feed_fn)
