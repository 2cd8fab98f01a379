"""Lists the public names of TensorFlow 1.15 but for `tf.contrib` and `tf.estimator`; run with it.

    python tests/recorded_1_15/names/record_names.py > tests/recorded_1_15/names/names_1_15.txt

One line for each module: its dotted name without the leading `tf.`, a colon, and its public names.
(`tests/recorded_1_15/gone/record_names.py` lists those of the two.)
"""

import sys
import types

import tensorflow as tf

# `tf.compat.v1` has the same names again, and `tf.compat.v2` those of another TensorFlow.
LEFT_OUT = ('contrib', 'estimator', 'compat.v1', 'compat.v2')


def is_namespace(value):
    """Whether a value is a module made of public names."""
    return isinstance(value, types.ModuleType) and 'api' in value.__name__.replace('.', '_').split(
        '_'
    )


def is_leftover(value):
    """Whether a name is there only because Python's `import` left it."""
    future = type(value).__module__ == '__future__'
    is_other = isinstance(value, types.ModuleType) and not is_namespace(value)
    return future or (is_other and 'platform' not in value.__name__)


def walk(dotted, module, lines):
    """Adds the lines of a module and of the public modules in it."""
    names = []
    for name in sorted(dir(module)):
        inside = dotted + '.' + name if dotted else name
        if name.startswith('_') or inside in LEFT_OUT:
            continue
        value = getattr(module, name)
        if is_leftover(value):
            continue
        names.append(name)
        if is_namespace(value):
            walk(inside, value, lines)
    lines.append('{}: {}'.format(dotted, ' '.join(names)))


def main():
    lines = []
    walk('', tf, lines)
    sys.stdout.write('\n'.join(sorted(lines)) + '\n')


if __name__ == '__main__':
    main()
