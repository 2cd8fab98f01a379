"""The imports of packages written for an earlier TensorFlow, and what serves them today.

`tfhooks.v1._old_packages` loads such packages (tensorflow-estimator, tf_slim, the files of
`tf.contrib`) unchanged, and redirects their imports, and no others, by these tables. They are
described where they are, in redirected_imports.ini.
"""

from __future__ import annotations

from pathlib import Path

from tfhooks._legacy.old_names.of_python_and_numpy import REMOVED
from tfhooks._legacy.old_names.tables import read

_TABLES = read(Path(__file__).with_suffix('.ini'))

ESTIMATOR = 'tensorflow_estimator'
OLD_NAMES = _TABLES['old names of tensorflow-estimator']
SERVED = _TABLES['served'] | OLD_NAMES
OVERLAID = _TABLES['overlaid']
COPIED = _TABLES['copied']
ABSENT = _TABLES['absent']

LAYERS = _TABLES['layers']
SERVED_TO_CONTRIB = {
    **REMOVED,
    **_TABLES['served to contrib'],
    **{name: f'tfhooks.v1._contrib_stand_ins.{ours}' for ours, name in LAYERS.items()},
}
NOT_FROM_FILES = _TABLES['not from files']
LAID_OVER_THE_FILES = _TABLES['laid over the files']
ROOT = _TABLES['attributes of tf.contrib']
