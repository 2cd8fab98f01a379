"""CheckpointSaverHook: saves complete checkpoints, and raises an error of its own if it cannot."""

from __future__ import annotations

import os
from typing import Any

from tfhooks._base import arguments
from tfhooks._base.errors import CheckpointSaveError, add_secondary_errors
from tfhooks._base.hook_types import (
    ALWAYS,
    NextDue,
    SupportsOnError,
    SupportsSkipFinalSave,
    SupportsStepNotIncreased,
)
from tfhooks._base.locks import Lock
from tfhooks._checkpoints import (
    checkpoint_files,
    events,
    newest_checkpoint,
    pruning,
    saver_listeners,
)
from tfhooks._checkpoints.async_save import BackgroundSaves
from tfhooks._checkpoints.best import BestCheckpoints
from tfhooks._checkpoints.claims import Claim
from tfhooks._checkpoints.graph_definition import shared_definition
from tfhooks._checkpoints.restored import restored_from
from tfhooks._checkpoints.retries import Retries
from tfhooks._checkpoints.saver_listeners import CheckpointSaverListener, attempt
from tfhooks._checkpoints.write import the_saver, warn_of_bad_weights, write_checkpoint, write_graph
from tfhooks._hooks.writers import event_writer
from tfhooks._run.stock_hooks import FastWay, StockHook, changes, fast_way
from tfhooks._tensorflow import global_step_read, tf
from tfhooks._timing import global_steps
from tfhooks._timing.timer import SecondOrStepTimer

# The only attribute that tfhooks adds to a saver; no subclass has one of this name.
_OWN = '_tfhooks_saver'
# So many runs may leave the global step unchanged before a warning.
_STUCK_RUNS = 10
_HANGING_SAVE_SECS = 10.0


class _Own:
    """The state of a saver that tfhooks adds to TensorFlow's fields.

    Attributes:
      lock: Held while saving, since many threads may run one session.
      background: The saves that a thread writes.
      claim: Holds the directory, or None while no session is open.
      graph: The graph of the session whose graph is in the event file.
      first_step: The global step with which the session began.
      unsaved: Whether the last save failed, and is due again.
      late_errors: Errors to raise in the next run or at the end.
      bad_weights: The reason why nothing may be saved, or ''.
      stuck_runs: How many runs are known to have left the global step at `first_step`.
    """

    def __init__(
        self,
        period: str = '',
        retries: int = 0,
        asynchronous: bool = False,
        keep_best: BestCheckpoints | None = None,
    ) -> None:
        self.period = period
        self.keep_best = keep_best
        self.retries = Retries(retries)
        self.background = BackgroundSaves(asynchronous)
        self.lock = Lock()
        self.claim: Claim | None = None
        self.begin()

    def begin(self) -> None:
        """Sets the state back for another session."""
        self.retries.reset()
        self.graph: Any = None
        self.first_step = -1
        self.unsaved = False
        self.late_errors: list[Exception] = []
        self.bad_weights = ''
        self.stuck_runs = 0


class CheckpointSaverHook(
    StockHook,
    SupportsOnError,
    SupportsSkipFinalSave,
    SupportsStepNotIncreased,
    tf.train.CheckpointSaverHook,
):
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
        tf.logging.info('Create CheckpointSaverHook.')
        if saver is not None and scaffold is not None:
            raise ValueError(
                f'{owner}: You cannot provide both saver and scaffold; {saver=}, {scaffold=}'
            )
        if keep_best is not None:
            arguments.is_a(owner, 'keep_best', keep_best, BestCheckpoints, 'a BestCheckpoints')
        arguments.is_a(owner, 'checkpoint_dir', checkpoint_dir, (str, os.PathLike), 'a path')
        self._saver = saver
        self._checkpoint_dir = os.fspath(checkpoint_dir)
        self._save_path = os.path.join(self._checkpoint_dir, checkpoint_basename)
        self._scaffold = scaffold
        self._timer = SecondOrStepTimer.of_hook(owner, save_secs=save_secs, save_steps=save_steps)
        self._listeners = saver_listeners.listed(owner, listeners)
        self._steps_per_run = 1000000  # TensorFlow's `after_run` adds it to the step.
        self._save_graph_def = save_graph_def
        retries = arguments.whole(owner, 'save_retries', save_retries, least=0) or 0
        period = f'{save_secs=}' if save_steps is None else f'{save_steps=}'
        vars(self)[_OWN] = _Own(period, retries, asynchronous, keep_best)
        is_extended = bool(retries or asynchronous or keep_best)
        _CheckpointSaver(self, CheckpointSaverHook, extended=is_extended)

    @property
    def _own(self) -> _Own:
        """The state; made on demand, for subclasses that never call this class's `__init__`."""
        own: _Own | None = vars(self).get(_OWN)
        if own is None:
            own = vars(self)[_OWN] = _Own()
        return own

    def begin(self) -> None:
        """Opens the event file, and adds the read of the global step to the default graph.

        Raises:
          RuntimeError: The graph has no global step.
          ValueError: The directory is a checkpoint or another file.
        """
        own, fields = self._own, vars(self)
        newest_checkpoint.check_directory(self._checkpoint_dir)
        self._close()
        own.begin()
        fields['_summary_writer'] = event_writer(self._checkpoint_dir)
        fields['_global_step_tensor'] = global_step_read()
        if self._global_step_tensor is None:
            raise RuntimeError('Global step should be created to use CheckpointSaverHook.')
        own.background.begin(tf.get_default_graph())
        if own.keep_best is not None:
            own.keep_best.begin(self._checkpoint_dir)
        saver_listeners.begin(self._listeners)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph, and saves the session's first step unless it was just restored.

        Raises:
          ValueError: Another hook saves into the directory.
          CheckpointSaveError: The checkpoint could not be written.
        """
        own, graph = self._own, session.graph
        with own.lock, graph.as_default(), shared_definition(graph):
            stops = [self._catch_up(session)]
            saver = self._get_saver()
            claim = Claim(
                self._checkpoint_dir,
                os.path.basename(self._save_path),
                self,
                self._describe(),
                session,
                coord,
                saver,
            )
            if own.claim is None:
                pruning.remove_noted(self._save_path)
                checkpoint_files.remove_strays(self._save_path)
            own.claim = claim
            step = global_steps.read(session, self._global_step_tensor)
            own.first_step, own.stuck_runs = int(step), 0
            self._write_graph(graph, saver)
            restored = restored_from(coord)
            if restored is not None:
                self._take_over_list(saver, restored)
            if self._is_saved(saver, step, restored):
                stops.append(self._take_up(session, step, restored))
            else:
                stops.append(self._save(session, step))
                self._trigger(step)
            own.background.open(saver, session, self._describe())
            if any(stops) and coord is not None:
                coord.request_stop()

    def _catch_up(self, session: Any) -> bool:
        """Completes a save that was still being written when the last session was lost."""
        own = self._own
        step, stops = own.background.step, [False]
        own.background.close()
        attempt(lambda: stops.append(self._finish(session)), own.late_errors)
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
        own = self._own
        with own.lock:
            if own.late_errors:
                raise own.late_errors.pop(0)
            if own.background.has_ended and self._finish(run_context.session):
                run_context.request_stop()
            super().after_run(run_context, run_values)
            if own.unsaved and own.retries.may_try() and not own.bad_weights:
                self._try_again(run_context)

    def _try_again(self, run_context: Any) -> None:
        own = self._own
        step = global_steps.read(run_context.session, self._global_step_tensor)
        with own.retries.in_between():
            stop = self._save(run_context.session, step)
        if not own.unsaved:
            self._trigger(step)
        if stop:
            run_context.request_stop()

    def next_due(self) -> NextDue:
        """Returns when the next save is due, or at once while one is being written."""
        return super().next_due()

    def step_not_increased(self, step: int) -> None:
        """Counts runs that leave the global step unchanged, and warns that nothing is saved."""
        own = self._own
        if step != own.first_step:
            return
        own.stuck_runs += 1
        if own.stuck_runs == _STUCK_RUNS:
            tf.logging.warning(
                '%s saves nothing, since the global step is not increased: it is %d since the '
                'session began. A checkpoint of it is written at the end alone. Pass '
                'global_step=tf.train.get_or_create_global_step() to minimize() or '
                'apply_gradients().',
                self._describe(),
                step,
            )

    def skip_final_save(self, reason: str) -> None:
        """Makes the hook save no more, or again if `reason` is empty.

        Args:
          reason: Why the weights are known to be bad; it is logged. '' if they are good.
        """
        self._own.bad_weights = reason

    def wait_for_save(self) -> None:
        """Waits until nothing is being written, for instance before a session is restored."""
        own = self._own
        # Another thread may still be saving the session that was lost, and removing the checkpoint
        # that would be restored. One that hangs is not waited for.
        if own.lock.acquire(timeout=_HANGING_SAVE_SECS):
            own.lock.release()
        own.background.wait()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Waits until nothing is being written, and leaves the directory to others.

        An error of a save in the background is added to `error` as a secondary one.
        """
        own = self._own
        written = own.background.take()
        errors = [*own.late_errors, *([written.error] if written and written.error else [])]
        own.late_errors = []
        self._close()
        add_secondary_errors(error, errors)

    def end(self, session: Any) -> None:
        """Saves the last step unless it is saved, and tells the listeners.

        Raises:
          CheckpointSaveError: The checkpoint could not be written. The listeners were told.
        """
        own = self._own
        with own.lock, session.graph.as_default():
            errors, own.late_errors = own.late_errors, []
            own.retries.allow_no_more()
            # Before anything is run, so that listeners hear of a finished save even if runs fail.
            attempt(lambda: self._finish(session), errors)
            own.background.close()
            attempt(lambda: self._save_last(session, errors), errors)
            events.flush(self._summary_writer)
            self._close()
        if errors:
            add_secondary_errors(errors[0], errors[1:])
            raise errors[0]

    def _save_last(self, session: Any, errors: list[Exception]) -> None:
        own = self._own
        step = global_steps.read(session, self._global_step_tensor)
        is_stuck = own.stuck_runs and step == own.first_step
        if step != self._timer.last_triggered_step() or own.unsaved or is_stuck:
            before = len(errors)
            attempt(lambda: self._save(session, step), errors)
            if len(errors) == before and not own.unsaved:
                # The checkpoint that failed in the background is on disk now.
                errors[:] = [e for e in errors if not isinstance(e, CheckpointSaveError)]
        saver_listeners.end(self._listeners, session, step, errors)

    def _close(self) -> None:
        own = self._own
        own.background.close()
        if own.claim is not None:
            own.claim.release()
            own.claim = None

    def _save(self, session: Any, step: int) -> bool:
        """Saves, and tells the listeners.

        TensorFlow's methods and programs call it, and subclasses override it, so saves are made
        safe in here. While a session trains, an asynchronous saver only starts the save, and
        `_finish` tells the listeners.

        Returns:
          Whether a listener asks to stop.

        Raises:
          CheckpointSaveError: The checkpoint could not be written, and no failure is allowed.
        """
        own = self._own
        if own.bad_weights:
            warn_of_bad_weights(self._save_path, step, own.bad_weights)
            return False
        stop = self._finish(session)
        own.unsaved = True
        tf.logging.info('Saving checkpoints for %d into %s.', step, self._save_path)
        saver_listeners.before_save(self._listeners, session, step)
        if own.background.is_open and self._start(session, step):
            return stop
        try:
            path = self._write(session, step)
        except CheckpointSaveError as error:
            own.retries.failed(error)
            return stop
        self._saved()
        best = own.keep_best
        if best is not None and path is not None:
            metric = best.measure(session, int(step))
            own.retries.tolerate(lambda: best.keep(path, int(step), metric))
        return self._tell_saved(session, step) or stop

    def _start(self, session: Any, step: int) -> bool:
        """Copies the variables and lets a thread write them; returns False if it cannot."""
        own = self._own
        best = own.keep_best
        metrics: list[float] = []
        errors: list[Exception] = []
        if best is not None:
            # Now, since the session goes on while the thread writes.
            attempt(lambda: metrics.append(best.measure(session, int(step))), errors)

        def job(copied: Any) -> None:
            path = self._write(copied, step)
            if best is not None and metrics and path is not None:
                keep = best.keep
                own.retries.tolerate(lambda: keep(path, int(step), metrics[0]))

        if not own.background.start(int(step), job, self._describe()):
            return False
        own.unsaved = False
        changes.count += 1  # It is due when the thread has ended.
        if errors:
            raise errors[0]
        return True

    def _finish(self, session: Any) -> bool:
        """Waits for the save that is being written, if any, and tells the listeners.

        Returns:
          Whether a listener asks to stop.
        """
        own = self._own
        written = own.background.take()
        if written is None:
            return False
        error = written.error
        if isinstance(error, CheckpointSaveError) and error.hook is self:
            own.unsaved = True
            own.retries.failed(error)
            return False
        self._saved()
        if error is not None:
            raise error
        return self._tell_saved(session, written.step)

    def _write(self, session: Any, step: int) -> str | None:
        # In a thread of the program's, the training graph is not the default graph.
        with session.graph.as_default():
            return write_checkpoint(
                self._get_saver(), session, self._save_path, step, self._save_graph_def, self
            )

    def _saved(self) -> None:
        own = self._own
        own.unsaved = False
        if own.retries.succeeded():
            # The directory may be a new one, with no event file in it.
            vars(self)['_summary_writer'] = event_writer(self._checkpoint_dir)

    def _tell_saved(self, session: Any, step: int) -> bool:
        events.add_saved(self._summary_writer, self._save_path, step)
        return saver_listeners.after_save(self._listeners, session, step)

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
        own = self._own
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
        best = own.keep_best
        if best is not None:
            own.retries.tolerate(lambda: best.catch_up(session, int(step), restored.path))
        return self._tell_saved(session, step)

    def _take_over_list(self, saver: Any, restored: Any) -> None:
        """Copies the list of checkpoints of the Saver that has restored, for `max_to_keep`."""
        if saver is restored.saver or not isinstance(saver, tf.train.Saver):
            return
        if saver.saver_def.max_to_keep and not saver.last_checkpoints:
            kept = [
                path
                for path in restored.kept
                if checkpoint_files.step_of(path, self._save_path) is not None
            ]
            checkpoint_files.take_over(saver, kept)

    def _write_graph(self, graph: Any, saver: Any) -> None:
        """Writes the graph once for a session, and not again after a recovery."""
        own = self._own
        if own.graph is graph:
            return
        if self._save_graph_def:
            definition = graph.as_graph_def(add_shapes=True)
            own.retries.tolerate(lambda: write_graph(definition, self._checkpoint_dir, self))
        events.add_graph(self._summary_writer, graph, saver)
        own.graph = graph

    def _trigger(self, step: int) -> None:
        fast = fast_way(self)
        (fast.trigger if fast is not None else self._timer.update_last_triggered_step)(step)

    def _describe(self) -> str:
        return f'{type(self).__name__}({self._save_path!r}, {self._own.period})'

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        saver = vars(self)['_saver'] = the_saver()
        return saver


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
        own: _Own = self.hook._own
        if own.background.step is not None or own.late_errors:
            return ALWAYS
        due: NextDue = self.timer.next_due()
        if own.unsaved:
            due = due._replace(time=min(due.time, own.retries.next_time))
        return due


__all__ = ['CheckpointSaverHook', 'CheckpointSaverListener']
