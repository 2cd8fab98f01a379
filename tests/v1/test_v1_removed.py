"""Every name of `tf.contrib` and `tf.estimator` of 1.15 works, or says what to use instead.

The names are in tfhooks/_legacy/old_names/names_1_15.ini. They are looked at in one process with
tfhooks.v1, since importing that switches TensorFlow's behaviour.
"""

from __future__ import annotations

import configparser
import functools
import importlib.util
import json
import os
import re
import subprocess
import sys

import places
import pytest
import warm_python

from tfhooks._legacy import contrib_files, old_names
from tfhooks._legacy.old_names import available, removed_contrib, tables
from tfhooks._legacy.old_names.redirected_imports import ROOT

GONE = places.RECORDED / 'gone'
sys.path.insert(0, str(GONE))

import contrib_table  # noqa: E402

HAS_SLIM = importlib.util.find_spec('tf_slim') is not None
HAS_FILES = contrib_files.folder() is not None
HAS_KERAS_2 = importlib.util.find_spec('tf_keras') is not None
HAS_ESTIMATOR = importlib.util.find_spec('tensorflow_estimator') is not None
EXTRAS = {
    'contrib': HAS_SLIM,
    'estimator': HAS_ESTIMATOR,
    'estimator,legacy': HAS_ESTIMATOR and HAS_KERAS_2,
    'legacy': HAS_KERAS_2,
    None: True,
}
RECORDED = contrib_table.recorded()
ALL = [f'{place}.{name}' for place, names in RECORDED.items() for name in names]

# Looks names up as a program does, and says for each what came of it.
LOOK = """
import json, sys
import record_signatures
import tfhooks, tfhooks.v1 as tf

def fate(dotted):
    value = tf
    for part in dotted.split('.'):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            return [type(error).__name__, str(error)]
    text = record_signatures.parameters(value) if callable(value) else None
    return ['there', text]

def is_there(dotted):
    root, _, rest = dotted.partition('.')
    value = {'tf': tf, 'tfhooks': tfhooks}[root]
    try:
        for part in rest.split('.'):
            value = getattr(value, part)
    except (AttributeError, ImportError):
        return False
    return True

asked = json.load(sys.stdin)
json.dump({
    'fates': {name: fate(name) for name in asked['names']},
    'there': {name: is_there(name) for name in asked['advised']},
}, sys.stdout)
"""


def advised():
    """The names of TensorFlow and tfhooks in the advice, by the names that it is for."""
    pattern = r'(?<![\w.])((?:tf|tfhooks)(?:\.\w+)+)'
    return {name: re.findall(pattern, text) for name, text in removed_contrib.INSTEAD.items()}


@functools.cache
def looked():
    names = sorted({name for found in advised().values() for name in found})
    done = warm_python.run(
        [sys.executable, '-c', LOOK],
        input=json.dumps({'names': ALL, 'advised': names}),
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([*sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_name_of_1_15_has_an_answer():
    assert len(ALL) > 4000
    answers = {name: old_names.look_up(name) for name in ALL}
    assert {answer.status for answer in answers.values()} == {'works', 'extra', 'files', 'gone'}
    for name, answer in answers.items():
        assert (answer.extra is not None) == (answer.status == 'extra'), name
        assert answer.instead, name
        if answer.status in ('gone', 'files'):
            assert answer.instead.startswith(f'tf.{name} is gone since TensorFlow 2.'), name


def test_every_advice_is_for_its_name_or_module():
    # What is said of an unknown module is said of no known one.
    general = removed_contrib.INSTEAD['contrib']
    assert not [name for name in ALL if old_names.look_up(name).instead.endswith(general)]


def test_every_name_works_or_says_what_to_use():
    wrong = {}
    for name, (kind, text) in looked()['fates'].items():
        answer = old_names.look_up(name)
        if name in available.NOT_IN_KERAS:
            right = kind == 'AttributeError'  # The module is Keras's own.
        elif answer.status == 'files' and HAS_FILES:
            right = kind == 'there'
        elif answer.status in ('gone', 'files'):
            right = HAS_FILES or (kind, text) == ('NameGoneError', gone_sentence(name))
        elif EXTRAS[answer.extra]:
            right = kind == 'there'
        else:
            right = kind == 'NameGoneError' and 'pip install "tfhooks[' in text
        if not right:
            wrong[name] = (kind, text)
    # Of `tf.contrib` these are a module in the package, which is found by import statements.
    packages = tuple(f'contrib.{name}.' for name in ROOT)
    assert {name: fate for name, fate in wrong.items() if not name.startswith(packages)} == {}


def gone_sentence(name):
    """What is said of a name: of the first part of it that is gone."""
    parts = name.split('.')
    for depth in range(2, len(parts) + 1):
        answer = old_names.look_up('.'.join(parts[:depth]))
        if answer.status in ('gone', 'files'):
            return answer.instead
    raise AssertionError(name)


def test_what_is_advised_is_there():
    there = looked()['there']
    missing = {
        name: [target for target in found if not there[target]] for name, found in advised().items()
    }
    if not (HAS_KERAS_2 and HAS_ESTIMATOR):
        pytest.skip('an extra is not installed: what needs it cannot be looked at')
    assert {name: found for name, found in missing.items() if found} == {}
    assert len(there) > 100


def test_advice_is_for_names_that_were_there_and_are_gone():
    assert [name for name in removed_contrib.INSTEAD if name in available.AVAILABLE] == []
    unknown = [
        name for name in removed_contrib.INSTEAD if name not in {*ALL, *RECORDED, *available.PLACES}
    ]
    # One that cannot be imported with every 1.15.
    assert unknown == ['contrib.decision_trees']


@pytest.mark.skipif(not all(EXTRAS.values()), reason='needs all extras')
def test_parameters_are_those_of_1_15():
    """By position and by keyword, apart from what the list says."""
    wrong = {}
    lines = (GONE / 'signatures_1_15.txt').read_text('utf-8').splitlines()
    for line in lines:
        name, _, text = line.partition(': ')
        before, now = text.split(), (looked()['fates'][name][1] or '').split()
        if now[: len(before)] != before and '*args' not in before:
            wrong[name] = now
    today = {
        'contrib.data.make_batched_features_dataset',  # None stands for the same reader.
        'contrib.layers.safe_embedding_lookup_sparse',  # The default that None stood for.
        'contrib.slim.safe_embedding_lookup_sparse',
    }
    assert set(wrong) == (set() if HAS_FILES else today) | {
        # check_subtrees_length went, and with it the trees that differ in length.
        'contrib.framework.nest.assert_shallow_structure',
        'contrib.framework.nest.flatten_up_to',
        'contrib.framework.nest.flatten_with_tuple_paths_up_to',
        'contrib.framework.nest.is_sequence',  # `o` is called `seq`.
        'contrib.framework.nest.is_sequence_or_composite',
        'contrib.framework.TensorSpec',  # *args, **kwargs
        'estimator.DNNLinearCombinedEstimator',  # batch_norm, the last one, came.
    }


@pytest.mark.parametrize(
    ('name', 'status', 'instead'),
    [
        ('contrib', 'works', 'tfhooks.v1.contrib'),
        ('estimator.SessionRunHook', 'works', 'tf.train.SessionRunHook'),
        (
            'estimator.Estimator',
            'extra',
            'tensorflow_estimator.python.estimator.api._v1.estimator.Estimator',
        ),
        ('contrib.layers.conv2d', 'extra', 'tf_slim.conv2d'),
        ('contrib.layers.python.layers.layers.conv2d', 'extra', 'tf_slim.conv2d'),
        (
            'contrib.layers.python.layers.utils.smart_cond',
            'extra',
            'tf_slim.layers.utils.smart_cond',
        ),
        ('contrib.rnn.GRUCell', 'extra', 'tf.nn.rnn_cell.GRUCell'),
        ('contrib.slim', 'extra', 'tfhooks.v1.contrib.slim'),
        ('contrib.slim.nets.vgg', 'extra', 'tf_slim.nets.vgg'),
    ],
)
def test_answers(name, status, instead):
    answer = old_names.look_up(name)
    assert (answer.status, answer.instead) == (status, instead)


def test_the_nearest_answer():
    assert old_names.look_up('train.Saver') is None
    assert old_names.look_up('contribution') is None
    for name, part in [
        ('contrib.nothing.at.all', 'tf.contrib.nothing.at.all is gone'),
        ('contrib.crf.nothing', 'tf.contrib.crf.nothing is gone'),
        ('contrib.layers.embed_sequence', 'tf.nn.embedding_lookup'),
        ('estimator.BoostedTreesClassifier', 'since TensorFlow 2.16'),
    ]:
        answer = old_names.look_up(name)
        assert answer.status in ('gone', 'files')
        assert part in answer.instead
    answer = old_names.look_up('contrib.seq2seq.python.ops.helper.TrainingHelper')
    assert answer.status == 'files'
    assert 'python -m tfhooks contrib install' in answer.instead


def test_a_data_file_keeps_the_case_of_names_and_has_none_twice(tmp_path):
    file = tmp_path / 'names.ini'
    file.write_text('# A comment.\n[one]\nSort: tf.sort(x, axis): its use\nsort: %(sort)s\nalone\n')
    rows = {'Sort': 'tf.sort(x, axis): its use', 'sort': '%(sort)s', 'alone': ''}
    assert tables.read(file) == {'one': rows}
    file.write_text('[one]\nsort: a\nsort: b\n')
    with pytest.raises(configparser.DuplicateOptionError, match=r'names\.ini.*sort'):
        tables.read(file)


def test_the_names_need_no_tensorflow():
    code = (
        'import sys; from tfhooks._legacy.old_names import look_up; look_up("contrib.x"); '
        'print(sorted({"tensorflow", "numpy", "tf_slim"} & set(sys.modules)))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == '[]'


def test_the_document_lists_what_the_package_knows():
    text = (places.ROOT / 'docs' / 'contrib.md').read_text('utf-8')
    for heading, table in contrib_table.tables().items():
        assert f'## {heading}\n\n{table}\n' in text, 'run tests/recorded_1_15/gone/contrib_table.py'
