"""What became of `tf.contrib` and `tf.estimator`: one answer for every name of TensorFlow 1.15's.

Data alone, which imports nothing of TensorFlow: `tfhooks.v1` gives the names out, and
`python -m tfhooks check` reads programs by them.
"""

from __future__ import annotations

from typing import NamedTuple

from tfhooks._legacy import contrib_files
from tfhooks._legacy.old_names import available


class Name(NamedTuple):
    """What became of one name.

    Attributes:
      status: 'works'; 'extra': works where an extra of tfhooks is installed; 'files': works where
        the files of `tf.contrib` are; or 'gone'.
      instead: What the name is an alias of, as a dotted name ('tf.train.get_global_step',
        'tf_slim.conv2d', 'tfhooks.v1.contrib.training.HParams'); of a name that is gone, one or two
        sentences that say so, and what replaces it.
      extra: The extra of tfhooks that it needs: 'contrib' (tf_slim), 'estimator'
        (tensorflow-estimator), 'legacy' (tf_keras), 'estimator,legacy' or None.
    """

    status: str
    instead: str
    extra: str | None = None


def look_up(dotted: str) -> Name | None:
    """What became of a name of `tf.contrib` or `tf.estimator`.

    Args:
      dotted: The name without the leading `tf.`, such as 'contrib.layers.conv2d', 'estimator' or
        'contrib.framework.python.ops.arg_scope'.

    Returns:
      The answer for that name, or else for the nearest one that it is in; None where the name is
      neither under `contrib` nor under `estimator`.
    """
    if dotted.partition('.')[0] not in ('contrib', 'estimator'):
        return None
    now = available.target(dotted)
    if now is not None:
        extra = available.extra(dotted, now)
        return Name('extra' if extra else 'works', now, extra)
    # Programs without a mistake never need it.
    from tfhooks._legacy.old_names import recorded, removed

    public = available.without_python(dotted)
    meant = recorded.meant(dotted)
    if meant is not None:
        return Name('gone', f'tf.{dotted} is not in TensorFlow 1.15. Did you mean tf.{meant}?')
    if recorded.comes_back(dotted):
        return Name(
            'files', removed.sentence(public, f'{contrib_files.INSTALL} brings it back, or ')
        )
    return Name('gone', removed.sentence(public))
