"""Keeps whether a session's weights are bad, and tells the savers among its hooks.

Weights are bad once a hook that watches the loss has raised or asked for a stop because of it. No
saver saves them then, until another run or session shows that they are good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfhooks._base.hook_types import SupportsSkipFinalSave
from tfhooks._run.context import RunContext
from tfhooks._run.members import Member
from tfhooks._run.stock_hooks import answering, fast_way


class BadWeights:
    """The verdict on the weights of one session.

    Attributes:
      found: Whether a hook has found that the weights must not be saved.
      members: The hooks of the session.
    """

    def __init__(self) -> None:
        self.found = False
        self.members: Sequence[Member] = ()

    def mark(self, context: RunContext, guard: Member) -> None:
        """Notes that `guard` has found the weights to be bad in a run."""
        context._tfhooks_weights_are_bad = self.found = True
        self._tell(f'{guard.name} asked for a stop')

    def clear(self) -> None:
        """Takes that back, after another run or session has shown that they are good."""
        self.found = False
        self._tell('')

    def _tell(self, reason: str) -> None:
        for member in self.members:
            saver = answering(member.layers[-1], SupportsSkipFinalSave)
            if saver is not None:
                saver.skip_final_save(reason)


def is_bad(guard: Member, loss: Any) -> bool:
    """True if a hook has requested a stop because of the loss."""
    if isinstance(loss, np.floating) and math.isfinite(loss):
        return False
    fast = fast_way(guard.layers[-1])
    try:
        return bool(np.any(np.isnan(loss) if fast is None else fast.is_bad(loss)))
    except TypeError:  # A subclass has fetched something else.
        return False
