"""The directories of a worker that TensorFlow's distribute coordinator runs.

The coordinator's context says which workers write checkpoints and summaries. Workers of a strategy
that reduces collectively must all take part in a save; those that are not to write one do so in a
directory apart.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from tfhooks._tensorflow import strategy_of

_COLLECTIVE = {
    'CollectiveAllReduceStrategy',
    'CollectiveAllReduceStrategyV1',
    'MultiWorkerMirroredStrategy',
}


class Places(NamedTuple):
    """The directories that a worker writes to.

    Attributes:
      summary_dir: The directory for summaries; None for none.
      checkpoint_dir: The directory for checkpoints; None for none.
      apart: The name of a subdirectory for files that nobody reads, where all workers must save.
    """

    summary_dir: Any
    checkpoint_dir: Any
    apart: str | None = None


def places(context: Any, is_chief: bool, summary_dir: Any, checkpoint_dir: Any) -> Places:
    """Returns the directories that this worker writes to.

    Args:
      context: What `_tensorflow.worker_context()` returns.
      is_chief: Whether the worker writes where there is no context.
      summary_dir: Where summaries of the program go, or None.
      checkpoint_dir: Where its checkpoints go, or None.
    """
    if context is None:
        return Places(summary_dir, checkpoint_dir) if is_chief else Places(None, None)
    apart = None
    if type(strategy_of(context)).__name__ in _COLLECTIVE:
        apart = f'tmp_{context.task_type}_{context.task_id}' if context.task_type else 'tmp'

    def place(directory: Any, writes: bool) -> Any:
        if not directory or writes:
            return directory
        return None if apart is None else os.path.join(directory, apart)

    return Places(
        place(summary_dir, context.should_save_summary),
        place(checkpoint_dir, context.should_checkpoint),
        apart,
    )
