"""Private names of TensorFlow's sessions that programs use."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tfhooks._tensorflow import Session

if TYPE_CHECKING:
    from tfhooks._session.hook_group import HookGroup
    from tfhooks._session.lifecycle import Lifecycle


# The methods that go through `_sess` where a program has set it.
_REPLACED = ('run', 'should_stop')


class Layer:
    """Stands for one of TensorFlow's wrappers around a session.

    Programs go through them, `session._sess._sess._sess._sess`, to the raw session. Some run an
    inner wrapper, which is a run with hooks in TensorFlow, too. Any other attribute is that of the
    monitored session.
    """

    def __init__(self, session: Any, inner: Any) -> None:
        """Makes one layer.

        Args:
          session: The monitored session.
          inner: The next layer, or the raw session in the innermost.
        """
        self._session = session
        self._sess = inner

    def __getattr__(self, name: str) -> Any:
        if name in ('_session', '_sess'):  # Not set yet, as while it is copied.
            raise AttributeError(name)
        if name in _REPLACED:  # Not through a wrapper that a program has put around this layer.
            return getattr(type(self._session), name).__get__(self._session)
        return getattr(self._session, name)


class PrivateNames:
    """Private attributes of TensorFlow's monitored sessions, for programs that use them."""

    if TYPE_CHECKING:  # Not at run time, when annotations could not be resolved.
        _group: HookGroup
        _life: Lifecycle

    _outer: Any = None

    def _tf_sess(self) -> Session | None:
        return self._life.session

    def _is_closed(self) -> bool:
        return self._life.session is None

    @property
    def _hooks(self) -> list[Any]:
        """The list of hooks itself; a hook that a program appends to it takes part."""
        return self._group.hooks_to_end

    @_hooks.setter
    def _hooks(self, hooks: list[Any]) -> None:
        # As in TensorFlow, runs go on with the list that they have.
        self._group.hooks_to_end = hooks

    @property
    def _sess(self) -> Any:
        if self._outer is not None:
            return self._outer
        # As in TensorFlow: wrappers in wrappers, and the raw session in the innermost.
        inner: Any = self._life.session
        for _ in range(3 if self._life.recovers else 2):
            inner = None if inner is None else Layer(self, inner)
        return inner

    @_sess.setter
    def _sess(self, outer: Any) -> None:
        """Sets a program's wrapper; runs and `should_stop` go through it."""

        def run(
            fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
        ) -> Any:
            return outer.run(
                fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata
            )

        self._outer = outer
        vars(self).update(run=run, should_stop=lambda: outer is None or outer.should_stop())

    @property
    def _coordinated_creator(self) -> SimpleNamespace:
        life = self._life
        return SimpleNamespace(
            tf_sess=life.session,
            coord=life.coord,
            _session_creator=life.creator,
            _hooks=self._group.hooks,
        )
