"""The last steps of workers that train asynchronously: one after another leaves, the chief is last.

When a worker sees the last step, each of the others may have a run on its way that adds one more.
So the workers stop before that: who is still training is kept where the global step is, one queue
for each worker that holds one element or none. Far from the end nobody looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tfhooks import log
from tfhooks._tensorflow import tf
from tfhooks.roles import Role

# Jobs whose tasks train, the chief's first.
_JOBS = ('chief', 'master', 'worker')

_LOOK_EVERY_SECS = 0.05


class LastSteps:
    """Says of one worker of a cluster whether it may make another run.

    The global step is read after the queues, and the queues again after it. Whoever is in none of
    them has no run on its way; everybody else may have one, and in the stretch where nobody looks
    may begin one more before the step that it read last is out of date. A run adds one step at
    most.

    Attributes:
      near: How many steps before the last one to begin to look.
    """

    @classmethod
    def of(cls, role: Role | None, grace_secs: float) -> LastSteps | None:
        """Those of a process in that role; None if it trains with no others."""
        trains = role is not None and role.cluster is not None and role.task_type in _JOBS
        return cls(role, grace_secs) if role is not None and trains else None

    def __init__(self, role: Role, grace_secs: float) -> None:
        """Nothing is made yet.

        Args:
          role: What this process is, with its cluster.
          grace_secs: How long to wait, without anything happening, for those on whom this worker
            depends.
        """
        cluster = role.cluster or {}
        self._names = [f'{job} {n}' for job in _JOBS for n in range(len(cluster.get(job, ())))]
        self._me = self._names.index(f'{role.task_type} {role.task_index}')
        self._grace_secs = grace_secs
        self._lost: set[int] = set()
        self.near = 2 * len(self._names)

    def build(self, step: Any) -> None:
        """Adds the queues to the graph, where the variable `step` is."""
        with tf.name_scope('tfhooks_last_steps'), tf.device(None), tf.device(step.device):
            queues = [
                tf.FIFOQueue(1, tf.bool, [[]], shared_name=f'tfhooks_trains_{n}')
                for n in range(len(self._names))
            ]
            mine = queues[self._me]
            first = tf.stack([queue.size() for queue in queues])
            with tf.control_dependencies([first]):
                read = tf.identity(step.read_value())
            with tf.control_dependencies([read]):
                second = tf.stack([queue.size() for queue in queues])
            self._look = tf.maximum(first, second), read
            self._size, self._enqueue, self._dequeue = (
                mine.size(),
                mine.enqueue(True),
                mine.dequeue(),
            )

    def join(self, session: Any) -> None:
        """Tells the others that this worker trains, if they do not know it from an earlier life."""
        self._lost.clear()
        if session.run(self._size) == 0:
            session.run(self._enqueue)

    def leave(self, session: Any) -> None:
        """Tells the others that this worker has no run on its way and will begin none."""
        if session.run(self._size) > 0:
            session.run(self._dequeue)

    def may_run(self, session: Any, last_step: int, stopped: Callable[[], bool]) -> bool:
        """Waits until this worker may run, or the last step is there.

        Args:
          session: The raw session.
          last_step: The global step at which training ends.
          stopped: Whether the session has been asked to stop, which ends the waiting.

        Returns:
          False if this worker is to stop.
        """
        seen, since = None, time.monotonic()
        while True:
            trains, step = session.run(self._look)
            others = [n for n, size in enumerate(trains) if size and n != self._me]
            present = [n for n in others if n not in self._lost]
            if step >= last_step or stopped():
                break
            if trains[self._me]:
                if not present or step + 1 + 2 * len(present) <= last_step:
                    return True
                if self._me != 0:
                    self.leave(session)
            elif step + self.near < last_step:
                session.run(self._enqueue)  # The chief has gone back to its checkpoint.
                continue
            if seen != (step, others):
                seen, since = (step, others), time.monotonic()
            elif time.monotonic() - since >= self._grace_secs:
                if self._me != 0:
                    self._warn('is not reached', step, last_step, self._names[:1])
                    break
                self._warn('is trained without', step, last_step, [self._names[n] for n in present])
                self._lost.update(present)
            time.sleep(_LOOK_EVERY_SECS)
        if trains[self._me]:
            self.leave(session)
        return False

    def _warn(self, what: str, step: Any, last_step: int, names: list[str]) -> None:
        log.warning(
            'StopAtStepHook: last_step=%d %s. At step %d nothing came from %s for %.0f seconds.',
            last_step,
            what,
            step,
            ', '.join(names),
            self._grace_secs,
        )
