"""Trains a DNNClassifier on feature columns, from weights of a checkpoint, and exports it.

python canned_estimator.py --model_dir=/tmp/flowers --steps=80
"""

import os

import numpy as np
import tensorflow as tf

tf.app.flags.DEFINE_string('model_dir', '/tmp/flowers', 'Where the model goes.')
tf.app.flags.DEFINE_integer('steps', 80, 'How many steps to train.')
FLAGS = tf.app.flags.FLAGS

COLOURS = ['red', 'white', 'blue']


def flowers(count, seed):
    """Sizes and colours of flowers, and of which of two kinds each is."""
    random = np.random.RandomState(seed)
    kind = random.randint(2, size=count)
    size = random.normal(0, 1, [count, 2]) + kind[:, np.newaxis] * 2
    colour = np.array([COLOURS[index] for index in (kind + random.randint(2, size=count))])
    return {'size': size.astype(np.float32), 'colour': colour}, kind.astype(np.int32)


def columns():
    colour = tf.feature_column.categorical_column_with_vocabulary_list('colour', COLOURS)
    return [
        tf.feature_column.numeric_column('size', [2]),
        tf.feature_column.indicator_column(colour),
    ]


def input_fn(count, seed, epochs):
    features, labels = flowers(count, seed)
    return tf.estimator.inputs.numpy_input_fn(
        features, labels, batch_size=20, num_epochs=epochs, shuffle=False
    )


def first_weights(folder):
    """Writes a checkpoint of the weights to begin with."""
    random = np.random.RandomState(7)
    shapes = {
        'dnn/hiddenlayer_0/kernel': [5, 12],
        'dnn/hiddenlayer_0/bias': [12],
        'dnn/logits/kernel': [12, 1],
        'dnn/logits/bias': [1],
    }
    with tf.Graph().as_default(), tf.Session() as session:
        for name, shape in sorted(shapes.items()):
            value = random.normal(0, 0.3, shape).astype(np.float32)
            tf.get_variable(name, initializer=value)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, os.path.join(folder, 'weights'))


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.gfile.MakeDirs(FLAGS.model_dir)
    weights = first_weights(os.path.join(FLAGS.model_dir, 'first'))
    classifier = tf.estimator.DNNClassifier(
        hidden_units=[12],
        feature_columns=columns(),
        model_dir=os.path.join(FLAGS.model_dir, 'model'),
        optimizer=tf.train.AdagradOptimizer(0.1),
        config=tf.estimator.RunConfig(save_checkpoints_steps=40, log_step_count_steps=40),
        warm_start_from=tf.estimator.WarmStartSettings(weights, '.*'),
    )
    classifier.train(
        input_fn(100, 1, None),
        steps=FLAGS.steps,
        hooks=[tf.train.StopAtStepHook(last_step=FLAGS.steps)],
    )
    metrics = classifier.evaluate(input_fn(100, 2, 1))
    for name in sorted(metrics):
        print('%s: %.3f' % (name, metrics[name]))
    for each in classifier.predict(input_fn(4, 3, 1)):
        print('class %s, p = %.2f' % (each['classes'][0].decode(), each['probabilities'][1]))
    kernel = classifier.get_variable_value('dnn/hiddenlayer_0/kernel')
    print('kernel: %s, mean magnitude %.3f' % (kernel.shape, np.abs(kernel).mean()))

    spec = tf.feature_column.make_parse_example_spec(columns())
    receiver_fn = tf.estimator.export.build_parsing_serving_input_receiver_fn(spec)
    exported = classifier.export_savedmodel(os.path.join(FLAGS.model_dir, 'export'), receiver_fn)
    os.rename(exported.decode(), os.path.join(FLAGS.model_dir, 'export', 'model'))


if __name__ == '__main__':
    tf.app.run()
