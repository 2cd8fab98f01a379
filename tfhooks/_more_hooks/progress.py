"""ProgressHook: shows the progress of a training and the time that is left."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tfhooks._base import arguments, extras, log, scalars
from tfhooks._base.hook_types import (
    NextDue,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    SupportsNextDue,
    Tensors,
)
from tfhooks._base.locks import Lock
from tfhooks._more_hooks.displays import Bar, Display, Lines, has_tqdm, in_notebook, is_terminal
from tfhooks._tensorflow import tf
from tfhooks._timing import excluded_time, global_steps
from tfhooks._timing.cadence import AlignedCadence

_NAME = 'ProgressHook'
_BAR_SECS = 0.5
_LINES_SECS = 10.0
# The weight of the newest rate in the smoothed one, as in tqdm.
_SMOOTHING = 0.3


class ProgressHook(SessionRunHook[tuple[Any, ...]], SupportsNextDue):
    """Shows the global step, the steps per second, the time left, and the values of tensors.

    On a terminal and in a notebook it is a tqdm bar (the extra `progress`), above which the program
    prints and logs; elsewhere, or without tqdm, a line each time. The rate is smoothed, and leaves
    out the time of evaluations in the loop. The values are those of the run that ended at the step
    shown.

    Example:
      ```python
      progress = tfhooks.ProgressHook(20, {'loss': loss}, every_n_steps=10, bar=False)
      with tfhooks.MonitoredSession(hooks=[progress, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      ```
    """

    def __init__(
        self,
        last_step: int | None = None,
        tensors: Tensors | Iterator[Any] = (),
        *,
        every_n_steps: int | None = None,
        every_n_secs: float | None = None,
        bar: bool | None = None,
        file: Any = None,
        title: str = 'step',
    ) -> None:
        """Makes the hook.

        Args:
          last_step: The global step at which the training ends, at least 1; None if that is not
            known, and then there is no time left to show.
          tensors: Scalar tensors or their names to show, in a dict by the names to show, or in an
            iterable.
          every_n_steps: The period in global steps, at least 1. At most one of the two must be
            given.
          every_n_secs: The period in seconds; by default 0.5 for a bar and 10 for lines.
          bar: Whether to show a bar; None to show one if `file` is a terminal, or the
            program a notebook, and tqdm is there.
          file: The text stream to write to; by default `sys.stderr` when the session is made.
          title: The beginning of the bar or of each line.

        Raises:
          ImportError: `bar` is True and tqdm is not installed.
          TypeError: An argument is of the wrong kind.
          ValueError: Both periods are given, or a number is out of range.
        """
        self._last_step = arguments.whole(_NAME, 'last_step', last_step)
        self._end = math.inf if self._last_step is None else self._last_step
        self._tensors = scalars.by_name(_NAME, 'tensors', tensors)
        self._every_n_steps = every_n_steps
        self._every_n_secs = every_n_secs
        self._cadence = self._make_cadence(_LINES_SECS)
        arguments.is_a(_NAME, 'bar', bar, (bool, type(None)), 'True, False or None')
        if file is not None and not callable(getattr(file, 'write', None)):
            raise TypeError(f'{_NAME}: file must have a write method; file={file!r}')
        arguments.is_a(_NAME, 'title', title, str, 'a string')
        if bar and not has_tqdm():
            raise ImportError(
                f'{_NAME}: bar=True needs tqdm; install it: {extras.pip_command(["progress"])}'
            )
        self._bar = bar
        self._file = file
        self._title = title
        self._lock = Lock()
        self._display: Display | None = None
        self._reset()

    def _make_cadence(self, default_secs: float) -> AlignedCadence:
        if self._every_n_steps is None and self._every_n_secs is None:
            return AlignedCadence(_NAME, None, default_secs)
        return AlignedCadence(_NAME, self._every_n_steps, self._every_n_secs)

    def _reset(self) -> None:
        self._request: SessionRunArgs[tuple[Any, ...]] = SessionRunArgs(())
        # The step last shown, and the training time then.
        self._shown = (0, 0.0)
        self._rate: float | None = None

    def begin(self) -> None:
        """Resets the hook, and checks whether it writes to a terminal.

        Raises:
          RuntimeError: The graph has no global step.
          ValueError: A tensor is not in the default graph.
        """
        self._close()
        self._reset()
        file = sys.stderr if self._file is None else self._file
        wants_bar = self._bar
        if wants_bar is None:
            wants_bar = is_terminal(file) or (self._file is None and has_tqdm() and in_notebook())
        if wants_bar and not has_tqdm():
            log.warning('%s: for a bar: %s', _NAME, extras.pip_command(['progress']))
            wants_bar = False
        self._cadence = self._make_cadence(_BAR_SECS if wants_bar else _LINES_SECS)
        self._cadence.begin_by_global_step()
        self._request = SessionRunArgs(scalars.resolve(_NAME, 'tensors', self._tensors))
        self._display = (Bar if wants_bar else Lines)(file, self._last_step, self._title)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Shows the step at which the session starts."""
        step = self._cadence.start(session)
        with self._lock:
            self._shown = (step, _training_time(session))
            self._display_or_give_up(lambda display: display.open(step))

    def next_due(self) -> NextDue:
        """Returns when there may be something to show; see `tfhooks.NextDue`."""
        due = self._cadence.next_due()
        if self._shown[0] < self._end:
            due = due._replace(step=min(due.step, self._end))
        return due

    def step_went_back(self, step: int) -> None:
        """Continues the cadence from `step`."""
        self._cadence.step_went_back(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[tuple[Any, ...]] | None:
        """Requests the tensors if they may be due, or the run may be the last one."""
        is_asked = self._cadence.may_be_due(run_context) or self._is_last(
            run_context, global_steps.max_step_after
        )
        return self._request if is_asked else None

    def _is_last(self, run_context: Any, step_of: Callable[[Any, Any], int]) -> bool:
        # In each run of TensorFlow's own sessions, the step would have to be read for this.
        if global_steps.is_foreign(run_context):
            return False
        return self._shown[0] < self._end <= step_of(run_context, self._cadence.step_tensor)

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[tuple[Any, ...]]
    ) -> None:
        """Shows the step if it is due."""
        if run_values.results is None:
            return
        step = self._cadence.take(run_context)
        if step is None and self._is_last(run_context, global_steps.after):
            step = global_steps.after(run_context, self._cadence.step_tensor)
        if step is None:
            return
        values = {
            name: f'{scalars.number(f"{_NAME}: tensors[{name!r}]", value):.4g}'
            for name, value in zip(self._tensors, run_values.results, strict=True)
        }
        self._show(run_context.session, step, values)

    def _show(self, session: Any, step: int, values: Mapping[str, str]) -> None:
        with self._lock:
            last_step, last_time = self._shown
            now = _training_time(session)
            if step > last_step and now > last_time:
                rate = (step - last_step) / (now - last_time)
                if self._rate is not None:
                    rate = _SMOOTHING * rate + (1 - _SMOOTHING) * self._rate
                self._rate = rate
            self._shown = (step, now)
            self._display_or_give_up(lambda display: display.show(step, self._rate, values))

    def _display_or_give_up(self, act: Callable[[Display], None]) -> None:
        """Uses the display, or drops it if its terminal or pipe is closed; training goes on."""
        display = self._display
        if display is None:
            return
        try:
            act(display)
        except (OSError, ValueError) as error:
            self._display = None
            with contextlib.suppress(OSError, ValueError):
                display.close()
            tf.logging.warning(
                '%s: nothing more is shown, since it cannot be written: %s', _NAME, error
            )

    def end(self, session: Any) -> None:
        """Shows the last step, unless it is shown already."""
        try:
            step = int(session.run(self._cadence.step_tensor))
            if step != self._shown[0]:
                self._show(session, step, {})
        finally:
            self._close()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Leaves the bar as it is."""
        self._close()

    def _close(self) -> None:
        with self._lock:
            if self._display is not None:
                self._display.close()
                self._display = None


def _training_time(session: Any) -> float:
    return time.monotonic() - excluded_time.seconds(session.graph)
