"""What builds a session: TensorFlow's creators, which look in more places and more often.

`Scaffold` and `SessionCreator` are those of `tf.compat.v1.train`.
"""

from __future__ import annotations

import os
from typing import Any

from tfhooks import checkpoints
from tfhooks._tensorflow import ChiefSessionCreator as _TensorFlows
from tfhooks._tensorflow import Scaffold as Scaffold
from tfhooks._tensorflow import Session, tf
from tfhooks._tensorflow import SessionCreator as SessionCreator
from tfhooks._tensorflow import WorkerSessionCreator as _TensorFlowsWorker

# How often a worker looks whether its chief is done.
_LOOK_EVERY_SECS = 1.0
# What reading a checkpoint raises where a file is missing, changed or too short.
_READING_ERRORS = tf.errors.NotFoundError, tf.errors.DataLossError, tf.errors.OutOfRangeError


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
        self._path = checkpoint_filename_with_path
        super().__init__(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)

    def create_session(self) -> Session:
        """Makes a session, and restores or initialises it.

        Raises:
          ValueError: The state file names a checkpoint that is neither there nor beside it.
          tf.errors.DataLossError: The checkpoint is damaged.
          tf.errors.NotFoundError: It lacks a file or a variable.
        """
        scaffold, master, config = self._own
        scaffold.finalize()
        saver, directory, path = scaffold.saver, self._directory, self._path
        found = None
        if directory and saver:
            found = checkpoints.look(directory, saver, tf.get_default_graph())
            if found.path is not None and not found.is_named:
                directory, path = None, found.path
        newest = self._path if found is None else found.path
        try:
            session: Session = _manager(scaffold).prepare_session(
                master,
                saver=saver,
                checkpoint_dir=directory,
                checkpoint_filename_with_path=path,
                config=config,
                init_op=scaffold.init_op,
                init_feed_dict=scaffold.init_feed_dict,
                init_fn=scaffold.init_fn,
            )
        except _READING_ERRORS as error:
            damage = checkpoints.damage(newest, error) if newest else None
            if damage is None:
                raise
            raise damage from error
        if found is not None and found.path is not None:
            saver.recover_last_checkpoints(found.kept)
        return session


class WorkerSessionCreator(_TensorFlowsWorker):
    """Creates a session as soon as the chief has initialised or restored the variables.

    Stands for `tf.compat.v1.train.WorkerSessionCreator`, and is one. It looks every second whether
    they are there; TensorFlow's every 30 seconds.
    """

    def __init__(
        self,
        scaffold: Any = None,
        master: str = '',
        config: Any = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        """Makes the creator. Nothing is looked for yet.

        Args:
          scaffold: A `tf.compat.v1.train.Scaffold`.
          master: The TensorFlow server to use; '' for this process.
          config: A `tf.compat.v1.ConfigProto`.
          max_wait_secs: How long to wait for the chief, in seconds.
        """
        scaffold = scaffold or tf.train.Scaffold()
        self._own = scaffold, master, config, max_wait_secs
        super().__init__(scaffold, master, config, max_wait_secs)

    def create_session(self) -> Session:
        """Waits for the chief, and makes a session.

        Raises:
          tf.errors.DeadlineExceededError: The variables are not there after `max_wait_secs`.
        """
        scaffold, master, config, max_wait_secs = self._own
        scaffold.finalize()
        manager = _manager(scaffold, recovery_wait_secs=_LOOK_EVERY_SECS)
        session: Session = manager.wait_for_session(
            master, config=config, max_wait_secs=max_wait_secs
        )
        return session


def _manager(scaffold: Any, **kwargs: Any) -> Any:
    """TensorFlow's SessionManager for a scaffold that is finalized."""
    return tf.train.SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=tf.get_default_graph(),
        **kwargs,
    )


__all__ = ['ChiefSessionCreator', 'Scaffold', 'SessionCreator', 'WorkerSessionCreator']
