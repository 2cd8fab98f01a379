"""Runs the programs of this folder, and writes what they found.

    python running.py tensorflow|tfhooks.v1 OUT.json FILE...

`recorded.json` is what TensorFlow 1.15.5 on Python 3.7 wrote of all files.
"""

import importlib
import json
import os
import shutil
import sys
import tempfile
import traceback

PROGRAMS = {}


def program(function):
    """Marks a program: a function of TensorFlow's module and an empty directory.

    What it returns, JSON can hold. It is run in a graph of its own.
    """
    PROGRAMS[function.__name__] = function
    return function


def raised(function, *args):
    """The class of the TensorFlow or Python error that a call raises, and its first line."""
    try:
        function(*args)
    except Exception as error:
        kinds = type(error).__mro__
        name = next(kind.__name__ for kind in kinds if 'tfhooks' not in kind.__module__)
        return [name, (str(error).splitlines() or [''])[0]]
    return None


def main(module, out, *files):
    # Before the files, which may import parts of TensorFlow.
    tf = importlib.import_module(module)
    for name in files:
        importlib.import_module(name)
    tf.logging.set_verbosity(tf.logging.ERROR)
    found = {}
    for name, function in PROGRAMS.items():
        directory = tempfile.mkdtemp()
        try:
            with tf.Graph().as_default():
                found[name] = json.loads(json.dumps(function(tf, directory)))
        except Exception:
            found[name] = traceback.format_exc()
        finally:
            shutil.rmtree(directory)
    with open(out, 'w') as file:
        json.dump(found, file, indent=1, sort_keys=True)
        file.write('\n')
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that a program left waiting must not keep the process.
    os._exit(0)


if __name__ == '__main__':
    import running  # The one that the files import.

    running.main(*sys.argv[1:])
