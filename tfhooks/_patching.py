"""Puts tfhooks' hooks and sessions under TensorFlow's own names, for code that imports those.

It changes, and later restores:

- the names of `tf.compat.v1.train` that tfhooks has;
- the modules of TensorFlow that define or list them. As TensorFlow's own classes in them call each
  other by these names, the modules are not changed but replaced by others, which have tfhooks'
  names and everything else from them;
- `contrib` and `estimator`, where TensorFlow has none: as attributes of `tensorflow` and
  `tf.compat.v1`, and to import statements. They are those of `tfhooks.v1`, which is imported, and
    switches TensorFlow 1 behaviour on, only when one of their names is used.

Code that imported a name before, as by `from tensorflow.train import MonitoredTrainingSession`,
keeps TensorFlow's: call `patch()` before importing it.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tfhooks._legacy.aliases import alias_spec

_TRAIN = 'tensorflow.compat.v1.train'
_GONE = ('contrib', 'estimator')
_HOLDERS = ('tensorflow', 'tensorflow.compat.v1')

_lock = threading.RLock()
_times = 0
_undo: contextlib.ExitStack | None = None


def patch() -> Callable[[], None]:
    """Puts tfhooks' hooks and sessions in the place of TensorFlow's, for the whole process.

    For notebooks, and for libraries that import TensorFlow themselves. It does not switch
    TensorFlow 1 behaviour on; `import tfhooks.v1` does that.

    Returns:
      A function that undoes it. Where it was called several times, TensorFlow is as it was when
      each has been undone, in any order; undoing once more does nothing.

    Example:
      ```python
      undo = tfhooks.patch()
      session = tf.train.MonitoredSession()
      print(isinstance(session, tfhooks.MonitoredSession))  # True
      session.close()
      undo()
      ```
    """
    global _times, _undo
    with _lock:
        if _times == 0:
            with contextlib.ExitStack() as changes:
                _apply(changes)
                _undo = changes.pop_all()
        _times += 1
    done = False

    def undo() -> None:
        nonlocal done
        global _times, _undo
        with _lock:
            if done:
                return
            done = True
            _times -= 1
            if _times == 0 and _undo is not None:
                changes, _undo = _undo, None
                changes.close()

    return undo


@contextlib.contextmanager
def patched() -> Iterator[None]:
    """A context, or a decorator, in which `patch()` holds.

    Example:
      ```python
      with tfhooks.patched():
          with tf.train.MonitoredSession() as session:
              print(session.run_without_hooks(loss))  # 4.0
      ```
    """
    undo = patch()
    try:
        yield
    finally:
        undo()


# Not replaced, since tfhooks' are subclasses: a program may derive from TensorFlow's, or catch it,
# with the same effect, and some attributes have a meaning in tfhooks' SessionRunHook alone.
_LEFT = ('NanLossDuringTrainingError', 'SessionRunHook')


def served_names() -> list[str]:
    """Lists the names of `tf.compat.v1.train` that a program for TensorFlow 1 gets from tfhooks."""
    import tfhooks
    from tfhooks._tensorflow import tf

    # Not in __init__.pyi, where mypy would take it for the empty list that a star import brings.
    public = vars(tfhooks)['__all__']
    return [name for name in public if hasattr(tf.train, name) and name not in _LEFT]


def replaced_names() -> list[str]:
    """Lists those of `served_names` that are tfhooks' own; loads them all."""
    import tfhooks
    from tfhooks._tensorflow import originals

    return [n for n in served_names() if getattr(tfhooks, n) is not getattr(originals, n, None)]


def _apply(changes: contextlib.ExitStack) -> None:
    import tfhooks
    from tfhooks import _tensorflow as tf_private

    tf = tf_private.tf
    names = replaced_names()
    # All at once, before any is replaced: tfhooks' classes are made from TensorFlow's.
    replacements = {name: getattr(tfhooks, name) for name in names}
    originals = {name: getattr(tf.train, name) for name in names}
    for namespace in _namespaces(tf_private.compat_modules(), changes):
        for name in names:
            _set(changes, namespace, name, replacements[name])
    for module in tf_private.training_modules():
        _stand_in(changes, module, originals, replacements)
    _add_gone(changes)


def _namespaces(holders: list[ModuleType], changes: contextlib.ExitStack) -> list[Any]:
    """Returns all namespaces that programs may have as `tf.compat.v1.train`.

    `import tensorflow.compat.v1.train` makes a second one, from TensorFlow's file of it. Where that
    has not happened yet it finds the first one meanwhile.
    """
    if _TRAIN not in sys.modules:
        sys.modules[_TRAIN] = holders[0].train
        changes.callback(sys.modules.pop, _TRAIN, None)
    found = [sys.modules[_TRAIN], *(getattr(holder, 'train', None) for holder in holders)]
    return list({id(namespace): namespace for namespace in found if namespace}.values())


def _stand_in(
    changes: contextlib.ExitStack,
    module: ModuleType,
    originals: dict[str, Any],
    replacements: dict[str, Any],
) -> None:
    """Replaces one of TensorFlow's modules, also in its package."""
    full_name, held = module.__name__, vars(module)
    own = {
        name: replacements[name]
        for name, original in originals.items()
        if held.get(name) is original
    }
    package, _, child = full_name.rpartition('.')
    _set(changes, importlib.import_module(package), child, _StandIn(module, own))
    changes.callback(sys.modules.__setitem__, full_name, module)
    sys.modules[full_name] = vars(sys.modules[package])[child]


def _add_gone(changes: contextlib.ExitStack) -> None:
    """Adds the namespaces that this TensorFlow lacks."""
    aliases: dict[str, str] = {}
    for name in _GONE:
        for holder_name in _HOLDERS:
            holder = importlib.import_module(holder_name)
            if not hasattr(holder, name):
                _set(changes, holder, name, _Gone(f'{holder_name}.{name}', f'tfhooks.v1.{name}'))
                aliases[f'{holder_name}.{name}'] = f'tfhooks.v1.{name}'
    finder = _AliasFinder(aliases)
    sys.meta_path.insert(0, finder)
    changes.callback(finder.remove)


_NOTHING: Any = object()


def _set(changes: contextlib.ExitStack, module: Any, name: str, value: Any) -> None:
    """Sets a name of a module, and restores it with `changes`."""
    before = vars(module).get(name, _NOTHING)

    def put_back() -> None:
        if before is _NOTHING:
            delattr(module, name)
        else:
            setattr(module, name, before)

    # Not through vars(), since TensorFlow's namespaces also cache names elsewhere.
    setattr(module, name, value)
    changes.callback(put_back)


class _StandIn(ModuleType):
    """A module with some names of its own, and all others from the module it stands for."""

    def __init__(self, module: ModuleType, own: dict[str, Any]) -> None:
        super().__init__(module.__name__, module.__doc__)
        standard = ('__file__', '__loader__', '__package__', '__path__', '__spec__')
        vars(self).update({k: v for k, v in vars(module).items() if k in standard})
        vars(self).update(own, _stands_for=module)

    def __getattr__(self, name: str) -> Any:
        if name == '_stands_for':
            raise AttributeError(name)
        return getattr(self._stands_for, name)

    def __dir__(self) -> list[str]:
        return sorted({*dir(self._stands_for), *vars(self)} - {'_stands_for'})


class _Gone(ModuleType):
    """A namespace that becomes one of tfhooks.v1's when one of its names is used."""

    def __init__(self, name: str, target: str) -> None:
        super().__init__(name)
        vars(self).update(_target=target, __path__=[])

    def __getattr__(self, name: str) -> Any:
        # Python itself looks up such names.
        if name.startswith('__') or name == '_target':
            raise AttributeError(name)
        return getattr(importlib.import_module(self._target), name)

    def __dir__(self) -> list[str]:
        return dir(importlib.import_module(self._target))


class _AliasFinder(MetaPathFinder):
    """Finds modules under other names than their own."""

    def __init__(self, aliases: dict[str, str]) -> None:
        self._aliases = aliases
        self._found: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for alias, name in self._aliases.items():
            if fullname == alias or fullname.startswith(f'{alias}.'):
                module = importlib.import_module(name + fullname[len(alias) :])
                self._found.add(fullname)
                return alias_spec(fullname, module)
        return None

    def remove(self) -> None:
        """Removes this finder, and the modules under the names it has given them."""
        sys.meta_path.remove(self)
        for name in self._found:
            sys.modules.pop(name, None)
