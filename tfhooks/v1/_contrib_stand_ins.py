"""Stand-ins for removed names of TensorFlow that the files of `tf.contrib` import."""

from __future__ import annotations

import abc
import contextlib
import os
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any

from tfhooks._legacy.old_names.redirected_imports import LAYERS
from tfhooks._tensorflow import tf
from tfhooks.v1 import _old_packages

absent = _old_packages.Absent('tensorflow')


def _layer(name: str) -> type:
    """Makes a base class of which both Keras 2's and TensorFlow's layers are instances."""
    theirs: type = pkgutil.resolve_name(LAYERS[name])
    own = pkgutil.resolve_name(LAYERS['KerasLayer'])

    def __subclasshook__(cls: type, other: type) -> Any:
        return issubclass(other, (own, tf.keras.layers.Layer)) if cls is made else NotImplemented

    fields: dict[str, Any] = {
        '__doc__': theirs.__doc__,
        '__subclasshook__': classmethod(__subclasshook__),
    }
    made: type = abc.ABCMeta(theirs.__name__, (theirs,), fields)
    return made


def __getattr__(name: str) -> type:
    if name not in LAYERS:
        raise AttributeError(name)
    made: type = globals().setdefault(name, _layer(name))
    return made


class Strategy(tf.distribute.Strategy):  # type: ignore[name-defined,misc]
    """The base class of strategies, with attributes that MirroredStrategy needs today."""

    _collective_key_base = 0


class RegisterGradient:
    """Stands for `tf.RegisterGradient`; ignores gradients that TensorFlow has today."""

    def __init__(self, op_type: str) -> None:
        self._op_type = op_type

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        with contextlib.suppress(KeyError):
            tf.RegisterGradient(self._op_type)(function)
        return function


def not_differentiable(op_type: str) -> None:
    """Stands for `tf.NotDifferentiable`; ignores operations that are registered already."""
    with contextlib.suppress(KeyError):
        tf.NotDifferentiable(op_type)


def nothing(*args: Any, **kwargs: Any) -> None:
    """Does nothing, with any arguments."""


def decorator(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """A decorator that changes nothing."""
    return lambda decorated: decorated


def convert_n_to_tensors(values: Iterable[Any], dtype: Any = None, name: Any = None) -> list[Any]:
    """Converts each value to a tensor or leaves it as IndexedSlices; None stays None."""
    convert = tf.convert_to_tensor_or_indexed_slices
    return [
        None if value is None else convert(value, dtype, name and f'{name}_{index}')
        for index, value in enumerate(values)
    ]


_MNIST = tuple(
    f'{part}-ubyte.gz'
    for part in (
        'train-images-idx3',
        'train-labels-idx1',
        't10k-images-idx3',
        't10k-labels-idx1',
    )
)


def maybe_download(filename: str, work_directory: str, source_url: str) -> str:
    """Returns the path of a file of a data set; downloads nothing, since the sources have moved.

    Raises:
      FileNotFoundError: It is not there; the message says which files to put where.
    """
    path = os.path.join(work_directory, filename)
    if not tf.gfile.Exists(path):
        wanted = ', '.join(_MNIST) if filename in _MNIST else filename
        raise FileNotFoundError(
            f'{path} is not there, and tfhooks downloads nothing: put {wanted} into '
            f'{os.path.abspath(work_directory)} (TensorFlow 1.15 took them from {source_url})'
        )
    return path
