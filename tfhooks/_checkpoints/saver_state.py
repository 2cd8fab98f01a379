"""What a checkpoint saver knows beyond TensorFlow's fields, and what sessions tell it."""

from __future__ import annotations

from typing import Any

from tfhooks._base.hook_types import SupportsSkipFinalSave, SupportsStepNotIncreased
from tfhooks._base.locks import Lock
from tfhooks._checkpoints.async_save import BackgroundSaves
from tfhooks._checkpoints.best import BestCheckpoints
from tfhooks._checkpoints.claims import Claim
from tfhooks._checkpoints.retries import Retries
from tfhooks._tensorflow import tf

# So many runs may leave the global step unchanged before a warning.
_STUCK_RUNS = 10
_HANGING_SAVE_SECS = 10.0


class SaverState(SupportsSkipFinalSave, SupportsStepNotIncreased):
    """The state of a saver that tfhooks adds to TensorFlow's fields.

    Args:
      period: The argument that says how often the hook saves, for messages.
      retries: How many failures in a row are only warned of.
      asynchronous: Whether a thread writes the checkpoints.
      keep_best: Keeps the best checkpoints, or None.

    Attributes:
      keep_best: As given.
      retries: Decides what a failure means.
      background: The saves that a thread writes.
      lock: Held while saving, since many threads may run one session.
      claim: Holds the directory, or None while no session is open.
      name: The hook's name in messages.
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
        self._period = period
        self.keep_best = keep_best
        self.retries = Retries(retries)
        self.background = BackgroundSaves(asynchronous)
        self.lock = Lock()
        self.claim: Claim | None = None
        self._reset('')

    def begin(self, kind: str, save_path: str) -> None:
        """Sets the state back for another session of a hook of class `kind`."""
        self.close()
        self.retries.reset()
        self._reset(f'{kind}({save_path!r}, {self._period})')

    def _reset(self, name: str) -> None:
        self.name = name
        self.graph: Any = None
        self.first_step = -1
        self.unsaved = False
        self.late_errors: list[Exception] = []
        self.bad_weights = ''
        self.stuck_runs = 0

    def close(self) -> None:
        """Waits for the save that is being written, and leaves the directory to others."""
        self.background.close()
        if self.claim is not None:
            self.claim.release()
            self.claim = None

    def step_not_increased(self, step: int) -> None:
        """Counts runs that leave the global step unchanged, and warns that nothing is saved."""
        if step != self.first_step:
            return
        self.stuck_runs += 1
        if self.stuck_runs == _STUCK_RUNS:
            tf.logging.warning(
                '%s saves nothing, since the global step is not increased: it is %d since the '
                'session began. A checkpoint of it is written at the end alone. Pass '
                'global_step=tf.train.get_or_create_global_step() to minimize() or '
                'apply_gradients().',
                self.name,
                step,
            )

    def skip_final_save(self, reason: str) -> None:
        """Makes the hook save no more, or again if `reason` is empty.

        Args:
          reason: Why the weights are known to be bad; it is logged. '' if they are good.
        """
        self.bad_weights = reason

    def wait_for_save(self) -> None:
        """Waits until nothing is being written, for instance before a session is restored."""
        # Another thread may still be saving the session that was lost, and removing the checkpoint
        # that would be restored. One that hangs is not waited for.
        if self.lock.acquire(timeout=_HANGING_SAVE_SECS):
            self.lock.release()
        self.background.wait()
