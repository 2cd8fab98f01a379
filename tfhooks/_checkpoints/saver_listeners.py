"""CheckpointSaverListener, and functions that call all listeners of a saver."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tfhooks._base.errors import note_origin
from tfhooks._tensorflow import tf

if TYPE_CHECKING:

    class CheckpointSaverListener(tf.train.CheckpointSaverListener):
        """Base of listeners, whose methods are called before and after a checkpoint is saved.

        Is `tf.compat.v1.train.CheckpointSaverListener`. Steps are global steps, after the increment
        of the run that made the save due.

        When a session begins with a checkpoint that it restored, the listeners are told of it as of
        one that was saved, though it is not written again: a program that was killed between
        writing a checkpoint and telling of it catches up.
        """

        def begin(self) -> None:
            """Called before the session is used. Ops may be added to the default graph."""

        def before_save(self, session: Any, global_step_value: int) -> None:
            """Called before each save.

            Args:
              session: The session that is saved.
              global_step_value: The global step of the checkpoint.
            """

        def after_save(self, session: Any, global_step_value: int) -> bool | None:
            """Called after each save, when the checkpoint is complete on disk.

            Args:
              session: The session. After an asynchronous save it may have gone on.
              global_step_value: The global step of the checkpoint.

            Returns:
              True to ask that training be stopped.
            """
            return None

        def end(self, session: Any, global_step_value: int) -> None:
            """Called at the end of the session, after the last save.

            Args:
              session: The session.
              global_step_value: The global step at the end.
            """

else:
    # TensorFlow's own, so that any subclass of it counts.
    CheckpointSaverListener = tf.train.CheckpointSaverListener

_METHODS = ('begin', 'before_save', 'after_save', 'end')


def listed(owner: str, listeners: Iterable[Any] | None) -> list[Any]:
    """Checks the listeners of a saver and returns them; a list is returned itself.

    Raises:
      TypeError: It is no iterable, or one of them lacks a method.
    """
    if listeners is None:
        return []
    if not isinstance(listeners, Iterable):
        raise TypeError(
            f'{owner}: listeners must be a list of CheckpointSaverListeners; {listeners=}'
        )
    found = listeners if isinstance(listeners, list) else list(listeners)
    for index, listener in enumerate(found):
        missing = [name for name in _METHODS if not callable(getattr(listener, name, None))]
        if missing or isinstance(listener, type):
            raise TypeError(
                f'{owner}: listeners must hold objects with the methods of '
                f'CheckpointSaverListener; listeners[{index}]={listener!r}'
            )
    return found


def begin(listeners: list[Any]) -> None:
    """Calls `begin` of each; an error gets a note that names its listener."""
    for listener in listeners:
        _call(listener, 'begin')


def before_save(listeners: list[Any], session: Any, step: int) -> None:
    """Calls `before_save` of each."""
    for listener in listeners:
        _call(listener, 'before_save', session, step)


def after_save(listeners: list[Any], session: Any, step: int) -> bool:
    """Calls `after_save` of each. Returns whether one of them asks to stop."""
    stop = False
    for listener in listeners:
        if _call(listener, 'after_save', session, step):
            tf.logging.info(
                'A CheckpointSaverListener requested that training be stopped. listener: %s',
                listener,
            )
            stop = True
    return stop


def end(listeners: list[Any], session: Any, step: int, errors: list[Exception]) -> None:
    """Calls `end` of each, even if another one raised; appends their errors to `errors`."""
    for listener in listeners:
        attempt(functools.partial(_call, listener, 'end', session, step), errors)


def attempt(action: Callable[[], Any], errors: list[Exception]) -> None:
    """Runs `action`; appends its error, if it raises, to `errors`."""
    try:
        action()
    except Exception as error:
        errors.append(error)


def _call(listener: Any, method: str, *args: Any) -> Any:
    try:
        return getattr(listener, method)(*args)
    except Exception as error:
        note_origin(error, f'{type(listener).__name__}.{method}')
        raise
