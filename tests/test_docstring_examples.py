"""Each public class and function shows in its docstring how it is used, and that is what it does.

An example is run with what its reader is taken to have: `tfhooks`, `tf` (`tensorflow.compat.v1`), a
model (`loss`, which is 4 at first, and `train_op`, which increments the global step) in a graph of
its own, and `directory`, the path of an empty folder. It prints what its comments say.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import inspect
import io
import pathlib
import re

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
import tfhooks.testing

# Classes that are TensorFlow's own, docstring and all.
TENSORFLOWS = {'CheckpointSaverListener', 'Scaffold', 'SessionCreator'}
PACKAGE = pathlib.Path(tfhooks.__path__[0])
EXAMPLE = re.compile(r'^Example:\n  ```python\n(.*?)^  ```$', re.M | re.S)
PRINTS = re.compile(r'print\(.*\).*?  # (.+)$', re.M)


def definitions(module):
    """The classes and functions of a module by their names, overloads replaced by what they are."""
    path = PACKAGE.parent.joinpath(*module.split('.'))
    path = path / '__init__.py' if path.is_dir() else path.with_suffix('.py')
    statements = ast.parse(path.read_text('utf-8')).body
    # What is an alias of TensorFlow's when a program runs is a class to type checkers.
    inner = [node for s in statements if isinstance(s, ast.If) for node in s.body]
    nodes = [n for n in statements + inner if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    return {node.name: node for node in nodes}


def public():
    """The public names, each with the module that defines it."""
    for line in (PACKAGE / '__init__.pyi').read_text('utf-8').splitlines():
        if match := re.match(r'from (\S+) import (\w+) as', line):
            yield match[2], match[1]
    for name in tfhooks.testing.__all__:
        yield name, inspect.unwrap(getattr(tfhooks.testing, name)).__module__


@pytest.mark.parametrize(('name', 'module'), list(public()))
def test_example(name, module, graph, tmp_path):
    if name in TENSORFLOWS:
        assert getattr(tfhooks, name) is getattr(tf.train, name)
        return
    found = definitions(module)
    example = EXAMPLE.search(ast.get_docstring(found.get(name) or found[f'_{name}']))
    assert example, f'{name} has no example'
    code = inspect.cleandoc('\n' + example[1])
    assert 3 <= len(code.splitlines()) <= 10

    weight = tf.get_variable('weight', initializer=2.0)
    loss = tf.square(weight, name='loss')
    step = tf.train.get_or_create_global_step()
    train_op = tf.train.GradientDescentOptimizer(0.1).minimize(loss, step)
    given = {'tfhooks': tfhooks, 'tf': tf, 'loss': loss, 'train_op': train_op}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, f'<example of {name}>', 'exec'), {**given, 'directory': str(tmp_path)})
    expected = '\n'.join(PRINTS.findall(code))
    assert doctest.OutputChecker().check_output(
        f'{expected}\n' if expected else '', printed.getvalue(), doctest.ELLIPSIS
    ), f'{printed.getvalue()!r} instead of {expected!r}'
