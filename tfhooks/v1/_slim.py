"""`tf_slim`, which most of `tf.contrib` became, and what keeps it running with today's TensorFlow.

Its last release is of 2020 and takes names from modules of TensorFlow in which they no longer are,
so that it fails when a function is called. In its modules, and nowhere else, those of TensorFlow
are laid under by the public API. Its sessions and hooks become tfhooks'.
"""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType
from typing import Any

from tfhooks._tensorflow import is_internal, tf

_INSTALL = 'pip install "tfhooks[contrib]"'

# What its modules call those that have tfhooks' hooks and sessions in them.
_TRAINING = ('basic_session_run_hooks', 'monitored_session', 'session_run_hook')

# What it took from TensorFlow when it was imported, or wrote around that, and tfhooks has.
_SHARED = ('StopAfterNEvalsHook', 'SummaryAtEndHook', 'evaluate_repeatedly')
_EVALUATIONS = {
    'tf_slim.evaluation': _SHARED,
    'tf_slim.training.evaluation': (*_SHARED, 'evaluate_once'),
}

# Old name, public name.
_RENAMED = {'variable': 'Variable'}

_lock = threading.RLock()
_mended: set[str] = set()


class Mended:
    """A module of TensorFlow's, whose missing names are looked up in the public API.

    What `first` has goes before what is in the module.
    """

    def __init__(self, module: ModuleType, first: Any = None) -> None:
        self._module = module
        self._first = first

    def __getattr__(self, name: str) -> Any:
        if self._first is not None and hasattr(self._first, name):
            return getattr(self._first, name)
        try:
            return getattr(self._module, name)
        except (AttributeError, ImportError):
            name = _RENAMED.get(name, name)
            for public in (tf, tf.layers, tf.train):
                if hasattr(public, name):
                    return getattr(public, name)
            raise


def load(name: str) -> ModuleType:
    """Imports `tf_slim` or a module in it.

    Args:
      name: Its dotted name.

    Raises:
      ModuleNotFoundError: It is not installed, or has no such module.
    """
    try:
        importlib.import_module('tf_slim')
    except ModuleNotFoundError as error:
        if error.name != 'tf_slim':
            raise
        raise ModuleNotFoundError(
            f'tf_slim is not installed: {_INSTALL}', name='tf_slim'
        ) from error
    module = importlib.import_module(name)
    with _lock:
        for loaded in [key for key in sys.modules if key.partition('.')[0] == 'tf_slim']:
            if loaded not in _mended:
                _mended.add(loaded)
                _mend(sys.modules[loaded])
    return module


def _mend(module: ModuleType) -> None:
    from tfhooks.v1 import _evaluation, train

    if module.__name__ in _EVALUATIONS:
        own = {name: getattr(_evaluation, name) for name in _EVALUATIONS[module.__name__]}
        vars(module).update(own)
    first: dict[str, ModuleType] = dict.fromkeys(_TRAINING, train)
    for name, value in list(vars(module).items()):
        if isinstance(value, ModuleType) and is_internal(value.__name__):
            vars(module)[name] = Mended(value, first.get(name))
