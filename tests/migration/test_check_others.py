"""`python -m tfhooks check`: what else than names of TensorFlow's a program will stumble over."""

from __future__ import annotations

import sys

import pytest

from tfhooks._migration import check
from tfhooks._migration.checking import packages
from tfhooks._migration.checking.installed import Installed
from tfhooks._migration.checking.names import NameChecker


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder for installed packages, in the path."""
    folder = tmp_path / 'lib' / 'site-packages'
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, 'path', [str(folder), *sys.path])
    packages.is_for_tensorflow_1.cache_clear()
    yield folder
    packages.is_for_tensorflow_1.cache_clear()


def said(tmp_path, source):
    """Line, name, kind and replacement of what is found in a program."""
    file = tmp_path / 'program.py'
    file.write_text(source)
    found = check.check_file(str(file), NameChecker(Installed.here()))
    return [(f.line, f.name, f.kind, f.replacement) for f in found if f.kind != 'works']


def test_removed_names_are_said(tmp_path):
    source = (
        'import collections, inspect\n'
        'import numpy as np\n'
        'from collections import Mapping, OrderedDict\n'
        'x = np.zeros(2, np.float) + np.Inf\n'
        'isinstance(x, collections.Iterable), inspect.getargspec(f), np.zeros(2).tostring\n'
        'x.float, y.Inf, np.float32\n'
    )
    assert sorted(said(tmp_path, source)) == [
        (3, 'collections.Mapping', 'caution', 'collections.abc.Mapping'),
        (4, 'numpy.Inf', 'caution', 'numpy.inf'),
        (4, 'numpy.float', 'caution', 'float'),
        (5, 'collections.Iterable', 'caution', 'collections.abc.Iterable'),
        (5, 'inspect.getargspec', 'caution', ''),
    ]


def test_packages_for_tensorflow_1_are_said(tmp_path, site):
    for name, text in {
        'old_one': 'import tensorflow as tf\ndef f(): return tf.placeholder(tf.float32)',
        'both': 'import tensorflow.compat.v1 as tf\ntf.placeholder',
        'other': 'import os',
    }.items():
        (site / name).mkdir()
        (site / name / '__init__.py').touch()
        (site / name / 'model.py').write_text(text)
    source = 'import tensorflow as tf\nimport old_one.model, both, other, keras\nimport nowhere\n'
    assert said(tmp_path, source) == [
        (2, 'old_one', 'caution', 'python -m tfhooks --package old_one')
    ]


def test_what_asks_for_a_name_in_dir_is_no_error(tmp_path):
    source = (
        'import tensorflow as tf\n'
        'if "rpc" in dir(tf.contrib):\n'
        '    tf.contrib.rpc\n'
        'if args.dir:\n'
        '    tf.contrib.kafka\n'
    )
    assert [(line, kind) for line, _, kind, _ in said(tmp_path, source)] == [
        (3, 'guarded'),
        (5, 'gone'),
    ]
