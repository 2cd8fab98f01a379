"""Helpers to test hooks: plain functions and classes, for any test runner.

`fresh_graph` is a fixture of pytest where pytest is installed: import it in `conftest.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from tfhooks._base.hook_types import SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks._tensorflow import Graph, tf
from tfhooks.testing._contract import check_hook
from tfhooks.testing._driving import Driven, drive

__all__ = ['Call', 'Driven', 'RecordingHook', 'check_hook', 'drive', 'fresh_graph']


def _fresh_graph() -> Iterator[Graph]:
    """Gives the test a new graph, which is the default graph while it runs.

    Example:
      ```python
      # In conftest.py: from tfhooks.testing import fresh_graph
      def test_a_hook_of_mine(fresh_graph):
          tf.train.get_or_create_global_step()
          with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(1)]):
              assert tf.get_default_graph() is fresh_graph
      ```
    """
    graph = tf.Graph()
    with graph.as_default():
        yield graph


try:
    import pytest
except ImportError:
    fresh_graph: Any = contextlib.contextmanager(_fresh_graph)
else:
    fresh_graph = pytest.fixture(name='fresh_graph')(_fresh_graph)


class Call(NamedTuple):
    """One call of a method of a hook.

    Attributes:
      method: The name of the method.
      args: The arguments, without the hook itself.

    Example:
      ```python
      hook = tfhooks.testing.RecordingHook()
      with tfhooks.MonitoredSession(hooks=[hook]) as session:
          session.run(train_op)
      print(hook.calls[0])  # Call(method='begin', args=())
      ```
    """

    method: str
    args: tuple[Any, ...]


class RecordingHook(SessionRunHook[Any]):
    """A hook that only records its calls.

    Attributes:
      calls: Every call, in order.

    Example:
      ```python
      hook = tfhooks.testing.RecordingHook(tfhooks.SessionRunArgs(loss))
      with tfhooks.MonitoredSession(hooks=[hook]) as session:
          session.run(loss)
      print(*hook.results)  # 4.0
      print(*hook.methods)  # begin after_create_session before_run after_run end
      ```
    """

    def __init__(self, request: Any = None) -> None:
        """Makes the hook.

        Args:
          request: The request that `before_run` returns, or a function from the run_context to
            it.
        """
        self.calls: list[Call] = []
        self._request = request

    @property
    def methods(self) -> list[str]:
        """The names of the methods that were called, in order."""
        return [call.method for call in self.calls]

    @property
    def results(self) -> list[Any]:
        """The `run_values.results` of each `after_run`, in order."""
        return [call.args[1].results for call in self.calls if call.method == 'after_run']

    def begin(self) -> None:
        self.calls.append(Call('begin', ()))

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.calls.append(Call('after_create_session', (session, coord)))

    def before_run(self, run_context: SessionRunContext) -> Any:
        self.calls.append(Call('before_run', (run_context,)))
        return self._request(run_context) if callable(self._request) else self._request

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        self.calls.append(Call('after_run', (run_context, run_values)))

    def end(self, session: Any) -> None:
        self.calls.append(Call('end', (session,)))

    def on_error(self, session: Any, error: BaseException) -> None:
        self.calls.append(Call('on_error', (session, error)))
