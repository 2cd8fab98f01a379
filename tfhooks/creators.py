"""What builds a session: TensorFlow is right here but for where it looks for a checkpoint.

`Scaffold`, `SessionCreator` and `WorkerSessionCreator` are those of `tf.compat.v1.train`.
"""

from __future__ import annotations

import os
from typing import Any

from tfhooks import checkpoints
from tfhooks._tensorflow import ChiefSessionCreator as _TensorFlows
from tfhooks._tensorflow import Scaffold as Scaffold
from tfhooks._tensorflow import SessionCreator as SessionCreator
from tfhooks._tensorflow import WorkerSessionCreator as WorkerSessionCreator
from tfhooks._tensorflow import tf


class ChiefSessionCreator(_TensorFlows):
    """Creates a session that is restored from the newest checkpoint, or else initialised.

    Stands for `tf.compat.v1.train.ChiefSessionCreator`, and is one. The newest checkpoint is found
    also where the state file came with it from another machine or directory, or did not come.
    """

    def __init__(
        self,
        scaffold: Any = None,
        master: str = '',
        config: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        """Makes the creator. Nothing is looked for yet.

        Args:
          scaffold: A `tf.compat.v1.train.Scaffold`.
          master: The TensorFlow server to use; '' for this process.
          config: A `tf.compat.v1.ConfigProto`.
          checkpoint_dir: The directory whose newest checkpoint is restored.
          checkpoint_filename_with_path: The prefix of the checkpoint to restore, instead.
        """
        scaffold = scaffold or tf.train.Scaffold()
        if checkpoint_dir is not None:
            checkpoint_dir = os.fspath(checkpoint_dir)
        self._own = scaffold, master, config
        self._directory = None if checkpoint_filename_with_path else checkpoint_dir
        super().__init__(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)

    def create_session(self) -> Any:
        """Makes a session, and restores or initialises it.

        Raises:
          ValueError: The state file names a checkpoint that is neither there nor beside it.
        """
        scaffold, master, config = self._own
        scaffold.finalize()
        saver = scaffold.saver
        if not self._directory or not saver:
            return super().create_session()
        found = checkpoints.look(self._directory, saver, tf.get_default_graph())
        if found.path is None:
            return super().create_session()
        if found.is_named:
            session = super().create_session()
        else:
            session = _TensorFlows(
                scaffold, master, config, checkpoint_filename_with_path=found.path
            ).create_session()
        saver.recover_last_checkpoints(found.kept)
        return session


__all__ = ['ChiefSessionCreator', 'Scaffold', 'SessionCreator', 'WorkerSessionCreator']
