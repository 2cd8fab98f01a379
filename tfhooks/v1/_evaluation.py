"""The evaluation functions and hooks of `tf.contrib.training`, in tfhooks' sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from tfhooks._tensorflow import tf
from tfhooks.hook_types import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks.hooks.final_ops import FinalOpsHook
from tfhooks.session import MonitoredSession


def get_or_create_eval_step() -> Any:
    """The counter of evaluations in the default graph, an int64 local variable; made if need be.

    Stands for `tf.contrib.training.get_or_create_eval_step`.

    Raises:
      ValueError: The collection `tf.GraphKeys.EVAL_STEP` has several.
    """
    found = tf.get_collection(tf.GraphKeys.EVAL_STEP)
    if len(found) > 1:
        raise ValueError(
            'get_or_create_eval_step: tf.GraphKeys.EVAL_STEP must have one variable; '
            f'variables={[variable.name for variable in found]}'
        )
    if found:
        return found[0]
    return tf.get_variable(
        'eval_step',
        shape=[],
        dtype=tf.int64,
        initializer=tf.zeros_initializer(),
        trainable=False,
        collections=[tf.GraphKeys.LOCAL_VARIABLES, tf.GraphKeys.EVAL_STEP],
    )


class StopAfterNEvalsHook(SessionRunHook[dict[str, Any]]):
    """Stops an evaluation after a number of runs of its `eval_ops`.

    Stands for `tf.contrib.training.StopAfterNEvalsHook`.
    """

    def __init__(self, num_evals: int | None, log_progress: bool = True) -> None:
        """Makes the hook.

        Args:
          num_evals: The number of runs; None for all until the input ends.
          log_progress: Whether to log how far it is: every run, or ten times where there are 20 or
            more.
        """
        self._num_evals = num_evals
        self._log_progress = log_progress
        self._log_every = 1 if num_evals is None or num_evals < 20 else num_evals // 10
        self._evals_completed: Any = None

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[dict[str, Any]]:
        """Fetches the counter, as it is after this run's `eval_ops`.

        Raises:
          RuntimeError: No evaluation function has given the hook its counter.
        """
        if self._evals_completed is None:
            raise RuntimeError(
                'StopAfterNEvalsHook.before_run: the hook counts the eval_ops of evaluate_once, '
                'evaluate_repeatedly or tf.contrib.slim.evaluation; give it to one of them, with '
                'eval_ops'
            )
        return SessionRunArgs({'evals_completed': self._evals_completed})

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[dict[str, Any]]
    ) -> None:
        """Logs how far the evaluation is, and stops it after the last run."""
        completed = run_values.results['evals_completed']
        if self._num_evals is None:
            if self._log_progress:
                tf.logging.info('Evaluation [%d]', completed)
            return
        if self._log_progress and (
            completed % self._log_every == 0 or completed == self._num_evals
        ):
            tf.logging.info('Evaluation [%d/%d]', completed, self._num_evals)
        if completed >= self._num_evals:
            run_context.request_stop()


class SummaryAtEndHook(SessionRunHook[None]):
    """Writes a summary at the end of an evaluation.

    Stands for `tf.contrib.training.SummaryAtEndHook`.
    """

    def __init__(
        self,
        log_dir: Any = None,
        summary_writer: Any = None,
        summary_op: Any = None,
        feed_dict: Any = None,
    ) -> None:
        """Makes the hook.

        Args:
          log_dir: The directory of the event file; used where there is no `summary_writer`.
          summary_writer: A `tf.summary.FileWriter`.
          summary_op: A string tensor of a serialized summary; by default all that are in
            `tf.GraphKeys.SUMMARIES` when the session begins.
          feed_dict: What to feed for it.

        Raises:
          ValueError: Neither `log_dir` nor `summary_writer` is given.
        """
        if log_dir is None and summary_writer is None:
            raise ValueError(
                'SummaryAtEndHook: one of log_dir and summary_writer must be given; '
                f'log_dir={log_dir!r}, summary_writer={summary_writer!r}'
            )
        self._log_dir = log_dir
        self._summary_writer = summary_writer
        self._given_summary_op = summary_op
        self._summary_op = summary_op
        self._feed_dict = feed_dict
        self._global_step: Any = None

    def begin(self) -> None:
        """Merges the summaries of the graph, and makes its global step if it has none."""
        if self._given_summary_op is None:
            self._summary_op = tf.summary.merge_all()
        self._global_step = tf.train.get_or_create_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Opens the event file."""
        if self._summary_writer is None:
            self._summary_writer = tf.summary.FileWriterCache.get(self._log_dir)

    def end(self, session: Any) -> None:
        """Writes the summary, at the global step of the session."""
        if self._summary_op is not None:
            step = tf.train.global_step(session, self._global_step)
            self._summary_writer.add_summary(session.run(self._summary_op, self._feed_dict), step)
        self._summary_writer.flush()


def wait_for_new_checkpoint(
    checkpoint_dir: Any,
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """Waits until the newest checkpoint of a directory is another one.

    Stands for `tf.contrib.training.wait_for_new_checkpoint`.

    Args:
      checkpoint_dir: The directory.
      last_checkpoint: The path of the one that is known; None to wait for any.
      seconds_to_sleep: How long to wait between two looks, in seconds.
      timeout: How long to wait in all, in seconds; None for ever.

    Returns:
      The path of the new one, or None after the timeout.
    """
    tf.logging.info('Waiting for new checkpoint at %s', checkpoint_dir)
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        path = tf.train.latest_checkpoint(checkpoint_dir)
        if path is not None and path != last_checkpoint:
            tf.logging.info('Found new checkpoint at %s', path)
            return str(path)
        if deadline is not None and time.monotonic() + seconds_to_sleep > deadline:
            return None
        time.sleep(seconds_to_sleep)


def _with_counter(
    eval_ops: Any, hooks: Iterable[Any], *, after_ops: bool
) -> tuple[Any, list[SessionRunHook[Any]]]:
    """Has `eval_ops` count their runs, and tells the hooks that stop by that."""
    found = list(hooks)
    if eval_ops is None:
        return None, found
    update = tf.assign_add(get_or_create_eval_step(), 1, use_locking=True)
    if isinstance(eval_ops, dict):
        counted: Any = {**eval_ops, 'update_eval_step': update}
    elif isinstance(eval_ops, (list, tuple)):
        counted = [*eval_ops, update]
    else:
        counted = [eval_ops, update]
    completed = update
    if after_ops:
        with tf.control_dependencies(tf.nest.flatten(counted)):
            completed = tf.identity(get_or_create_eval_step().read_value())
    for hook in found:
        tell = getattr(hook, '_set_evals_completed_tensor', None)
        if tell is not None:
            tell(completed)
    return counted, found


def _evaluate(
    checkpoint_path: str,
    master: str,
    scaffold: Any,
    config: Any,
    hooks: Iterable[Any],
    eval_ops: Any,
    feed_dict: Any,
) -> None:
    creator = tf.train.ChiefSessionCreator(
        scaffold=scaffold,
        checkpoint_filename_with_path=checkpoint_path,
        master=master,
        config=config,
    )
    tf.logging.info('Starting evaluation at %s', time.strftime('%Y-%m-%dT%H:%M:%S'))
    with MonitoredSession(session_creator=creator, hooks=hooks) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    tf.logging.info('Finished evaluation at %s', time.strftime('%Y-%m-%d-%H:%M:%S'))


def evaluate_once(
    checkpoint_path: str,
    master: str = '',
    scaffold: Any = None,
    eval_ops: Any = None,
    feed_dict: Any = None,
    final_ops: Any = None,
    final_ops_feed_dict: Any = None,
    hooks: Iterable[Any] | None = None,
    config: Any = None,
) -> Any:
    """Restores a checkpoint and runs `eval_ops` until a hook stops it or the input ends.

    Stands for `tf.contrib.training.evaluate_once`. The session is tfhooks'.

    Args:
      checkpoint_path: The checkpoint.
      master: The address of the TensorFlow server; '' for this process.
      scaffold: A `tf.train.Scaffold`. The checkpoint is restored in place of its `init_op`.
      eval_ops: A tensor or operation, or a list or dict of them, to run again and again; None for
        none.
      feed_dict: What to feed to them.
      final_ops: Tensors, in any structure, to run once at the end.
      final_ops_feed_dict: What to feed to those.
      hooks: Hooks, such as StopAfterNEvalsHook.
      config: A `tf.ConfigProto`.

    Returns:
      The values of `final_ops`; None where there are none.
    """
    eval_ops, found = _with_counter(eval_ops, hooks or (), after_ops=True)
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    _evaluate(checkpoint_path, master, scaffold, config, [*found, final], eval_ops, feed_dict)
    return final.final_ops_values


def evaluate_repeatedly(
    checkpoint_dir: Any,
    master: str = '',
    scaffold: Any = None,
    eval_ops: Any = None,
    feed_dict: Any = None,
    final_ops: Any = None,
    final_ops_feed_dict: Any = None,
    eval_interval_secs: float = 60,
    hooks: Iterable[Any] | None = None,
    config: Any = None,
    max_number_of_evaluations: int | None = None,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Any:
    """Evaluates each new checkpoint of a directory, as `evaluate_once` does.

    Stands for `tf.contrib.training.evaluate_repeatedly`. The other arguments are those of
    `evaluate_once`.

    Args:
      checkpoint_dir: The directory.
      master: See there.
      scaffold: See there.
      eval_ops: See there.
      feed_dict: See there.
      final_ops: See there.
      final_ops_feed_dict: See there.
      eval_interval_secs: The least time between the beginnings of two evaluations, in seconds.
      hooks: See there. They serve each evaluation anew.
      config: See there.
      max_number_of_evaluations: How many evaluations to make; None for no limit.
      timeout: How long to wait for a checkpoint, in seconds; None for ever.
      timeout_fn: Called after the timeout; the waiting ends when it returns True.

    Returns:
      The values of `final_ops` in the last evaluation; None where there was none.
    """
    eval_ops, found = _with_counter(eval_ops, hooks or (), after_ops=False)
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    paths = tf.train.checkpoints_iterator(
        checkpoint_dir,
        min_interval_secs=eval_interval_secs,
        timeout=timeout,
        timeout_fn=timeout_fn,
    )
    for done, path in enumerate(paths, start=1):
        _evaluate(path, master, scaffold, config, [*found, final], eval_ops, feed_dict)
        if max_number_of_evaluations is not None and done >= max_number_of_evaluations:
            break
    return final.final_ops_values
