"""Trains on MNIST's files, with summaries of everything and a `feed_dict`, as tutorials did.

Without files of MNIST in the directory, a few small ones are drawn there.

    python mnist_summaries.py --data_dir=/tmp/mnist --log_dir=/tmp/mnist_summaries
"""

from __future__ import absolute_import, division, print_function

import argparse
import gzip
import os
import struct

import numpy as np
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data


def draw(directory):
    """Writes the four files: a bright square on noise, whose place is the digit."""
    random = np.random.RandomState(7)
    for part, count in (('train', 400), ('t10k', 100)):
        labels = random.randint(10, size=count)
        images = random.randint(60, size=[count, 28, 28])
        for image, label in zip(images, labels):
            row, column = 4 + 14 * (label // 5), 1 + 5 * (label % 5)
            image[row : row + 6, column : column + 5] += 150
        path = os.path.join(directory, part + '-images-idx3-ubyte.gz')
        with gzip.open(path, 'wb') as file:
            file.write(struct.pack('>4i', 2051, count, 28, 28) + images.astype(np.uint8).tostring())
        path = os.path.join(directory, part + '-labels-idx1-ubyte.gz')
        with gzip.open(path, 'wb') as file:
            file.write(struct.pack('>2i', 2049, count) + labels.astype(np.uint8).tostring())


def summaries(variable):
    with tf.name_scope('summaries'):
        mean = tf.reduce_mean(variable)
        tf.summary.scalar('mean', mean)
        tf.summary.scalar('stddev', tf.sqrt(tf.reduce_mean(tf.square(variable - mean))))
        tf.summary.histogram('histogram', variable)


def layer(inputs, size, name, activation=tf.nn.relu):
    with tf.name_scope(name):
        with tf.name_scope('weights'):
            shape = [int(inputs.shape[1]), size]
            weights = tf.Variable(tf.truncated_normal(shape, stddev=0.1, seed=8))
            summaries(weights)
        with tf.name_scope('biases'):
            biases = tf.Variable(tf.constant(0.1, shape=[size]))
            summaries(biases)
        with tf.name_scope('Wx_plus_b'):
            return activation(tf.matmul(inputs, weights) + biases)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--data_dir', default='/tmp/mnist')
    parser.add_argument('--log_dir', default='/tmp/mnist_summaries')
    parser.add_argument('--max_steps', type=int, default=61)
    args = parser.parse_args()
    if not tf.gfile.Exists(os.path.join(args.data_dir, 't10k-labels-idx1-ubyte.gz')):
        tf.gfile.MakeDirs(args.data_dir)
        draw(args.data_dir)
    data = input_data.read_data_sets(args.data_dir, validation_size=50, seed=9)

    with tf.name_scope('input'):
        x = tf.placeholder(tf.float32, [None, 784], name='x-input')
        y_ = tf.placeholder(tf.int64, [None], name='y-input')
        tf.summary.image('input', tf.reshape(x, [-1, 28, 28, 1]), 3)
    hidden = layer(x, 50, 'layer1')
    keep = tf.placeholder(tf.float32)
    y = layer(tf.nn.dropout(hidden, keep, seed=10), 10, 'layer2', activation=tf.identity)
    with tf.name_scope('cross_entropy'):
        loss = tf.losses.sparse_softmax_cross_entropy(labels=y_, logits=y)
    tf.summary.scalar('cross_entropy', loss)
    train = tf.train.AdamOptimizer(0.003).minimize(loss)
    right = tf.equal(tf.argmax(y, 1), y_)
    accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
    tf.summary.scalar('accuracy', accuracy)
    merged = tf.summary.merge_all()

    session = tf.InteractiveSession()
    writers = [tf.summary.FileWriter(os.path.join(args.log_dir, n)) for n in ('train', 'test')]
    tf.global_variables_initializer().run()
    for i in range(args.max_steps):
        if i % 20 == 0:
            feeds = {x: data.test.images, y_: data.test.labels, keep: 1.0}
            summary, value = session.run([merged, accuracy], feeds)
            writers[1].add_summary(summary, i)
            print('Accuracy at step %s: %.2f' % (i, value))
        batch = data.train.next_batch(50)
        feeds = {x: batch[0], y_: batch[1], keep: 1.0}
        if i % 30 == 29:
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            metadata = tf.RunMetadata()
            summary, _ = session.run([merged, train], feeds, options, metadata)
            writers[0].add_run_metadata(metadata, 'step%03d' % i)
        else:
            summary, _ = session.run([merged, train], feeds)
        writers[0].add_summary(summary, i)
    tf.train.Saver().save(session, os.path.join(args.log_dir, 'model.ckpt'), args.max_steps)
    for writer in writers:
        writer.close()


if __name__ == '__main__':
    main()
