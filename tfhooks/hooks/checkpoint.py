"""CheckpointSaverHook: saves that are due, complete, and never taken for something else."""

from __future__ import annotations

import math
import numbers
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tfhooks import steps
from tfhooks._tensorflow import global_step_read, restore_saver_lists, saver_lists, tf
from tfhooks.errors import CheckpointSaveError, attach, blame, checkpoint_save_error
from tfhooks.hook import SessionRunHook
from tfhooks.hooks import checkpoint_files, saved_tensors


class CheckpointSaverListener(tf.train.CheckpointSaverListener):
    """What to do before and after a checkpoint is saved.

    Stands for `tf.compat.v1.train.CheckpointSaverListener`. Steps are global steps, after the
    increment of the run that made the save due.
    """

    def begin(self) -> None:
        """Called before the session is used. Ops may be added to the default graph."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before each save.

        Args:
          session: The session that is saved.
          global_step_value: The global step of the checkpoint.
        """

    def after_save(self, session: Any, global_step_value: int) -> bool | None:
        """Called after each save, when the checkpoint is complete on disk.

        Args:
          session: The session that was saved.
          global_step_value: The global step of the checkpoint.

        Returns:
          True to ask that training be stopped.
        """
        return None

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end of the session.

        Args:
          session: The session.
          global_step_value: The global step at the end.
        """


class _Cadence:
    """When the next save is due, counted from the last one that succeeded."""

    def __init__(self, secs: float | None, every: float | None) -> None:
        self.secs = secs
        self.steps = every
        self.step: int | None = None
        self.time = -math.inf

    def due(self, step: int) -> bool:
        if self.step is None:
            return True
        if step == self.step:
            return False
        if self.secs is not None:
            return time.monotonic() >= self.time + self.secs
        return step >= self.step + (self.steps or 0)

    def too_early(self) -> bool:
        """Whether no step can be due yet, so that it need not be read."""
        return self.secs is not None and time.monotonic() < self.time + self.secs

    def wake(self) -> steps.Wake:
        if self.step is None:
            return steps.ALWAYS
        if self.secs is not None:
            return steps.Wake(time=self.time + self.secs)
        return steps.Wake(step=self.step + (self.steps or 0))

    def count_from(self, step: int) -> None:
        self.step = step
        self.time = time.monotonic()


class CheckpointSaverHook(SessionRunHook[None], tf.train.CheckpointSaverHook):
    """Saves checkpoints every N global steps or every N seconds.

    Stands for `tf.compat.v1.train.CheckpointSaverHook`.
    """

    # Which hook saves into a directory now, by the directory.
    _savers: ClassVar[dict[str, weakref.ref[CheckpointSaverHook]]] = {}
    _savers_lock: ClassVar[threading.Lock] = threading.Lock()

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
        keep_best: Any = None,
    ) -> None:
        tf.logging.info('Create CheckpointSaverHook.')
        if saver is not None and scaffold is not None:
            raise ValueError('You cannot provide both saver and scaffold.')
        checkpoint_dir = os.fspath(checkpoint_dir)
        self._saver = saver
        self._checkpoint_dir = checkpoint_dir
        self._save_path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._scaffold = scaffold
        self._cadence = _Cadence(*_checked_periods(save_secs, save_steps))
        self._listeners = listeners or []
        self._save_graph_def = save_graph_def
        self._save_retries = save_retries
        self._asynchronous = asynchronous
        self._keep_best = keep_best
        # Many threads may run one session; one of them saves.
        self._lock = threading.RLock()
        self._graph_written: Any = None
        self._saved_step: int | None = None
        self._session: Any = lambda: None
        self._coord: Any = None
        self._bad_weights = ''

    def begin(self) -> None:
        self._summary_writer = tf.summary.FileWriterCache.get(self._checkpoint_dir)
        self._global_step_tensor = global_step_read()
        if self._global_step_tensor is None:
            raise RuntimeError('Global step should be created to use CheckpointSaverHook.')
        self._graph_written = None
        self._saved_step = None
        self._bad_weights = ''
        for listener in self._listeners:
            self._tell(listener, 'begin')

    def after_create_session(self, session: Any, coord: Any) -> None:
        with self._lock:
            self._claim_directory(session, coord)
            step = int(session.run(self._global_step_tensor))
            self._write_graph(session)
            restored = self._was_restored(session, step)
            if self._save(session, step, write=not restored) and coord is not None:
                coord.request_stop()

    def before_run(self, run_context: Any) -> None:
        return None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        with self._lock:
            if self._cadence.too_early():
                return
            step = steps.after(run_context, self._global_step_tensor)
            if not self._cadence.due(step):
                return
            if getattr(run_context, 'weights_are_bad', False):
                tf.logging.warning(
                    'No checkpoint is saved at step %d into %s: a hook found that the weights '
                    'are bad.',
                    step,
                    self._save_path,
                )
            elif self._save(run_context.session, step):
                run_context.request_stop()

    def wakes_at(self) -> steps.Wake:
        """When the next save is due; see `tfhooks.steps.Wake`."""
        return self._cadence.wake()

    def skip_final_save(self, reason: str) -> None:
        """Makes `end` leave the last checkpoint as it is, since the weights are known to be bad."""
        self._bad_weights = reason

    def end(self, session: Any) -> None:
        errors: list[Exception] = []
        with self._lock:
            step = int(session.run(self._global_step_tensor))
            if self._bad_weights:
                tf.logging.warning(
                    'No final checkpoint is saved at step %d into %s: %s',
                    step,
                    self._save_path,
                    self._bad_weights,
                )
            elif step != self._saved_step:
                self._attempt(errors, lambda: self._save(session, step))
            for listener in self._listeners:
                self._attempt(errors, lambda each=listener: self._tell(each, 'end', session, step))
            self._release_directory()
        if errors:
            attach(errors[0], errors[1:])
            raise errors[0]

    @staticmethod
    def _attempt(errors: list[Exception], action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception as error:
            errors.append(error)

    def _tell(self, listener: Any, method: str, *args: Any) -> Any:
        try:
            return getattr(listener, method)(*args)
        except Exception as error:
            blame(error, f'{type(listener).__name__}.{method}')
            raise

    def _save(self, session: Any, step: int, write: bool = True) -> bool:
        """Saves and tells the listeners. Returns whether one of them asks to stop."""
        if write:
            tf.logging.info('Saving checkpoints for %d into %s.', step, self._save_path)
        for listener in self._listeners:
            self._tell(listener, 'before_save', session, step)
        if write:
            self._write(session, step)
        # A restored checkpoint that this hook saved goes on with the time it was saved at.
        if write or step != self._saved_step:
            self._cadence.count_from(step)
        self._cadence.step = self._saved_step = step
        self._summary_writer.add_session_log(
            tf.SessionLog(status=tf.SessionLog.CHECKPOINT, checkpoint_path=self._save_path), step
        )
        stop = False
        for listener in self._listeners:
            if self._tell(listener, 'after_save', session, step):
                tf.logging.info(
                    'A CheckpointSaverListener requested that training be stopped. listener: %s',
                    listener,
                )
                stop = True
        return stop

    def _write(self, session: Any, step: int) -> None:
        """Writes the checkpoint of `step`, complete or not at all."""
        saver = self._get_saver()
        path = f'{self._save_path}-{step}'
        before = saver_lists(saver)
        try:
            written = saver.save(
                session,
                self._save_path,
                global_step=step,
                write_meta_graph=self._save_graph_def,
            )
            if written is None:  # A saver without variables.
                return
            path = written
            missing = checkpoint_files.what_is_missing(path)
            if missing:
                raise tf.errors.DataLossError(None, None, f'what was written is damaged: {missing}')
        except (tf.errors.AbortedError, tf.errors.UnavailableError):
            restore_saver_lists(saver, before)
            raise  # The session is gone, not the disk: sessions recover from these.
        except Exception as error:
            if checkpoint_files.what_is_missing(path) or not checkpoint_files.is_latest(path):
                checkpoint_files.remove(path)
                restore_saver_lists(saver, before)
            else:
                checkpoint_files.remove(path, keep_parts=True)
            raise checkpoint_save_error(
                f'{type(self).__name__} could not save the checkpoint: path={path!r}, '
                f'step={step}, cause={type(error).__name__}: {error}. Checkpoints saved before '
                f'are kept. {_what_to_do(error)}',
                error,
                hook=self,
                path=path,
                step=step,
            ) from error

    def _was_restored(self, session: Any, step: int) -> bool:
        """Whether the newest checkpoint holds what a save would write now."""
        if step <= 0:
            # Fresh variables also stand at step 0.
            return False
        try:
            latest = tf.train.latest_checkpoint(os.path.dirname(self._save_path))
            if latest is None or latest != f'{self._save_path}-{step}':
                return False
            return not checkpoint_files.what_is_missing(
                latest
            ) and saved_tensors.holds_what_is_saved(latest, self._get_saver(), session)
        except (tf.errors.OpError, ValueError, RuntimeError):
            return False

    def _write_graph(self, session: Any) -> None:
        graph = session.graph
        if self._graph_written is graph:
            return
        if self._save_graph_def:
            tf.train.write_graph(
                graph.as_graph_def(add_shapes=True), self._checkpoint_dir, 'graph.pbtxt'
            )
        saver = self._get_saver()
        self._summary_writer.add_graph(graph)
        with graph.as_default():
            meta = tf.train.export_meta_graph(
                graph_def=graph.as_graph_def(add_shapes=True),
                saver_def=saver.saver_def if saver else None,
            )
        self._summary_writer.add_meta_graph(meta)
        self._graph_written = graph

    def _claim_directory(self, session: Any, coord: Any) -> None:
        key = checkpoint_files.directory_key(self._checkpoint_dir)
        self._session = weakref.ref(session)
        self._coord = coord
        with self._savers_lock:
            found = self._savers.get(key)
            other = found() if found else None
            if other is not None and other is not self and other._is_open():
                raise ValueError(
                    f'Two savers must not share a directory: checkpoint_dir='
                    f'{self._checkpoint_dir!r} is saved to by {other._describe()} and by '
                    f'{self._describe()}. Give one of them another checkpoint_dir, or leave one '
                    f'out (MonitoredTrainingSession makes a saver of its own unless '
                    f'save_checkpoint_secs=None and save_checkpoint_steps=None).'
                )
            self._savers[key] = weakref.ref(self)

    def _release_directory(self) -> None:
        key = checkpoint_files.directory_key(self._checkpoint_dir)
        with self._savers_lock:
            found = self._savers.get(key)
            if found is not None and found() is self:
                del self._savers[key]

    def _is_open(self) -> bool:
        # A session that failed is closed without telling its hooks; its coordinator knows.
        return self._session() is not None and not (self._coord and self._coord.should_stop())

    def _describe(self) -> str:
        cadence = self._cadence
        period = (
            f'save_secs={cadence.secs}'
            if cadence.secs is not None
            else f'save_steps={cadence.steps}'
        )
        return f'{type(self).__name__}({self._save_path!r}, {period}) at {id(self):#x}'

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        key = tf.GraphKeys.SAVERS
        savers: Sequence[Any] = tf.get_collection(key)
        if not savers:
            raise RuntimeError(
                f'No items in collection {key}. Please add a saver to the collection or provide '
                'a saver or scaffold.'
            )
        if len(savers) > 1:
            raise RuntimeError(
                f'More than one item in collection {key}. Please indicate which one to use by '
                'passing it to the constructor.'
            )
        self._saver = savers[0]
        return self._saver


def _checked_periods(
    secs: float | None, every: float | None
) -> tuple[float | None, float | None]:
    if secs is None and every is None:
        raise ValueError('Either every_secs or every_steps should be provided.')
    if secs is not None and every is not None:
        raise ValueError('Can not provide both every_secs and every_steps.')
    for name, value in (('save_secs', secs), ('save_steps', every)):
        if value is None:
            continue
        if not isinstance(value, numbers.Real):
            raise TypeError(f'CheckpointSaverHook: {name} must be a number: {name}={value!r}')
        if not value > 0:
            raise ValueError(f'CheckpointSaverHook: {name} must be above 0: {name}={value!r}')
    return secs, every


def _what_to_do(error: Exception) -> str:
    if isinstance(error, tf.errors.PermissionDeniedError):
        return 'Give this process the right to write there.'
    if isinstance(error, (tf.errors.ResourceExhaustedError, tf.errors.OutOfRangeError)):
        return 'Free space there, or raise the limit on the size of files.'
    if isinstance(error, (tf.errors.NotFoundError, ValueError)):
        return 'Make sure that the directory exists and stays in place while training runs.'
    return 'Check the directory, its free space and its permissions.'


__all__ = ['CheckpointSaveError', 'CheckpointSaverHook', 'CheckpointSaverListener']
