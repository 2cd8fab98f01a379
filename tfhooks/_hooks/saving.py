"""SavingHook: how a checkpoint saver saves, safely: now or in the background, with another try."""

from __future__ import annotations

import functools
from typing import Any

from tfhooks._base.errors import CheckpointSaveError
from tfhooks._checkpoints import events, saver_listeners
from tfhooks._checkpoints.best import BestCheckpoints
from tfhooks._checkpoints.saver_listeners import attempt
from tfhooks._checkpoints.saver_state import SaverState
from tfhooks._checkpoints.write import write_checkpoint
from tfhooks._hooks.writers import event_writer
from tfhooks._run.stock_hooks import StockHook, changes, is_defined_in, own_writes
from tfhooks._tensorflow import originals, tf
from tfhooks._timing import global_steps


class SavingHook(StockHook, tf.train.CheckpointSaverHook):
    """The saves of CheckpointSaverHook.

    TensorFlow's methods and programs call `_save`, and subclasses override it, so a save is made
    safe in there; it raises an error that its callers may warn of.
    """

    @functools.cached_property
    def _tfhooks_state(self) -> SaverState:
        """The state; made on demand, for subclasses that never call `__init__`."""
        return SaverState()

    def _save(self, session: Any, step: int) -> bool:
        """Saves, and tells the listeners.

        While a session trains, an asynchronous saver only starts the save, and `_finish` tells the
        listeners.

        Returns:
          Whether a listener asks to stop.

        Raises:
          CheckpointSaveError: The checkpoint could not be written.
        """
        save = vars(originals.CheckpointSaverHook)['_save']
        if not is_defined_in(originals.CheckpointSaverHook, save):  # A program has put it there.
            return bool(save(self, session, step))
        state = self._tfhooks_state
        if state.bad_weights:
            tf.logging.warning(
                'No checkpoint is saved for %d into %s, since the weights are bad: %s.',
                step,
                self._save_path,
                state.bad_weights,
            )
            return False
        stop = self._finish(session)
        state.unsaved = True
        tf.logging.info('Saving checkpoints for %d into %s.', step, self._save_path)
        saver_listeners.before_save(self._listeners, session, step)
        if state.background.writer is not None and self._start(session, step):
            return stop
        path = self._write(session, step)
        self._saved()
        best = state.keep_best
        if best is not None:
            self._keep(best, path, step, best.measure(session, int(step)))
        return self._tell_saved(session, step) or stop

    def _start(self, session: Any, step: int) -> bool:
        """Copies the variables and lets a thread write them; returns False if it cannot."""
        state = self._tfhooks_state
        best = state.keep_best
        metrics: list[float] = []
        errors: list[Exception] = []
        if best is not None:
            # Now, since the session goes on while the thread writes.
            attempt(lambda: metrics.append(best.measure(session, int(step))), errors)

        def job(copied: Any) -> None:
            path = self._write(copied, step)
            if best is not None and metrics:
                self._keep(best, path, step, metrics[0])

        if not state.background.start(int(step), job, state.name):
            return False
        state.unsaved = False
        changes.count += 1  # It is due when the thread has ended.
        if errors:
            raise errors[0]
        return True

    def _finish(self, session: Any) -> bool:
        """As `_take`, but a failure that is allowed is only warned of."""
        state = self._tfhooks_state
        if state.background.pending is not None:
            try:
                return self._take(session)
            except CheckpointSaveError as error:
                state.retries.failed(error, self)
        return False

    def _take(self, session: Any) -> bool:
        """Waits for the save that is being written, if any, and tells the listeners.

        Returns:
          Whether a listener asks to stop.

        Raises:
          CheckpointSaveError: The checkpoint could not be written.
        """
        written = self._tfhooks_state.background.take()
        if written is None:
            return False
        error = written.outcome.exception()
        is_own = isinstance(error, CheckpointSaveError) and error.hook is self
        if error is not None and (is_own or not isinstance(error, Exception)):
            self._tfhooks_state.unsaved = True
            raise error
        self._saved()
        if error is not None:
            raise error
        return self._tell_saved(session, written.step)

    def _try_again(self, run_context: Any) -> None:
        """Makes the save that failed, between those that are due."""
        state, stop = self._tfhooks_state, False
        step = global_steps.read(run_context.session, self._global_step_tensor)
        try:
            stop = self._save(run_context.session, step)
        except CheckpointSaveError as error:
            state.retries.failed(error, self, counts=False)
        if not state.unsaved:
            self._trigger(step)
        if stop:
            run_context.request_stop()

    def _write(self, session: Any, step: int) -> str | None:
        # In a thread of the program's, the training graph is not the default graph.
        with session.graph.as_default():
            return write_checkpoint(
                self._get_saver(), session, self._save_path, step, self._save_graph_def, self
            )

    def _keep(self, best: BestCheckpoints, path: str | None, step: int, metric: float) -> None:
        if path is not None:
            self._tfhooks_state.retries.tolerate(lambda: best.keep(path, int(step), metric))

    def _saved(self) -> None:
        state = self._tfhooks_state
        state.unsaved = False
        if state.retries.failures:
            state.retries.reset()
            # The directory may be a new one, with no event file in it.
            vars(self)['_summary_writer'] = event_writer(self._checkpoint_dir)

    def _tell_saved(self, session: Any, step: int) -> bool:
        events.add_saved(self._summary_writer, self._save_path, step)
        return saver_listeners.after_save(self._listeners, session, step)

    def _trigger(self, step: int) -> None:
        with own_writes(self):
            self._timer.update_last_triggered_step(step)
