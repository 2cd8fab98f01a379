"""Writes the tables of docs/contrib.md from what tfhooks knows of the names of TensorFlow 1.15.

python tests/recorded_1_15/gone/contrib_table.py
"""

from __future__ import annotations

import collections
import pathlib

from tfhooks._legacy import old_names
from tfhooks._legacy.old_names.available import AVAILABLE
from tfhooks._legacy.old_names.recorded import LOST, recorded
from tfhooks._legacy.old_names.removed_contrib import INSTEAD

DOCUMENT = pathlib.Path(__file__).parents[3] / 'docs' / 'contrib.md'


def listed(names):
    return ', '.join(f'`{name}`' for name in names)


def kept_names():
    """The names that work, by module: of 1.15, and of releases before it."""
    places = collections.defaultdict(set)
    for place, names in recorded().items():
        places[place] |= {name for name in names if is_kept(f'{place}.{name}')}
    for name in AVAILABLE:
        place, _, last = name.rpartition('.')
        if last != '*' and '.python' not in place:
            places[place].add(last)
    return places


def is_kept(dotted):
    """Whether a name works without the files, and is no module of tfhooks' own."""
    found = old_names.look_up(dotted)
    return found.status in ('works', 'extra') and found.instead != f'tfhooks.v1.{dotted}'


def what_works():
    """A row for each module of which something works without the files."""
    yield '| Module | Works | Works with an extra |'
    yield '| --- | --- | --- |'
    for place, names in sorted(kept_names().items()):
        by = collections.defaultdict(list)
        for name in sorted(names):
            found = old_names.look_up(f'{place}.{name}')
            by[found.extra or found.status].append(name)
        extras = ('contrib', 'estimator', 'estimator,legacy', 'legacy')
        extras = [f'`{extra}`: {listed(by[extra])}' for extra in extras if by[extra]]
        if any(by.values()):
            yield f'| `tf.{place}` | {listed(by["works"])} | {"; ".join(extras)} |'


def what_files_bring():
    """A row for each package of `tf.contrib`: what of it the files do not bring, and why."""
    yield '| Package | The files bring | What is missing |'
    yield '| --- | --- | --- |'
    for package in sorted({place.split('.')[1] for place in recorded() if '.' in place}):
        if package == 'experimental':
            continue
        dotted = f'contrib.{package}'
        lost = {name: why for name, why in LOST.items() if f'{name}.'.startswith(f'{dotted}.')}
        missing = [
            why if dotted in names else f'{listed(n[len(dotted) + 1 :] for n in names)}: {why}'
            for why, names in by_reason(lost).items()
        ]
        brings = 'nothing' if dotted in lost else 'the rest' if lost else 'all'
        yield f'| `tf.{dotted}` | {brings} | {"; ".join(missing)} |'


def by_reason(lost):
    found = collections.defaultdict(list)
    for name, why in lost.items():
        found[why].append(name)
    return found


def what_is_gone():
    """A row for each advice there is, with the names that it is for."""
    names = collections.defaultdict(list)
    for name in sorted(INSTEAD):
        names[INSTEAD[name]].append(name)
    yield '| Gone | Instead |'
    yield '| --- | --- |'
    for advice, removed in sorted(names.items(), key=lambda item: item[1]):
        yield f'| {", ".join(f"`tf.{name}`" for name in removed)} | {advice} |'


def tables():
    """The tables, by their headings."""
    return {
        'What works': '\n'.join(what_works()),
        'What the files bring': '\n'.join(what_files_bring()),
        'What is gone': '\n'.join(what_is_gone()),
    }


if __name__ == '__main__':
    text = DOCUMENT.read_text(encoding='utf-8')
    for heading, table in tables().items():
        before, _, after = text.partition(f'## {heading}\n\n')
        rest = after[after.index('\n\n') :] if '\n\n' in after else '\n'
        text = f'{before}## {heading}\n\n{table}{rest}'
    DOCUMENT.write_text(text, encoding='utf-8')
