"""The names of `tf.contrib` and `tf.estimator` that still work, with the names that serve them."""

from __future__ import annotations

from pathlib import Path

from tfhooks._legacy.old_names.tables import read

_TABLES = read(Path(__file__).with_suffix('.ini'))

AVAILABLE = _TABLES['available']
"""What a name stands for now. A key may end in `.*`."""

NOT_IN_KERAS = _TABLES['not in tf.keras']

# Modules in which at least one name works.
PLACES = frozenset(
    '.'.join(parts[:depth])
    for parts in (name.split('.') for name in (*AVAILABLE, *(f'{x}.*' for x in _TABLES['files'])))
    for depth in range(1, len(parts))
)


# Modules that are of little use without tf_slim.
_SLIM_PLACES = ('contrib.layers', 'contrib.losses', 'contrib.slim')


def extra(dotted: str, now: str) -> str | None:
    """Returns the extras that a name needs, joined by commas; `now` is the name that serves it."""
    is_place = now == f'tfhooks.v1.{dotted}'
    if now.startswith('tf_slim.') or (is_place and '.'.join(dotted.split('.')[:2]) in _SLIM_PLACES):
        return 'contrib'
    if now.startswith('tensorflow_estimator.'):
        return 'estimator,legacy' if dotted in _TABLES['needs Keras 2'] else 'estimator'
    return 'legacy' if now.startswith(('tf.nn.rnn_cell.', 'tf.keras.')) else None


def without_python(dotted: str) -> str:
    """Returns the public name of a private one, such as `contrib.a.c` of `contrib.a.python.b.c`."""
    parts = dotted.split('.')
    if 'python' not in parts[2:3]:
        return dotted
    return '.'.join([*parts[:2], parts[-1]]) if len(parts) > 3 else '.'.join(parts[:2])


def target(dotted: str) -> str | None:
    """Returns the dotted name that serves a name now, or None where it is gone."""
    place, _, last = dotted.rpartition('.')
    if dotted in AVAILABLE:
        return AVAILABLE[dotted]
    if dotted in NOT_IN_KERAS:
        return None
    if f'{place}.*' in AVAILABLE:
        return f'{AVAILABLE[f"{place}.*"][:-1]}{last}'
    above = target(place) if dotted.startswith('contrib.keras.') else None
    if above is not None and above.startswith('tf.keras.'):
        return f'{above}.{last}'
    public = without_python(dotted)
    if public != dotted and public in AVAILABLE:
        return AVAILABLE[public]
    return f'tfhooks.v1.{dotted}' if dotted in PLACES else None
