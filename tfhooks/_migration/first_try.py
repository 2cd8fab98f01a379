"""What helps with the first runs of a migrated program: the same numbers each time, and an end."""

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
    """Gives the default graph and each one made from now on a seed, until the program sets one."""
    from tfhooks._tensorflow import tf

    tf.set_random_seed(seed)
    make = tf.Graph.__init__

    def make_with_seed(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.seed = seed

    setattr(tf.Graph, '__init__', make_with_seed)  # noqa: B010


def make_deterministic() -> None:
    """Has operations give the same results each time, or say that they cannot."""
    from tfhooks._tensorflow import tf

    tf.compat.v2.config.experimental.enable_op_determinism()


def stop_after(runs: int) -> Callable[[], Any]:
    """Returns what makes a hook that stops its session after a number of runs."""
    import tfhooks

    def make() -> Any:
        counter = itertools.count(1)

        def stop_after_runs(run_context: Any, run_values: Any) -> None:
            if next(counter) >= runs:
                run_context.request_stop()

        return tfhooks.hook(after_run=stop_after_runs)

    return make
