"""CheckpointSaverHook: saves complete checkpoints, and raises an error of its own if it cannot."""

from __future__ import annotations

import os
from typing import Any

from tfhooks._base import arguments
from tfhooks._base.errors import CheckpointSaveError, add_secondary_errors
from tfhooks._base.hook_types import ALWAYS, NextDue, SupportsOnError
from tfhooks._checkpoints import (
    checkpoint_files,
    events,
    newest_checkpoint,
    pruning,
    saver_listeners,
)
from tfhooks._checkpoints.best import BestCheckpoints
from tfhooks._checkpoints.claims import Claim
from tfhooks._checkpoints.graph_definition import shared_definition
from tfhooks._checkpoints.restored import restored_from, take_over_list
from tfhooks._checkpoints.saver_listeners import CheckpointSaverListener, attempt
from tfhooks._checkpoints.saver_state import SaverState
from tfhooks._checkpoints.write import write_graph
from tfhooks._hooks.saving import SavingHook
from tfhooks._hooks.writers import event_writer
from tfhooks._run.stock_hooks import FastWay, fast_way, own_writes
from tfhooks._tensorflow import global_step_read, tf
from tfhooks._timing import global_steps
from tfhooks._timing.timer import SecondOrStepTimer


class CheckpointSaverHook(SavingHook, SupportsOnError):
    """Saves checkpoints every N global steps or every N seconds.

    Stands for `tf.compat.v1.train.CheckpointSaverHook`. A checkpoint counts as saved when its files
    are complete and the state file names it; the next one is due a period after that. A save that
    failed stays due, and `end` tries it again.

    Args:
      checkpoint_dir: The directory of the checkpoints. One saver a directory.
      save_secs: The period in seconds, or None.
      save_steps: The period in global steps, or None. One of the two must be given.
      saver: The Saver to use.
      checkpoint_basename: The beginning of the checkpoints' names.
      scaffold: The Scaffold to take the Saver from, instead of `saver`. Without both, the one Saver
        of the graph's collection is used.
      listeners: CheckpointSaverListeners.
      save_graph_def: Whether to write the graph: `graph.pbtxt` once a session, and a `.meta` file
        with each checkpoint.
      save_retries: How many failures to write in a row, within a session, are only warned of. The
        next try is after a pause of seconds, which doubles, or when the next save is due.
      asynchronous: Whether the step waits only until the variables are copied. A thread writes the
        copy; it needs as much host memory as the variables. Listeners and the log are told in the
        first run that ends after the file is complete. An error is raised there.
      keep_best: Keeps the best checkpoints by a metric as well.

    Raises:
      TypeError: An argument is of the wrong kind.
      ValueError: Both or none of `save_secs` and `save_steps`, or both `saver` and `scaffold` are
        given, or a number is out of its range.

    Example:
      ```python
      saver = tfhooks.CheckpointSaverHook(directory, save_steps=10)
      with tfhooks.MonitoredSession(hooks=[saver, tfhooks.StopAtStepHook(15)]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(tf.train.latest_checkpoint(directory))  # .../model.ckpt-15
      ```
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = 'model.ckpt',
        scaffold: Any = None,
        listeners: list[Any] | None = None,
        save_graph_def: bool = True,
        *,
        save_retries: int = 0,
        asynchronous: bool = False,
        keep_best: BestCheckpoints | None = None,
    ) -> None:
        owner = type(self).__name__
        arguments.is_a(owner, 'checkpoint_dir', checkpoint_dir, (str, os.PathLike), 'a path')
        if keep_best is not None:
            arguments.is_a(owner, 'keep_best', keep_best, BestCheckpoints, 'a BestCheckpoints')
        retries = arguments.whole(owner, 'save_retries', save_retries, least=0) or 0
        with arguments.of(owner, saver=saver, scaffold=scaffold):
            super().__init__(
                os.fspath(checkpoint_dir),
                save_steps=1,  # The timer is made below, with errors that name the arguments.
                saver=saver,
                checkpoint_basename=checkpoint_basename,
                scaffold=scaffold,
                save_graph_def=save_graph_def,
            )
        self._timer = SecondOrStepTimer.of_hook(owner, save_secs=save_secs, save_steps=save_steps)
        self._listeners = saver_listeners.listed(owner, listeners)
        period = f'{save_secs=}' if save_steps is None else f'{save_steps=}'
        self._tfhooks_state = SaverState(period, retries, asynchronous, keep_best)
        is_extended = bool(retries or asynchronous or keep_best)
        _CheckpointSaver(self, CheckpointSaverHook, extended=is_extended)

    def begin(self) -> None:
        """Opens the event file, and adds the read of the global step to the default graph.

        Raises:
          RuntimeError: The graph has no global step.
          ValueError: The directory is a checkpoint or another file.
        """
        state, fields = self._tfhooks_state, vars(self)
        newest_checkpoint.check_directory(self._checkpoint_dir)
        state.begin(type(self).__name__, self._save_path)
        fields['_summary_writer'] = event_writer(self._checkpoint_dir)
        fields['_global_step_tensor'] = global_step_read()
        if self._global_step_tensor is None:
            raise RuntimeError('Global step should be created to use CheckpointSaverHook.')
        state.background.begin(tf.get_default_graph())
        if state.keep_best is not None:
            state.keep_best.begin(self._checkpoint_dir)
        saver_listeners.begin(self._listeners)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph, and saves the session's first step unless it was just restored.

        Raises:
          ValueError: Another hook saves into the directory.
          CheckpointSaveError: The checkpoint could not be written.
        """
        state, graph = self._tfhooks_state, session.graph
        with state.lock, graph.as_default(), shared_definition(graph):
            stops = [self._catch_up(session)]
            with own_writes(self):
                saver = self._get_saver()
            claim = Claim(
                self._checkpoint_dir,
                os.path.basename(self._save_path),
                self,
                state.name,
                session,
                coord,
                saver,
            )
            if state.claim is None:
                pruning.remove_noted(self._save_path)
                checkpoint_files.remove_strays(self._save_path)
            state.claim = claim
            step = global_steps.read(session, self._global_step_tensor)
            state.first_step, state.stuck_runs = int(step), 0
            self._write_graph(graph, saver)
            restored = restored_from(coord)
            if restored is not None:
                take_over_list(saver, restored, self._save_path)
            if self._is_saved(saver, step, restored):
                stops.append(self._take_up(session, step, restored))
            else:
                try:
                    stops.append(self._save(session, step))
                except CheckpointSaveError as error:
                    state.retries.failed(error, self)
                self._trigger(step)
            state.background.open(saver, session, state.name)
            if any(stops) and coord is not None:
                coord.request_stop()

    def _catch_up(self, session: Any) -> bool:
        """Completes a save that was still being written when the last session was lost."""
        state = self._tfhooks_state
        pending, stops = state.background.pending, [False]
        state.background.close()
        attempt(lambda: stops.append(self._finish(session)), state.late_errors)
        step = None if pending is None else pending.step
        if step is not None and global_steps.read(session, self._global_step_tensor) < step:
            # TensorFlow's own sessions do not wait for a save to end before they restore.
            latest = newest_checkpoint.latest(os.path.dirname(self._save_path))
            if latest is not None and checkpoint_files.step_of(latest, self._save_path) == step:
                self._get_saver().restore(session, latest)
        return any(stops)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Saves when it is due.

        Raises:
          CheckpointSaveError: A checkpoint could not be written, now or in the background.
        """
        state = self._tfhooks_state
        with state.lock:
            if state.late_errors:
                raise state.late_errors.pop(0)
            pending = state.background.pending
            if pending is not None and pending.outcome.done() and self._finish(run_context.session):
                run_context.request_stop()
            try:
                super().after_run(run_context, run_values)
            except CheckpointSaveError as error:
                state.retries.failed(error, self)
            if state.unsaved and state.retries.may_try() and not state.bad_weights:
                self._try_again(run_context)

    # Here, too, since a class with an `after_run` and no `next_due` is called in every run.
    def next_due(self) -> NextDue:
        """Returns when the next save is due, or at once while one is being written."""
        return super().next_due()

    def wait_for_save(self) -> None:
        """Waits until nothing is being written, for instance before a session is restored."""
        self._tfhooks_state.wait_for_save()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Waits until nothing is being written, and leaves the directory to others.

        An error of a save in the background is added to `error` as a secondary one.
        """
        state = self._tfhooks_state
        written = state.background.take()
        failed = None if written is None else written.outcome.exception()
        add_secondary_errors(error, [*state.late_errors, *([failed] if failed else [])])
        state.late_errors = []
        state.close()

    def end(self, session: Any) -> None:
        """Saves the last step unless it is saved, and tells the listeners.

        Raises:
          CheckpointSaveError: The checkpoint could not be written. The listeners were told.
        """
        state = self._tfhooks_state
        with state.lock, session.graph.as_default():
            errors, state.late_errors = state.late_errors, []
            # Before anything is run, so that listeners hear of a finished save even if runs fail.
            attempt(lambda: self._take(session), errors)
            state.background.close()
            attempt(lambda: self._save_last(session, errors), errors)
            events.flush(self._summary_writer)
            state.close()
        if errors:
            add_secondary_errors(errors[0], errors[1:])
            raise errors[0]

    def _save_last(self, session: Any, errors: list[Exception]) -> None:
        state = self._tfhooks_state
        step = global_steps.read(session, self._global_step_tensor)
        is_stuck = state.stuck_runs and step == state.first_step
        if step != self._timer.last_triggered_step() or state.unsaved or is_stuck:
            before = len(errors)
            attempt(lambda: self._save(session, step), errors)
            if len(errors) == before and not state.unsaved:
                # The checkpoint that failed in the background is on disk now.
                errors[:] = [e for e in errors if not isinstance(e, CheckpointSaveError)]
        saver_listeners.end(self._listeners, session, step, errors)

    def _is_saved(self, saver: Any, step: int, restored: Any) -> bool:
        """True if the session was restored from the checkpoint that a save would write."""
        return (
            restored is not None
            and restored.saver is saver
            and fast_way(self) is not None
            and checkpoint_files.step_of(restored.path, self._save_path) == step
        )

    def _take_up(self, session: Any, step: int, restored: Any) -> bool:
        """Counts a restored checkpoint as saved, without writing it again."""
        state = self._tfhooks_state
        tf.logging.info(
            'The checkpoint for %d in %s was just restored: it is not written again.',
            step,
            self._save_path,
        )
        if not checkpoint_files.is_latest(restored.path):
            newest_checkpoint.name_newest(restored.path, restored.saver)
        saver_listeners.before_save(self._listeners, session, step)
        # A checkpoint that this hook saved keeps the time of that save.
        if step != self._timer.last_triggered_step():
            self._trigger(step)
        self._saved()
        best = state.keep_best
        if best is not None:
            state.retries.tolerate(lambda: best.catch_up(session, int(step), restored.path))
        return self._tell_saved(session, step)

    def _write_graph(self, graph: Any, saver: Any) -> None:
        """Writes the graph once for a session, and not again after a recovery."""
        state = self._tfhooks_state
        if state.graph is graph:
            return
        if self._save_graph_def:
            definition = graph.as_graph_def(add_shapes=True)
            state.retries.tolerate(lambda: write_graph(definition, self._checkpoint_dir, self))
        events.add_graph(self._summary_writer, graph, saver)
        state.graph = graph


class _CheckpointSaver(FastWay):
    def after_run(self, run_context: Any, run_values: Any) -> None:
        hook, timer = self.hook, self.timer
        if not timer.may_be_due_by_now():
            return
        # The type that listeners get from TensorFlow's hook.
        kind = hook._global_step_tensor.dtype.base_dtype.as_numpy_dtype
        step = kind(global_steps.after(run_context, hook._global_step_tensor))
        if timer.should_trigger_for_step(step):
            self.trigger(step)
            if hook._save(run_context.session, step):
                run_context.request_stop()

    def next_due(self) -> NextDue:
        state: SaverState = self.hook._tfhooks_state
        if state.background.pending is not None or state.late_errors:
            return ALWAYS
        due: NextDue = self.timer.next_due()
        if state.unsaved:
            due = due._replace(time=min(due.time, state.retries.next_time))
        return due


__all__ = ['CheckpointSaverHook', 'CheckpointSaverListener']
