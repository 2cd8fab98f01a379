"""Writes the tables of docs/contrib.md from what tfhooks knows of the names of TensorFlow 1.15.

python tests/gone/contrib_table.py > tables.md
"""

from __future__ import annotations

import collections
import os

from tfhooks import _names
from tfhooks._names.gone import INSTEAD
from tfhooks._names.kept import KEPT

RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'names_1_15.txt')


def recorded():
    """The names of TensorFlow 1.15, by the module that they are in."""
    with open(RECORDED, encoding='utf-8') as file:
        lines = [line.rstrip('\n').partition(': ') for line in file]
    return {place: names.split() for place, _, names in lines}


def listed(names):
    return ', '.join(f'`{name}`' for name in names)


def kept_names():
    """The names that work, by module: of 1.15, and of releases before it."""
    places = collections.defaultdict(set)
    for place, names in recorded().items():
        places[place] |= {name for name in names if is_kept(f'{place}.{name}')}
    for name in KEPT:
        place, _, last = name.rpartition('.')
        if last != '*' and '.python' not in place:
            places[place].add(last)
    return places


def is_kept(dotted):
    """Whether a name works and is no module of tfhooks' own, which has a row of its own."""
    found = _names.look_up(dotted)
    return found.status != 'gone' and found.instead != f'tfhooks.v1.{dotted}'


def what_works():
    """A row for each module of which something works."""
    yield '| Module | Works | Works with an extra |'
    yield '| --- | --- | --- |'
    for place, names in sorted(kept_names().items()):
        by = collections.defaultdict(list)
        for name in sorted(names):
            found = _names.look_up(f'{place}.{name}')
            by[found.extra or found.status].append(name)
        extras = [f'`{extra}`: {listed(by[extra])}' for extra in ('contrib', 'legacy') if by[extra]]
        if by:
            yield f'| `tf.{place}` | {listed(by["works"])} | {"; ".join(extras)} |'


def what_is_gone():
    """A row for each advice there is, with the names that it is for."""
    names = collections.defaultdict(list)
    for name in sorted(INSTEAD):
        names[INSTEAD[name]].append(name)
    yield '| Gone | Instead |'
    yield '| --- | --- |'
    for advice, gone in sorted(names.items(), key=lambda item: item[1]):
        yield f'| {", ".join(f"`tf.{name}`" for name in gone)} | {advice} |'


def tables():
    """The two tables, by their headings."""
    return {
        'What works': '\n'.join(what_works()),
        'What is gone': '\n'.join(what_is_gone()),
    }


if __name__ == '__main__':
    for heading, table in tables().items():
        print(f'## {heading}\n\n{table}\n')
