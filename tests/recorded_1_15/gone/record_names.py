"""Lists the public names of `tf.contrib` and `tf.estimator`; run with TensorFlow 1.15.

    python tests/recorded_1_15/gone/record_names.py > tfhooks/_legacy/old_names/names_1_15.ini

After a heading, one line for each module: its dotted name without the leading `tf.`, a colon, and
its public names. A module that can be reached by several names is looked into under the shortest.
"""

import collections
import importlib
import pkgutil
import sys
import types

import tensorflow as tf


def belongs(name, value):
    """Whether a name is there for users, and not because of an import in that file."""
    if name in ('absolute_import', 'division', 'print_function') or name.startswith('contrib_'):
        return False
    if isinstance(value, types.ModuleType):
        return is_ours(value)
    module = getattr(value, '__module__', None)
    return module is None or module.startswith('tensorflow')


def is_ours(module):
    return any(part in module.__name__ for part in ('contrib', 'estimator', 'util.nest'))


def public(module):
    """The public names of a module and their values, in order."""
    for name in sorted(set(getattr(module, '__all__', None) or dir(module))):
        # `python` is where the files are.
        if not name.startswith('_') and name != 'python':
            try:
                value = getattr(module, name)
            except (AttributeError, ImportError):
                continue
            if belongs(name, value):
                yield name, value


def listing():
    """The names of every module, by its dotted name."""
    waiting = collections.deque([('contrib', tf.contrib), ('estimator', tf.estimator)])
    # Those that only an import statement finds.
    for _, name, _ in pkgutil.iter_modules(importlib.import_module('tensorflow.contrib').__path__):
        try:
            module = importlib.import_module('tensorflow.contrib.' + name)
        except Exception:  # Some need a library or a machine that is not there.
            continue
        waiting.append(('contrib.' + name, module))
    found = collections.defaultdict(set)
    seen = set()
    while waiting:
        dotted, module = waiting.popleft()
        if id(module) in seen:
            continue
        seen.add(id(module))
        for name, value in public(module):
            found[dotted].add(name)
            if isinstance(value, types.ModuleType):
                waiting.append((dotted + '.' + name, value))
    return found


if __name__ == '__main__':
    lines = [
        '{}: {}'.format(dotted, ' '.join(sorted(names))) for dotted, names in listing().items()
    ]
    sys.stdout.write('[1.15]\n' + '\n'.join(sorted(lines)) + '\n')
