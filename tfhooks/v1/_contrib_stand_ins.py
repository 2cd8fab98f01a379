"""What the files of `tf.contrib` get for names of TensorFlow that went without a successor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from tfhooks._tensorflow import tf
from tfhooks.v1 import _originals

absent = _originals.Absent('tensorflow')


class RegisterGradient:
    """Stands for `tf.RegisterGradient`, and leaves gradients alone that TensorFlow has today."""

    def __init__(self, op_type: str) -> None:
        self._op_type = op_type

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        with contextlib.suppress(KeyError):
            tf.RegisterGradient(self._op_type)(function)
        return function


def nothing(*args: Any, **kwargs: Any) -> None:
    """Does nothing, with any arguments."""


def decorator(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """A decorator that changes nothing."""
    return lambda decorated: decorated
