"""The names of `tf.compat`, for editors and type checkers; see `__init__.pyi`."""

from typing import Any

# isort: off
from tensorflow._api.v2.compat.v1.compat import *  # noqa: F403

from tfhooks import v1 as v1
# isort: on

if False:
    def __getattr__(name: str) -> Any: ...
