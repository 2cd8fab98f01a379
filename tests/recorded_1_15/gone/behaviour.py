"""What names of `tf.contrib` and `tf.estimator` do, as values that can be compared.

Run with TensorFlow 1.15, it records them; `tests/v1/test_v1_contrib.py` compares tfhooks.v1's.

    python tests/recorded_1_15/gone/behaviour.py > tests/recorded_1_15/gone/behaviour_1_15.json

Each case is a function of the namespace `tf` and of a fresh directory. It must run on Python 3.7.
"""

import importlib
import json
import sys
import tempfile

import gone_cases
import gone_framework
import gone_layers
import gone_training

MODULES = (gone_framework, gone_layers, gone_training)


def outcomes(tf):
    """The outcome of every case, by its name."""
    found = {}
    for function in gone_cases.CASES:
        with tempfile.TemporaryDirectory() as directory, tf.Graph().as_default():
            try:
                found[function.__name__] = gone_cases.plain(function(tf, directory))
            except Exception as error:
                found[function.__name__] = f'{type(error).__name__}: {error}'
    return found


if __name__ == '__main__':
    namespace = importlib.import_module(sys.argv[1] if sys.argv[1:] else 'tensorflow')
    json.dump(outcomes(namespace), sys.stdout, indent=0, sort_keys=True)
