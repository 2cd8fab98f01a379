"""Keeps the best checkpoints by a metric, beside those that the Saver keeps."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from tfhooks._tensorflow import Tensor, tf
from tfhooks.errors import blame, checkpoint_save_error
from tfhooks.hooks import _scalars, checkpoint_files

_STATE = 'best_checkpoints.json'
_MODES = ('min', 'max')


class BestCheckpoint(NamedTuple):
    """A checkpoint that was kept.

    Attributes:
      path: The prefix of its files, as `Saver.restore` takes it.
      step: Its global step.
      value: The metric at that step.
    """

    path: str
    step: int
    value: float


class BestCheckpoints:
    """Keeps the `n` best checkpoints by a metric, in the folder `best` of the checkpoint directory.

    The metric is read each time a checkpoint was saved. A checkpoint counts as one of the best
    only once its files are complete in `best`; a restarted program goes on with what it finds
    there. The Saver's own `max_to_keep` is not affected. `tf.train.latest_checkpoint` of the
    folder gives the best one.

    Args:
      metric: A scalar tensor or its name, or a callable `(session, step)` that returns a number.
        A tensor is read by a run of its own, without feeds.
      mode: `'min'` where smaller is better, `'max'` where greater is.
      n: How many to keep, 1 or more.

    Raises:
      TypeError: `metric` or `n` is of the wrong kind.
      ValueError: `mode` or `n` has another value.
    """

    def __init__(
        self,
        metric: Tensor | str | Callable[[Any, int], float],
        mode: str = 'min',
        n: int = 1,
    ) -> None:
        if not (isinstance(metric, _scalars.TENSORS) or callable(metric)):
            raise TypeError(
                'BestCheckpoints: metric must be a tensor, the name of one, or a callable '
                f'(session, step): metric={metric!r}'
            )
        if mode not in _MODES:
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
        """Takes up what an earlier program left in `checkpoint_dir`.

        Raises:
          ValueError: The default graph has no such tensor.
        """
        if isinstance(self._metric, _scalars.TENSORS):
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
        state = self._read_state()
        self._kept = state or []
        if state is not None:
            self._remove_others()

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
            blame(error, 'BestCheckpoints.metric')
            raise
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'BestCheckpoints: the metric must be one number: metric={self._metric!r}, '
                f'value={value!r}, step={step}'
            ) from error

    def catch_up(self, session: Any, step: int, path: str) -> None:
        """Keeps a restored checkpoint that the program which saved it may not have measured."""
        if all(kept.step != step for kept in self._kept):
            self.keep(path, step, self.measure(session, step))

    def keep(self, path: str, step: int, value: float) -> bool:
        """Keeps the complete checkpoint at `path` where it is one of the best.

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
        target = os.path.join(self._directory, os.path.basename(path))
        new = BestCheckpoint(target, step, value)
        others = [kept for kept in self._kept if kept.step != step]
        best = sorted([*others, new], key=self._rank)[: self._n]
        if new not in best:
            return False
        try:
            tf.gfile.MakeDirs(self._directory)
            for source in checkpoint_files.parts(path):
                _link_or_copy(source, os.path.join(self._directory, os.path.basename(source)))
            missing = checkpoint_files.what_is_missing(target)
            if missing:
                raise tf.errors.DataLossError(None, None, f'{target}: {missing}')
            self._write_state(best)
        except Exception as error:
            if all(kept.path != target for kept in self._kept):
                checkpoint_files.remove(target)
            raise checkpoint_save_error(
                f'BestCheckpoints could not keep a checkpoint: path={target!r}, step={step}, '
                f'value={value}, cause={type(error).__name__}: {error}. The checkpoint itself is '
                f'saved. Look at {self._directory!r}: its free space, its permissions.',
                error,
                hook=self,
                path=target,
                step=step,
            ) from error
        dropped = [kept for kept in self._kept if kept not in best and kept.path != target]
        self._kept = best
        for kept in dropped:
            checkpoint_files.remove(kept.path)
        tf.logging.info('Checkpoint %s is one of the best: %g.', target, value)
        return True

    def _rank(self, kept: BestCheckpoint) -> tuple[float, int]:
        # Of equals the older one stays.
        return (kept.value if self._mode == 'min' else -kept.value), kept.step

    def _read_state(self) -> list[BestCheckpoint] | None:
        """The checkpoints that are complete, or None where nothing says which are kept here."""
        path = os.path.join(self._directory, _STATE)
        try:
            if not tf.gfile.Exists(path):
                return None
            with tf.gfile.GFile(path) as file:
                entries = json.loads(file.read())['checkpoints']
            found = [
                BestCheckpoint(
                    os.path.join(self._directory, entry['name']),
                    int(entry['step']),
                    float(entry['value']),
                )
                for entry in entries
            ]
        except (tf.errors.OpError, ValueError, KeyError, TypeError) as error:
            tf.logging.warning('BestCheckpoints: %s cannot be read and is ignored: %s', path, error)
            return None
        complete = []
        for kept in found:
            missing = checkpoint_files.what_is_missing(kept.path)
            if missing:
                tf.logging.warning('BestCheckpoints: %s is left out: %s', kept.path, missing)
            else:
                complete.append(kept)
        return sorted(complete, key=self._rank)[: self._n]

    def _write_state(self, best: list[BestCheckpoint]) -> None:
        names = [os.path.basename(kept.path) for kept in best]
        entries = [
            {'name': name, 'step': kept.step, 'value': kept.value}
            for name, kept in zip(names, best, strict=True)
        ]
        state = {'mode': self._mode, 'checkpoints': entries}
        _write_atomically(os.path.join(self._directory, _STATE), json.dumps(state, indent=1))
        # The best one last: that is where TensorFlow looks for the checkpoint to restore.
        latest = tf.train.generate_checkpoint_state_proto('/', names[0], names[::-1])
        _write_atomically(os.path.join(self._directory, 'checkpoint'), str(latest))

    def _remove_others(self) -> None:
        """Removes the checkpoints in the folder that are not among the best."""
        kept = {os.path.basename(each.path) for each in self._kept}
        for prefix in checkpoint_files.prefixes(self._directory):
            if os.path.basename(prefix) not in kept:
                checkpoint_files.remove(prefix)


def _link_or_copy(source: str, target: str) -> None:
    unfinished = f'{target}.tmp0'
    if tf.gfile.Exists(unfinished):
        tf.gfile.Remove(unfinished)
    try:
        # A link costs nothing. The Saver replaces files and never writes into one.
        os.link(source, unfinished)
    except OSError:
        tf.gfile.Copy(source, unfinished)
    tf.gfile.Rename(unfinished, target, overwrite=True)


def _write_atomically(path: str, text: str) -> None:
    unfinished = f'{path}.tmp0'
    with tf.gfile.GFile(unfinished, 'w') as file:
        file.write(text)
    tf.gfile.Rename(unfinished, path, overwrite=True)
