"""Trains a convolutional classifier of handwritten digits, written as a TensorFlow 1 program was.

With `import tensorflow as tf` it runs on TensorFlow 1.15 as well. The data are scikit-learn's
digits: 1,797 images of 8 x 8 pixels. Run it twice with the same --train_dir, and the second run
goes on where the first one stopped.

    python train_digits.py --train_dir=/tmp/digits
"""

import contextlib
import os
import sys

import numpy as np
from absl import app, flags
from sklearn.datasets import load_digits


@contextlib.contextmanager
def quiet_terminal():
    """Drops what TensorFlow's C++ parts say about the machine.

    The environment variable does it, except in the import of the newest releases.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    stderr = os.dup(2)
    with open(os.devnull, 'w') as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


with quiet_terminal():
    import tfhooks.v1 as tf

FLAGS = flags.FLAGS
flags.DEFINE_string('train_dir', '/tmp/tfhooks_digits', 'Directory of checkpoints and summaries.')
flags.DEFINE_integer('steps', 600, 'Steps to train in this run.', lower_bound=1)
flags.DEFINE_integer('batch_size', 64, 'Images in a batch.', lower_bound=1)
flags.DEFINE_float('learning_rate', 1e-3, "Adam's learning rate.")
flags.DEFINE_integer('save_steps', 100, 'Steps between two checkpoints.', lower_bound=1)
flags.DEFINE_integer('log_steps', 50, 'Steps between two lines of the log.', lower_bound=1)
flags.DEFINE_enum(
    'device', 'auto', ['auto', 'cpu', 'gpu'], 'Where to train; auto takes a GPU if there is one.'
)
flags.register_validator('learning_rate', lambda rate: 0 < rate < 1, 'must lie between 0 and 1')
flags.register_validator('train_dir', bool, 'must name a directory')

SEED = 17
TEST_IMAGES = 360


def load_data():
    """Returns train images and labels, test images and labels: float32 [n, 8, 8, 1], int64 [n]."""
    digits = load_digits()
    order = np.random.RandomState(SEED).permutation(len(digits.target))
    images = (digits.images[order] / 16.0).astype(np.float32)[..., np.newaxis]
    labels = digits.target[order].astype(np.int64)
    return images[TEST_IMAGES:], labels[TEST_IMAGES:], images[:TEST_IMAGES], labels[:TEST_IMAGES]


def weights(name, shape):
    return tf.get_variable(name, shape, initializer=tf.glorot_uniform_initializer())


def convolution(name, inputs, channels):
    with tf.variable_scope(name):
        kernel = weights('kernel', [3, 3, inputs.shape[-1], channels])
        bias = tf.get_variable('bias', [channels], initializer=tf.zeros_initializer())
        outputs = tf.nn.conv2d(inputs, kernel, strides=[1, 1, 1, 1], padding='SAME')
        return tf.nn.relu(tf.nn.bias_add(outputs, bias))


def dense(name, inputs, units):
    with tf.variable_scope(name):
        bias = tf.get_variable('bias', [units], initializer=tf.zeros_initializer())
        return tf.matmul(inputs, weights('kernel', [inputs.shape[-1], units])) + bias


def model(images, training=False):
    """Returns the logits, float32 [n, 10]."""
    net = convolution('conv1', images, 32)
    net = convolution('conv2', net, 64)
    net = tf.nn.max_pool(net, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='SAME')
    net = tf.reshape(net, [-1, 4 * 4 * 64])
    net = tf.nn.relu(dense('dense1', net, 128))
    net = tf.nn.dropout(net, rate=0.5 if training else 0.0)
    return dense('dense2', net, 10)


def accuracy_of(logits, labels):
    return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, axis=1), labels), tf.float32))


def session_config():
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    if FLAGS.device == 'cpu':
        config.device_count['GPU'] = 0
    return config


def train(images, labels):
    """Trains for --steps steps, from the newest checkpoint in --train_dir if it has one."""
    with tf.Graph().as_default():
        tf.set_random_seed(SEED)
        dataset = tf.data.Dataset.from_tensor_slices((images, labels))
        dataset = dataset.shuffle(len(images), seed=SEED).repeat().batch(FLAGS.batch_size)
        batch_images, batch_labels = tf.data.make_one_shot_iterator(dataset).get_next()

        global_step = tf.train.get_or_create_global_step()
        with tf.device('/gpu:0' if FLAGS.device == 'gpu' else None):
            logits = model(batch_images, training=True)
        loss = tf.losses.sparse_softmax_cross_entropy(batch_labels, logits)
        accuracy = accuracy_of(logits, batch_labels)
        optimizer = tf.train.AdamOptimizer(FLAGS.learning_rate)
        train_op = optimizer.minimize(loss, global_step=global_step)
        with tf.control_dependencies([train_op]):
            step = global_step.read_value()
        tf.summary.scalar('loss', loss)
        tf.summary.scalar('accuracy', accuracy)

        hooks = [
            tf.train.StopAtStepHook(num_steps=FLAGS.steps),
            tf.train.NanTensorHook(loss),
            tf.train.LoggingTensorHook({'step': step, 'loss': loss}, every_n_iter=FLAGS.log_steps),
        ]
        # The session adds hooks of its own: checkpoints, summaries and the step counter.
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=FLAGS.train_dir,
            hooks=hooks,
            save_checkpoint_steps=FLAGS.save_steps,
            save_summaries_steps=FLAGS.log_steps,
            log_step_count_steps=FLAGS.log_steps,
            config=session_config(),
        ) as session:
            while not session.should_stop():
                session.run(train_op)


def evaluate(images, labels):
    """Returns the global step and the accuracy of the newest checkpoint in --train_dir."""
    with tf.Graph().as_default():
        global_step = tf.train.get_or_create_global_step()
        accuracy = accuracy_of(model(tf.constant(images)), tf.constant(labels))
        creator = tf.train.ChiefSessionCreator(
            checkpoint_filename_with_path=tf.train.latest_checkpoint(FLAGS.train_dir),
            config=session_config(),
        )
        with tf.train.MonitoredSession(session_creator=creator) as session:
            return session.run([global_step, accuracy])


def what_is_wrong_with(argv):
    """Parses the command line; returns one line on what is wrong with it, or None."""
    try:
        rest = FLAGS(argv)[1:]
    except flags.Error as error:
        return ' '.join(str(error).split())
    if rest:
        return f'unexpected argument {rest[0]!r}'
    if FLAGS.device == 'gpu' and not tf.config.experimental.list_physical_devices('GPU'):
        return 'flag --device=gpu: TensorFlow sees no GPU here; use --device=cpu or --device=auto'
    try:
        tf.gfile.MakeDirs(FLAGS.train_dir)
    except tf.errors.OpError as error:
        return f'flag --train_dir={FLAGS.train_dir}: {error.message}'
    return None


def parse_flags(argv):
    problem = what_is_wrong_with(argv)
    if problem is not None:
        sys.exit(f'{os.path.basename(argv[0])}: {problem}')
    return argv[:1]


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    # absl's app logs each line a second time; and TensorFlow calls its own Saver deprecated.
    tf.get_logger().propagate = False
    tf.get_logger().addFilter(lambda record: 'deprecated' not in record.getMessage())
    train_images, train_labels, test_images, test_labels = load_data()
    checkpoint = tf.train.latest_checkpoint(FLAGS.train_dir)
    if checkpoint is None:
        print(f'starting at step 0 in {FLAGS.train_dir}', flush=True)
    else:
        step = tf.train.load_checkpoint(checkpoint).get_tensor('global_step')
        print(f'resuming from step {step} in {FLAGS.train_dir}', flush=True)
    train(train_images, train_labels)
    step, accuracy = evaluate(test_images, test_labels)
    print(f'test accuracy at step {step}: {accuracy:.2%} of {len(test_labels)} images')


if __name__ == '__main__':
    app.run(main, flags_parser=parse_flags)
