"""The role of a process in its cluster: the chief, or one of those that wait for it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from tfhooks import _tensorflow as tf_private
from tfhooks._tensorflow import Session, originals, tf

# Task 0 of the first of these jobs that the cluster has is the chief.
_CHIEF_JOBS = ('chief', 'master', 'worker')

# Sessions of tfhooks; True for the chief's.
_made_as: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()
_beginning = threading.local()


@dataclasses.dataclass(frozen=True)
class Role:
    """The role of a process in its cluster.

    Attributes:
      is_chief: Whether it initialises, restores and saves; the others wait for it. A process
        without a cluster is its own chief.
      task_type: Its job, such as 'chief', 'worker', 'ps' or 'evaluator'; None if nothing says.
      task_index: Its place in that job, from 0; None if nothing says.
      cluster: The addresses of each job's tasks, as `tf.train.ClusterSpec.as_dict` gives them; None
        if there is no cluster, or nothing says.

    Example:
      ```python
      worker = tfhooks.Role(is_chief=False, task_type='worker', task_index=1)
      print(worker)  # worker 1
      print(tfhooks.role().is_chief)  # True
      ```
    """

    is_chief: bool
    task_type: str | None = None
    task_index: int | None = None
    cluster: dict[str, Any] | None = dataclasses.field(default=None, hash=False)

    def __str__(self) -> str:
        """Such as 'chief', 'worker', 'worker 1'; 'worker 0, the chief' where it is both."""
        plain = 'chief' if self.is_chief else 'worker'
        if self.task_type is None:
            return plain
        task = f'{self.task_type} {self.task_index}'
        return f'{task}, the chief' if self.is_chief and self.task_type != 'chief' else task


def role(session: Any = None) -> Role:
    """Returns the role of this process in its cluster, as a session knows it.

    The session says whether it is the chief's: `is_chief=` of a MonitoredTrainingSession, a
    ChiefSessionCreator or a WorkerSessionCreator. Where it does not, the task in the environment
    variable TF_CONFIG is the chief if it is task 0 of the job 'chief', else of 'master', else of
    'worker'. Where that is not set either, this is the chief. The task's type
    and index and the cluster come from TF_CONFIG.

    A hook calls `role()` in `begin`, and `role(session)` or `role(run_context.session)` later.

    Args:
      session: A monitored session, tfhooks' or TensorFlow's; a raw `tf.compat.v1.Session`, such as
        hooks are given; a `tf.distribute.Server`; or None for the session whose hooks begin in this
        thread, and for this process outside of `begin`.

    Returns:
      The role.

    Raises:
      TypeError: `session` is none of these.
      ValueError: TF_CONFIG is needed and is not what a cluster's TF_CONFIG is.

    Example:
      ```python
      class Report(tfhooks.SessionRunHook):
          def begin(self):
              print(tfhooks.role().is_chief)  # True

      with tfhooks.MonitoredSession(hooks=[Report()]) as session:
          session.run(train_op)
      ```
    """
    if isinstance(session, tf.train.Server):
        definition = session.server_def
        cluster = tf.train.ClusterSpec(definition.cluster).as_dict()
        return _of_task(cluster, definition.job_name, definition.task_index)
    as_chief, found = _seen_as(session), of_process()
    return found if as_chief is None else dataclasses.replace(found, is_chief=as_chief)


def _seen_as(session: Any) -> bool | None:
    """True if `session` was made as the chief's, False if not; None if that is not known."""
    if session is None:
        return getattr(_beginning, 'made_as', None)
    if isinstance(session, (originals.MonitoredSession, originals.SingularMonitoredSession)):
        return made_as(tf_private.creator_of(session))
    if not isinstance(session, tf_private.session_interface()):
        raise TypeError(
            'role: session must be a session, a tf.distribute.Server or None; '
            f'session={session!r} (type={type(session).__name__})'
        )
    try:
        return _made_as.get(session)
    except TypeError:  # A session without weak references.
        return None


def is_chief(as_chief: bool | None) -> bool:
    """Returns `as_chief`, or whether TF_CONFIG makes this process the chief where that is None."""
    return of_process().is_chief if as_chief is None else as_chief


def made_as(creator: Any) -> bool | None:
    """True if the sessions of a SessionCreator are a chief's, False if not; None if unknown."""
    if isinstance(creator, originals.ChiefSessionCreator):
        return True
    return False if isinstance(creator, originals.WorkerSessionCreator) else None


def of_process() -> Role:
    """Returns the role that TF_CONFIG gives to this process.

    Raises:
      ValueError: TF_CONFIG is set, and is not what a cluster's TF_CONFIG is.
    """
    text = os.environ.get('TF_CONFIG', '')
    try:
        config = json.loads(text or '{}')
        cluster, task = config.get('cluster') or {}, config.get('task') or {}
        if not cluster:
            return Role(is_chief=True)
        cluster = tf.train.ClusterSpec(cluster).as_dict()
        return _of_task(cluster, str(task['type']), int(task.get('index', 0)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            'role: TF_CONFIG must be JSON with "cluster" (job names to lists of addresses) and '
            f'"task" (its "type" and "index"). got TF_CONFIG={text!r}: '
            f'{type(error).__name__}: {error}'
        ) from error


def _of_task(cluster: dict[str, Any], task_type: str, task_index: int) -> Role:
    # An evaluator is in no cluster of a TF_CONFIG, and no chief.
    chief = next((job for job in _CHIEF_JOBS if cluster.get(job)), task_type)
    return Role(task_type == chief and task_index == 0, task_type, task_index, cluster)


def remember(session: Session, as_chief: bool | None) -> None:
    """Records for `role(session)` whether a raw session was made as the chief's."""
    if as_chief is not None:
        with contextlib.suppress(TypeError):
            _made_as[session] = as_chief


@contextlib.contextmanager
def beginning(as_chief: bool | None) -> Iterator[None]:
    """Context for `begin` of hooks: `role()` in this thread uses `as_chief`, without a session."""
    outer, _beginning.made_as = getattr(_beginning, 'made_as', None), as_chief
    try:
        yield
    finally:
        _beginning.made_as = outer
