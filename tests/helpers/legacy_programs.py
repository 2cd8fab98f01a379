"""What a program for TensorFlow 1 leaves behind, and how to compare that with what it left on 1.15.

`python tests/helpers/legacy_programs.py` runs each program of examples/legacy as it is, with this
Python's TensorFlow, and writes what it left to tests/recorded_1_15/examples/NAME.json. It is meant
for TensorFlow 1.15.
"""

import collections
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import places

EXAMPLES = str(places.ROOT / 'examples' / 'legacy')
RECORDED = str(places.RECORDED / 'examples')

# The arguments of each run of each program; a second run goes on in the directory of the first.
PROGRAMS = {
    'actor_learner': [['--logdir=DIR', '--total_updates=80']],
    'attention_beams': [['--train_dir=DIR', '--steps=80']],
    'bert_like': [['--output_dir=DIR', '--num_train_steps=40']],
    'bucket_translation': [['--train_dir=DIR', '--steps=60']],
    'canned_estimator': [['--model_dir=DIR', '--steps=80']],
    'cifar_tutorial': [['--train_dir=DIR', '--max_steps=60']],
    'contrib_evaluation': [['--logdir', 'DIR', '--steps', '90']],
    'crf_tagger': [['--train_dir=DIR', '--steps=60']],
    'custom_estimator': [['--model_dir', 'DIR', '--train_steps', '60']],
    'dnc_loop': [
        ['--checkpoint_dir=DIR', '--num_training_iterations=50'],
        ['--checkpoint_dir=DIR', '--num_training_iterations=100'],
    ],
    'hook_library': [['--model_dir', 'DIR', '--train_steps', '60']],
    'horovod_like': [['--checkpoint_dir', 'DIR', '--num_steps', '80']],
    'learn_experiment': [['--model_dir=DIR', '--train_steps=60']],
    'mnist_summaries': [['--data_dir=DIR/data', '--log_dir=DIR', '--max_steps=41']],
    'slim_train': [['--train_dir=DIR', '--number_of_steps=60']],
    'tpu_estimator': [['--model_dir=DIR', '--train_steps=60']],
    'supervisor': [['--logdir=DIR', '--steps=60'], ['--logdir=DIR', '--steps=90']],
}

# Those that need the files of tf.contrib.
NEED_FILES = (
    'attention_beams',
    'bucket_translation',
    'crf_tagger',
    'learn_experiment',
    'mnist_summaries',
)
# Those that need tensorflow-estimator.
ESTIMATORS = ('bert_like', 'canned_estimator', 'custom_estimator', 'tpu_estimator')
# Where the checkpoints of those are that put them deeper down.
MODELS = {'bert_like': 'model', 'canned_estimator': 'model'}

# Lines of the log that hooks and loops write at steps; the others tell of sessions' beginnings.
LOGGED = re.compile(r'Saving checkpoints for|Evaluation \[|Examples per|(loss|xent|step)\b.* = ')
UNSTEADY = [
    (re.compile(r'\d{4}-\d\d-\d\d[ -][\d:.]+'), 'TIME'),
    (re.compile(r'[\d.e+]+(?= (examples/sec|sec\b|sec/step|average|current))'), 'RATE'),
]
# What a thread writes when its time has come, at whatever step.
RATES_BY_TIME = ('./global_step/sec',)
# Programs whose values depend on how threads are scheduled.
SCHEDULED = ('actor_learner',)
NUMBER = re.compile(r'(-?\d+\.\d+(?:e[+-]?\d+)?|-?\d+)')


def skip_without_packages(name):
    """Skips the running test where a package that the program needs is not installed."""
    if name in ESTIMATORS:
        import importlib.util

        import pytest

        if importlib.util.find_spec('tensorflow_estimator') is None:
            pytest.skip('needs tensorflow-estimator')


def run_all(name, command, run=subprocess.run):
    """Runs a program as often as it is to be run, and observes what is left.

    Args:
      name: The program's name.
      command: What to put before the program's arguments.
      run: What runs it, as `subprocess.run` does.

    Returns:
      A dictionary that can be written as JSON.

    Raises:
      AssertionError: If a run ends with another exit code than 0.
    """
    directory = tempfile.mkdtemp(prefix='legacy-')
    try:
        logdir = os.path.join(directory, 'logs')
        runs = []
        for arguments in PROGRAMS[name]:
            arguments = [argument.replace('DIR', logdir) for argument in arguments]
            with open(os.path.join(directory, 'out'), 'w+') as out:
                with open(os.path.join(directory, 'err'), 'w+') as err:
                    code = run(
                        command + arguments,
                        cwd=directory,
                        env=environment(),
                        stdout=out,
                        stderr=err,
                        timeout=600,
                    ).returncode
                    out.seek(0)
                    err.seek(0)
                    printed, logged = out.read(), err.read()
            assert code == 0, 'exit code {} of {} {}:\n{}\n{}'.format(
                code, name, arguments, printed[-2000:], logged[-6000:]
            )
            runs.append(
                {'printed': steady(printed, logdir), 'logged': log_lines(steady(logged, logdir))}
            )
            # They are named by the second, and the next run may begin in the same one.
            for path in glob.glob(os.path.join(logdir, '**', '*tfevents*'), recursive=True):
                os.rename(path, '{}.{}'.format(path, len(runs)))
        return {
            'runs': runs,
            'files': files(logdir),
            'checkpoint': checkpoint(
                os.path.join(logdir, MODELS.get(name, '')), name not in SCHEDULED
            ),
            'summaries': summaries(logdir),
        }
    finally:
        shutil.rmtree(directory)


def steady(text, directory):
    """The lines of a text, without what changes from run to run."""
    text = text.replace(directory, 'DIR')
    for pattern, word in UNSTEADY:
        text = pattern.sub(word, text)
    return text.splitlines()


def log_lines(lines):
    start = 'INFO:tensorflow:'
    lines = [line[len(start) :] for line in lines if line.startswith(start)]
    return [line for line in lines if LOGGED.search(line)]


def files(directory):
    """How many files of each name there are, without times and hosts."""
    names = collections.Counter()
    for folder, _, here in os.walk(directory):
        for name in here:
            path = os.path.relpath(os.path.join(folder, name), directory)
            names[re.sub(r'tfevents\..*', 'tfevents', path)] += 1
    return dict(names)


def checkpoint(directory, steady_values):
    """The names that the state file lists, and a line for each variable: shape, mean magnitude."""
    import numpy as np
    import tensorflow

    tf = tensorflow.compat.v1
    state = tf.train.get_checkpoint_state(directory)
    reader = tf.train.load_checkpoint(directory)
    variables = []
    for name, shape in sorted(reader.get_variable_to_shape_map().items()):
        value = reader.get_tensor(name)
        size = '{:.5f}'.format(np.mean(np.abs(value))) if steady_values else '?'
        variables.append('{} {} {} {}'.format(name, value.dtype, shape, size))
    kept = [os.path.basename(path) for path in state.all_model_checkpoint_paths]
    return {'kept': kept, 'variables': variables}


def summaries(directory):
    """A line for each tag in each folder: the steps at which it was written."""
    import tensorflow

    tf = tensorflow.compat.v1
    steps = collections.defaultdict(set)
    for path in glob.glob(os.path.join(directory, '**', '*tfevents*'), recursive=True):
        folder = os.path.relpath(os.path.dirname(path), directory)
        for event in tf.train.summary_iterator(path):
            for value in event.summary.value:
                steps[os.path.join(folder, value.tag)].add(event.step)
    return [
        '{}: {}'.format(tag, ' '.join(map(str, sorted(each))))
        for tag, each in sorted(steps.items())
        if tag not in RATES_BY_TIME
    ]


def recorded(name):
    """What the program left on TensorFlow 1.15, with the differences that docs/differences.md has:

    tfhooks does not write the checkpoint again that its creator has just restored, and takes up
    what a Saver kept before. Into how many files an Estimator's is written is TensorFlow's own
    affair.
    """
    with open(os.path.join(RECORDED, name + '.json')) as file:
        left = json.load(file)
    if name == 'dnc_loop':
        # The Saver that the program gives to the hook keeps five over restarts, too.
        left['checkpoint']['kept'][:0] = ['model.ckpt-0', 'model.ckpt-40']
    if name == 'custom_estimator':
        lines = left['runs'][0]['logged']
        again = 'Saving checkpoints for 60 into DIR/model.ckpt.'
        del lines[lines.index(again, lines.index(again) + 1)]
    if name in ESTIMATORS:
        left['files'] = {
            re.sub(r'data-\d+-of-\d+', 'data-00000-of-00001', path): count
            for path, count in left['files'].items()
        }
    return left


def environment():
    """The environment variables of a program's process: no GPU, and this process's modules."""
    modules = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3', CUDA_VISIBLE_DEVICES='-1', PYTHONPATH=modules)


def differing(expected, actual, tolerance, where=''):
    """Compares what was observed with what was recorded.

    Args:
      expected: What was recorded.
      actual: What was observed.
      tolerance: How far a number with a decimal point may be off, absolutely and in relation to
        what was recorded; numbers without one must be the same.
      where: What to call the place that is compared.

    Returns:
      A line for each place that differs.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = sorted(expected.keys() | actual.keys())
        pairs = [(key, expected.get(key), actual.get(key)) for key in keys]
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = list(zip(range(len(expected)), expected, actual))
    elif isinstance(expected, str) and isinstance(actual, str):
        here, there = NUMBER.split(expected), NUMBER.split(actual)
        same = len(here) == len(there) and all(
            a == b or ('.' in a and '.' in b and close(float(a), float(b), tolerance))
            if index % 2
            else a == b
            for index, (a, b) in enumerate(zip(here, there))
        )
        return [] if same else ['{}: recorded {!r}, now {!r}'.format(where, expected, actual)]
    else:
        same = expected == actual
        return [] if same else ['{}: recorded {!r}, now {!r}'.format(where, expected, actual)]
    return [
        line
        for key, one, other in pairs
        for line in differing(one, other, tolerance, '{}/{}'.format(where, key))
    ]


def close(expected, actual, tolerance):
    return abs(expected - actual) <= tolerance * (1 + abs(expected))


def record(names):
    for name in names:
        command = [sys.executable, os.path.join(EXAMPLES, name + '.py')]
        observed = run_all(name, command)
        again = run_all(name, command)
        for line in differing(observed, again, 0):
            print('not the same twice: {} {}'.format(name, line))
        with open(os.path.join(RECORDED, name + '.json'), 'w') as file:
            json.dump(observed, file, indent=1, sort_keys=True)
            file.write('\n')


if __name__ == '__main__':
    record(sys.argv[1:] or sorted(PROGRAMS))
