"""Keeps the best checkpoints by a metric, beside those that the Saver keeps."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from typing import Any, Literal

from tfhooks._base import log, scalars
from tfhooks._base.errors import checkpoint_save_error, note_origin
from tfhooks._checkpoints import best_list, checkpoint_files, claims
from tfhooks._checkpoints.best_list import MODES, BestCheckpoint, BestList, names_of
from tfhooks._tensorflow import Tensor, tf


class BestCheckpoints:
    """Keeps the `n` best checkpoints by a metric, in the folder `best` of the checkpoint directory.

    The metric is read each time a checkpoint was saved. A checkpoint counts as one of the best
    only once its files are complete in `best`; a restarted program goes on with the list that it
    finds there, unless that is of another metric or mode. Files that are not listed are left alone.
    The Saver's own `max_to_keep` is not affected. `tf.train.latest_checkpoint` of the folder gives
    the best one.

    Args:
      metric: A scalar tensor or its name, or a callable `(session, step)` that returns a number.
        A tensor is read by a run of its own, without feeds.
      mode: `'min'` where smaller is better, `'max'` where greater is.
      n: How many to keep, 1 or more.

    Raises:
      TypeError: `metric` or `n` is of the wrong kind.
      ValueError: `mode` or `n` has another value.

    Example:
      ```python
      saver = tfhooks.CheckpointSaverHook(
          directory, save_steps=10, keep_best=tfhooks.BestCheckpoints(loss, 'min', n=3)
      )
      with tfhooks.MonitoredSession(hooks=[saver, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(tf.train.latest_checkpoint(f'{directory}/best'))  # .../best/model.ckpt-20
      ```
    """

    def __init__(
        self,
        metric: Tensor | str | Callable[[Any, int], float],
        mode: Literal['min', 'max'] = 'min',
        n: int = 1,
    ) -> None:
        if not (isinstance(metric, scalars.TENSORS) or callable(metric)):
            raise TypeError(
                'BestCheckpoints: metric must be a tensor, the name of one, or a callable '
                f'(session, step): metric={metric!r}'
            )
        if mode not in MODES:
            raise ValueError(f"BestCheckpoints: mode must be 'min' or 'max': mode={mode!r}")
        if isinstance(n, bool) or not isinstance(n, int):
            raise TypeError(f'BestCheckpoints: n must be an int: n={n!r}')
        if n < 1:
            raise ValueError(f'BestCheckpoints: n must be 1 or more: n={n}')
        self._metric = metric
        self._mode = mode
        self._n = n
        self._fetch: Any = None
        self._directory = ''
        self._kept: list[BestCheckpoint] = []

    @property
    def checkpoints(self) -> tuple[BestCheckpoint, ...]:
        """The kept checkpoints, the best one first."""
        return tuple(self._kept)

    def begin(self, checkpoint_dir: str) -> None:
        """Continues with the list that an earlier program left in `checkpoint_dir`, if any.

        Raises:
          ValueError: The default graph has no such tensor, or the list of the best checkpoints is
            damaged.
        """
        if isinstance(self._metric, scalars.TENSORS):
            try:
                self._fetch = tf.get_default_graph().as_graph_element(
                    self._metric, allow_operation=False
                )
            except (KeyError, ValueError, TypeError) as error:
                raise ValueError(
                    'BestCheckpoints: the metric must be a tensor of the default graph: '
                    f'metric={self._metric!r} ({error})'
                ) from error
        self._directory = os.path.join(checkpoint_dir, 'best')
        self._kept = []
        found = best_list.read(self._directory)
        if found is not None:
            self._take_up(found)
        checkpoint_files.remove_unfinished(self._directory)
        there = map(os.path.basename, checkpoint_files.prefixes(self._directory))
        others = sorted(set(there) - set(names_of(self._kept)))
        if others:
            log.warning(
                'BestCheckpoints leaves alone what lies in %s and is not in its list: %s.',
                self._directory,
                others,
            )

    def _take_up(self, found: BestList) -> None:
        """Continues with a list, or begins a new one where that is of another metric."""
        if found.mode != self._mode or found.metric not in (None, self._metric_name()):
            log.warning(
                'BestCheckpoints begins a new list in %s, since the one there is of another metric '
                'or mode; mode=%r, there %r; metric=%r, there %r. Its checkpoints stay where they '
                'are.',
                self._directory,
                self._mode,
                found.mode,
                self._metric_name(),
                found.metric,
            )
            return
        complete = []
        for kept in found.kept:
            missing = checkpoint_files.what_is_missing(kept.path)
            if missing:
                tf.logging.warning('BestCheckpoints: %s is left out: %s', kept.path, missing)
            else:
                complete.append(kept)
        complete.sort(key=self._rank)
        self._kept = complete[: self._n]
        gone = [name for name in found.unfinished if name not in names_of(found.kept)]
        gone += names_of(complete[self._n :])
        try:
            # Another process may be writing the unfinished ones.
            if gone and not claims.is_anothers(os.path.dirname(self._directory)):
                if self._kept:
                    self._write_state(self._kept)
                self._write_list(self._kept, gone)
                self._remove(gone)
        except tf.errors.OpError as error:
            path = os.path.join(self._directory, best_list.NAME)
            tf.logging.warning('BestCheckpoints: %s could not be tidied: %s', path, error)

    def measure(self, session: Any, step: int) -> float:
        """Reads the metric.

        Raises:
          ValueError: It is not one number.
        """
        try:
            if self._fetch is not None:
                value = session.run(self._fetch)
            else:
                measure: Any = self._metric
                value = measure(session, step)
        except Exception as error:
            note_origin(error, 'BestCheckpoints.metric')
            raise
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'BestCheckpoints: the metric must be one number: metric={self._metric!r}, '
                f'value={value!r}, step={step}'
            ) from error

    def catch_up(self, session: Any, step: int, path: str) -> None:
        """Measures and keeps a restored checkpoint, unless an earlier program has done that."""
        if all(kept.step != step for kept in self._kept):
            self.keep(path, step, self.measure(session, step))

    def keep(self, path: str, step: int, value: float) -> bool:
        """Keeps the complete checkpoint at `path` if it is one of the best.

        Returns:
          Whether it was kept.

        Raises:
          CheckpointSaveError: Its files could not be kept; those kept before are.
        """
        if math.isnan(value):
            tf.logging.warning(
                'The metric of the checkpoint at step %d is NaN: it is not one of the best.', step
            )
            return False
        again = [kept for kept in self._kept if kept.step == step]
        new = BestCheckpoint(again[0].path if again else self._free_path(path), step, value)
        if again and self._rank(again[0]) <= self._rank(new):
            return False
        others = [kept for kept in self._kept if kept.step != step]
        best = sorted([*others, new], key=self._rank)[: self._n]
        if new not in best:
            return False
        is_named = False
        try:
            tf.gfile.MakeDirs(self._directory)
            self._write_list(self._kept, [] if again else names_of([new]))
            checkpoint_files.link(path, new.path)
            self._write_state(best)
            is_named = True
            gone = names_of(kept for kept in others if kept not in best)
            self._write_list(best, gone)
        except Exception as error:
            if not again:
                self._take_back(new, is_named)
            other = claims.other_saver(os.path.dirname(self._directory))
            look_at = (
                f'{other}, which saves there, too' if other else 'its free space, its permissions'
            )
            raise checkpoint_save_error(
                f'BestCheckpoints could not keep a checkpoint: path={new.path!r}, step={step}, '
                f'value={value}, cause={type(error).__name__}: {error}. The checkpoint itself is '
                f'saved. Look at {self._directory!r}: {look_at}.',
                error,
                hook=self,
                path=new.path,
                step=step,
            ) from error
        self._kept = best
        self._remove(gone)
        tf.logging.info('Checkpoint %s is one of the best: %g.', new.path, value)
        return True

    def _free_path(self, path: str) -> str:
        """Returns a prefix for the kept checkpoint under which there is no other one."""
        free = target = os.path.join(self._directory, os.path.basename(path))
        number = 0
        while checkpoint_files.exists(free):
            number += 1
            free = f'{target}_{number}'
        return free

    def _take_back(self, new: BestCheckpoint, is_named: bool) -> None:
        """Removes the files of a checkpoint that failed, unless the state file still names it."""
        try:
            if is_named and self._kept:
                self._write_state(self._kept)
            elif is_named:
                tf.gfile.Remove(os.path.join(self._directory, 'checkpoint'))
        except tf.errors.OpError:
            return  # The list has it as unfinished, so the next start removes it.
        checkpoint_files.remove_parts(new.path)

    def _remove(self, gone: list[str]) -> None:
        """Removes checkpoints that are neither in the state file nor in the list any more."""
        for name in gone:
            checkpoint_files.remove_parts(os.path.join(self._directory, name))
        if gone:
            # Files that get these names later are not ours. The next start tries again otherwise.
            with contextlib.suppress(tf.errors.OpError):
                self._write_list(self._kept, [])

    def _rank(self, kept: BestCheckpoint) -> tuple[float, int]:
        # Of equal ones the older is kept.
        return (kept.value if self._mode == 'min' else -kept.value), kept.step

    def _metric_name(self) -> str:
        if self._fetch is not None:
            return str(self._fetch.name)
        text = repr(self._metric)
        if ' at 0x' in text:  # An address differs in each process.
            text = type(self._metric).__qualname__
        return str(getattr(self._metric, '__qualname__', None) or text)

    def _write_list(self, best: list[BestCheckpoint], unfinished: list[str]) -> None:
        found = BestList(self._metric_name(), self._mode, best, unfinished)
        best_list.write(self._directory, found)

    def _write_state(self, best: list[BestCheckpoint]) -> None:
        """Writes the state file, in which the best checkpoint is the newest for TensorFlow."""
        checkpoint_files.write_state(self._directory, names_of(best)[::-1])
