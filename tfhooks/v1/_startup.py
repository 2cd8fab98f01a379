"""Sets TensorFlow up for programs written for TensorFlow 1."""

from __future__ import annotations

import importlib.util
import os
import sys

_LEGACY_KERAS = 'TF_USE_LEGACY_KERAS'


def choose_keras() -> None:
    """Makes TensorFlow use Keras 2 (`tf_keras`) where that is installed, if it is not too late.

    Keras 3 has no `tf.layers` and no `tf.nn.rnn_cell`. A choice of the user's stays.
    """
    if 'tensorflow' in sys.modules or _LEGACY_KERAS in os.environ:
        return
    if importlib.util.find_spec('tf_keras') is not None:
        os.environ[_LEGACY_KERAS] = '1'


def legacy_keras_problem() -> str | None:
    """Returns why `tf.layers` and `tf.nn.rnn_cell` do not work and what to do, or None."""
    setting = os.environ.get(_LEGACY_KERAS)
    if importlib.util.find_spec('tf_keras') is None:
        from tfhooks._base import extras

        command = extras.pip_command(['legacy'])
        return f'is not in Keras 3, only in Keras 2: {command}, then start again'
    if setting in ('true', 'True', '1'):
        return None
    if setting is not None:
        return (
            'is not in Keras 3, only in Keras 2, which the environment has switched off: '
            f'{_LEGACY_KERAS}={setting!r}. Set it to 1, or leave it out'
        )
    return (
        'is not in Keras 3, only in Keras 2, and TensorFlow was imported before it could be told: '
        'import tfhooks.v1 before tensorflow (and before anything that imports it), '
        f'or set {_LEGACY_KERAS}=1 in the environment'
    )


def switch_to_v1() -> None:
    """Switches TensorFlow 1 behaviour on: graphs and sessions, for the whole process.

    Raises:
      RuntimeError: Something has run eagerly already. Its tensors and variables could not be used
        in any graph, which TensorFlow would report much later and less clearly.
    """
    from tfhooks import _tensorflow

    if _tensorflow.eager_has_run():
        raise RuntimeError(
            'tfhooks.v1 switches TensorFlow 1 behaviour on when it is imported, so it must be '
            'imported before anything runs eagerly; in this process TensorFlow has run eagerly '
            'already. Put `import tfhooks.v1 as tf` before the first use of TensorFlow (in a '
            'notebook, restart the kernel first). If nothing made so far will be used in a graph, '
            'call tensorflow.compat.v1.disable_v2_behavior() yourself and then import tfhooks.v1. '
            '`import tfhooks` alone switches nothing and can be imported at any time.'
        )
    with _tensorflow.without_deprecation_warnings():
        _tensorflow.tf.disable_v2_behavior()
