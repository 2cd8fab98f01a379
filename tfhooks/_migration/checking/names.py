"""Decides whether a name in a program works, needs an extra, or is gone."""

from __future__ import annotations

import functools
from typing import NamedTuple

from tfhooks._base import extras
from tfhooks._legacy import contrib_files, old_names
from tfhooks._legacy.old_names import recorded, relocated
from tfhooks._migration.checking.installed import Installed
from tfhooks._migration.checking.replacements import (
    GONE,
    GONE_ESTIMATOR,
    OLDER,
    PACKAGES,
    REMOVED,
    replacement,
)

# Namespaces of Keras 2, which is part of TensorFlow 1.15 and a package beside today's.
_KERAS = ('layers', 'nn.rnn_cell', 'keras')
# Public packages beside the namespace, in which names are looked up as in private modules.
_PACKAGES = (
    'python',
    'core',
    'compiler',
    'tools',
    'examples',
    'models',
    'tensorboard',
    'pywrap_tensorflow',
    '_api',
)


# Stands as an extra for the files of `python -m tfhooks contrib install`.
FILES = 'files'


class Verdict(NamedTuple):
    """The verdict on one name.

    Attributes:
      kind: 'works', 'extra', 'private', 'gone' or 'unknown'.
      message: The sentence about it; empty where it works.
      replacement: The code to write instead, or the package to install; may be empty.
      extra: The extra of tfhooks that it needs, or None.
    """

    kind: str
    message: str = ''
    replacement: str = ''
    extra: str | None = None


WORKS = Verdict('works')


class NameChecker:
    """Decides whether dotted names work.

    Args:
      installed: The TensorFlow to look them up in.
    """

    def __init__(self, installed: Installed) -> None:
        self._installed = installed
        self.judge = functools.lru_cache(maxsize=None)(self._judge)

    def _judge(self, dotted: str) -> Verdict:
        """Returns the verdict on a name such as 'tensorflow.contrib.layers.conv2d'."""
        root, _, rest = dotted.partition('.')
        if root == 'tfhooks':
            if rest != 'v1' and not rest.startswith('v1.'):
                return WORKS
            rest = rest[3:]
        elif root == 'tensorflow_estimator':
            return _estimator(dotted, rest)
        elif f'{rest}.'.startswith('_api.v1.'):
            # As in tracebacks of 1.15, and as editors completed names; the runner reads it so, too.
            rest = rest.removeprefix('_api.v1').removeprefix('.')
        space = 'v1'
        while True:
            if rest in ('compat.v1', 'compat.v2', 'compat', 'v1', 'v2'):
                return WORKS
            if rest.startswith('compat.v1.'):
                rest, space = rest.removeprefix('compat.v1.'), 'v1'
            elif rest.startswith('compat.v2.'):
                rest, space = rest.removeprefix('compat.v2.'), 'v2'
            else:
                break
        rest = _before_special(rest)
        if not rest:
            return WORKS
        if space == 'v2':
            return self._in_v2(rest)
        return self._in_v1(rest)

    def _in_v2(self, rest: str) -> Verdict:
        if self._installed.has_public(rest, 'v2') is not False:
            return WORKS
        return Verdict('unknown', f'tf.compat.v2.{rest} is not in this TensorFlow')

    def _in_v1(self, rest: str) -> Verdict:
        first = rest.partition('.')[0]
        if first in ('contrib', 'estimator'):
            return self._contrib(rest)
        if first in _PACKAGES:
            return self._private(rest)
        if self._installed.has_public(rest) is not False and not (
            self._is_unseen(rest) and replacement(GONE, rest) is not None
        ):
            return self._present(rest)
        if 'python' in rest.split('.') or self._installed.has_private(rest) == 'found':
            return self._private(rest)
        instead = replacement(GONE, rest)
        if instead is not None:
            return Verdict('gone', f'tf.{rest} is gone', instead)
        instead = replacement(OLDER, rest)
        if instead is not None:
            return Verdict('gone', f'tf.{rest} was gone before TensorFlow 1.15', instead)
        if self._installed.has_public(rest, 'v2') is not False:
            message = f'tf.{rest} is not in TensorFlow 1.15 but in 2'
            return Verdict('unknown', message, f'tf.compat.v2.{rest}')
        message = f"tf.{rest} is neither in TensorFlow 1.15 nor in today's tf.compat.v1"
        return Verdict('unknown', message)

    def _is_unseen(self, rest: str) -> bool:
        return self._installed.has_public(rest) is None

    def _present(self, rest: str) -> Verdict:
        for place in _KERAS:
            if rest == place or rest.startswith(f'{place}.'):
                if rest.startswith('keras'):
                    message = f'tf.{rest} is Keras 2, as in TensorFlow 1.15, only with the extra'
                else:
                    message = f'tf.{rest} works with Keras 2'
                return Verdict('extra', message, extras.pip_command(['legacy']), 'legacy')
        return WORKS

    def _private(self, rest: str) -> Verdict:
        where = f'tensorflow.{rest}'
        if f'{rest}.'.startswith('pywrap_tensorflow.'):
            rest = f'python.{rest}'
        found = self._installed.has_private(rest)
        if relocated.target(rest) is not None:
            return Verdict('private', f'{where} is private; tfhooks.v1 leads to where it is now')
        instead = replacement(REMOVED, rest)
        if instead is not None:
            return Verdict('gone', f'{where} is gone: no such name in its module', instead)
        if found == 'found':
            if rest in ('python', 'core'):
                return WORKS
            return Verdict('private', f'{where} is private; works while TensorFlow has it')
        if rest.startswith('python.estimator.'):
            return _estimator(where, rest)
        instead = replacement(PACKAGES, rest)
        if instead is None:
            instead = self._public_way(rest.rpartition('.')[2])
        what = 'no such module' if found == 'no module' else 'no such name in its module'
        return Verdict('gone', f'{where} is gone: {what} in this TensorFlow', instead)

    def _contrib(self, rest: str) -> Verdict:
        """Returns the verdict on a name of `tf.contrib` or `tf.estimator`."""
        found = None
        parts = rest.split('.')
        for length in range(1, len(parts) + 1):
            name = old_names.look_up('.'.join(parts[:length]))
            is_object = (
                found is not None
                and found.status != 'gone'
                and not _is_place(found, parts, length - 1)
            )
            if name is None or (name.status == 'gone' and is_object):
                break  # An attribute of something that works.
            found = name
        assert found is not None
        if found.status == 'works':
            return self._in_v1(found.instead[3:]) if found.instead.startswith('tf.') else WORKS
        if found.status == 'extra' and found.extra is not None:
            message = f'tf.{rest} works as {found.instead}'
            return Verdict('extra', message, extras.pip_command([found.extra]), found.extra)
        if found.status == 'files':
            if contrib_files.folder() is not None:
                return WORKS
            message = f'tf.{rest} works with the files of tf.contrib of TensorFlow 1.15'
            return Verdict('extra', message, contrib_files.INSTALL, FILES)
        message, _, instead = found.instead.rstrip('.').partition(': ')
        return Verdict('gone', message, instead.removeprefix('use '))

    def _public_way(self, name: str) -> str:
        ways = sorted(self._installed.public_ways.get(name, ()), key=lambda way: way.count('.'))
        # `tf.stack` rather than `tf.ragged.stack`; neither of two of the same depth.
        if not ways or [way.count('.') for way in ways[:2]] == [ways[0].count('.')] * 2:
            return ''
        return f'tf.{ways[0]}'


def _is_place(found: old_names.Name, parts: list[str], length: int) -> bool:
    """True if a name is a module, so that names missing in it are gone."""
    dotted = '.'.join(parts[:length])
    if found.status == 'files':
        return dotted in recorded.recorded()
    return found.instead == f'tfhooks.v1.{dotted}' or length == 1


def _estimator(dotted: str, rest: str) -> Verdict:
    """Returns the verdict on a name of the package tensorflow-estimator."""
    if any(f'{rest}.'.startswith(f'{place}.') for place in GONE_ESTIMATOR):
        return Verdict('gone', f'{dotted} is gone: tensorflow-estimator 2.15 has it no more')
    message = f'{dotted} works with tensorflow-estimator'
    return Verdict('extra', message, extras.pip_command(['estimator']), 'estimator')


def _before_special(rest: str) -> str:
    """Returns the part of a name before one with double underscores: `Cell` of `Cell.__init__`."""
    parts = rest.split('.')
    special = [part.startswith('__') and part.endswith('__') for part in parts]
    return '.'.join(parts[: special.index(True)] if any(special) else parts)
