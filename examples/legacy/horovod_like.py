"""Trains a classifier the way data-parallel scripts do: one process a GPU, the first one saves.

python horovod_like.py --checkpoint_dir=/tmp/parallel --num_steps=80
"""

import argparse
import os

import fake_horovod as hvd
import numpy as np
import tensorflow as tf

tf.logging.set_verbosity(tf.logging.INFO)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument('--checkpoint_dir', default='./checkpoints')
parser.add_argument('--num_steps', type=int, default=80)
parser.add_argument('--batch_size', type=int, default=50)
args = parser.parse_args()


def digits(count, seed):
    """Images of 14 x 14 with one bright bar each, and which of the 7 places it is in."""
    random = np.random.RandomState(seed)
    target = random.randint(7, size=count)
    data = random.normal(0, 0.7, [count, 14, 14])
    for image, place in zip(data, target):
        image[:, 2 * place] += 1
    return data.reshape([count, 196]).astype(np.float32), target.astype(np.int32)


def conv_model(feature, target, mode):
    """2-layer convolution model."""
    target = tf.one_hot(tf.cast(target, tf.int32), 7, 1, 0)
    feature = tf.reshape(feature, [-1, 14, 14, 1])

    def seeded(seed):
        return tf.glorot_uniform_initializer(seed=seed)

    with tf.variable_scope('conv_layer1'):
        h_conv1 = tf.layers.conv2d(
            feature,
            8,
            kernel_size=[5, 5],
            activation=tf.nn.relu,
            padding='SAME',
            kernel_initializer=seeded(1),
        )
        h_pool1 = tf.nn.max_pool(h_conv1, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='SAME')
    flat = tf.reshape(h_pool1, [-1, 7 * 7 * 8])
    h_fc1 = tf.layers.dense(flat, 32, activation=tf.nn.relu, kernel_initializer=seeded(2))
    h_fc1 = tf.layers.dropout(h_fc1, 0.2, seed=3, training=mode == tf.estimator.ModeKeys.TRAIN)
    logits = tf.layers.dense(h_fc1, 7, activation=None, kernel_initializer=seeded(4))
    loss = tf.losses.softmax_cross_entropy(target, logits)
    return tf.argmax(logits, 1), loss


def train_input_generator(x_train, y_train, batch_size=64):
    assert len(x_train) == len(y_train)
    random = np.random.RandomState(hvd.rank())
    while True:
        p = random.permutation(len(x_train))
        x_train, y_train = x_train[p], y_train[p]
        index = 0
        while index <= len(x_train) - batch_size:
            yield x_train[index : index + batch_size], y_train[index : index + batch_size]
            index += batch_size


def main(_):
    # Initialize the workers.
    hvd.init()

    x_train, y_train = digits(1000, seed=1)

    with tf.name_scope('input'):
        image = tf.placeholder(tf.float32, [None, 196], name='image')
        label = tf.placeholder(tf.float32, [None], name='label')
    predict, loss = conv_model(image, label, tf.estimator.ModeKeys.TRAIN)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(predict, tf.cast(label, tf.int64)), tf.float32))

    # Scale the learning rate by the number of workers.
    opt = tf.train.RMSPropOptimizer(0.004 * hvd.size())
    opt = hvd.DistributedOptimizer(opt)
    global_step = tf.train.get_or_create_global_step()
    train_op = opt.minimize(loss, global_step=global_step)

    hooks = [
        # Before the first step, so that all workers begin alike.
        hvd.BroadcastGlobalVariablesHook(0),
        # Fewer steps where there are more workers.
        tf.train.StopAtStepHook(last_step=args.num_steps // hvd.size()),
        tf.train.LoggingTensorHook(tensors={'step': global_step, 'loss': loss}, every_n_iter=20),
    ]

    # Each process has one GPU.
    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    config.gpu_options.visible_device_list = str(hvd.local_rank())

    # Only the first worker saves, or the others would corrupt what it has written.
    checkpoint_dir = args.checkpoint_dir if hvd.rank() == 0 else None
    generator = train_input_generator(x_train, y_train, batch_size=args.batch_size)
    losses = []
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=checkpoint_dir,
        hooks=hooks,
        config=config,
        log_step_count_steps=40,
    ) as mon_sess:
        while not mon_sess.should_stop():
            image_, label_ = next(generator)
            _, value, step, hits = mon_sess.run(
                [train_op, loss, global_step, accuracy], feed_dict={image: image_, label: label_}
            )
            losses.append(value)
    saved = checkpoint_dir is not None and os.path.exists(checkpoint_dir)
    print('loss: first %.3f, mean of the last ten %.3f' % (losses[0], np.mean(losses[-10:])))
    print(
        'done: rank = %d of %d, runs = %d, last accuracy = %.2f, saved = %s'
        % (hvd.rank(), hvd.size(), len(losses), hits, saved)
    )


if __name__ == '__main__':
    tf.app.run()
