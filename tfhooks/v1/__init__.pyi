"""The names of `tf` in `import tfhooks.v1 as tf`, for editors and type checkers.

They are imported from TensorFlow's own sources, which have no types, but pyright and jedi infer
them. mypy takes TensorFlow for Any.
"""

from typing import Any

# isort: off
from tensorflow._api.v2.compat.v1 import *  # noqa: F403
from tensorflow.python.platform import app as app
from tensorflow.python.platform import flags as flags
from tf_keras.api._v1 import keras as keras
from tf_keras.api._v1.keras.__internal__.legacy import layers as layers

from tfhooks.v1 import compat as compat
from tfhooks.v1 import train as train
# isort: on

__version__: str

# Made when they are first used, with the names that still work.
contrib: Any
estimator: Any
# Modules that TensorFlow 1 had beside its public names.
compiler: Any
core: Any
python: Any
pywrap_tensorflow: Any
tools: Any

# For mypy alone, which without types of TensorFlow knows no name of the first import.
if False:
    def __getattr__(name: str) -> Any: ...
