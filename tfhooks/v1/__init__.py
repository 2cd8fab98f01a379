"""`import tfhooks.v1 as tf`: the whole of `tf.compat.v1`, for programs written for TensorFlow 1.

`tf.train` has tfhooks' hooks and sessions; everything else is TensorFlow's own, looked up when it
is used. Importing this module switches TensorFlow 1 behaviour on for the whole process, since such
programs never do, and makes TensorFlow use Keras 2 (`tf_keras`, the extra `legacy`) where that is
installed, for `tf.layers` and `tf.nn.rnn_cell`.

Raises (on import):
  RuntimeError: If something has run eagerly in this process already.
"""

import sys as _sys

from tfhooks.v1 import _startup

_startup.choose_keras()
_startup.switch_to_v1()

from tfhooks._legacy import aliases as _aliases  # noqa: E402
from tfhooks._tensorflow import tf as _tf  # noqa: E402
from tfhooks.v1 import _contrib_and_estimator, _legacy, _overlay, _packages, _relocated  # noqa: E402

# Before the overlay, which would return TensorFlow's modules.
from tfhooks.v1 import compat as compat  # noqa: E402
from tfhooks.v1 import train as train  # noqa: E402

_problem = _startup.legacy_keras_problem()
if _problem is not None:
    globals().update(_legacy.without_keras_2(__name__, _problem))
_own = {'contrib': _contrib_and_estimator, 'estimator': _contrib_and_estimator}
_overlay.lay_over(_sys.modules[__name__], _tf, own=_own)
# After the overlay, so that a star import does not load these packages.
_own.update(dict.fromkeys(_relocated.PACKAGES, _relocated))
_relocated.give_back()

_aliases.add_finder(_overlay.AliasFinder(__name__))
_aliases.add_finder(_contrib_and_estimator.PlaceFinder())
_aliases.add_finder(_contrib_and_estimator.NoContrib(), last=True)
_packages.install()
