"""Trains a classifier of handwritten digits with every hook there is, for a look at what they do.

    python all_hooks.py --train_dir=/tmp/all_hooks

The data are scikit-learn's digits: 1,797 images of 8 x 8 pixels. A training of one's own needs a
few of these hooks. Run it twice with the same --train_dir, and the second run goes on where the
first one stopped.
"""

from __future__ import annotations

import argparse
import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import tensorflow.compat.v1 as tf

import tfhooks

BATCH_SIZE = 64
HIDDEN_UNITS = 48
TEST_IMAGES = 360


def load_data(seed=17):
    """Returns train images and labels, test images and labels: float32 [n, 64], int64 [n]."""
    digits = load_digits()
    order = np.random.RandomState(seed).permutation(len(digits.target))
    images = (digits.data[order] / 16).astype(np.float32)
    labels = digits.target[order].astype(np.int64)
    return images[TEST_IMAGES:], labels[TEST_IMAGES:], images[:TEST_IMAGES], labels[:TEST_IMAGES]


def save_principal_components(images, directory):
    """Saves what the first layer is to begin with, as another program would have trained it."""
    components = PCA(HIDDEN_UNITS, random_state=0).fit(images).components_.T.astype(np.float32)
    os.makedirs(directory, exist_ok=True)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable('pca/components', initializer=components)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, os.path.join(directory, 'pca.ckpt'))


def model(images):
    """Returns the logits, float32 [n, 10]."""
    hidden = tf.get_variable('hidden/kernel', [64, HIDDEN_UNITS])
    hidden_bias = tf.get_variable('hidden/bias', [HIDDEN_UNITS], initializer=tf.zeros_initializer())
    output = tf.get_variable('output/kernel', [HIDDEN_UNITS, 10])
    output_bias = tf.get_variable('output/bias', [10], initializer=tf.zeros_initializer())
    return tf.matmul(tf.nn.relu(tf.matmul(images, hidden) + hidden_bias), output) + output_bias


def batches(images, labels):
    """A function that gives the feeds of one random batch after another."""
    random = np.random.RandomState(1)

    def next_feeds():
        chosen = random.randint(len(images), size=BATCH_SIZE)
        return {'images:0': images[chosen], 'labels:0': labels[chosen]}

    return next_feeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--train_dir', default='/tmp/tfhooks_all_hooks')
    parser.add_argument('--steps', type=int, default=2000, help='the last step')
    arguments = parser.parse_args()
    train_dir = arguments.train_dir
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.get_logger().propagate = False
    tf.get_logger().addFilter(lambda record: 'deprecated' not in record.getMessage())
    train_images, train_labels, test_images, test_labels = load_data()
    pretrained = save_principal_components(train_images, os.path.join(train_dir, 'pretrained'))

    with tf.Graph().as_default():
        tf.set_random_seed(17)
        global_step = tf.train.get_or_create_global_step()
        images = tf.placeholder(tf.float32, [None, 64], name='images')
        labels = tf.placeholder(tf.int64, [None], name='labels')
        logits = model(images)
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        correct = tf.equal(tf.argmax(logits, axis=1), labels)
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
        train_op = tf.train.AdamOptimizer(1e-3).minimize(loss, global_step)
        summary_op = tf.summary.merge([tf.summary.scalar('summaries/loss', loss)])
        test_feeds = {images: test_images, labels: test_labels}

        evaluation = tfhooks.EvalHook(
            every_n_steps=100,
            fetches={'loss': loss, 'accuracy': accuracy},
            feeds=test_feeds,
            output_dir=train_dir,
            at_start=True,
        )
        best = tfhooks.BestCheckpoints(evaluation.result('accuracy'), mode='max', n=2)
        early_stopping = tfhooks.EarlyStoppingHook(
            evaluation.result('loss'),
            patience=5,
            state_file=os.path.join(train_dir, 'early_stopping.json'),
        )
        metrics = tfhooks.MetricsWriterHook(
            [
                tfhooks.CsvWriter(os.path.join(train_dir, 'metrics.csv')),
                tfhooks.JsonLinesWriter(os.path.join(train_dir, 'metrics.jsonl')),
                tfhooks.TensorBoardWriter(train_dir),
            ],
            # The names of the evaluation's results: TensorBoard draws both into one chart.
            {'loss': loss, 'accuracy': accuracy},
            every_n_steps=20,
        )
        log = tfhooks.LoggingTensorHook({'loss': loss, 'accuracy': accuracy}, every_n_iter=1)
        final = tfhooks.FinalOpsHook(accuracy, test_feeds)
        costs = tfhooks.HookCostHook(os.path.join(train_dir, 'hooks_trace.json'))
        hooks = [
            # When training begins, and when it ends.
            tfhooks.RestoreHook(
                pretrained, name_map={'pca/components': 'hidden/kernel'}, include='^hidden/kernel$'
            ),
            tfhooks.GlobalStepWaiterHook(wait_until_step=0),
            tfhooks.StopAtStepHook(last_step=arguments.steps),
            tfhooks.TimeLimitHook(secs=600, margin_secs=30),
            early_stopping,
            # What goes in.
            tfhooks.FeedFnHook(batches(train_images, train_labels)),
            # What can go wrong.
            tfhooks.StallWatchdogHook(timeout_secs=60),
            tfhooks.NanTensorHook(loss),
            # What is kept.
            tfhooks.CheckpointSaverHook(train_dir, save_steps=250, keep_best=best),
            tfhooks.SummarySaverHook(save_steps=50, output_dir=train_dir, summary_op=summary_op),
            metrics,
            evaluation,
            final,
            # What a person sees.
            tfhooks.StepCounterHook(500, output_dir=train_dir, batch_size=BATCH_SIZE),
            tfhooks.every(log, at=[1, 10, 100, 1000]),
            tfhooks.only_if(
                tfhooks.ProgressHook(arguments.steps, {'loss': loss}),
                lambda run_context: run_context.original_args.fetches is train_op,
            ),
            # What it costs.
            tfhooks.ProfilerHook(1000, output_dir=train_dir, max_traces=1),
            costs,
        ]
        creator = tf.train.ChiefSessionCreator(checkpoint_dir=train_dir)
        with tfhooks.MonitoredSession(creator, hooks) as session:
            while not session.should_stop():
                session.run(train_op)
        print(f'why it stopped: {session.stop_reason}')
    print(f'accuracy on the test images: {final.final_ops_values:.2%}')
    print(f'evaluated last at step {evaluation.latest.step}: {evaluation.latest.results}')
    print(f'lowest loss of an evaluation: {early_stopping.best}')
    for kept in best.checkpoints:
        print(f'best checkpoint: {kept.path}, accuracy {kept.value:.2%}')
    with open(os.path.join(train_dir, 'metrics.csv')) as file:
        print('metrics.csv:', *file.read().split('\n')[:4], '...', sep='\n  ')
    print(f'Look at it: tensorboard --logdir={train_dir}')


if __name__ == '__main__':
    main()
