"""Trains a recurrent network with an outer memory to copy bits; goes on from its checkpoint.

In the style of the differentiable-memory code of 2017: a core with a nested state, unrolled by
dynamic_rnn; the task's data made in the graph; a SingularMonitoredSession with a saver hook.

    python dnc_loop.py --checkpoint_dir=/tmp/memory --num_training_iterations=100
"""

from __future__ import absolute_import, division, print_function

import collections

import tensorflow as tf

FLAGS = tf.flags.FLAGS

# Model parameters
tf.flags.DEFINE_integer('hidden_size', 24, 'Size of LSTM hidden layer.')
tf.flags.DEFINE_integer('memory_size', 6, 'The number of memory slots.')
tf.flags.DEFINE_integer('word_size', 8, 'The width of each memory slot.')

# Optimizer parameters.
tf.flags.DEFINE_float('max_grad_norm', 50, 'Gradient clipping norm limit.')
tf.flags.DEFINE_float('learning_rate', 0.01, 'Optimizer learning rate.')

# Task parameters
tf.flags.DEFINE_integer('batch_size', 16, 'Batch size for training.')
tf.flags.DEFINE_integer('num_bits', 3, 'Dimensionality of each vector to copy')
tf.flags.DEFINE_integer('length', 3, 'Length of the sequence to copy.')

# Training options.
tf.flags.DEFINE_integer('num_training_iterations', 100, 'Number of iterations to train for.')
tf.flags.DEFINE_integer('report_interval', 25, 'Iterations between reports.')
tf.flags.DEFINE_string('checkpoint_dir', '/tmp/memory', 'Checkpointing directory.')
tf.flags.DEFINE_integer('checkpoint_interval', 40, 'Checkpointing step interval.')

MemoryState = collections.namedtuple('MemoryState', ('memory', 'read', 'controller'))


class MemoryCore(tf.nn.rnn_cell.RNNCell):
    """An LSTM that reads and writes slots of memory by soft attention."""

    def __init__(self, hidden_size, memory_size, word_size, output_size):
        super(MemoryCore, self).__init__(name='memory_core')
        init = tf.random_uniform_initializer(-0.1, 0.1, seed=21)
        self._controller = tf.nn.rnn_cell.LSTMCell(hidden_size, initializer=init)
        self._memory_size = memory_size
        self._word_size = word_size
        self._output_size = output_size

    @property
    def state_size(self):
        return MemoryState(
            memory=tf.TensorShape([self._memory_size, self._word_size]),
            read=self._word_size,
            controller=self._controller.state_size,
        )

    @property
    def output_size(self):
        return self._output_size

    def _linear(self, inputs, size, name, seed):
        init = tf.random_normal_initializer(stddev=0.3, seed=seed)
        weights = tf.get_variable(name, [inputs.shape[-1], size], initializer=init)
        return tf.matmul(inputs, weights)

    def __call__(self, inputs, prev_state, scope=None):
        with tf.variable_scope(scope or 'memory_core'):
            controller_input = tf.concat([inputs, prev_state.read], 1)
            hidden, controller = self._controller(controller_input, prev_state.controller)
            write = tf.nn.softmax(self._linear(hidden, self._memory_size, 'write', 1))
            word = tf.tanh(self._linear(hidden, self._word_size, 'word', 2))
            keep = 1 - tf.expand_dims(write, 2)
            memory = prev_state.memory * keep + tf.expand_dims(write, 2) * tf.expand_dims(word, 1)
            where = tf.nn.softmax(self._linear(hidden, self._memory_size, 'where', 3))
            read = tf.reduce_sum(tf.expand_dims(where, 2) * memory, 1)
            output = self._linear(tf.concat([hidden, read], 1), self._output_size, 'output', 4)
            return output, MemoryState(memory=memory, read=read, controller=controller)


DatasetTensors = collections.namedtuple('DatasetTensors', ('observations', 'target', 'mask'))


def copy_task():
    """Time-major bits, and a flag that says when to say them again."""
    bits = tf.random_uniform(
        [FLAGS.length, FLAGS.batch_size, FLAGS.num_bits], maxval=2, dtype=tf.int32, seed=31
    )
    bits = tf.cast(bits, tf.float32)
    silence = tf.zeros_like(bits)
    flag = tf.concat(
        [
            tf.zeros([FLAGS.length, FLAGS.batch_size, 1]),
            tf.ones([FLAGS.length, FLAGS.batch_size, 1]),
        ],
        axis=0,
    )
    observations = tf.concat([tf.concat([bits, silence], 0), flag], 2)
    return DatasetTensors(observations, tf.concat([silence, bits], 0), flag[:, :, 0])


def run_model(input_sequence, output_size):
    core = MemoryCore(FLAGS.hidden_size, FLAGS.memory_size, FLAGS.word_size, output_size)
    initial_state = core.zero_state(FLAGS.batch_size, tf.float32)
    output_sequence, _ = tf.nn.dynamic_rnn(
        cell=core, inputs=input_sequence, time_major=True, initial_state=initial_state
    )
    return output_sequence


def cost(logits, dataset):
    xent = tf.nn.sigmoid_cross_entropy_with_logits(labels=dataset.target, logits=logits)
    per_time = tf.reduce_mean(xent, axis=2) * dataset.mask
    return tf.reduce_sum(per_time) / tf.reduce_sum(dataset.mask)


def to_string(dataset, output):
    def bits(sequence):
        return ' '.join(''.join('%d' % round(bit) for bit in word[0]) for word in sequence)

    return 'target %s, output %s' % (bits(dataset.target), bits(output))


def train(num_training_iterations, report_interval):
    """Trains the core and periodically reports the loss."""
    dataset = copy_task()
    output_logits = run_model(dataset.observations, FLAGS.num_bits)
    output = tf.round(tf.expand_dims(dataset.mask, -1) * tf.sigmoid(output_logits))
    train_loss = cost(output_logits, dataset)

    # Set up optimizer with global norm clipping.
    trainable_variables = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(
        tf.gradients(train_loss, trainable_variables), FLAGS.max_grad_norm
    )
    global_step = tf.get_variable(
        name='global_step',
        shape=[],
        dtype=tf.int64,
        initializer=tf.zeros_initializer(),
        trainable=False,
        collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.GLOBAL_STEP],
    )
    optimizer = tf.train.RMSPropOptimizer(FLAGS.learning_rate, epsilon=1e-10)
    train_step = optimizer.apply_gradients(zip(grads, trainable_variables), global_step=global_step)

    saver = tf.train.Saver()
    if FLAGS.checkpoint_interval > 0:
        hooks = [
            tf.train.CheckpointSaverHook(
                checkpoint_dir=FLAGS.checkpoint_dir,
                save_steps=FLAGS.checkpoint_interval,
                saver=saver,
            )
        ]
    else:
        hooks = []

    # Train.
    with tf.train.SingularMonitoredSession(
        hooks=hooks, checkpoint_dir=FLAGS.checkpoint_dir
    ) as sess:
        start_iteration = sess.run(global_step)
        print('starting at %d' % start_iteration)
        total_loss = 0
        mean = float('nan')
        for train_iteration in range(start_iteration, num_training_iterations):
            _, loss = sess.run([train_step, train_loss])
            total_loss += loss
            if (train_iteration + 1) % report_interval == 0:
                dataset_np, output_np = sess.run([dataset, output])
                mean = total_loss / report_interval
                tf.logging.info(
                    '%d: avg training loss %f.\n%s',
                    train_iteration,
                    mean,
                    to_string(dataset_np, output_np),
                )
                print('%d: avg training loss %.4f' % (train_iteration, mean))
                total_loss = 0
        words = sess.raw_session().run(tf.train.get_global_step())
    print('done: step = %d, last mean loss = %.4f' % (words, mean))


def main(unused_argv):
    tf.logging.set_verbosity(3)  # Print INFO log messages.
    train(FLAGS.num_training_iterations, FLAGS.report_interval)


if __name__ == '__main__':
    tf.app.run()
