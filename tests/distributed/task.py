"""What the programs of the cluster's tests begin and end with: the server of this task.

As a program of its own it is a parameter server.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf


def say(*words):
    print(*words, flush=True)


class Task(NamedTuple):
    """This process in its cluster.

    Attributes:
      type: Its job, such as 'worker'.
      index: Its place in that job.
      cluster: The addresses of each job's tasks.
      config: The configuration of its server and its sessions.
      server: The server.
    """

    type: str
    index: int
    cluster: dict[str, list[str]]
    config: Any
    server: Any

    @property
    def is_chief(self):
        return self.type == 'chief'

    def variables_on_servers(self):
        """The scope in which variables are placed on the parameter servers."""
        me = f'/job:{self.type}/task:{self.index}'
        return tf.device(tf.train.replica_device_setter(worker_device=me, cluster=self.cluster))


def begin():
    """Starts the server of the task that TF_CONFIG names, and says so; returns the task.

    Does not return in a parameter server.
    """
    config = json.loads(os.environ['TF_CONFIG'])
    cluster, job, index = config['cluster'], config['task']['type'], config['task']['index']
    proto = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=2)
    if job != 'ps':
        # So that the death of another worker, or of the chief, is no concern of this one.
        proto.device_filters.extend(['/job:ps', f'/job:{job}/task:{index}'])
    server = tf.distribute.Server(cluster, job_name=job, task_index=index, config=proto)
    say('serving')
    if job == 'ps':
        server.join()
    return Task(job, index, cluster, proto, server)


def end():
    """Ends the process: servers have no end of their own."""
    os._exit(0)


if __name__ == '__main__':
    begin()
