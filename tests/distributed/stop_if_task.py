"""One task of a cluster whose chief stops early by what an evaluation wrote; TF_CONFIG says which.

Argument: the directory of the training.
"""

from __future__ import annotations

import sys
import time
import types

import task
import tensorflow.compat.v1 as tf
from task import say

import tfhooks


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
    me = task.begin()
    # What programs have that have left tf.estimator: an object with its properties.
    run_config = types.SimpleNamespace(is_chief=me.is_chief)
    estimator = types.SimpleNamespace(model_dir=directory, config=run_config)
    with tf.Graph().as_default():
        with me.variables_on_servers():
            train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        # Outside of that scope, as most programs do it.
        hook = tfhooks.stop_if_higher_hook(
            estimator, 'accuracy', 0.9, run_every_secs=None, run_every_steps=5
        )
        with tfhooks.MonitoredTrainingSession(
            master=me.server.target,
            is_chief=me.is_chief,
            checkpoint_dir=directory,
            hooks=[hook, Says()],
            config=me.config,
            stop_grace_period_secs=10,
        ) as session:
            while not session.should_stop():
                session.run(train)
                time.sleep(0.01)
    say('stopped:', session.stop_reason)
    task.end()


if __name__ == '__main__':
    main()
