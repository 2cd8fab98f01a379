"""Runs a hook in a real session, without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tfhooks._base.hook_types import SessionRunContext, SessionRunHook
from tfhooks._session.sessions import MonitoredSession
from tfhooks._tensorflow import originals, tf


class Driven(NamedTuple):
    """The result of `drive`.

    Attributes:
      hook: The hook.
      runs: The number of runs.
      step: The global step after them.
      stopped: Whether the hook made the session stop.

    Example:
      ```python
      hook = tfhooks.StopAtStepHook(num_steps=3)
      driven = tfhooks.testing.drive(hook, steps=10)
      print(driven.runs, driven.step, driven.stopped)  # 3 3 True
      ```
    """

    hook: Any
    runs: int
    step: int
    stopped: bool


def drive(
    hook: Any,
    steps: int,
    *,
    results: Mapping[str, Any] | None = None,
    lose_session_after: int | None = None,
    session: Callable[..., Any] = MonitoredSession,
) -> Driven:
    """Runs a hook in a real session, without a model.

    The session's graph has a global step that each run increments by 1, and a tensor for each of
    `results`.

    Args:
      hook: The hook; or a function of no arguments that makes it, with the graph as default graph.
      steps: The number of runs, unless the hook requests a stop before.
      results: From the names of tensors to their values: `{'loss': [3.0, 2.0, 1.0]}` makes a tensor
        `loss:0`, which is 3.0 during the first run and before it. A list or tuple has a value for
        each run, all of one shape and dtype; anything else is the value in all runs.
      lose_session_after: After how many runs the session is lost, once, and made again: it starts
        at global step 0 again. The run is then made again.
      session: Makes the session from `hooks=`: also `tf.compat.v1.train.MonitoredSession`.

    Returns:
      The hook, and the state of the session.

    Raises:
      TypeError: `steps` is no int.
      ValueError: `steps` is below 1, or a list in `results` has not a value for each run.

    Example:
      ```python
      hook = tfhooks.NanTensorHook('loss:0', fail_on_nan_loss=False)
      driven = tfhooks.testing.drive(hook, 3, results={'loss': [2.0, float('nan'), 1.0]})
      print(driven.stopped, driven.runs)  # True 2
      ```
    """
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise TypeError(f'drive: steps must be an int; steps={steps!r}')
    if steps < 1:
        raise ValueError(f'drive: steps must be at least 1; steps={steps!r}')
    with tf.Graph().as_default():
        model = Model(steps, results or {})
        made = _made(hook)
        hooks = [made]
        if lose_session_after is not None:
            hooks.append(LoseSession(lose_session_after))
        return Driven(made, *drive_on(hooks, model, steps, session))


def drive_on(
    hooks: list[Any], model: Model, steps: int, session: Callable[..., Any]
) -> tuple[int, int, bool]:
    """Runs a session on the default graph, and returns the last three fields of `Driven`."""
    runs = 0
    with session(hooks=hooks) as monitored:
        while runs < steps and not monitored.should_stop():
            model.index = runs
            monitored.run_step_fn(model.run)
            runs += 1
        stopped = bool(monitored.should_stop())
        step = monitored.run_step_fn(model.read_step)
    return runs, step, stopped


class Model:
    """The graph that hooks are driven on.

    Attributes:
      index: The index of the run that `run` makes, which says what the results are.
    """

    index = 0

    def __init__(self, steps: int, results: Mapping[str, Any]) -> None:
        self._global_step = tf.train.get_or_create_global_step()
        self._run_index = tf.Variable(
            0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], name='run_index'
        )
        for name, values in results.items():
            if not isinstance(values, list | tuple):
                values = [values] * steps
            if len(values) != steps:
                raise ValueError(
                    f'drive: results must have a value for each run; '
                    f'len(results[{name!r}])={len(values)}, steps={steps}'
                )
            tensor = tf.gather(tf.stack(values), self._run_index)
            tf.identity(tensor, name=name.removesuffix(':0'))
        self._train_op = tf.assign_add(self._global_step, 1).op

    def run(self, step_context: Any) -> None:
        initializer = self._run_index.initializer
        step_context.session.run(initializer, {initializer.inputs[1]: self.index})
        step_context.run_with_hooks(self._train_op)

    def read_step(self, step_context: Any) -> int:
        return int(step_context.session.run(self._global_step))


class LoseSession(SessionRunHook[None]):
    """Loses the session once."""

    def __init__(self, after_runs: int) -> None:
        self._left = after_runs

    def before_run(self, run_context: SessionRunContext) -> None:
        self._left -= 1
        if self._left == -1:
            raise tf.errors.AbortedError(None, None, 'drive: lose_session_after')


def _made(hook: Any) -> Any:
    is_hook = isinstance(hook, originals.SessionRunHook) or hasattr(hook, 'before_run')
    return hook() if callable(hook) and (isinstance(hook, type) or not is_hook) else hook
