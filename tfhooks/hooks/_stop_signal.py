"""A stop that the chief decides on, and tells the other workers by a variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfhooks import steps
from tfhooks._locks import Lock
from tfhooks._tensorflow import global_step_read, tf
from tfhooks.hook_types import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks.triggers import SecondOrStepTimer


def _stop_variable() -> Any:
    # Beside the global step: that is where all workers look. A session is often made outside of the
    # scope that places variables, and each worker would then have a signal of its own.
    step = tf.train.get_global_step()
    device = tf.device(None if step is None else step.device)
    # The name is TensorFlow's, so that checkpoints of either serve the other.
    with device, tf.variable_scope('signal_early_stopping', reuse=tf.AUTO_REUSE):
        return tf.get_variable(
            'STOP', [], tf.bool, initializer=tf.constant_initializer(False), trainable=False
        )


class StopOnPredicateHook(SessionRunHook[None]):
    """Asks a function whether to stop, and tells the other workers."""

    def __init__(
        self,
        should_stop_fn: Callable[[], bool],
        run_every_secs: float | None,
        run_every_steps: int | None,
    ) -> None:
        owner = 'make_early_stopping_hook'
        if not callable(should_stop_fn):
            raise TypeError(
                f'{owner}: should_stop_fn must be a function; should_stop_fn={should_stop_fn!r}'
            )
        self._should_stop_fn = should_stop_fn
        self._timer = SecondOrStepTimer.of_hook(
            owner, run_every_secs=run_every_secs, run_every_steps=run_every_steps
        )
        self._by_secs = run_every_secs is not None
        self._lock = Lock()

    def begin(self) -> None:
        """Begins anew: the next run is the first.

        Raises:
          RuntimeError: The graph has no global step.
        """
        self._timer.reset()
        self._global_step_tensor = global_step_read()
        if self._global_step_tensor is None:
            raise RuntimeError(
                'make_early_stopping_hook: the graph must have a global step; '
                'call tf.train.get_or_create_global_step()'
            )
        self._stop = _stop_variable().initializer

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Takes up the cadence where a recovered session has gone back to an older step."""
        if self._timer.last_triggered_step() is not None:
            self._timer.rewind(int(session.run(self._global_step_tensor)))

    def next_due(self) -> steps.NextDue:
        """When the function is to be asked; see `tfhooks.steps.NextDue`."""
        return self._timer.next_due()

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[None] | None:
        """Asks for nothing: `after_run` reads the step by a run of its own."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        """Asks the function if it is due."""
        if self._by_secs and not self._timer.is_due(0):
            return
        step = steps.after(run_context, self._global_step_tensor)
        with self._lock:
            if not self._timer.should_trigger_for_step(step):
                return
            self._timer.update_last_triggered_step(step)
        if self._should_stop_fn():
            tf.logging.info('Requesting early stopping at global step %d', step)
            # The initializer with another value: a second begin() adds nothing to the graph.
            run_context.session.run(self._stop, {self._stop.inputs[1]: True})
            run_context.request_stop()


class CheckForStoppingHook(SessionRunHook[Any]):
    """Stops when the chief has said so."""

    def begin(self) -> None:
        """Makes the variable that the chief sets."""
        self._request: SessionRunArgs[Any] = SessionRunArgs(_stop_variable())

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Any] | None:
        """Asks for the variable."""
        return self._request

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        """Requests a stop if the chief has said so."""
        if run_values.results:
            tf.logging.info('Early stopping requested, suspending run.')
            run_context.request_stop()
