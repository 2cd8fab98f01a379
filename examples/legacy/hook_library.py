"""A library of hooks over tf.estimator's names, and a short training that uses them.

python hook_library.py --model_dir=/tmp/hook_library --train_steps=60
"""

from __future__ import absolute_import, division, print_function

import argparse
import json
import os
import time

import numpy as np
import tensorflow as tf


class ExamplesPerSecondHook(tf.estimator.SessionRunHook):
    """Logs the rate of examples since the last time and since the beginning."""

    def __init__(self, batch_size, every_n_steps=None, every_n_secs=None, warm_steps=0):
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError('exactly one of every_n_steps and every_n_secs should be provided.')
        self._timer = tf.estimator.SecondOrStepTimer(
            every_steps=every_n_steps, every_secs=every_n_secs
        )
        self._step_train_time = 0
        self._total_steps = 0
        self._batch_size = batch_size
        self._warm_steps = warm_steps
        self.reports = []

    def begin(self):
        self._global_step_tensor = tf.train.get_or_create_global_step()

    def before_run(self, run_context):
        return tf.estimator.SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context, run_values):
        global_step = run_values.results
        if self._timer.should_trigger_for_step(global_step) and global_step > self._warm_steps:
            elapsed_time, elapsed_steps = self._timer.update_last_triggered_step(global_step)
            if elapsed_time is not None:
                self._step_train_time += elapsed_time
                self._total_steps += elapsed_steps
                average = self._batch_size * self._total_steps / self._step_train_time
                current = self._batch_size * elapsed_steps / elapsed_time
                self.reports.append(int(elapsed_steps))
                tf.logging.info('Examples per second: %g average, %g current', average, current)


class MetricFileHook(tf.estimator.LoggingTensorHook):
    """Writes the values of tensors to a file, a line of JSON each, instead of logging them."""

    def __init__(self, tensors, path, every_n_iter=None, at_end=False):
        super(MetricFileHook, self).__init__(
            tensors=tensors, every_n_iter=every_n_iter, at_end=at_end
        )
        self._path = path

    def begin(self):
        super(MetricFileHook, self).begin()
        self._global_step_tensor = tf.train.get_global_step()
        if self._global_step_tensor is None:
            raise RuntimeError('Global step should be created to use MetricFileHook.')
        if self._global_step_tensor.name not in self._current_tensors:
            self._current_tensors[self._global_step_tensor.name] = self._global_step_tensor

    def after_run(self, unused_run_context, run_values):
        if self._should_trigger:
            self._write(run_values.results)
        self._iter_count += 1

    def end(self, session):
        if self._log_at_end:
            self._write(session.run(self._current_tensors))

    def _write(self, values):
        self._timer.update_last_triggered_step(self._iter_count)
        step = values[self._global_step_tensor.name]
        with tf.gfile.GFile(self._path, 'a') as f:
            for tag in self._tag_order:
                line = {'name': tag, 'value': round(float(values[tag]), 4), 'step': int(step)}
                f.write(json.dumps(line, sort_keys=True) + '\n')


class SaveCounter(tf.estimator.CheckpointSaverListener):
    """Notes what the saver does."""

    def __init__(self):
        self.calls = []

    def begin(self):
        self.calls.append('begin')

    def before_save(self, session, global_step_value):
        self.calls.append('before %d' % global_step_value)

    def after_save(self, session, global_step_value):
        self.calls.append('after %d' % global_step_value)

    def end(self, session, global_step_value):
        self.calls.append('end %d' % global_step_value)


class CallRecorder(tf.estimator.SessionRunHook):
    """Notes in which order hooks are called."""

    def __init__(self, name, calls):
        self._name, self._calls = name, calls

    def begin(self):
        self._calls.append(self._name + '.begin')

    def after_create_session(self, session, coord):
        self._calls.append(self._name + '.after_create_session')

    def before_run(self, run_context):
        self._calls.append(self._name + '.before_run')

    def after_run(self, run_context, run_values):
        self._calls.append(self._name + '.after_run')

    def end(self, session):
        self._calls.append(self._name + '.end')


def model_fn(features, labels, mode, params):
    """Logistic regression, as an EstimatorSpec."""
    weights = tf.get_variable('weights', [6, 1], initializer=tf.zeros_initializer())
    logits = tf.squeeze(tf.matmul(features, weights), 1)
    predictions = {'probability': tf.sigmoid(logits)}
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions=predictions)
    loss = tf.losses.sigmoid_cross_entropy(labels, logits)
    accuracy = tf.metrics.accuracy(labels, tf.greater(logits, 0), name='accuracy_op')
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops={'accuracy': accuracy})
    optimizer = tf.train.GradientDescentOptimizer(params['learning_rate'])
    train_op = optimizer.minimize(loss, tf.train.get_or_create_global_step())
    tf.identity(accuracy[1], name='train_accuracy')
    logging_hook = tf.estimator.LoggingTensorHook({'xent': loss}, every_n_iter=30)
    return tf.estimator.EstimatorSpec(
        mode, loss=loss, train_op=train_op, training_hooks=[logging_hook]
    )


def train(model_dir, train_steps):
    random = np.random.RandomState(0)
    x = random.normal(size=[400, 6]).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).repeat().batch(20)
    features, labels = tf.data.make_one_shot_iterator(dataset).get_next()
    spec = model_fn(features, labels, tf.estimator.ModeKeys.TRAIN, {'learning_rate': 0.5})
    calls, listener = [], SaveCounter()
    rate_hook = ExamplesPerSecondHook(20, every_n_steps=20, warm_steps=10)
    hooks = list(spec.training_hooks) + [
        CallRecorder('first', calls),
        rate_hook,
        MetricFileHook(
            {'accuracy': 'train_accuracy', 'loss': spec.loss.name},
            os.path.join(model_dir, 'metric.log'),
            every_n_iter=25,
            at_end=True,
        ),
        tf.estimator.StopAtStepHook(num_steps=train_steps),
        tf.estimator.CheckpointSaverHook(model_dir, save_steps=25, listeners=[listener]),
        CallRecorder('second', calls),
    ]
    start = time.time()
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=model_dir,
        hooks=hooks,
        save_checkpoint_secs=None,
        save_checkpoint_steps=None,
        save_summaries_steps=None,
        save_summaries_secs=None,
        log_step_count_steps=None,
    ) as sess:
        batch = 0
        while not sess.should_stop():
            _, loss = sess.run([spec.train_op, spec.loss])
            batch += 1
    tf.logging.info('%d batches in %.1f seconds', batch, time.time() - start)
    print('calls: %s ... %s' % (' '.join(calls[:8]), ' '.join(calls[-4:])))
    print('number of calls: %d' % len(calls))
    print('listener: %s' % ', '.join(listener.calls))
    print('steps between reports: %s' % rate_hook.reports)
    with tf.gfile.GFile(os.path.join(model_dir, 'metric.log')) as f:
        print(f.read().strip())
    print('done: batches = %d, loss = %.4f' % (batch, loss))


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--model_dir', default='/tmp/hook_library')
    parser.add_argument('--train_steps', type=int, default=60)
    flags = parser.parse_args()
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.gfile.MakeDirs(flags.model_dir)
    train(flags.model_dir, flags.train_steps)
