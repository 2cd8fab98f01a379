"""FinalOpsHook: runs operations once, at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfhooks._base import arguments
from tfhooks._run.stock_hooks import PlainHook
from tfhooks._tensorflow import tf


class FinalOpsHook(tf.train.FinalOpsHook, PlainHook[None]):
    """Runs tensors and operations at the end of a session and keeps their values.

    Stands for `tf.compat.v1.train.FinalOpsHook`. The operations must not need another input batch.

    Attributes:
      final_ops_values: The values of `final_ops`, in its structure; None before the end.

    Example:
      ```python
      final = tfhooks.FinalOpsHook({'loss': loss})
      with tfhooks.MonitoredSession(hooks=[final]) as session:
          session.run(train_op)
      print(final.final_ops_values)  # {'loss': ...}
      ```
    """

    def __init__(
        self, final_ops: Any, final_ops_feed_dict: Mapping[Any, Any] | None = None
    ) -> None:
        """Makes the hook.

        Args:
          final_ops: A tensor, an operation, or a list or dict of them; None for nothing.
          final_ops_feed_dict: The feeds of that run.

        Raises:
          TypeError: `final_ops_feed_dict` is neither a dict nor None.
        """
        arguments.is_a(
            'FinalOpsHook',
            'final_ops_feed_dict',
            final_ops_feed_dict,
            (Mapping, type(None)),
            'a dict or None',
        )
        super().__init__(final_ops, final_ops_feed_dict)

    def begin(self) -> None:
        """Drops the values of an earlier session."""
        super().begin()
        self._final_ops_values = None
