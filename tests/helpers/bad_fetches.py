"""Rows of the table of bad requests: what is no request, and what cannot be fetched."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import tensorflow
from bad_requests import Args, Losses, Table
from merging_models import Box, Pair

import tfhooks

tf = tensorflow.compat.v1

ROWS = Table()
row = ROWS.row


@attrs.define(kw_only=True)
class Named:
    left: Any
    right: Any


class Sequence(tuple):
    """Made of one iterable, as tuples are."""


class Three(tuple):
    def __new__(cls, first, second, third):
        return tuple.__new__(cls, (first, second, third))


RETURNS = {
    'int': lambda c: 5,
    'zero': lambda c: 0,
    'float': lambda c: 1.5,
    'bool': lambda c: True,
    'False': lambda c: False,
    'name': lambda c: 'one:0',
    'empty name': lambda c: '',
    'bytes': lambda c: b'one:0',
    'tensor': lambda c: c.one,
    'operation': lambda c: c.one.op,
    'variable': lambda c: c.variable,
    'sparse tensor': lambda c: c.sparse,
    'empty tuple': lambda c: (),
    'tuple': lambda c: ('one:0',),
    'tuple of three': lambda c: ('one:0', None, None),
    'list': lambda c: ['one:0'],
    'empty dict': lambda c: {},
    'dict': lambda c: {'loss': 'one:0'},
    'dict of arguments': lambda c: {'fetches': 'one:0', 'feed_dict': None, 'options': None},
    'set': lambda c: {'one:0'},
    'array': lambda c: np.zeros(2),
    'object': lambda c: object(),
    'named tuple': lambda c: Pair('one:0', 'two:0'),
    'dataclass': lambda c: Losses('one:0', 'two:0'),
    'attrs': lambda c: Box('one:0', 'two:0'),
    'function': lambda c: lambda: None,
    'generator': lambda c: (name for name in ['one:0']),
    'class of arguments': lambda c: Args,
    "TensorFlow's class of arguments": lambda c: tf.train.SessionRunArgs,
    'run values': lambda c: tfhooks.SessionRunValues(None, None, None),
    'run options': lambda c: tf.RunOptions(),
    'NotImplemented': lambda c: NotImplemented,
    'ellipsis': lambda c: ...,
    'exception': lambda c: ValueError('no'),
    'graph': lambda c: c.graph,
    'hook': lambda c: c.hook,
}
for name, make in RETURNS.items():
    row(f'returns {name}', make, 'return None or a SessionRunArgs', 'SessionRunArgs(fetches)')

STRUCTURES = {
    'bare': (lambda bad: bad, 'fetches'),
    'list': (lambda bad: ['one:0', bad], 'fetches[1]'),
    'tuple': (lambda bad: (bad, 'one:0'), 'fetches[0]'),
    'dict': (lambda bad: {'a': 'one:0', 'b': bad}, "fetches['b']"),
    'named tuple': (lambda bad: Pair('one:0', bad), 'fetches.right'),
    'attrs': (lambda bad: Box(bad, 'one:0'), 'fetches.left'),
    'dataclass': (lambda bad: Losses('one:0', bad), 'fetches.right'),
    'nested': (lambda bad: {'a': [('one:0', Box(bad, 'two:0'))]}, "fetches['a'][0][1].left"),
}
LEAVES = {
    'None': lambda c: None,
    'int': lambda c: 5,
    'True': lambda c: True,
    'object': lambda c: object(),
    'array': lambda c: np.zeros(2),
    'set': lambda c: {'one:0'},
    'function': lambda c: len,
    'unknown tensor': lambda c: 'nowhere:0',
    'unknown operation': lambda c: 'nowhere',
    'unknown output': lambda c: 'one:7',
    'empty name': lambda c: '',
    'unknown bytes': lambda c: b'nowhere:0',
    'bad output number': lambda c: 'one:x',
    "another graph's tensor": lambda c: c.foreign,
    "another graph's operation": lambda c: c.foreign.op,
    'unfetchable tensor': lambda c: c.unfetchable,
    'unfetchable operation': lambda c: c.unfetchable.op,
    'run options': lambda c: tf.RunOptions(),
}
for leaf, make_leaf in LEAVES.items():
    for structure, (wrap, path) in STRUCTURES.items():
        if (leaf, structure) != ('None', 'bare'):
            row(
                f'fetches {leaf} in {structure}',
                lambda c, wrap=wrap, make_leaf=make_leaf: Args(wrap(make_leaf(c))),
                f': {path}: ',
            )

for name, container in {
    'attrs class with keyword arguments': Named(left='one:0', right='two:0'),
    'kind of tuple': Sequence(['one:0', 'two:0']),
    'kind of tuple with one': Sequence(['one:0']),
    'slice of a tuple with a constructor': tuple.__new__(Three, ['one:0', 'two:0']),
}.items():
    for structure in ('bare', 'list', 'dict', 'nested'):
        wrap, path = STRUCTURES[structure]
        row(
            f'fetches {name} in {structure}',
            lambda c, wrap=wrap, container=container: Args(wrap(container)),
            f': {path}: ',
            'cannot hold the results',
        )
