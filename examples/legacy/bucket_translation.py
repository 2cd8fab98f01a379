"""Adds one to each symbol of a sequence, by the bucketed model of tf.contrib.legacy_seq2seq.

python bucket_translation.py --train_dir=/tmp/bucket_translation --steps=90
"""

from __future__ import absolute_import, division, print_function

import argparse
import os

import numpy as np
import tensorflow as tf
from tensorflow.contrib import legacy_seq2seq

GO, PAD, SYMBOLS, UNITS, ROWS = 0, 1, 9, 24, 16
BUCKETS = [(3, 4), (5, 6)]


def batch(bucket, random):
    """Sources backwards, targets after GO, and which of them count, each a list by time."""
    longest, length = BUCKETS[bucket]
    sources = np.full([ROWS, longest], PAD)
    targets = np.full([ROWS, length + 1], PAD)
    targets[:, 0] = GO
    for row in range(ROWS):
        symbols = random.randint(2, SYMBOLS - 1, size=random.randint(longest - 1, longest + 1))
        sources[row, longest - len(symbols) :] = symbols[::-1]
        targets[row, 1 : len(symbols) + 1] = symbols + 1
    weights = (targets[:, 1:] != PAD).astype(np.float32)
    return sources.T, targets.T, weights.T


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--train_dir', default='/tmp/bucket_translation')
    parser.add_argument('--steps', type=int, default=90)
    args = parser.parse_args()
    longest, length = BUCKETS[-1]
    sources = [tf.placeholder(tf.int32, [None], 'source%d' % i) for i in range(longest)]
    targets = [tf.placeholder(tf.int32, [None], 'target%d' % i) for i in range(length + 1)]
    weights = [tf.placeholder(tf.float32, [None], 'weight%d' % i) for i in range(length)]

    def model(encoder, decoder):
        return legacy_seq2seq.embedding_attention_seq2seq(
            encoder,
            decoder,
            tf.contrib.rnn.MultiRNNCell(
                [tf.contrib.rnn.LayerNormBasicLSTMCell(UNITS), tf.nn.rnn_cell.GRUCell(UNITS)]
            ),
            SYMBOLS,
            SYMBOLS,
            12,
        )

    initializer = tf.random_uniform_initializer(-0.4, 0.4, seed=6)
    with tf.variable_scope('translation', initializer=initializer):
        outputs, losses = legacy_seq2seq.model_with_buckets(
            sources, targets[:-1], targets[1:], weights, BUCKETS, model
        )
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.AdamOptimizer(0.02)
    updates = []
    for loss in losses:
        gradients, variables = zip(*optimizer.compute_gradients(loss))
        gradients, norm = tf.clip_by_global_norm(gradients, 5.0)
        updates.append([optimizer.apply_gradients(zip(gradients, variables), step), norm])

    random = np.random.RandomState(12)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for count in range(args.steps):
            bucket = count % 2
            given = batch(bucket, random)
            feeds = {
                place: value
                for places, values in zip((sources, targets, weights), given)
                for place, value in zip(places, values)
            }
            feeds[targets[BUCKETS[bucket][1]]] = given[1][-1]
            results = session.run([losses[bucket], outputs[bucket]] + updates[bucket], feeds)
            if count % 30 >= 28:
                found = np.argmax(results[1], 2)
                right = (found == given[1][1:])[given[2] > 0].mean()
                print('bucket %d loss %.3f right %.2f' % (bucket, results[0], right))
        saver.save(session, os.path.join(args.train_dir, 'model.ckpt'), step)


if __name__ == '__main__':
    main()
