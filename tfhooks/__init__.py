"""The hooks and monitored sessions of TensorFlow 1 over `tf.compat.v1.train`, typed and checked.

A name that `tf.train` has too stands for TensorFlow's, with its arguments in their order. Three
ways to use them:

    import tfhooks             # the names below, as tfhooks.X
    import tfhooks.v1 as tf    # all of tf.compat.v1, with these names as tf.train.X
    python -m tfhooks train.py # a program for TensorFlow 1 as it is

`import tfhooks` changes nothing in the process, and imports nothing but this file: each name below
brings in its module, and TensorFlow, when it is first asked for. So `import tfhooks.v1 as tf` can
still choose how TensorFlow is imported.

The examples in the docstrings are given `import tfhooks`, `import tensorflow.compat.v1 as tf`, a
small model (`loss`, and `train_op`, which increments the global step) and `directory`, the path of
an empty folder; a comment behind `print` is what it prints.
"""

import sys as _sys

# A literal, which setup.cfg reads without an import.
__version__ = '0.1.0'

# From __init__.pyi, which lists the public names for type checkers, an import a line. Interned, as
# names in a program are: TensorFlow's namespaces look names up by identity.
_LINES = __spec__.loader.get_data(f'{__file__}i').decode().splitlines()
_MODULES = {
    _sys.intern(line.split()[-1]): line.split()[1] for line in _LINES if line.startswith('from ')
}

__all__ = sorted(_MODULES)


def __getattr__(name):
    """Imports the module of a public name, and caches the name here."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    import importlib

    # setdefault, so that two threads get the same object.
    return globals().setdefault(name, getattr(importlib.import_module(_MODULES[name]), name))


def __dir__():
    return sorted({*__all__, *(name for name in globals() if name.startswith('__'))})
