"""Tags sequences with a conditional random field over a fused LSTM.

python crf_tagger.py --train_dir=/tmp/crf_tagger --steps=60
"""

from __future__ import absolute_import, division, print_function

import argparse
import collections

import numpy as np
import tensorflow as tf
from tensorflow.contrib.crf import crf_decode, crf_log_likelihood, viterbi_decode

Batch = collections.namedtuple('Batch', 'words lengths tags')
WORDS, TAGS, LENGTH = 12, 3, 7


def sentences(count, seed):
    """Words whose tag depends on the word and on the tag before it."""
    random = np.random.RandomState(seed)
    words = random.randint(WORDS, size=[count, LENGTH]).astype(np.int32)
    tags = np.zeros([count, LENGTH], np.int32)
    for column in range(LENGTH):
        before = tags[:, column - 1] if column else 0
        tags[:, column] = (words[:, column] // 4 + before) % TAGS
    return Batch(words, random.randint(3, LENGTH + 1, size=count).astype(np.int32), tags)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--train_dir', default='/tmp/crf_tagger')
    parser.add_argument('--steps', type=int, default=60)
    args = parser.parse_args()

    batch = Batch(*[tf.constant(each) for each in sentences(50, seed=3)])
    initializer = tf.random_uniform_initializer(-0.5, 0.5, seed=5)
    with tf.variable_scope('tagger', initializer=initializer):
        inputs = tf.contrib.layers.embed_sequence(batch.words, WORDS, 10)
        cell = tf.contrib.rnn.LSTMBlockFusedCell(16)
        outputs, _ = cell(
            tf.transpose(inputs, [1, 0, 2]), sequence_length=batch.lengths, dtype=tf.float32
        )
        scores = tf.contrib.layers.fully_connected(
            tf.transpose(outputs, [1, 0, 2]),
            TAGS,
            activation_fn=None,
            weights_initializer=initializer,
            weights_regularizer=tf.contrib.layers.l2_regularizer(1e-4),
        )
        likelihood, transitions = crf_log_likelihood(scores, batch.tags, batch.lengths)
        decoded, best = crf_decode(scores, transitions, batch.lengths)
    loss = tf.losses.get_regularization_loss() - tf.reduce_mean(likelihood)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.contrib.opt.LazyAdamOptimizer(0.05)
    train = tf.contrib.training.create_train_op(loss, optimizer, global_step=step)
    mask = tf.sequence_mask(batch.lengths, LENGTH)
    accuracy = tf.contrib.metrics.accuracy(
        tf.boolean_mask(decoded, mask), tf.boolean_mask(batch.tags, mask)
    )
    tf.summary.scalar('accuracy', accuracy)
    tf.contrib.training.train(
        train,
        args.train_dir,
        hooks=[
            tf.train.StopAtStepHook(args.steps),
            tf.train.LoggingTensorHook([loss, accuracy], every_n_iter=20),
        ],
        save_checkpoint_secs=None,
        save_summaries_steps=20,
    )
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for _ in range(args.steps):
            session.run(train)
        saver.save(session, args.train_dir + '/model.ckpt', step)
        values = session.run([scores, transitions, decoded, best, accuracy, batch.lengths])
    path, score = viterbi_decode(values[0][0][: values[5][0]], values[1])
    print('accuracy %.3f' % values[4])
    print('the same by NumPy', path == values[2][0][: values[5][0]].tolist())
    print('score %.2f %.2f' % (score, values[3][0]))


if __name__ == '__main__':
    tf.logging.set_verbosity(tf.logging.INFO)
    main()
