"""Trains and evaluates a network made of slim's layers, with slim's own loops.

Needs tf_slim where tf.contrib is gone (the extra `contrib`).

    python slim_train.py --train_dir=/tmp/slim_stripes --number_of_steps=60
"""

from __future__ import absolute_import, division, print_function

import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim

tf.app.flags.DEFINE_string('train_dir', '/tmp/slim_stripes', 'Where checkpoints and logs go.')
tf.app.flags.DEFINE_integer('number_of_steps', 60, 'The number of training steps.')
tf.app.flags.DEFINE_integer('batch_size', 20, 'The number of images in each batch.')

FLAGS = tf.app.flags.FLAGS

NUM_CLASSES = 3


def stripes(count, seed):
    """Images of 12 x 12 with stripes across, upright or slanted."""
    random = np.random.RandomState(seed)
    labels = random.randint(NUM_CLASSES, size=count)
    row, column = np.mgrid[:12, :12]
    phases = np.stack([row, column, (row + column) / np.sqrt(2)]) * np.pi / 2
    images = np.sin(phases[labels] + random.uniform(0, 2 * np.pi, [count, 1, 1]))
    images += random.normal(0, 0.4, images.shape)
    return images[..., np.newaxis].astype(np.float32), labels.astype(np.int64)


def batches(count, seed):
    images, labels = stripes(count, seed)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).repeat().batch(FLAGS.batch_size)
    iterator = dataset.make_one_shot_iterator()
    images, labels = iterator.get_next()
    return tf.reshape(images, [FLAGS.batch_size, 12, 12, 1]), labels


def stripes_arg_scope(weight_decay, is_training):
    batch_norm_params = {'decay': 0.9, 'epsilon': 0.001, 'is_training': is_training}
    with slim.arg_scope(
        [slim.conv2d, slim.fully_connected],
        weights_regularizer=slim.l2_regularizer(weight_decay),
        weights_initializer=tf.truncated_normal_initializer(stddev=0.2, seed=5),
    ):
        with slim.arg_scope(
            [slim.conv2d],
            padding='SAME',
            activation_fn=tf.nn.relu,
            normalizer_fn=slim.batch_norm,
            normalizer_params=batch_norm_params,
        ) as scope:
            return scope


def stripes_net(images, is_training):
    end_points = {}
    with tf.variable_scope('StripesNet', values=[images]):
        net = slim.conv2d(images, 6, [5, 5], scope='conv1')
        net = slim.max_pool2d(net, [2, 2], 2, scope='pool1')
        net = end_points['conv2'] = slim.repeat(net, 2, slim.conv2d, 8, [3, 3], scope='conv2')
        net = slim.avg_pool2d(net, net.get_shape().as_list()[1:3], scope='global_pool')
        net = slim.flatten(net, scope='flatten')
        net = slim.dropout(net, 0.9, is_training=is_training, seed=6, scope='dropout')
        logits = slim.fully_connected(net, NUM_CLASSES, activation_fn=None, scope='logits')
        end_points['Predictions'] = slim.softmax(logits, scope='predictions')
    return logits, end_points


def train():
    with tf.Graph().as_default():
        global_step = slim.get_or_create_global_step()
        images, labels = batches(300, seed=1)
        with slim.arg_scope(stripes_arg_scope(0.0005, is_training=True)):
            logits, end_points = stripes_net(images, is_training=True)
        for end_point in end_points:
            tf.summary.histogram('activations/' + end_point, end_points[end_point])
        one_hot = slim.one_hot_encoding(labels, NUM_CLASSES)
        tf.losses.softmax_cross_entropy(one_hot, logits)
        total_loss = tf.losses.get_total_loss()
        tf.summary.scalar('losses/total_loss', total_loss)
        for variable in slim.get_model_variables():
            tf.summary.histogram(variable.op.name, variable)

        learning_rate = tf.train.exponential_decay(0.02, global_step, 30, 0.7)
        optimizer = tf.train.AdamOptimizer(learning_rate)
        train_op = slim.learning.create_train_op(total_loss, optimizer, summarize_gradients=True)

        summary_op = tf.summary.merge_all()
        summary_writer = tf.summary.FileWriter(FLAGS.train_dir)

        def train_step_fn(sess, *args, **kwargs):
            loss, should_stop = slim.learning.train_step(sess, *args, **kwargs)
            step = sess.run(global_step)
            if step % 20 == 0:
                summary_writer.add_summary(sess.run(summary_op), step)
            return loss, should_stop

        final_loss = slim.learning.train(
            train_op,
            logdir=FLAGS.train_dir,
            train_step_fn=train_step_fn,
            summary_writer=summary_writer,
            number_of_steps=FLAGS.number_of_steps,
            log_every_n_steps=20,
            # No threads that save now and then; the last checkpoint is always saved.
            save_summaries_secs=0,
            save_interval_secs=0,
            session_config=tf.ConfigProto(allow_soft_placement=True),
        )
    print('finished training: loss %.3f, below 0.5: %s' % (final_loss, final_loss < 0.5))


def evaluate():
    with tf.Graph().as_default():
        slim.get_or_create_global_step()
        images, labels = batches(200, seed=2)
        with slim.arg_scope(stripes_arg_scope(0.0005, is_training=False)):
            logits, _ = stripes_net(images, is_training=False)
        names_to_values, names_to_updates = slim.metrics.aggregate_metric_map(
            {
                'accuracy': slim.metrics.streaming_accuracy(tf.argmax(logits, 1), labels),
                'loss': slim.metrics.streaming_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
                ),
            }
        )
        for name, value in names_to_values.items():
            tf.summary.scalar('eval/' + name, value)
        values = slim.evaluation.evaluate_once(
            master='',
            checkpoint_path=tf.train.latest_checkpoint(FLAGS.train_dir),
            logdir=FLAGS.train_dir + '/eval',
            num_evals=200 // FLAGS.batch_size,
            eval_op=list(names_to_updates.values()),
            final_op=names_to_values,
            variables_to_restore=slim.get_variables_to_restore(),
        )
    return values


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    train()
    values = evaluate()
    print('done: steps = %d, test accuracy = %.2f' % (FLAGS.number_of_steps, values['accuracy']))


if __name__ == '__main__':
    tf.app.run()
