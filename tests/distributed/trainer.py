"""One task of a cluster that trains, as the tests of the cluster run it; TF_CONFIG says which.

Arguments: `async` or `sync`, the directory of the checkpoints, the step to hold at, the last step.
Training is held at that step, and made all the same, until there is a file `go_on` in the working
directory: then the runs add nothing to the global step. A chief does not begin while there is a
file `chief_waits`. Says what it does, a line for each event; TensorFlow says what is restored.
"""

from __future__ import annotations

import os
import sys
import time

import task
import tensorflow.compat.v1 as tf
from task import say

import tfhooks
from tfhooks._session.recovery_policy import is_recovery

SAVE_STEPS = 20


class Says(tfhooks.SessionRunHook):
    """Says when there is a session, when its first run was made, and where training ended."""

    def __init__(self):
        self.ran = False

    def begin(self):
        say('begins as', tfhooks.role())
        self.step = tf.train.get_global_step().read_value()

    def after_create_session(self, session, coord):
        word = 'recovered' if is_recovery(coord) else 'created'
        self.ran = False
        say(word, 'step', session.run(self.step))

    def after_run(self, run_context, run_values):
        if not self.ran:
            self.ran = True
            say('runs as', tfhooks.role(run_context.session))
            say('ran step', run_context.session.run(self.step))

    def end(self, session):
        say('ends at step', session.run(self.step))


class SaysThatItIsTheChief(tfhooks.SessionRunHook):
    def __init__(self):
        self.said = False

    def before_run(self, run_context):
        if not self.said:
            self.said = True
            say('a hook for the chief runs')


class SaysWhatIsSaved(tf.train.CheckpointSaverListener):
    def after_save(self, session, global_step_value):
        say('saved step', global_step_value)


def model(workers, synchronous):
    """Returns what trains, the global step, what it is raised by, and the optimizer."""
    step = tf.train.get_or_create_global_step()
    amount = tf.placeholder_with_default(tf.constant(1, tf.int64), [])
    weights = tf.get_variable('weights', [2], initializer=tf.zeros_initializer())
    loss = tf.reduce_sum(tf.square(weights - [1.0, 2.0]))
    optimizer = tf.train.GradientDescentOptimizer(0.01)
    if synchronous:
        optimizer = tf.train.SyncReplicasOptimizer(
            optimizer, replicas_to_aggregate=workers, total_num_replicas=workers
        )
        return optimizer.minimize(loss, global_step=step), step, amount, optimizer
    update = optimizer.minimize(loss)
    with tf.control_dependencies([update]):
        train = tf.assign_add(step, amount)
    return train, step, amount, optimizer


def main():
    mode, directory, hold_at, last_step = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:5])
    synchronous = mode == 'sync'
    tf.logging.set_verbosity(tf.logging.INFO)
    me = task.begin()
    while me.is_chief and os.path.exists('chief_waits'):
        time.sleep(0.05)

    def held(step):
        return step >= hold_at and not os.path.exists('go_on')

    workers = len(me.cluster.get('chief', [])) + len(me.cluster.get('worker', []))
    with tf.Graph().as_default():
        with me.variables_on_servers():
            train, step, amount, optimizer = model(workers, synchronous)
        hooks = [Says(), tfhooks.chief_only(SaysThatItIsTheChief())]
        if synchronous:
            hooks += [optimizer.make_session_run_hook(me.is_chief)]
        hooks += [tfhooks.StopAtStepHook(last_step=last_step)]
        with tfhooks.MonitoredTrainingSession(
            master=me.server.target,
            is_chief=me.is_chief,
            checkpoint_dir=directory,
            hooks=hooks,
            chief_only_hooks=[
                tfhooks.CheckpointSaverHook(
                    directory, save_steps=SAVE_STEPS, listeners=[SaysWhatIsSaved()]
                )
            ],
            save_checkpoint_secs=None,
            save_checkpoint_steps=None,
            save_summaries_steps=None,
            config=me.config,
            stop_grace_period_secs=2,
            recovery=tfhooks.RecoveryPolicy(
                tries=1000, first_wait_secs=0.2, max_wait_secs=1.0, give_up_secs=300
            ),
        ) as session:
            now = runs = 0
            while not session.should_stop():
                if runs % 25 == 0:
                    say('at step', now)
                runs += 1
                wait = held(now)
                if synchronous:
                    if wait:
                        time.sleep(0.05)
                        now = session.run_without_hooks(step)
                        continue
                    session.run(train)
                    now = session.run_without_hooks(step) if not session.should_stop() else now
                else:
                    now = session.run(train, {amount: 0 if wait else 1})
                # Nobody needs many steps, and there are few cores.
                time.sleep(0.02 if wait else 0.002)
    say('stopped:', session.stop_reason)
    task.end()


if __name__ == '__main__':
    main()
