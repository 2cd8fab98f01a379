"""Helps with the first runs of a migrated program: seeds, determinism, and a limit of runs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any


def seed_python(seed: int) -> None:
    """Seeds Python's and NumPy's generators."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)


def seed_graphs(seed: int) -> None:
    """Seeds the default graph and each graph made from now on; the program may set another seed."""
    from tfhooks._tensorflow import tf

    tf.set_random_seed(seed)
    make = tf.Graph.__init__

    def make_with_seed(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.seed = seed

    setattr(tf.Graph, '__init__', make_with_seed)  # noqa: B010


def make_deterministic() -> None:
    """Makes operations give the same results each time, or raise an error if they cannot."""
    from tfhooks._tensorflow import tf

    tf.compat.v2.config.experimental.enable_op_determinism()


def stop_after(runs: int) -> Callable[[], Any]:
    """Returns a factory of hooks that stop their session after a number of runs."""
    import tfhooks

    def make() -> Any:
        counter = itertools.count(1)

        def stop_after_runs(run_context: Any, run_values: Any) -> None:
            if next(counter) >= runs:
                run_context.request_stop()

        return tfhooks.hook(after_run=stop_after_runs)

    return make
