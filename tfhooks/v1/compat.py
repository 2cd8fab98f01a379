"""`tf.compat` of programs written for TensorFlow 1: `tf.compat.v1` is `tfhooks.v1` again."""

import sys as _sys
import typing as _typing

from tfhooks import v1 as v1
from tfhooks._tensorflow import tf as _tf
from tfhooks.v1 import _overlay

if _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> _typing.Any: ...


_overlay.lay_over(_sys.modules[__name__], _tf.compat)
