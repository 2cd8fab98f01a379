"""Writes one checkpoint: complete, or not at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
import weakref
from typing import Any

from tfhooks._base import files
from tfhooks._base.errors import PREEMPTION_ERRORS as _LOST_SESSION
from tfhooks._base.errors import checkpoint_save_error
from tfhooks._checkpoints import checkpoint_files, newest_checkpoint, pruning
from tfhooks._checkpoints.async_save import WriterSession
from tfhooks._checkpoints.claims import other_saver
from tfhooks._checkpoints.saved_tensors import is_tensorflows_own
from tfhooks._tensorflow import restore_saver_lists, saver_lists, tf

# The ops of a Saver that write files, whose errors come from the file system.
_FILE_OPS = frozenset(['SaveV2', 'SaveSlices', 'Save', 'MergeV2Checkpoints'])
# The wait before a checkpoint that seems damaged is checked again, in seconds.
_LOOK_AGAIN_SECS = 0.5
# Savers that were warned of already.
_warned: list[weakref.ref[Any]] = []


def write_checkpoint(
    saver: Any, session: Any, save_path: str, step: int, write_meta_graph: bool, hook: Any
) -> str | None:
    """Lets `saver` save `session`, and checks the result.

    A checkpoint of TensorFlow's own Saver counts when it is complete and the state file names a
    complete one; only then older ones are removed. A Saver with a `save` of its own may keep its
    files as it likes: a checkpoint that is not where it says is only warned of.

    Args:
      saver: A Saver, or an object with its `save`.
      session: The session to pass to `saver.save`.
      save_path: The prefix of the checkpoints' names.
      step: The global step, which completes the name.
      write_meta_graph: Whether a `.meta` file is written.
      hook: The hook that saves, for the error.

    Returns:
      The prefix of the checkpoint, or None where the saver has no variables or does not say.

    Raises:
      CheckpointSaveError: It could not be written. Unfinished files are removed, older
        checkpoints are there, and the state file names one of them.
      tf.errors.AbortedError, tf.errors.UnavailableError: The session was lost.
    """
    # Another Saver may not know this argument.
    arguments = {} if write_meta_graph else {'write_meta_graph': False}
    attempt = _Attempt(saver, save_path, step)
    other_saver(os.path.dirname(save_path))
    try:
        with pruning.guarded(saver, save_path, step, attempt.check):
            written = saver.save(session, save_path, global_step=step, **arguments)
        attempt.verify(written)
        return attempt.path if isinstance(written, str) else None
    except Exception as error:
        if isinstance(error, _LOST_SESSION) and _lost_session(error, session, save_path):
            attempt.restore_lists()
            raise
        attempt.undo()
        owner = type(hook).__name__
        raise checkpoint_save_error(
            f'{owner} could not save a checkpoint: path={attempt.path!r}, step={step}, '
            f'cause={type(error).__name__}: {_short(error)}\n'
            f'{_what_to_do(error, save_path, attempt.has_others())}',
            error,
            hook=hook,
            path=attempt.path,
            step=step,
        ) from error


class _Attempt:
    """One call of `save`, which can be undone.

    Attributes:
      path: The prefix of the checkpoint, as far as it is known.
    """

    def __init__(self, saver: Any, save_path: str, step: int) -> None:
        self.path = f'{save_path}-{step}'
        self._saver = saver
        self._is_known = is_tensorflows_own(saver)
        self._lists = saver_lists(saver) if isinstance(saver, tf.train.Saver) else None
        self._checked = ''
        if self._is_known:
            there = tf.gfile.Exists(f'{self.path}.index') or tf.gfile.Exists(self.path)
            self._keeps_parts = False
            self._keeps_whole = there and not checkpoint_files.what_is_missing(self.path)
        else:
            self._keeps_parts = bool(checkpoint_files.parts(self.path))
            self._keeps_whole = True

    def check(self, path: str) -> None:
        """Raises if the checkpoint at `path` is damaged."""
        if path == self._checked:
            return
        missing = _missing(path)
        if missing:
            self.path = path
            raise tf.errors.DataLossError(None, None, f'what was written is damaged: {missing}')
        if self._is_known:  # The `save` of another may change it after this.
            self._checked = path

    def verify(self, written: Any) -> None:
        """Raises if the path that `save` returned is known to be no checkpoint."""
        if not isinstance(written, str):
            return
        self.path = written
        if self._is_known or tf.gfile.Exists(f'{written}.index'):
            self.check(written)
        elif _missing(written):
            _warn_once(
                self._saver,
                '%s says that it has saved %s, and no checkpoint is there: what it writes is not '
                'looked at.',
                type(self._saver).__name__,
                written,
            )
        if self._is_known and not checkpoint_files.is_latest(written):
            self._check_other_state(written)

    def _check_other_state(self, written: str) -> None:
        if other_saver(os.path.dirname(written)):
            return
        named = newest_checkpoint.latest(os.path.dirname(written))
        if named is None or checkpoint_files.what_is_missing(named):
            raise tf.errors.DataLossError(None, None, 'the state file does not name what was saved')
        _warn_once(
            self._saver,
            'The state file beside %s names %s as the newest checkpoint: another process saves '
            'into the same directory. Let only one of them save there.',
            written,
            named,
        )

    def undo(self) -> None:
        """Removes unfinished files, and corrects the lists of the Saver and of the state file."""
        missing = checkpoint_files.what_is_missing(self.path)
        if not missing and checkpoint_files.is_latest(self.path):
            # Only its graph is missing, and it may be the only checkpoint that the Saver kept.
            checkpoint_files.remove(self.path, keep_parts=True)
            return
        # A whole one may be an older one of the same step, not yet replaced.
        keep_parts = self._keeps_parts if missing else self._keeps_whole
        checkpoint_files.remove(self.path, keep_parts=keep_parts)
        self.restore_lists()
        if self._lists is not None and checkpoint_files.is_latest(self.path):
            self._name_another()

    def _name_another(self) -> None:
        """Makes the state file name the newest whole checkpoint, or none where none is left."""
        whole = [
            path
            for path in self._saver.last_checkpoints
            if not checkpoint_files.what_is_missing(path)
        ]
        with contextlib.suppress(tf.errors.OpError):
            if whole:
                checkpoint_files.take_over(self._saver, whole)
                newest_checkpoint.name_newest(whole[-1], self._saver)
            else:
                tf.gfile.Remove(os.path.join(os.path.dirname(self.path), 'checkpoint'))

    def restore_lists(self) -> None:
        """Makes the Saver forget this save."""
        if self._lists is not None:
            restore_saver_lists(self._saver, self._lists)

    def has_others(self) -> bool:
        """True if another complete checkpoint can be restored."""
        named = newest_checkpoint.latest(os.path.dirname(self.path))
        return named is not None and not checkpoint_files.what_is_missing(named)


def _missing(path: str) -> str | None:
    missing = checkpoint_files.what_is_missing(path)
    if missing:
        # Another process may be replacing the file, or a network file system may be late.
        time.sleep(_LOOK_AGAIN_SECS)
        missing = checkpoint_files.what_is_missing(path)
    return missing


def _lost_session(error: Exception, session: Any, save_path: str) -> bool:
    """True if `error` means that the session is lost, and is no error of a file system.

    ESTALE, ENOLCK and the like have the codes of a lost session, but name the file.
    """
    if isinstance(session, WriterSession):
        return False
    op = getattr(error, 'op', None)
    if op is not None and op.type in _FILE_OPS:
        return False
    message = _short(error)
    directory = os.path.dirname(save_path)
    return save_path not in message and os.path.join(directory, 'checkpoint') not in message


def _warn_once(saver: Any, message: str, *args: Any) -> None:
    if all(each() is not saver for each in _warned):
        with contextlib.suppress(TypeError):  # It cannot be referred to weakly.
            _warned.append(weakref.ref(saver))
        tf.logging.warning(message, *args)


def write_graph(definition: Any, directory: str, hook: Any) -> None:
    """Writes `graph.pbtxt`, unless it is the same already.

    Raises:
      CheckpointSaveError: It could not be written.
    """
    path = os.path.join(directory, 'graph.pbtxt')
    try:
        # The same text as `tf.train.write_graph` makes in Python, up to the order of attributes.
        text = str(definition).encode()
        if not files.holds(path, text):
            tf.gfile.MakeDirs(directory)
            files.write(path, text)
    except Exception as error:
        raise checkpoint_save_error(
            f'{type(hook).__name__} could not write the graph: path={path!r}, '
            f'cause={type(error).__name__}: {_short(error)}\nLook at the directory, its free '
            'space and its permissions, or pass save_graph_def=False.',
            error,
            hook=hook,
            path=path,
        ) from error


def _short(error: Exception) -> str:
    """The message of `error`, without the stack trace of the op, which the Saver made."""
    lines = str(error).split('\n\nOriginal stack trace')[0].splitlines()
    for before, line in itertools.pairwise(lines):
        if '[[{{node' in line:
            return before.strip()
    return lines[0] if lines else ''


def _what_to_do(error: Exception, save_path: str, has_others: bool) -> str:
    directory = os.path.dirname(save_path)
    other = other_saver(directory)
    if other is not None:
        return (
            f'Another process saves into {directory!r}, too, and may have removed or replaced its '
            f'files: {other}. Give checkpoint_dir to one of them only.'
        )
    if not tf.gfile.IsDirectory(directory):
        return f'The directory {directory!r} is gone: make sure it stays while training runs.'
    if isinstance(error, tf.errors.PermissionDeniedError):
        advice = f'Give this process the right to write into {directory!r}.'
    elif isinstance(error, (tf.errors.ResourceExhaustedError, tf.errors.OutOfRangeError)):
        advice = f'Free space in {directory!r}, or raise the limit on the size of files.'
    elif isinstance(error, (tf.errors.NotFoundError, tf.errors.DataLossError)):
        advice = (
            f'Look at {directory!r}: whether another process saves into it (only one may: in a '
            'cluster the chief, with Horovod rank 0), its free space, its permissions.'
        )
    else:
        advice = f'Look at {directory!r}: its free space, its permissions.'
    older = ' Older checkpoints are still there;' if has_others else ''
    return f'{advice}{older} save_retries= lets training go on.'
