"""Actors in threads play a corridor; a learner takes what they did from a queue.

In the style of the actor-learner code of 2018: the environment behind py_func, nested structures
flattened into a FIFOQueue, all threads on one monitored session, a Coordinator to end them.

    python actor_learner.py --logdir=/tmp/corridor --total_updates=80 --num_actors=3
"""

from __future__ import absolute_import, division, print_function

import collections
import threading

import numpy as np
import tensorflow as tf

nest = tf.contrib.framework.nest

flags = tf.app.flags
FLAGS = tf.app.flags.FLAGS

flags.DEFINE_string('logdir', '/tmp/corridor', 'TensorFlow log directory.')
flags.DEFINE_integer('num_actors', 3, 'Number of actors.')
flags.DEFINE_integer('total_updates', 80, 'Updates of the learner.')
flags.DEFINE_integer('batch_size', 4, 'Unrolls in an update.')
flags.DEFINE_integer('unroll_length', 8, 'Steps of an unroll.')
flags.DEFINE_float('entropy_cost', 0.01, 'Entropy cost/multiplier.')
flags.DEFINE_float('learning_rate', 0.05, 'Learning rate.')

CORRIDOR = 5
CHANCE = 1.0 / (CORRIDOR * (CORRIDOR + 1))  # Reward a step of one who tosses a coin.

StepOutput = collections.namedtuple('StepOutput', 'reward done observation')
ActorOutput = collections.namedtuple('ActorOutput', 'action env_output')


class Corridor(object):
    """Places in a row; going right from the last one is worth 1, and starts anew."""

    def __init__(self):
        self._place = 0

    def step(self, action):
        reward, done = 0.0, False
        if action == 1 and self._place == CORRIDOR - 1:
            reward, done, self._place = 1.0, True, 0
        else:
            self._place = min(max(self._place + (1 if action == 1 else -1), 0), CORRIDOR - 1)
        return np.float32(reward), np.bool_(done), np.eye(CORRIDOR, dtype=np.float32)[self._place]


class FlowEnvironment(object):
    """An environment whose steps are operations."""

    def __init__(self, env, name):
        self._env, self._name = env, name

    def step(self, action):
        with tf.name_scope(self._name):
            reward, done, observation = tf.py_func(
                self._env.step, [action], [tf.float32, tf.bool, tf.float32], stateful=True
            )
        for tensor, shape in ((reward, []), (done, []), (observation, [CORRIDOR])):
            tensor.set_shape(shape)
        return StepOutput(reward, done, observation)


def policy_logits(observations):
    with tf.variable_scope('policy', reuse=tf.AUTO_REUSE):
        weights = tf.get_variable('weights', [CORRIDOR, 2], initializer=tf.zeros_initializer())
    return tf.matmul(observations, weights)


def build_actor(env, actor_id):
    """One unroll: actions, and what came of each with what was seen before it."""
    seen = tf.get_local_variable(
        'seen_%d' % actor_id, initializer=np.eye(CORRIDOR, dtype=np.float32)[0]
    )

    def one_step(previous, _):
        logits = policy_logits(tf.expand_dims(previous.env_output.observation, 0))
        action = tf.squeeze(tf.multinomial(logits, 1, output_dtype=tf.int32), [0, 1])
        return ActorOutput(action, env.step(action))

    first = ActorOutput(
        tf.constant(0), StepOutput(tf.constant(0.0), tf.constant(False), tf.identity(seen))
    )
    outputs = tf.scan(
        one_step, tf.range(FLAGS.unroll_length), initializer=first, parallel_iterations=1
    )
    observations = tf.concat([[first.env_output.observation], outputs.env_output.observation], 0)
    with tf.control_dependencies([tf.identity(first.env_output.observation)]):
        remember = tf.assign(seen, observations[-1])
    with tf.control_dependencies([remember]):
        return ActorOutput(
            tf.identity(outputs.action),
            outputs.env_output._replace(observation=tf.identity(observations[:-1])),
        )


def build_learner(batch):
    """REINFORCE with discounted returns; time is the second dimension."""
    rewards = tf.transpose(batch.env_output.reward)
    dones = tf.transpose(tf.cast(batch.env_output.done, tf.float32))
    returns = tf.scan(
        lambda future, now: now[0] + 0.8 * (1 - now[1]) * future,
        (rewards, dones),
        initializer=tf.zeros([FLAGS.batch_size]),
        reverse=True,
    )
    advantages = tf.stop_gradient(tf.transpose(returns) - tf.reduce_mean(returns))
    logits = policy_logits(tf.reshape(batch.env_output.observation, [-1, CORRIDOR]))
    log_policy = -tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.reshape(batch.action, [-1]), logits=logits
    )
    entropy = -tf.reduce_mean(tf.nn.softmax(logits) * tf.nn.log_softmax(logits))
    loss = -tf.reduce_mean(log_policy * tf.reshape(advantages, [-1]))
    global_step = tf.train.get_or_create_global_step()
    optimizer = tf.train.AdamOptimizer(FLAGS.learning_rate)
    train_op = optimizer.minimize(loss - FLAGS.entropy_cost * entropy, global_step)
    reward = tf.reduce_mean(rewards)
    return train_op, reward


def actor_loop(session, coord, enqueue_op, counts, index):
    try:
        while not coord.should_stop() and not session.should_stop():
            session.run(enqueue_op)
            counts[index] += 1
    except Exception as error:
        if not session.should_stop():  # After that the queue is closed under the actors.
            coord.request_stop(error)


class CloseQueueHook(tf.train.SessionRunHook):
    """Lets go the actors that wait for room in the queue."""

    def __init__(self, queue):
        self._queue = queue

    def begin(self):
        self._close_op = self._queue.close(cancel_pending_enqueues=True)

    def end(self, session):
        session.run(self._close_op)


def train():
    enqueue_ops = []
    for i in range(FLAGS.num_actors):
        tf.logging.info('Creating actor %d.', i)
        actor_output = build_actor(FlowEnvironment(Corridor(), 'env_%d' % i), i)
        if i == 0:
            dtypes = [t.dtype for t in nest.flatten(actor_output)]
            shapes = [t.shape.as_list() for t in nest.flatten(actor_output)]
            queue = tf.FIFOQueue(2 * FLAGS.batch_size, dtypes, shapes, shared_name='buffer')
        enqueue_ops.append(queue.enqueue(nest.flatten(actor_output)))
    dequeued = nest.pack_sequence_as(actor_output, queue.dequeue_many(FLAGS.batch_size))
    train_op, reward = build_learner(dequeued)

    coord = tf.train.Coordinator()
    counts = [0] * FLAGS.num_actors
    rewards = []
    summary_writer = tf.summary.FileWriterCache.get(FLAGS.logdir)
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=FLAGS.logdir,
        save_checkpoint_secs=600,
        # A summary of what is dequeued would take batches from the learner in the actors' runs.
        save_summaries_secs=None,
        save_summaries_steps=None,
        hooks=[tf.train.StopAtStepHook(num_steps=FLAGS.total_updates), CloseQueueHook(queue)],
    ) as session:
        threads = [
            threading.Thread(target=actor_loop, args=(session, coord, enqueue_op, counts, i))
            for i, enqueue_op in enumerate(enqueue_ops)
        ]
        for thread in threads:
            thread.daemon = True
            thread.start()
        while not session.should_stop() and not coord.should_stop():
            _, value, step = session.run([train_op, reward, tf.train.get_global_step()])
            rewards.append(value)
            if len(rewards) % 20 == 0:
                summary = tf.Summary()
                summary.value.add(tag='reward', simple_value=np.mean(rewards[-20:]))
                summary_writer.add_summary(summary, step)
        coord.request_stop()
    coord.join(threads, stop_grace_period_secs=60)
    print('every actor played: %s' % all(counts))
    print('thrice the reward of chance: %s' % (np.mean(rewards[-10:]) > 3 * CHANCE))
    print('done: updates = %d' % len(rewards))


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    train()


if __name__ == '__main__':
    tf.app.run()
