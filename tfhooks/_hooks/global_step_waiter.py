"""GlobalStepWaiterHook: delays a worker until the others have trained for a while."""

from __future__ import annotations

import math
import time
from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import ALWAYS, NEVER, NextDue, SessionRunArgs, SessionRunContext
from tfhooks._run.stock_hooks import FastWay, StockHook
from tfhooks._tensorflow import tf

_POLL_SECS = 0.5
_LOG_EVERY_STEPS = 1000


class GlobalStepWaiterHook(StockHook, tf.train.GlobalStepWaiterHook):
    """Holds back the first run until the global step has reached a number.

    Stands for `tf.compat.v1.train.GlobalStepWaiterHook`. It gives up waiting when a stop is
    requested of the session's coordinator: the run is made, and it is the last.

    Example:
      ```python
      index = 0  # Worker 1 begins when 100 steps are trained, worker 2 at 200.
      hooks = [tfhooks.GlobalStepWaiterHook(100 * index), tfhooks.StopAtStepHook(last_step=10)]
      with tfhooks.MonitoredSession(hooks=hooks) as session:
          while not session.should_stop():
              session.run(train_op)
      ```
    """

    def __init__(self, wait_until_step: int, *, timeout_secs: float | None = None) -> None:
        """Makes the hook.

        Args:
          wait_until_step: The global step to wait for; 0 or less for no wait.
          timeout_secs: The longest time to wait in seconds, or None for no limit.

        Raises:
          TypeError: `wait_until_step` is no whole number, or `timeout_secs` no number.
          ValueError: `timeout_secs` is zero or negative.
        """
        name = 'GlobalStepWaiterHook'
        step = arguments.whole(name, 'wait_until_step', wait_until_step, least=-math.inf)
        if step is None:
            raise TypeError(f'{name}: wait_until_step must be a whole number; wait_until_step=None')
        super().__init__(step)
        _GlobalStepWaiter(self, arguments.seconds(name, 'timeout_secs', timeout_secs))


class _GlobalStepWaiter(FastWay):
    decides_after_run = False

    def __init__(self, hook: GlobalStepWaiterHook, timeout_secs: float | None) -> None:
        super().__init__(hook, GlobalStepWaiterHook, extended=timeout_secs is not None)
        self._timeout_secs = timeout_secs
        self._coord: Any = None

    def begin(self) -> None:
        super().begin()
        self._coord = None

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._coord = coord

    def next_due(self) -> NextDue:
        return NEVER if self.hook._worker_is_started else ALWAYS

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[None] | None:
        """Waits before the first run.

        Raises:
          tf.errors.DeadlineExceededError: The step was not reached within `timeout_secs`.
        """
        hook = self.hook
        if hook._worker_is_started:
            return None
        if hook._wait_until_step <= 0:
            vars(hook)['_worker_is_started'] = True
            return None
        tf.logging.info(
            'Waiting for global step %d before starting training.', hook._wait_until_step
        )
        deadline = None if self._timeout_secs is None else time.monotonic() + self._timeout_secs
        last_logged_step = 0
        while True:
            current_step = int(run_context.session.run(hook._global_step_tensor))
            if current_step >= hook._wait_until_step:
                vars(hook)['_worker_is_started'] = True
                return None
            if current_step - last_logged_step > _LOG_EVERY_STEPS:
                tf.logging.info(
                    'Waiting for global step %d before starting training. Current step is %d.',
                    hook._wait_until_step,
                    current_step,
                )
                last_logged_step = current_step
            if deadline is not None and time.monotonic() >= deadline:
                raise tf.errors.DeadlineExceededError(
                    None,
                    None,
                    'GlobalStepWaiterHook.before_run: the global step must reach wait_until_step '
                    f'within timeout_secs; wait_until_step={hook._wait_until_step}, '
                    f'timeout_secs={self._timeout_secs}, global_step={current_step}. '
                    'Is the chief training?',
                )
            if self._stop_requested_within(_POLL_SECS):
                run_context.request_stop()
                return None

    def _stop_requested_within(self, secs: float) -> bool:
        if self._coord is None:
            time.sleep(secs)
            return False
        if self._coord.wait_for_stop(secs):
            return True
        # The coordinator of tfhooks' own sessions also knows of a signal or the caller's request.
        asked = getattr(self._coord, 'asked_to_stop', None)
        return bool(asked is not None and asked())
