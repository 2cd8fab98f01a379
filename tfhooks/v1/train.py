"""`tf.train` of programs written for TensorFlow 1.

All of `tf.compat.v1.train`, with tfhooks' hooks and sessions in place of TensorFlow's.
"""

import sys as _sys

import tfhooks as _tfhooks
from tfhooks import _patching
from tfhooks._session import coordinator as _coordinator
from tfhooks._tensorflow import tf as _tf
from tfhooks.v1 import _overlay

# Only names that TensorFlow has; those that tfhooks adds are in `tfhooks`.
_overlay.lay_over(
    _sys.modules[__name__],
    _tf.train,
    own={
        **dict.fromkeys(_patching.served_names(), _tfhooks),
        'Coordinator': _coordinator,
    },
)
