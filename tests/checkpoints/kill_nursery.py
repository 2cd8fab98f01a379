"""Trains in child processes and kills each of them with SIGKILL at a random moment.

Importing TensorFlow takes seconds, so this process imports it once, makes no session, and forks a
child for each life. A child goes on from the last checkpoint and says through a pipe what it does:
`r STEP` it has restored, `b STEP` it begins a save, `s STEP` the save is complete. It is killed a
random moment after a random one of these words, so a slow machine's lives get as far as a fast
one's. Prints the lives as JSON.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
import traceback

import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._hooks.checkpoint_saver import CheckpointSaverHook

SIZE = 1_000_000


class Speaks(tf.train.CheckpointSaverListener):
    def __init__(self, pipe):
        self._pipe = pipe

    def say(self, what, step):
        os.write(self._pipe, f'{what} {step}\n'.encode())

    def before_save(self, session, global_step_value):
        self.say('b', global_step_value)

    def after_save(self, session, global_step_value):
        self.say('s', global_step_value)


class SaysWhereItBegins(tf.train.SessionRunHook):
    def __init__(self, speaks, step):
        self._speaks, self._step = speaks, step

    def after_create_session(self, session, coord):
        self._speaks.say('r', int(session.run(self._step)))


def live(directory, pipe, asynchronous):
    """Trains until it is killed."""
    tf.logging.set_verbosity(tf.logging.ERROR)
    step = tf.train.get_or_create_global_step()
    weights = tf.get_variable('weights', shape=[SIZE], initializer=tf.zeros_initializer())
    train_op = tf.group(step.assign_add(1), weights.assign_add(tf.ones([SIZE])))
    speaks = Speaks(pipe)
    scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=2))
    hook = CheckpointSaverHook(
        directory,
        save_steps=2,
        scaffold=scaffold,
        listeners=[speaks],
        asynchronous=asynchronous,
    )
    creator = tf.train.ChiefSessionCreator(scaffold, checkpoint_dir=directory)
    hooks = [SaysWhereItBegins(speaks, step), hook]
    with tfhooks.MonitoredSession(creator, hooks) as session:
        while True:
            session.run(train_op)


def raise_and_kill(directory, life, chance):
    """One life: waits for a random number of words, and for a random time, and kills it."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reads)
            with tf.Graph().as_default():
                live(directory, writes, asynchronous=life % 2 == 1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writes)
    # Some die while their session is being made, when it is still restoring or first saving.
    words = chance.randrange(1, 17) if chance.random() < 0.9 else 0
    said = b''
    while said.count(b'\n') < words and select.select([reads], [], [], 60)[0]:
        chunk = os.read(reads, 65536)
        if not chunk:
            break
        said += chunk
    if words == 0:
        time.sleep(0.1)
    # Half of them at once: a save has begun a moment ago, or ended.
    elif chance.random() < 0.5:
        time.sleep(chance.uniform(0.0, 0.03))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while chunk := os.read(reads, 65536):
        said += chunk
    os.close(reads)
    lines = [line.split() for line in said.decode().splitlines()]
    return {
        'killed': os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
        'said': [[what, int(step)] for what, step in lines],
    }


def main():
    directory, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    lives = [raise_and_kill(directory, life, chance) for life in range(count)]
    print(json.dumps(lives))


if __name__ == '__main__':
    main()
