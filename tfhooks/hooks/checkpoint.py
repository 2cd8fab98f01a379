"""CheckpointSaverHook: saves that are due, complete, and never taken for something else."""

from __future__ import annotations

import copy
import math
import os
from typing import Any

from tfhooks import _arguments, checkpoints, steps
from tfhooks._locks import Lock
from tfhooks._tensorflow import global_step_read, tf
from tfhooks.errors import CheckpointSaveError, attach
from tfhooks.hook_types import SessionRunArgs, SessionRunHook
from tfhooks.hooks import async_save, checkpoint_files, checkpoint_listener
from tfhooks.hooks._subclasses import replaces_runs
from tfhooks.hooks.best import BestCheckpoints
from tfhooks.hooks.checkpoint_events import CheckpointEvents
from tfhooks.hooks.checkpoint_listener import CheckpointSaverListener, attempt
from tfhooks.hooks.checkpoint_retries import Retries
from tfhooks.hooks.checkpoint_write import (
    the_saver,
    warn_of_bad_weights,
    was_restored,
    write_checkpoint,
    write_graph,
)
from tfhooks.hooks.save_directory import Claim
from tfhooks.triggers import SecondOrStepTimer


class CheckpointSaverHook(SessionRunHook[None], tf.train.CheckpointSaverHook):
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
        who = type(self).__name__
        tf.logging.info('Create CheckpointSaverHook.')
        if saver is not None and scaffold is not None:
            raise ValueError(
                f'{who}: You cannot provide both saver and scaffold; {saver=}, {scaffold=}'
            )
        if keep_best is not None:
            _arguments.is_a(who, 'keep_best', keep_best, BestCheckpoints, 'a BestCheckpoints')
        _arguments.is_a(who, 'checkpoint_dir', checkpoint_dir, (str, os.PathLike), 'a path')
        checkpoint_dir = os.fspath(checkpoint_dir)
        self._saver = saver
        self._checkpoint_dir = checkpoint_dir
        self._save_path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._scaffold = scaffold
        self._timer = SecondOrStepTimer.of_hook(who, save_secs=save_secs, save_steps=save_steps)
        self._period = f'{save_secs=}' if save_steps is None else f'{save_steps=}'
        self._listeners = checkpoint_listener.listed(who, listeners)
        self._steps_per_run = 1000000  # Subclasses add it to the step.
        self._save_graph_def = save_graph_def
        self._retries = Retries(_arguments.whole(who, 'save_retries', save_retries, least=0) or 0)
        self._asynchronous = asynchronous
        self._keep_best = keep_best
        # Many threads may run one session; one of them saves.
        self._lock = Lock()
        self._in_background = self._is_last = False
        self._claim: Claim | None = None
        self._background: async_save.BackgroundWriter | None = None
        self._events = CheckpointEvents(checkpoint_dir)
        self._reset()

    def _reset(self) -> None:
        self._timer.reset()
        self._retries.reset()
        self._saved_step: int | None = None
        self._writing: async_save.Writing | None = None
        self._late_errors: list[Exception] = []
        self._bad_weights = ''
        self._copies: dict[str, Any] = {}

    def begin(self) -> None:
        """Opens the event file, and adds the read of the global step to the default graph.

        Raises:
          RuntimeError: The graph has no global step.
        """
        self.wait_for_save()
        self._close()
        self._reset()
        self._summary_writer = self._events.open()
        self._global_step_tensor = global_step_read()
        if self._global_step_tensor is None:
            raise RuntimeError('Global step should be created to use CheckpointSaverHook.')
        self._step_type = self._global_step_tensor.dtype.base_dtype.as_numpy_dtype
        if self._asynchronous:
            self._copies = async_save.add_copies(tf.get_default_graph())
        if self._keep_best is not None:
            self._keep_best.begin(self._checkpoint_dir)
        checkpoint_listener.begin(self._listeners)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph, and saves what the session begins with unless it was just restored.

        Raises:
          ValueError: Another hook saves into the directory.
          CheckpointSaveError: The checkpoint could not be written.
        """
        with self._lock, session.graph.as_default():
            stops = [self._catch_up(session)]
            claim = Claim(self._checkpoint_dir, self, self._describe(), session, coord)
            if self._claim is None:
                checkpoint_files.remove_strays(self._save_path)
            self._claim = claim
            step = session.run(self._global_step_tensor)
            saver = self._get_saver()
            self._events.graph(session.graph, saver, self._write_graph_file)
            if self._asynchronous:
                self._background = async_save.open_writer(
                    saver, session, self._copies, self._background, self._describe()
                )
            self._saved_step = None
            if was_restored(saver, session, self._save_path, step):
                stops.append(self._take_up(session, step))
            else:
                stops.append(self._save_as(session, step))
            if any(stops) and coord is not None:
                coord.request_stop()

    def _catch_up(self, session: Any) -> bool:
        """Goes on from what was still being written when the last session was lost."""
        writing, before = self._writing, self._saved_step
        stops = [False]
        attempt(lambda: stops.append(self._finish(session)), self._late_errors)
        if writing is not None and self._saved_step == writing.step != before:
            step = int(session.run(self._global_step_tensor))
            if step == before and step < writing.step:
                # The session was restored before the newer checkpoint was complete.
                latest = checkpoints.latest(os.path.dirname(self._save_path))
                self._get_saver().restore(session, latest)
        return any(stops)

    def before_run(self, run_context: Any) -> Any:
        """Asks for nothing: the global step is read after the run, when a save may be due."""
        subclass = replaces_runs(self, CheckpointSaverHook)
        return SessionRunArgs(self._global_step_tensor) if subclass else None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Saves when it is due.

        Raises:
          CheckpointSaveError: A checkpoint could not be written, now or in the background.
        """
        with self._lock:
            if self._late_errors:
                raise self._late_errors.pop(0)
            is_written = self._writing is not None and self._writing.pending.done
            stop = is_written and self._finish(run_context.session)
            if self._retries.may_try() or self._timer.may_be_due_by_now():
                step = steps.after(run_context, self._global_step_tensor)
                if self._retries.has_turn(self._timer.should_trigger_for_step(step)):
                    # Of the type that listeners get from TensorFlow's hook.
                    kind: Any = self._step_type
                    stop |= self._save_due(run_context, kind(step))
            if stop:
                run_context.request_stop()

    def _save_due(self, run_context: Any, step: int) -> bool:
        if getattr(run_context, 'weights_are_bad', False):
            warn_of_bad_weights(self._save_path, step, 'a hook found it in this run')
            return False
        stop = self._finish(run_context.session)
        return self._save_as(run_context.session, step, background=True) or stop

    def next_due(self) -> steps.NextDue:
        """When the next save is due, or at once while one is being written; see `steps.NextDue`."""
        if self._writing is not None or self._late_errors:
            return steps.ALWAYS
        return self._retries.next_due(self._timer.next_due())

    def skip_final_save(self, reason: str) -> None:
        """Makes `end` leave the last checkpoint as it is.

        Args:
          reason: Why the weights are known to be bad; it is logged.
        """
        self._bad_weights = reason

    def wait_for_save(self) -> None:
        """Waits until nothing is being written, for instance before a session is restored."""
        writing = self._writing
        if writing is not None:
            writing.pending.wait()

    def on_error(self, session: Any, error: BaseException) -> None:
        """Waits until nothing is being written, and leaves the directory to others."""
        self.wait_for_save()
        self._close()

    def end(self, session: Any) -> None:
        """Saves the last step unless it is saved, and tells the listeners.

        Raises:
          CheckpointSaveError: The checkpoint could not be written. The listeners were told.
        """
        errors: list[Exception] = []
        with self._lock, session.graph.as_default():
            # Before anything is run: a session that cannot be must not hide what was written.
            attempt(lambda: self._finish(session, last=True), errors)
            attempt(lambda: self._save_last(session, errors), errors)
            self._events.flush()
            self._close()
        if errors:
            attach(errors[0], errors[1:])
            raise errors[0]

    def _save_last(self, session: Any, errors: list[Exception]) -> None:
        step = session.run(self._global_step_tensor)
        if self._bad_weights:
            warn_of_bad_weights(self._save_path, step, self._bad_weights)
        elif step != self._saved_step:
            attempt(lambda: self._save_as(session, step, last=True), errors)
            if step == self._saved_step:
                # What failed in the background is on disk now.
                errors[:] = [e for e in errors if not isinstance(e, CheckpointSaveError)]
        checkpoint_listener.end(self._listeners, session, step, errors)

    def _close(self) -> None:
        if self._background is not None:
            self._background.close()
            self._background = None
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _save_as(
        self, session: Any, step: int, *, background: bool = False, last: bool = False
    ) -> bool:
        """Saves by `_save`, which has TensorFlow's arguments, since programs override it.

        One that does not call this class's is taken to have saved.
        """
        self._in_background, self._is_last, self._is_replaced = background, last, True
        try:
            stop = self._save(session, step)
        finally:
            self._in_background = self._is_last = False
        if self._is_replaced:
            self._timer.update_last_triggered_step(step)
            self._saved(step)
        return stop

    def _save(self, session: Any, step: int) -> bool:
        """Saves, and tells the listeners unless that is left to `_finish`.

        Returns:
          Whether a listener asks to stop.
        """
        self._is_replaced = False
        tf.logging.info('Saving checkpoints for %d into %s.', step, self._save_path)
        checkpoint_listener.before_save(self._listeners, session, step)
        if self._in_background and self._background is not None:
            self._start(self._background, step)
            return False
        try:
            path = self._write(session, step)
        except CheckpointSaveError as error:
            self._retries.failed(error, self._timer, step, last=self._is_last)
            return False
        self._timer.update_last_triggered_step(step)
        self._saved(step)
        best = self._keep_best
        if best is not None and path is not None:
            metric = best.measure(session, int(step))
            self._retries.tolerate(lambda: best.keep(path, int(step), metric))
        return self._tell_saved(session, step)

    def _start(self, background: async_save.BackgroundWriter, step: int) -> None:
        """Copies the variables and lets a thread write them."""
        values = background.snapshot()
        best = self._keep_best
        metric = math.nan
        problem: Exception | None = None
        if best is not None:
            # Later the session has gone on.
            try:
                metric = best.measure(background.session, int(step))
            except Exception as error:
                problem = error

        def job(session: Any) -> None:
            path = self._write(session, step)
            if best is not None and problem is None and path is not None:
                keep = best.keep
                self._retries.tolerate(lambda: keep(path, int(step), metric))

        before = copy.copy(self._timer)
        self._writing = async_save.Writing(step, background.start(values, job), before)
        self._timer.update_last_triggered_step(step)
        if problem is not None:
            raise problem

    def _finish(self, session: Any, last: bool = False) -> bool:
        """Waits for what is being written, if anything, and tells the listeners.

        Returns:
          Whether a listener asks to stop.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return False
        writing.pending.wait()
        error = writing.pending.error
        if isinstance(error, CheckpointSaveError) and error.hook is self:
            self._timer = writing.timer
            self._retries.failed(error, self._timer, writing.step, last=last)
            return False
        self._saved(writing.step)
        if error is not None:
            raise error
        return self._tell_saved(session, writing.step)

    def _write(self, session: Any, step: int) -> str | None:
        # In a thread of the caller's, the training graph is not the default graph.
        with session.graph.as_default():
            return write_checkpoint(
                self._get_saver(), session, self._save_path, step, self._save_graph_def, self
            )

    def _saved(self, step: int) -> None:
        self._saved_step = step
        if self._retries.succeeded():
            # The directory may be a new one, with no event file in it.
            self._summary_writer = self._events.reopen()

    def _take_up(self, session: Any, step: int) -> bool:
        """Goes on from a restored checkpoint without writing it again."""
        tf.logging.info(
            'The checkpoint for %d in %s was just restored: it is not written again.',
            step,
            self._save_path,
        )
        checkpoint_listener.before_save(self._listeners, session, step)
        # One that this hook saved keeps the time it was saved at.
        if step != self._timer.last_triggered_step():
            self._timer.update_last_triggered_step(step)
        self._saved(step)
        best = self._keep_best
        path = checkpoints.latest(os.path.dirname(self._save_path))
        if best is not None and path is not None:
            self._retries.tolerate(lambda: best.catch_up(session, int(step), path))
        return self._tell_saved(session, step)

    def _tell_saved(self, session: Any, step: int) -> bool:
        self._events.saved(self._save_path, step)
        return checkpoint_listener.after_save(self._listeners, session, step)

    def _write_graph_file(self, definition: Any) -> None:
        if self._save_graph_def:
            self._retries.tolerate(lambda: write_graph(definition, self._checkpoint_dir, self))

    def _describe(self) -> str:
        return f'{type(self).__name__}({self._save_path!r}, {self._period})'

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        self._saver = the_saver()
        return self._saver


__all__ = ['CheckpointSaverHook', 'CheckpointSaverListener']
