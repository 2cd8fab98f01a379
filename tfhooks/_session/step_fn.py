"""Step functions for `run_step_fn`, and the context that they are given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tfhooks._tensorflow import Session, tf


class StepContext(tf.train.MonitoredSession.StepContext):
    """The argument of a step function: the raw `session`, `run_with_hooks` and `request_stop`.

    Stands for `tf.compat.v1.train.MonitoredSession.StepContext`.

    Attributes:
      gave_session: Whether `session` was read; hooks see no run on that.
    """

    gave_session = False

    @property
    def session(self) -> Session:
        """The raw `tf.compat.v1.Session`."""
        self.gave_session = True
        return super().session

    def request_stop(self) -> None:
        """Leaves the step function, and the loop.

        Raises:
          StopIteration: Always.
        """
        error = StopIteration('step_fn has requested the iterations to stop.')
        error.asked_by = 'step_fn'  # type: ignore[attr-defined]
        raise error


def check(step_fn: Callable[..., Any]) -> None:
    """Checks the arguments that a step function takes.

    Raises:
      ValueError: It takes other arguments than `step_context`, after a `self`.
    """
    arguments = tuple(
        name
        for name, parameter in inspect.signature(step_fn).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    )
    if arguments not in (('step_context',), ('self', 'step_context')):
        raise ValueError(
            '`step_fn` may either have one `step_context` argument, or `self` and '
            f"`step_context` arguments if it's an instance method. Got {arguments} instead."
        )
