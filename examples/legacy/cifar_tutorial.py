"""Trains a small convolutional network on tiny colour images and evaluates its moving averages.

In the style of the image tutorials of 2016: records in binary files, read by queues; weight decay
in a collection; moving averages of losses and variables; MonitoredTrainingSession with a logger
hook; evaluation from a checkpoint in a graph and a session of its own.

    python cifar_tutorial.py --train_dir=/tmp/tiny_images --max_steps=60
"""

from __future__ import absolute_import, division, print_function

import os
import time
from datetime import datetime

import numpy as np
import tensorflow as tf

FLAGS = tf.app.flags.FLAGS

tf.app.flags.DEFINE_string('train_dir', '/tmp/tiny_images', 'Where logs and checkpoints go.')
tf.app.flags.DEFINE_integer('max_steps', 60, 'Number of batches to train on.')
tf.app.flags.DEFINE_integer('batch_size', 32, 'Images in a batch.')
tf.app.flags.DEFINE_integer('log_frequency', 10, 'Steps between two lines of the log.')
tf.app.flags.DEFINE_boolean('log_device_placement', False, 'Whether to log where operations run.')

IMAGE_SIZE = 8
NUM_CLASSES = 4
NUM_EXAMPLES = 512
MOVING_AVERAGE_DECAY = 0.95
RECORD_BYTES = 1 + IMAGE_SIZE * IMAGE_SIZE * 3


def write_records(filename, seed):
    """One byte of label and the image's bytes in each record; a class is a pattern under noise."""
    patterns = np.random.RandomState(0).uniform(40, 215, [NUM_CLASSES, RECORD_BYTES - 1])
    random = np.random.RandomState(seed)
    labels = random.randint(NUM_CLASSES, size=NUM_EXAMPLES)
    images = np.clip(
        patterns[labels] + random.normal(0, 50, [NUM_EXAMPLES, RECORD_BYTES - 1]), 0, 255
    )
    records = np.concatenate([labels[:, np.newaxis], images], axis=1).astype(np.uint8)
    with tf.gfile.Open(filename, 'wb') as f:
        f.write(records.tobytes())


def inputs(filename, batch_size):
    """Batches of standardised images and their labels, by queues."""
    filename_queue = tf.train.string_input_producer([filename], shuffle=False)
    reader = tf.FixedLengthRecordReader(record_bytes=RECORD_BYTES)
    _, value = reader.read(filename_queue)
    record = tf.decode_raw(value, tf.uint8)
    label = tf.cast(record[0], tf.int32)
    image = tf.reshape(tf.strided_slice(record, [1], [RECORD_BYTES]), [IMAGE_SIZE, IMAGE_SIZE, 3])
    image = tf.image.per_image_standardization(tf.cast(image, tf.float32))
    images, labels = tf.train.batch(
        [image, label], batch_size=batch_size, num_threads=1, capacity=4 * batch_size
    )
    tf.summary.image('images', images, max_outputs=2)
    return images, labels


def _variable_with_weight_decay(name, shape, stddev, seed, wd):
    with tf.device('/cpu:0'):
        initializer = tf.truncated_normal_initializer(stddev=stddev, seed=seed)
        var = tf.get_variable(name, shape, initializer=initializer)
    if wd is not None:
        tf.add_to_collection('losses', tf.multiply(tf.nn.l2_loss(var), wd, name='weight_loss'))
    return var


def _activation_summary(x):
    tf.summary.histogram(x.op.name + '/activations', x)
    tf.summary.scalar(x.op.name + '/sparsity', tf.nn.zero_fraction(x))


def inference(images):
    with tf.variable_scope('conv1') as scope:
        kernel = _variable_with_weight_decay('weights', [3, 3, 3, 8], 0.1, 11, None)
        conv = tf.nn.conv2d(images, kernel, [1, 1, 1, 1], padding='SAME')
        biases = tf.get_variable('biases', [8], initializer=tf.constant_initializer(0.0))
        conv1 = tf.nn.relu(tf.nn.bias_add(conv, biases), name=scope.name)
        _activation_summary(conv1)
    pool1 = tf.nn.max_pool(
        conv1, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding='SAME', name='pool1'
    )
    norm1 = tf.nn.lrn(pool1, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name='norm1')
    with tf.variable_scope('local2') as scope:
        flat = tf.reshape(norm1, [-1, 4 * 4 * 8])
        weights = _variable_with_weight_decay('weights', [4 * 4 * 8, 24], 0.06, 12, 0.004)
        biases = tf.get_variable('biases', [24], initializer=tf.constant_initializer(0.1))
        local2 = tf.nn.relu(tf.matmul(flat, weights) + biases, name=scope.name)
        _activation_summary(local2)
    with tf.variable_scope('softmax_linear') as scope:
        weights = _variable_with_weight_decay('weights', [24, NUM_CLASSES], 1 / 24.0, 13, None)
        biases = tf.get_variable('biases', [NUM_CLASSES], initializer=tf.zeros_initializer())
        return tf.add(tf.matmul(local2, weights), biases, name=scope.name)


def total_loss(logits, labels):
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    tf.add_to_collection('losses', tf.reduce_mean(cross_entropy, name='cross_entropy'))
    return tf.add_n(tf.get_collection('losses'), name='total_loss')


def train_operation(loss, global_step):
    """One step of gradient descent and of the moving averages, with summaries of everything."""
    lr = tf.train.exponential_decay(0.1, global_step, 40, 0.5, staircase=True)
    tf.summary.scalar('learning_rate', lr)
    losses = tf.get_collection('losses')
    loss_averages = tf.train.ExponentialMovingAverage(0.9, name='avg')
    loss_averages_op = loss_averages.apply([*losses, loss])
    for each in [*losses, loss]:
        tf.summary.scalar(each.op.name + ' (raw)', each)
        tf.summary.scalar(each.op.name, loss_averages.average(each))
    with tf.control_dependencies([loss_averages_op]):
        opt = tf.train.GradientDescentOptimizer(lr)
        grads = opt.compute_gradients(loss)
    apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)
    for grad, var in grads:
        tf.summary.histogram(var.op.name, var)
        tf.summary.histogram(var.op.name + '/gradients', grad)
    variable_averages = tf.train.ExponentialMovingAverage(MOVING_AVERAGE_DECAY, global_step)
    with tf.control_dependencies([apply_gradient_op]):
        variables_averages_op = variable_averages.apply(tf.trainable_variables())
    with tf.control_dependencies([apply_gradient_op, variables_averages_op]):
        return tf.no_op(name='train')


def train(filename):
    with tf.Graph().as_default():
        global_step = tf.train.get_or_create_global_step()
        with tf.device('/cpu:0'):
            images, labels = inputs(filename, FLAGS.batch_size)
        loss = total_loss(inference(images), labels)
        train_op = train_operation(loss, global_step)

        class _LoggerHook(tf.train.SessionRunHook):
            """Logs loss and runtime."""

            def begin(self):
                self._step = -1
                self._start_time = time.time()

            def before_run(self, run_context):
                self._step += 1
                return tf.train.SessionRunArgs(loss)

            def after_run(self, run_context, run_values):
                if self._step % FLAGS.log_frequency == 0:
                    current_time = time.time()
                    duration = current_time - self._start_time
                    self._start_time = current_time
                    examples_per_sec = FLAGS.log_frequency * FLAGS.batch_size / duration
                    format_str = '%s: step %d, loss = %.2f (%.1f examples/sec)'
                    values = (datetime.now(), self._step, run_values.results, examples_per_sec)
                    print(format_str % values)

        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=FLAGS.train_dir,
            hooks=[
                tf.train.StopAtStepHook(last_step=FLAGS.max_steps),
                tf.train.NanTensorHook(loss),
                _LoggerHook(),
            ],
            save_summaries_steps=20,
            config=tf.ConfigProto(log_device_placement=FLAGS.log_device_placement),
        ) as mon_sess:
            while not mon_sess.should_stop():
                mon_sess.run(train_op)


def evaluate(filename):
    """The share of right answers of the averaged variables in the newest checkpoint."""
    with tf.Graph().as_default():
        images, labels = inputs(filename, FLAGS.batch_size)
        top_k_op = tf.nn.in_top_k(inference(images), labels, 1)
        averages = tf.train.ExponentialMovingAverage(MOVING_AVERAGE_DECAY)
        saver = tf.train.Saver(averages.variables_to_restore())
        with tf.Session() as sess:
            ckpt = tf.train.get_checkpoint_state(FLAGS.train_dir)
            saver.restore(sess, ckpt.model_checkpoint_path)
            global_step = ckpt.model_checkpoint_path.split('/')[-1].split('-')[-1]
            coord = tf.train.Coordinator()
            threads = []
            for qr in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS):
                threads.extend(qr.create_threads(sess, coord=coord, daemon=True, start=True))
            num_iter = NUM_EXAMPLES // FLAGS.batch_size
            true_count = sum(np.sum(sess.run(top_k_op)) for _ in range(num_iter))
            coord.request_stop()
            coord.join(threads, stop_grace_period_secs=10)
    precision = true_count / (num_iter * FLAGS.batch_size)
    print('done: step = %s, precision @ 1 = %.3f' % (global_step, precision))


def main(argv=None):
    if tf.gfile.Exists(FLAGS.train_dir):
        tf.gfile.DeleteRecursively(FLAGS.train_dir)
    tf.gfile.MakeDirs(FLAGS.train_dir)
    train_records = os.path.join(FLAGS.train_dir, 'train.bin')
    test_records = os.path.join(FLAGS.train_dir, 'test.bin')
    write_records(train_records, seed=1)
    write_records(test_records, seed=2)
    train(train_records)
    evaluate(test_records)


if __name__ == '__main__':
    tf.app.run()
