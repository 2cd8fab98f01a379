"""Rows of the table of bad requests: feeds, their keys and values, and run options."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow
from bad_requests import Args, Table, label

tf = tensorflow.compat.v1

ROWS = Table()
row = ROWS.row

for name, make in {
    'list': lambda c: [('x:0', 1.0)],
    'tuple': lambda c: ('x:0', 1.0),
    'set': lambda c: {'x:0'},
    'int': lambda c: 5,
    'zero': lambda c: 0,
    'name': lambda c: 'x:0',
    'tensor': lambda c: c.x,
    'array': lambda c: np.zeros(2),
    'object': lambda c: object(),
    'items': lambda c: {'x:0': 1.0}.items(),
    'generator': lambda c: (pair for pair in [('x:0', 1.0)]),
    'function': lambda c: dict,
}.items():
    row(f'feed_dict {name}', lambda c, make=make: Args('next:0', make(c)), 'feed_dict must be')

for name, make in {
    'int': lambda c: 5,
    'float': lambda c: 1.5,
    'None': lambda c: None,
    'object': lambda c: object(),
    'function': lambda c: len,
    'unknown tensor': lambda c: 'nowhere:0',
    'unknown bytes': lambda c: b'nowhere:0',
    'unknown output': lambda c: 'x:3',
    'name of an operation': lambda c: 'x',
    'empty name': lambda c: '',
    'operation': lambda c: c.x.op,
    "another graph's tensor": lambda c: c.foreign,
    'type': lambda c: float,
}.items():
    row(
        f'feed key {name}',
        lambda c, make=make: Args('one:0', {make(c): 1.0}),
        'feed_dict[',
        'the key must be a tensor of the graph',
    )
for name, feeds in {
    'longer key': {('x:0', 'pair:0'): (1.0,)},
    'scalar for a tuple': {('x:0', 'pair:0'): 1.0},
}.items():
    row(f'feed {name}', lambda c, feeds=feeds: Args('one:0', feeds), 'the same structure')
row('feed scalar for a sparse tensor', lambda c: Args('one:0', {c.sparse: 1.0}), 'structure')
row(
    'feed wrong part of a sparse tensor',
    lambda c: Args('one:0', {c.sparse: ([[1]], ['a'], [2])}),
    'sparse/values:0',
)
row('feed unfeedable tensor', lambda c: Args('one:0', {c.unfeedable: 1.0}), 'may not be fed')
row('feed unfeedable name', lambda c: Args('one:0', {'unfeedable:0': 1.0}), 'may not be fed')

VALUES: dict[str, list[Any]] = {
    'bool': [None, 2, -1, 0.5, 'a', 1j, [2], [None], np.nan, 2**70],
    'int8': [None, 128, -129, 1.5, 'a', b'a', [128], [1.5], 1j, np.inf, 2**70, object()],
    'uint8': [None, 256, -1, 0.5, [-1], np.array([256]), np.float32(0.5)],
    'int16': [2**15, -(2**15) - 1, [2**15], np.int64(2**20), [None]],
    'int32': [None, 2**31, -(2**31) - 1, 2**70, 1.5, np.nan, np.inf, 1j, 'a', [1, 1.5], {}],
    'int64': [2**63, -(2**63) - 1, 1.5, [2.5], 'a', np.array([0.5])],
    'uint64': [-1, 2**64, 0.5, [-1]],
    'float16': [None, 1e5, [1e5], 'a', 1j, 2**70, [None, 1.0]],
    'bfloat16': [None, 1e300, 'a', 1j, [1e300]],
    'float32': [None, 1e300, -1e300, [1e300], 'a', b'a', 1j, [1j], [None], object(), {}],
    'float64': [None, 1j, 'a', [None], [[1.0], [1.0, 2.0]], 10**400],
    'complex64': [None, 'a', 1e300, [None], object()],
    'string': [None, 5, 1.5, True, [5], [None], ['a', 1], 1j, np.float32(1), '\ud800'],
}
for dtype, values in VALUES.items():
    for value in values:
        text = label(value)
        row(
            f'feed {text} to {dtype}',
            lambda c, dtype=dtype, value=value: Args('one:0', {f'{dtype}:0': value}),
            f"feed_dict['{dtype}:0']: ",
            f'expected={dtype}:0 (dtype={dtype}, shape=<unknown>), received=',
        )
for make_value, text in [
    (lambda c: c.one, 'tensor'),
    (lambda c: c.foreign, "another graph's tensor"),
    (lambda c: c.variable, 'variable'),
]:
    row(
        f'feed {text}',
        lambda c, make_value=make_value: Args('one:0', {'x:0': make_value(c)}),
        "feed_dict['x:0']: ",
    )
for tensor, values in {
    'x': [[1.0], [], [[1.0]]],
    'pair': [1.0, [1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [], np.zeros([2, 0])],
    'rows': [1.0, [1.0, 2.0], [[1.0]], np.zeros([2, 3]), np.zeros([1, 1, 2])],
}.items():
    for value in values:
        for as_array in (False, True):
            if as_array:
                value = np.asarray(value, np.float32)
            row(
                f'feed {value!r} to {tensor} {"as array" if as_array else "as is"}',
                lambda c, tensor=tensor, value=value: Args('one:0', {f'{tensor}:0': value}),
                'must be compatible',
                f'expected={tensor}:0',
            )

for name, mine, callers in [
    ('same tensor', lambda c: {c.x: 1.0}, lambda c: {c.x: 1.0}),
    ('its name', lambda c: {'x:0': 1.0}, lambda c: {c.x: 1.0}),
    ('its name in bytes', lambda c: {b'x:0': 1.0}, lambda c: {'x:0': 1.0}),
    (
        'sparse and its values',
        lambda c: {c.sparse.values: [1.0]},
        lambda c: {c.sparse: ([[1]], [1.0], [2])},
    ),
    (
        'values of a sparse',
        lambda c: {c.sparse: ([[1]], [1.0], [2])},
        lambda c: {'sparse/values:0': [1.0]},
    ),
    ('in a tuple', lambda c: {('x:0', 'pair:0'): (1.0, np.ones(2))}, lambda c: {c.x: 1.0}),
]:
    row(
        f'conflict of feeds: {name}',
        lambda c, mine=mine: Args('one:0', mine(c)),
        'Same tensor is fed by a SessionRunHook and user',
        'the caller',
        feed_dict=callers,
    )
row(
    'feeds twice',
    lambda c: Args('one:0', {c.x: 1.0, 'x:0': 1.0}),
    'Same tensor is fed by one hook twice',
)

for name, options in {
    'dict': {'timeout_in_ms': 5},
    'empty dict': {},
    'list': [tf.RunOptions()],
    'int': 5,
    'zero': 0,
    'name': 'FULL_TRACE',
    'trace level': tf.RunOptions.FULL_TRACE,
    'class': tf.RunOptions,
    'metadata': tf.RunMetadata(),
    'config': tf.ConfigProto(),
    'bytes': tf.RunOptions().SerializeToString(),
}.items():
    row(f'options {name}', lambda c, o=options: Args('one:0', None, o), 'options must be')

for name, mine, callers in [
    ('thread pool', {'inter_op_thread_pool': 1}, {'inter_op_thread_pool': 2}),
    ('caller of -1', {'inter_op_thread_pool': 1}, {'inter_op_thread_pool': -1}),
    (
        'collective key',
        {'experimental': {'collective_graph_key': 1}},
        {'experimental': {'collective_graph_key': 2}},
    ),
    (
        'priority',
        {'experimental': {'run_handler_pool_options': {'priority': 1}}},
        {'experimental': {'run_handler_pool_options': {'priority': 2}}},
    ),
]:
    row(
        f'conflict of options: {name}',
        lambda c, mine=mine: Args('one:0', None, tf.RunOptions(**mine)),
        'must be the same for all who set it',
        'the caller=',
        options=lambda c, callers=callers: tf.RunOptions(**callers),
    )
