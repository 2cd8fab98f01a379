"""Session creators: TensorFlow's, which here look in more places and more often.

`Scaffold` and `SessionCreator` are those of `tf.compat.v1.train`.
"""

from __future__ import annotations

import os
from typing import Any

from tfhooks._base.hook_types import Interchangeable
from tfhooks._checkpoints import checkpoint_files, newest_checkpoint
from tfhooks._checkpoints.restored import Restored
from tfhooks._tensorflow import ChiefSessionCreator as _TensorFlows
from tfhooks._tensorflow import Scaffold as Scaffold
from tfhooks._tensorflow import Session, tf
from tfhooks._tensorflow import SessionCreator as SessionCreator
from tfhooks._tensorflow import WorkerSessionCreator as _TensorFlowsWorker

# How often a worker checks whether its chief has initialised the variables.
_LOOK_EVERY_SECS = 1.0
# Errors of reading a checkpoint of which a file is missing, changed or too short.
_READING_ERRORS = tf.errors.NotFoundError, tf.errors.DataLossError, tf.errors.OutOfRangeError


class ChiefSessionCreator(Interchangeable, _TensorFlows):
    """Creates a session that is restored from the newest checkpoint, or else initialised.

    Stands for `tf.compat.v1.train.ChiefSessionCreator`, and is one. The newest checkpoint is found
    also where the state file came with it from another machine or directory, or did not come.

    Example:
      ```python
      creator = tfhooks.ChiefSessionCreator(checkpoint_dir=directory)
      with tfhooks.MonitoredSession(creator) as session:
          print(session.run(loss))  # 4.0
      ```
    """

    _original = _TensorFlows

    def __init__(
        self,
        scaffold: Any = None,
        master: str = '',
        config: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        """Stores the arguments; `create_session()` looks for a checkpoint.

        Args:
          scaffold: A `tf.compat.v1.train.Scaffold`.
          master: The TensorFlow server to use; '' for this process.
          config: A `tf.compat.v1.ConfigProto`.
          checkpoint_dir: The directory whose newest checkpoint is restored.
          checkpoint_filename_with_path: The prefix of the checkpoint to restore, instead.

        Raises:
          ValueError: `checkpoint_dir` is a checkpoint or another file.
        """
        scaffold = scaffold or tf.train.Scaffold()
        if checkpoint_dir is not None:
            checkpoint_dir = os.fspath(checkpoint_dir)
            newest_checkpoint.check_directory(checkpoint_dir)
        self.restored: Restored | None = None
        super().__init__(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)

    def create_session(self) -> Session:
        """Makes a session, and restores or initialises it.

        It reads TensorFlow's fields, so programs may change them until it is called.

        Raises:
          ValueError: A directory and a checkpoint are both given, or the state file names a
            checkpoint that is neither there nor beside it.
          tf.errors.DataLossError: The checkpoint is damaged.
          tf.errors.InvalidArgumentError: A variable has another shape or dtype there.
          tf.errors.NotFoundError: It lacks a file or a variable.
        """
        scaffold = self._scaffold
        scaffold.finalize()
        saver, kept = scaffold.saver, None
        self.restored = None
        directory, path = self._checkpoint_dir, self._checkpoint_filename_with_path
        if directory and path:
            raise ValueError(
                'Can not provide both checkpoint_dir and checkpoint_filename_with_path. '
                f'checkpoint_dir={directory!r}, checkpoint_filename_with_path={path!r}'
            )
        if directory and saver:
            path, kept = newest_checkpoint.look(os.fspath(directory), saver, tf.get_default_graph())
        if path is None or not saver:
            return self._prepare(None)
        try:
            with checkpoint_files.readable(path) as name:
                newest_checkpoint.check_fit(path, name, saver, tf.get_default_graph())
                session = self._prepare(name)
        except _READING_ERRORS as error:
            damage = newest_checkpoint.damage(path, error)
            if damage is None:
                raise
            raise damage from error
        if kept is not None:
            checkpoint_files.take_over(saver, kept)
        self.restored = Restored(path, saver, kept or [])
        return session

    def _prepare(self, path: str | None) -> Session:
        """Makes a session; restores the checkpoint at `path` unless that is None."""
        scaffold = self._scaffold
        session: Session = self._get_session_manager().prepare_session(
            self._master,
            saver=scaffold.saver,
            checkpoint_filename_with_path=path,
            config=self._config,
            init_op=scaffold.init_op,
            init_feed_dict=scaffold.init_feed_dict,
            init_fn=scaffold.init_fn,
        )
        return session

    def _get_session_manager(self) -> Any:
        """TensorFlow's SessionManager, the same for all sessions; programs override this."""
        self._session_manager = self._session_manager or _manager(self._scaffold)
        return self._session_manager


class WorkerSessionCreator(Interchangeable, _TensorFlowsWorker):
    """Creates a session as soon as the chief has initialised or restored the variables.

    Stands for `tf.compat.v1.train.WorkerSessionCreator`, and is one. It looks every second whether
    they are there; TensorFlow's every 30 seconds.

    Example:
      ```python
      server = tf.train.Server.create_local_server()  # A worker's own is of a tf.train.ClusterSpec.
      chief = tfhooks.MonitoredSession(tfhooks.ChiefSessionCreator(master=server.target))
      worker = tfhooks.MonitoredSession(tfhooks.WorkerSessionCreator(master=server.target))
      print(worker.run(loss))  # 4.0
      worker.close()
      chief.close()
      ```
    """

    _original = _TensorFlowsWorker

    def __init__(
        self,
        scaffold: Any = None,
        master: str = '',
        config: Any = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        """Stores the arguments; `create_session()` waits for the chief.

        Args:
          scaffold: A `tf.compat.v1.train.Scaffold`.
          master: The TensorFlow server to use; '' for this process.
          config: A `tf.compat.v1.ConfigProto`.
          max_wait_secs: How long to wait for the chief, in seconds.
        """
        scaffold = scaffold or tf.train.Scaffold()
        super().__init__(scaffold, master, config, max_wait_secs)

    def create_session(self) -> Session:
        """Waits for the chief, and makes a session.

        Raises:
          tf.errors.DeadlineExceededError: The variables are not there after `max_wait_secs`.
        """
        self._scaffold.finalize()
        session: Session = self._get_session_manager().wait_for_session(
            self._master, config=self._config, max_wait_secs=self._max_wait_secs
        )
        return session

    def _get_session_manager(self) -> Any:
        """TensorFlow's SessionManager, which looks more often; programs override this."""
        self._session_manager = self._session_manager or _manager(
            self._scaffold, recovery_wait_secs=_LOOK_EVERY_SECS
        )
        return self._session_manager


def restored_by(creator: Any) -> Restored | None:
    """Returns the checkpoint that a new session of `creator` was restored from, if that is known.

    A subclass, or a session manager of the program's, may have done more to the session since.
    """
    if type(creator) is not ChiefSessionCreator or 'create_session' in vars(creator):
        return None
    is_stock = type(creator._session_manager) is tf.train.SessionManager
    return creator.restored if is_stock else None


def _manager(scaffold: Any, **kwargs: Any) -> Any:
    """Makes TensorFlow's SessionManager for a scaffold that is finalized."""
    return tf.train.SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=tf.get_default_graph(),
        **kwargs,
    )


__all__ = ['ChiefSessionCreator', 'Scaffold', 'SessionCreator', 'WorkerSessionCreator']
