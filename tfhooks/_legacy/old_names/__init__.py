"""The names of TensorFlow 1.15's `tf.contrib` and `tf.estimator`, and what serves for each today.

These are data, which import nothing of TensorFlow: `tfhooks.v1` serves the names, and
`python -m tfhooks check` checks programs against them.
"""

from __future__ import annotations

from typing import NamedTuple

from tfhooks._legacy import contrib_files
from tfhooks._legacy.old_names import available


class Name(NamedTuple):
    """The fate of one name in today's TensorFlow.

    Attributes:
      status: 'works'; 'extra': works where an extra of tfhooks is installed; 'files': works where
        the files of `tf.contrib` are; or 'gone'.
      instead: The dotted name of which it is an alias ('tf.train.get_global_step',
        'tf_slim.conv2d', 'tfhooks.v1.contrib.training.HParams'); for a name that is gone, one or
          two sentences that say so, and what replaces it.
      extra: The extra of tfhooks that it needs: 'contrib' (tf_slim), 'estimator'
        (tensorflow-estimator), 'legacy' (tf_keras), 'estimator,legacy' or None.
    """

    status: str
    instead: str
    extra: str | None = None


def look_up(dotted: str) -> Name | None:
    """Looks up a name of `tf.contrib` or `tf.estimator`.

    Args:
      dotted: The name without the leading `tf.`, such as 'contrib.layers.conv2d', 'estimator' or
        'contrib.framework.python.ops.arg_scope'.

    Returns:
      The entry of that name, or else of the nearest module that it is in; None where the name is
      neither under `contrib` nor under `estimator`.
    """
    if dotted.partition('.')[0] not in ('contrib', 'estimator'):
        return None
    now = available.target(dotted)
    if now is not None:
        extra = available.extra(dotted, now)
        return Name('extra' if extra else 'works', now, extra)
    # Imported late, since only programs with removed names need it.
    from tfhooks._legacy.old_names import recorded, removed_contrib

    public = available.without_python(dotted)
    meant = recorded.meant(dotted)
    if meant is not None:
        return Name('gone', f'tf.{dotted} is not in TensorFlow 1.15. Did you mean tf.{meant}?')
    if recorded.comes_back(dotted):
        comes_back = f'{contrib_files.INSTALL} brings it back, or '
        return Name('files', removed_contrib.sentence(public, comes_back))
    return Name('gone', removed_contrib.sentence(public))
