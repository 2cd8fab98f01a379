"""Private names of TensorFlow are taken in `tfhooks/_tensorflow.py`, and nowhere else."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

import tfhooks

PACKAGE = pathlib.Path(tfhooks.__path__[0])
DOOR = ast.parse((PACKAGE / '_tensorflow.py').read_text())
# What the hooks inherit from TensorFlow's, and programs override.
INHERITED = set(re.findall(r'\b_[a-z]\w*', (PACKAGE / '_tensorflow.pyi').read_text()))
# Python's own, then what `tf.contrib` asks its hooks for, and a mark that the recorder leaves.
OTHERS = {'_asdict', '_current_frames', '_exit', '_fields', '_getframe', '_replace'}
OTHERS |= {'_get_code_from_file', '_initializing', '_set_evals_completed_tensor', '_traced'}
ATTRIBUTES = ('delattr', 'getattr', 'hasattr', 'setattr')


def own_names(tree):
    """The names that a file of tfhooks itself gives to something."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.keyword):
            yield node.arg


def taken(tree):
    """The private names that a file takes from objects, what it takes them from, and the lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name, owner = node.attr, node.value
        elif isinstance(node, ast.Call) and getattr(node.func, 'id', '') in ATTRIBUTES:
            name, owner = getattr(node.args[1], 'value', ''), node.args[0]
        else:
            continue
        if re.fullmatch(r'_[a-z]\w*', str(name)):
            yield name, getattr(owner, 'id', ''), node.lineno


def private_modules(tree):
    """The modules of TensorFlow that are not public and that a file names, and the lines."""
    for node in ast.walk(tree):
        names = [alias.name for alias in getattr(node, 'names', ()) if isinstance(alias, ast.alias)]
        names += [str(getattr(node, name, '')) for name in ('module', 'value')]
        for name in names:
            if re.match(r'tensorflow(_core)?\.(python|core|_api)\b', name):
                yield name, node.lineno


def problems(trees):
    own = {name for tree in trees.values() for name in own_names(tree)}
    known = own | INHERITED | OTHERS | {pathlib.Path(file).stem for file in trees}
    doors = {name for name, *_ in taken(DOOR)}
    for file, tree in trees.items():
        for name, line in private_modules(tree):
            yield f'{file}:{line}: {name}'
        for name, owner, line in taken(tree):
            is_own = owner in ('self', 'cls') or name not in doors
            if name not in known or not is_own:
                yield f'{file}:{line}: {name}'


def test_private_names_are_taken_in_one_file():
    files = [file.relative_to(PACKAGE) for file in PACKAGE.rglob('*.py')]
    # `old_names` is data: where old programs have their names from. The other one stands for a file
    # that reads and writes the private fields of tensorflow-estimator's classes, whose release is
    # the last.
    exempt = {'old_names', '_tensorflow.py', '_estimator_training.py'}
    files = [file for file in files if exempt.isdisjoint(file.parts)]
    trees = {str(file): ast.parse((PACKAGE / file).read_text()) for file in files}
    assert len(trees) > 50
    found = list(problems(trees))
    assert not found, '\n'.join(found)


@pytest.mark.parametrize(
    'statement',
    [
        'from tensorflow.python.client import session',
        'import tensorflow.core.protobuf',
        'load("tensorflow.python.training.training")',
        'session._closed',
        'getattr(session, "_target", None)',
        'saver._some_private_list',
    ],
)
def test_what_is_found(statement):
    assert len(list(problems({'module.py': ast.parse(statement)}))) == 1
