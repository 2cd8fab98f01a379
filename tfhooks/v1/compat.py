"""`tf.compat` of programs written for TensorFlow 1: `tf.compat.v1` is `tfhooks.v1` again."""

import sys as _sys

from tfhooks import v1 as v1
from tfhooks._tensorflow import tf as _tf
from tfhooks.v1 import _overlay

_overlay.lay_over(_sys.modules[__name__], _tf.compat)
