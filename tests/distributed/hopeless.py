"""A worker whose parameter server or chief is not there; says how each attempt ended.

Waits where the test has to start or kill something: until there is a file of that name in the
working directory.
"""

from __future__ import annotations

import json
import os
import time

import task
import tensorflow.compat.v1 as tf
from task import say

import tfhooks
from tfhooks._session.recovery_policy import RecoveryPolicy


def until_there(name):
    while not os.path.exists(name):
        time.sleep(0.05)


def attempt(name, make, policy, act=None):
    """Makes a session, acts on it, and says how that ended."""
    begun = time.monotonic()
    session = None
    with tf.Graph().as_default(), tf.container(name):
        with tf.device('/job:ps/task:0'):
            step = tf.train.get_or_create_global_step()
            train = tf.assign_add(step, 1)
        try:
            session = tfhooks.MonitoredSession(make(), recovery=policy)
            if act is not None:
                act(session, train)
            outcome = 'succeeded'
        except Exception as error:
            text = ' '.join(str(getattr(error, 'message', error)).split())
            outcome = f'{type(error).__name__}: {text}'
        if session is not None:
            session.close()
    say(json.dumps({'attempt': name, 'outcome': outcome, 'secs': time.monotonic() - begun}))


def main():
    me = task.begin()
    impatient = RecoveryPolicy(tries=4, first_wait_secs=0.1, max_wait_secs=0.2)
    remote = f'grpc://{me.cluster["ps"][0]}'

    def chief(master=me.server.target):
        return tfhooks.ChiefSessionCreator(master=master, config=me.config)

    def worker():
        return tfhooks.WorkerSessionCreator(
            master=me.server.target, config=me.config, max_wait_secs=2
        )

    def train_until_it_dies(session, train):
        session.run(train)
        say('trains')
        while True:
            session.run(train)

    attempt('the server never comes', chief, impatient)
    # With tries without end, and a time instead.
    timed = RecoveryPolicy(tries=10**6, first_wait_secs=0.1, max_wait_secs=0.2, give_up_secs=2)
    attempt('nor in the time asked for', chief, timed)
    attempt('the master never comes', lambda: chief(remote), impatient)
    say('to be started')
    until_there('started')
    # gRPC may take a while to see that the server is there now.
    patient = RecoveryPolicy(tries=10**6, first_wait_secs=0.1, max_wait_secs=0.2, give_up_secs=100)
    attempt('the chief never comes', worker, patient)
    attempt('the server dies for ever', chief, impatient, train_until_it_dies)
    say('done')
    task.end()


if __name__ == '__main__':
    main()
