"""Runs the contract programs on one `tf` module and writes down what they did: the traces.

Usage: python runner.py --tensorflow MODULE --out FILE [--programs NAME ...]

MODULE is what a program's import line names: `tensorflow` (on TensorFlow 1.15),
`tensorflow.compat.v1` or `tfhooks.v1`. FILE becomes a JSON object from a program's name to its
trace. This file and the programs run unchanged under Python 3.7 with TensorFlow 1.15 and under
today's.
"""

import argparse
import importlib
import json
import logging
import shutil
import tempfile
import traceback

from tracing import Trace, raised

TOPICS = ('callbacks', 'fetching', 'saving', 'stock', 'recovery', 'sessions')
# The tracebacks of programs that failed, by name.
FAILURES = {}


def load_programs():
    """All programs by name (`topic.function`), in the order in which they are written."""
    programs = {}
    for topic in TOPICS:
        module = importlib.import_module('programs.' + topic)
        for name, value in vars(module).items():
            code = getattr(value, '__code__', None)
            if code is not None and code.co_varnames[:3] == ('tf', 'trace', 'workdir'):
                programs[f'{topic}.{name}'] = value
    return programs


def import_tensorflow(name):
    """The module called `name`, in TensorFlow 1 behaviour."""
    tf = importlib.import_module(name)
    if name == 'tensorflow.compat.v1':
        tf.disable_v2_behavior()
    return tf


def run_program(tf, name, program):
    """Runs one program in an empty directory and a graph of its own.

    Args:
      tf: The module to run it on.
      name: The program's name.
      program: A function of `(tf, trace, workdir)`.

    Returns:
      A dict from a section's name (`calls`, `log`, `files`, `checkpoints`, `events`) to a
      list of lines.
    """
    workdir = tempfile.mkdtemp(prefix='contract-')
    trace = Trace(tf, workdir)
    logger = logging.getLogger('tensorflow')
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(trace.log_handler)
    try:
        with tf.Graph().as_default():
            tf.set_random_seed(1)
            program(tf, trace, workdir)
    except Exception as error:  # a program that fails leaves a trace that says so
        trace.note('program failed ' + raised(error))
        FAILURES[name] = traceback.format_exc()
    finally:
        logger.removeHandler(trace.log_handler)
        logger.setLevel(level)
    tf.summary.FileWriterCache.clear()
    try:
        return trace.sections()
    finally:
        shutil.rmtree(workdir, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tensorflow', required=True, help="the module's name")
    parser.add_argument('--out', required=True, help='the JSON file to write')
    parser.add_argument('--programs', nargs='*', help='names; all where left out')
    flags = parser.parse_args()

    tf = import_tensorflow(flags.tensorflow)
    programs = load_programs()
    traces = {}
    for name in flags.programs or programs:
        traces[name] = run_program(tf, name, programs[name])
    with open(flags.out, 'w') as out:
        record = {'tensorflow': tf.__version__, 'traces': traces, 'failures': FAILURES}
        json.dump(record, out, indent=1, sort_keys=True)


if __name__ == '__main__':
    main()
