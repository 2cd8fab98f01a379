"""SessionRunHook and what goes through it: typed, and interchangeable with TensorFlow's."""

from __future__ import annotations

from abc import ABCMeta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from tfhooks._tensorflow import tf

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    ResultT = _TypeVar('ResultT', default=Any)
else:
    ResultT = TypeVar('ResultT')


class SessionRunArgs(tf.train.SessionRunArgs, Generic[ResultT]):
    pass


class SessionRunValues(tf.train.SessionRunValues, Generic[ResultT]):
    pass


class SessionRunContext(tf.train.SessionRunContext):
    pass


class SessionRunHook(tf.train.SessionRunHook, Generic[ResultT], metaclass=ABCMeta):
    """Stands for `tf.compat.v1.train.SessionRunHook`."""

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        if cls is SessionRunHook:
            return issubclass(other, tf.train.SessionRunHook) or NotImplemented
        return NotImplemented
