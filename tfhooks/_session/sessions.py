"""The two kinds of monitored sessions, which also are TensorFlow's for `isinstance`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tfhooks._base.hook_types import Hook, Interchangeable
from tfhooks._session.creators import ChiefSessionCreator
from tfhooks._session.monitored import Monitored
from tfhooks._session.recovery_policy import RecoveryPolicy
from tfhooks._tensorflow import originals, tf


class MonitoredSession(Monitored, Interchangeable, tf.train.MonitoredSession):
    """A session with hooks that initialises, recovers and closes itself.

    Stands for `tf.compat.v1.train.MonitoredSession`, and is one.

    Example:
      ```python
      with tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(last_step=10)]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(session.stop_reason)  # StopAtStepHook asked for a stop at global step 10
      ```
    """

    _original = originals.MonitoredSession

    def __init__(
        self,
        session_creator: Any = None,
        hooks: Iterable[Hook] | None = None,
        stop_grace_period_secs: float = 120,
        *,
        run_plans: bool | None = None,
        recovery: RecoveryPolicy | None = None,
        save_on_error: bool = False,
        save_on_preemption: bool = False,
    ) -> None:
        """Begins the hooks, finalizes the default graph, makes the session and restores it.

        Args:
          session_creator: A `tf.compat.v1.train.SessionCreator`; a ChiefSessionCreator by default.
          hooks: Any iterable of hooks, tfhooks' or TensorFlow's.
          stop_grace_period_secs: How long `close()` waits for threads, in seconds.
          run_plans: Whether runs are served by run plans; by default as the environment variable
            TFHOOKS_RUN_PLANS says, and that is yes.
          recovery: The tries and waits when a lost session is made again.
          save_on_error: Save a checkpoint also when the loop ends by an exception.
          save_on_preemption: On SIGTERM or SIGINT stop after the running step, save and end
            normally. A second signal kills. The session must be made in the main thread.

        Raises:
          NotAHookError: `hooks` holds something that is no hook.
          Exception: What a hook's `begin` or `after_create_session` or the session creator raises.
            The graph is then not finalized, and keeps what was added to it.
        """
        self._open(
            session_creator,
            hooks,
            stop_grace_period_secs,
            run_plans,
            recovery or RecoveryPolicy(),
            save_on_error,
            save_on_preemption,
        )


class SingularMonitoredSession(Monitored, Interchangeable, tf.train.SingularMonitoredSession):
    """A session with hooks that is not recovered.

    Stands for `tf.compat.v1.train.SingularMonitoredSession`, and is one.

    Example:
      ```python
      hooks = [tfhooks.NanTensorHook(loss)]
      with tfhooks.SingularMonitoredSession(hooks, checkpoint_dir=directory) as session:
          session.run(train_op)
          print(session.raw_session().run(loss))  # 2.56...
      ```
    """

    _original = originals.SingularMonitoredSession

    def __init__(
        self,
        hooks: Iterable[Hook] | None = None,
        scaffold: Any = None,
        master: str = '',
        config: Any = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
        *,
        run_plans: bool | None = None,
        save_on_error: bool = False,
        save_on_preemption: bool = False,
    ) -> None:
        """Like MonitoredSession, with the arguments of a ChiefSessionCreator instead of one.

        Args:
          hooks: Any iterable of hooks, tfhooks' or TensorFlow's.
          scaffold: A `tf.compat.v1.train.Scaffold`.
          master: The TensorFlow server to use; '' for this process.
          config: A `tf.compat.v1.ConfigProto`.
          checkpoint_dir: The directory whose newest checkpoint is restored.
          stop_grace_period_secs: How long `close()` waits for threads, in seconds.
          checkpoint_filename_with_path: The prefix of the checkpoint to restore, instead.
          run_plans: As for `tfhooks.MonitoredSession`, like the two that follow.
          save_on_error: Save a checkpoint also when the loop ends by an exception.
          save_on_preemption: On SIGTERM or SIGINT stop after the running step, save and end.

        Raises:
          NotAHookError: `hooks` holds something that is no hook.
          ValueError: A directory and a checkpoint are both given, or the state file names a
            checkpoint that is neither there nor beside it.
        """
        creator = ChiefSessionCreator(
            scaffold=scaffold,
            master=master,
            config=config,
            checkpoint_dir=checkpoint_dir,
            checkpoint_filename_with_path=checkpoint_filename_with_path,
        )
        self._open(
            creator,
            hooks,
            stop_grace_period_secs,
            run_plans,
            None,
            save_on_error,
            save_on_preemption,
        )
