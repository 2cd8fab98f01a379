"""One task of a cluster whose chief stops early by what an evaluation wrote; TF_CONFIG says which.

Argument: the directory of the training.
"""

from __future__ import annotations

import json
import os
import sys
import time
import types

import tensorflow.compat.v1 as tf

import tfhooks


def say(*words):
    print(*words, flush=True)


class Says(tfhooks.SessionRunHook):
    """Says when the first run was made."""

    def __init__(self):
        self.ran = False

    def after_run(self, run_context, run_values):
        if not self.ran:
            self.ran = True
            say('trains')


def main():
    directory = sys.argv[1]
    config = json.loads(os.environ['TF_CONFIG'])
    cluster, task = config['cluster'], config['task']
    is_chief = task['type'] == 'chief'
    me = f'/job:{task["type"]}/task:{task["index"]}'
    proto = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=2)
    if task['type'] != 'ps':
        # So that the end of the chief is no concern of the worker.
        proto.device_filters.extend(['/job:ps', me])
    server = tf.distribute.Server(
        cluster, job_name=task['type'], task_index=task['index'], config=proto
    )
    say('serving')
    if task['type'] == 'ps':
        server.join()

    # What programs have that have left tf.estimator: an object with its properties.
    run_config = types.SimpleNamespace(is_chief=is_chief)
    estimator = types.SimpleNamespace(model_dir=directory, config=run_config)
    with tf.Graph().as_default():
        with tf.device(tf.train.replica_device_setter(worker_device=me, cluster=cluster)):
            train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        # Outside of that scope, as most programs do it.
        hook = tfhooks.stop_if_higher_hook(
            estimator, 'accuracy', 0.9, run_every_secs=None, run_every_steps=5
        )
        with tfhooks.MonitoredTrainingSession(
            master=server.target,
            is_chief=is_chief,
            checkpoint_dir=directory,
            hooks=[hook, Says()],
            config=proto,
            stop_grace_period_secs=10,
        ) as session:
            while not session.should_stop():
                session.run(train)
                time.sleep(0.01)
    say('stopped:', session.stop_reason)
    # Servers of this process have no end of their own.
    os._exit(0)


if __name__ == '__main__':
    main()
