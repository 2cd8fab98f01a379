"""Trains a custom Estimator with train_and_evaluate, exports it and predicts with it.

python custom_estimator.py --model_dir=/tmp/spirals --train_steps=60
"""

import argparse
import os

import numpy as np
import tensorflow as tf

BATCH = 20


def points(count, seed):
    """Points of the plane, and in which of three sectors each is."""
    random = np.random.RandomState(seed)
    angle = random.uniform(0, 2 * np.pi, count)
    radius = random.uniform(0.5, 2.0, count)
    xy = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return xy.astype(np.float32), (angle * 3 / (2 * np.pi)).astype(np.int32)


def input_fn(count, seed, repeat):
    xy, sector = points(count, seed)
    dataset = tf.data.Dataset.from_tensor_slices(({'xy': xy}, sector))
    if repeat:
        dataset = dataset.repeat()
    return dataset.batch(BATCH)


def model_fn(features, labels, mode, params):
    random = np.random.RandomState(3)

    def variable(name, *shape):
        value = random.normal(0, 0.5, shape).astype(np.float32)
        return tf.get_variable(name, initializer=value)

    hidden = tf.nn.tanh(tf.matmul(features['xy'], variable('w1', 2, params['units'])))
    logits = tf.matmul(hidden, variable('w2', params['units'], 3))
    predictions = {'sector': tf.argmax(logits, 1), 'probabilities': tf.nn.softmax(logits)}
    if mode == tf.estimator.ModeKeys.PREDICT:
        outputs = {
            'serving_default': tf.estimator.export.PredictOutput(predictions),
            'probabilities': tf.estimator.export.ClassificationOutput(predictions['probabilities']),
        }
        return tf.estimator.EstimatorSpec(mode, predictions=predictions, export_outputs=outputs)

    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    accuracy = tf.metrics.accuracy(labels, predictions['sector'], name='accuracy')
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(mode, loss=loss, eval_metric_ops={'accuracy': accuracy})

    tf.summary.scalar('training_accuracy', accuracy[1])
    optimizer = tf.train.MomentumOptimizer(params['learning_rate'], 0.9)
    train_op = optimizer.minimize(loss, global_step=tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(
        mode,
        loss=loss,
        train_op=train_op,
        training_hooks=[tf.train.LoggingTensorHook({'xent': loss}, every_n_iter=25)],
    )


def serving_input_receiver_fn():
    xy = tf.placeholder(tf.float32, [None, 2], name='xy')
    return tf.estimator.export.ServingInputReceiver({'xy': xy}, {'xy': xy})


class Listener(tf.train.CheckpointSaverListener):
    """Prints at which steps it was told of a save."""

    def after_save(self, session, global_step_value):
        print('saved at step %d' % global_step_value)


def serve(folder, xy):
    """What the exported model makes of some points, in a session of its own."""
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.loader.load(session, [tf.saved_model.tag_constants.SERVING], folder)
        signature = model.signature_def['serving_default']
        fetch = signature.outputs['probabilities'].name
        return session.run(fetch, {signature.inputs['xy'].name: xy})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--model_dir', required=True)
    parser.add_argument('--train_steps', type=int, default=60)
    args = parser.parse_args()

    tf.logging.set_verbosity(tf.logging.INFO)
    config = tf.estimator.RunConfig(
        model_dir=args.model_dir,
        save_checkpoints_steps=20,
        save_summary_steps=30,
        keep_checkpoint_max=3,
        log_step_count_steps=30,
    )
    estimator = tf.estimator.Estimator(
        model_fn, config=config, params={'units': 16, 'learning_rate': 0.2}
    )
    exporter = tf.estimator.FinalExporter('final', serving_input_receiver_fn)
    result, exported = tf.estimator.train_and_evaluate(
        estimator,
        tf.estimator.TrainSpec(lambda: input_fn(200, 1, True), max_steps=args.train_steps),
        tf.estimator.EvalSpec(lambda: input_fn(100, 2, False), steps=4, exporters=exporter),
    )
    print('step %(global_step)d: loss = %(loss).3f, accuracy = %(accuracy).3f' % result)

    # More steps, by train(), which goes on from the checkpoint.
    estimator.train(lambda: input_fn(200, 1, True), steps=15, saving_listeners=[Listener()])
    result = estimator.evaluate(lambda: input_fn(100, 2, False), name='again')
    print('step %(global_step)d: loss = %(loss).3f, accuracy = %(accuracy).3f' % result)

    predicted = list(estimator.predict(lambda: input_fn(3, 4, False)))
    print('predicted: ' + ' '.join(str(each['sector']) for each in predicted))
    served = serve(exported[0].decode(), points(3, 4)[0])
    print('served: ' + ' '.join('%.2f' % value for value in served.ravel()))
    print('variables: ' + ' '.join(sorted(estimator.get_variable_names())))
    # The folder of the export is called after the time.
    os.rename(exported[0].decode(), os.path.join(args.model_dir, 'export', 'model'))


if __name__ == '__main__':
    main()
