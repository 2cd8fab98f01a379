"""Learns to turn a sequence round, with attention, and reads the answers by a beam search.

python attention_beams.py --train_dir=/tmp/attention_beams --steps=80
"""

from __future__ import absolute_import, division, print_function

import numpy as np
import tensorflow as tf
from tensorflow.contrib import seq2seq
from tensorflow.contrib.rnn import DropoutWrapper, GRUBlockCellV2, MultiRNNCell

tf.app.flags.DEFINE_string('train_dir', '/tmp/attention_beams', 'Where checkpoints go.')
tf.app.flags.DEFINE_integer('steps', 80, 'The number of training steps.')

FLAGS = tf.app.flags.FLAGS

START, END, SYMBOLS, LENGTH, UNITS, BEAMS = 0, 1, 8, 5, 24, 3


def sequences(count, seed):
    """Sequences of symbols, their lengths, and the sequences backwards, padded with END."""
    random = np.random.RandomState(seed)
    lengths = random.randint(3, LENGTH + 1, size=count)
    sources = np.full([count, LENGTH], END, np.int32)
    targets = np.full([count, LENGTH + 1], END, np.int32)
    for row, length in enumerate(lengths):
        symbols = random.randint(2, SYMBOLS, size=length)
        sources[row, :length], targets[row, :length] = symbols, symbols[::-1]
    return sources, lengths.astype(np.int32), targets


def cells(keep):
    layers = [GRUBlockCellV2(UNITS, name='gru_%d' % layer) for layer in range(2)]
    return MultiRNNCell([DropoutWrapper(cell, output_keep_prob=keep, seed=4) for cell in layers])


def model(sources, lengths, targets):
    """The loss, and the answers of a beam search: symbols and log probabilities."""
    embedding = tf.get_variable('embedding', [SYMBOLS, UNITS])
    memory, state = tf.nn.dynamic_rnn(
        cells(1.0), tf.nn.embedding_lookup(embedding, sources), lengths, dtype=tf.float32
    )
    projection = tf.layers.Dense(SYMBOLS, use_bias=False, name='projection')

    def decoding(beams):
        with tf.variable_scope('decoder', reuse=beams > 1):
            tiled = [memory, lengths, state]
            if beams > 1:
                tiled = [seq2seq.tile_batch(each, multiplier=beams) for each in tiled]
            attention = seq2seq.BahdanauAttention(UNITS, tiled[0], tiled[1])
            cell = seq2seq.AttentionWrapper(cells(1.0), attention, attention_layer_size=UNITS)
            rows = tf.shape(sources)[0]
            first = cell.zero_state(rows * beams, tf.float32).clone(cell_state=tiled[2])
            if beams == 1:
                starts = tf.fill([rows, 1], START)
                inputs = tf.nn.embedding_lookup(embedding, tf.concat([starts, targets[:, :-1]], 1))
                helper = seq2seq.TrainingHelper(inputs, lengths + 1)
                decoder = seq2seq.BasicDecoder(cell, helper, first, projection)
            else:
                decoder = seq2seq.BeamSearchDecoder(
                    cell, embedding, tf.fill([rows], START), END, first, beams, projection
                )
            return seq2seq.dynamic_decode(decoder, maximum_iterations=LENGTH + 1)

    outputs, _, ends = decoding(1)
    weights = tf.sequence_mask(ends, dtype=tf.float32)
    longest = tf.reduce_max(ends)
    loss = seq2seq.sequence_loss(outputs.rnn_output, targets[:, :longest], weights)
    found, last, _ = decoding(BEAMS)
    return loss, found.predicted_ids, last.log_probs


def main(_):
    sources, lengths, targets = sequences(64, seed=1)
    given = [
        tf.placeholder_with_default(array, [None] + list(array.shape[1:]))
        for array in (sources, lengths, targets)
    ]
    initializer = tf.random_uniform_initializer(-0.3, 0.3, seed=2)
    with tf.variable_scope('model', initializer=initializer):
        loss, answers, scores = model(*given)
    step = tf.train.get_or_create_global_step()
    train = tf.contrib.layers.optimize_loss(
        loss, step, learning_rate=0.01, optimizer='Adam', clip_gradients=5.0
    )
    hooks = [
        tf.train.StopAtStepHook(last_step=FLAGS.steps),
        tf.train.LoggingTensorHook({'step': step, 'loss': loss}, every_n_iter=20),
    ]
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=FLAGS.train_dir, hooks=hooks, save_checkpoint_steps=40
    ) as session:
        while not session.should_stop():
            session.run(train)
    tf.logging.info('the beams of the first three')
    with tf.train.SingularMonitoredSession(checkpoint_dir=FLAGS.train_dir) as session:
        feeds = {given[0]: sources[:3], given[1]: lengths[:3]}
        found, probabilities = session.run([answers, scores], feeds)
        print('answers', found.shape, 'log probabilities', np.round(probabilities[:, 0], 3))
        right = [
            list(row[:length, 0]) == list(target[:length])
            for row, length, target in zip(found, lengths, targets)
        ]
        print('right', sum(right), 'of', len(right), 'best', found[:, :, 0].tolist())


if __name__ == '__main__':
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.app.run()
