"""Fine-tunes a small transformer in the manner of BERT: records, a checkpoint, a TPUEstimator.

python bert_like.py --output_dir=/tmp/sentences --num_train_steps=40
"""

import collections
import math
import os
import re

import numpy as np
import tensorflow as tf

flags = tf.flags
FLAGS = flags.FLAGS
flags.DEFINE_string('output_dir', None, 'Where checkpoints and results go.')
flags.DEFINE_integer('num_train_steps', 40, 'Total number of training steps.')
flags.DEFINE_integer('train_batch_size', 16, 'Total batch size for training.')
flags.DEFINE_float('learning_rate', 5e-3, 'The initial learning rate for Adam.')
flags.DEFINE_float('warmup_proportion', 0.1, 'Proportion of training with a growing rate.')
flags.DEFINE_bool('use_tpu', False, 'Whether to use TPU or GPU/CPU.')

VOCAB, LENGTH, HIDDEN, HEADS = 30, 12, 16, 2


def write_records(path, count, seed):
    """Writes sentences of tokens; the label says whether they have more small tokens than great."""
    random = np.random.RandomState(seed)
    with tf.python_io.TFRecordWriter(path) as writer:
        for _ in range(count):
            ids = random.randint(1, VOCAB, size=LENGTH)
            mask = np.arange(LENGTH) < random.randint(6, LENGTH + 1)
            ids = ids * mask
            label = int((ids[mask] < VOCAB // 2).mean() > 0.5)
            feature = collections.OrderedDict()
            for name, values in (('input_ids', ids), ('input_mask', mask), ('label_ids', [label])):
                values = tf.train.Int64List(value=[int(value) for value in values])
                feature[name] = tf.train.Feature(int64_list=values)
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def file_based_input_fn_builder(input_file, is_training, drop_remainder):
    name_to_features = {
        'input_ids': tf.FixedLenFeature([LENGTH], tf.int64),
        'input_mask': tf.FixedLenFeature([LENGTH], tf.int64),
        'label_ids': tf.FixedLenFeature([], tf.int64),
    }

    def _decode_record(record):
        example = tf.parse_single_example(record, name_to_features)
        for name in list(example.keys()):
            example[name] = tf.to_int32(example[name])
        return example

    def input_fn(params):
        data = tf.data.TFRecordDataset(input_file)
        if is_training:
            data = data.repeat()
        return data.apply(
            tf.contrib.data.map_and_batch(
                _decode_record, batch_size=params['batch_size'], drop_remainder=drop_remainder
            )
        )

    return input_fn


def initializer(name, shape):
    random = np.random.RandomState(sum(map(ord, name)))
    return random.normal(0, 0.2, shape).astype(np.float32)


def dense(x, units, name, activation=None):
    with tf.variable_scope(name):
        full = tf.get_variable_scope().name
        kernel = tf.get_variable(
            'kernel', initializer=initializer(full, [x.shape[-1].value, units])
        )
        bias = tf.get_variable('bias', [units], initializer=tf.zeros_initializer())
        x = tf.tensordot(x, kernel, [[-1], [0]]) + bias
    return activation(x) if activation else x


def layer_norm(x, name=None):
    return tf.contrib.layers.layer_norm(
        inputs=x, begin_norm_axis=-1, begin_params_axis=-1, scope=name
    )


def gelu(x):
    return x * 0.5 * (1.0 + tf.erf(x / tf.sqrt(2.0)))


def attention(x, mask):
    def heads(name):
        y = tf.reshape(dense(x, HIDDEN, name), [-1, LENGTH, HEADS, HIDDEN // HEADS])
        return tf.transpose(y, [0, 2, 1, 3])

    scores = tf.matmul(heads('query'), heads('key'), transpose_b=True)
    scores *= 1.0 / math.sqrt(HIDDEN // HEADS)
    scores += (1.0 - tf.to_float(mask[:, tf.newaxis, tf.newaxis, :])) * -10000.0
    mixed = tf.matmul(tf.nn.softmax(scores), heads('value'))
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [-1, LENGTH, HIDDEN])


def transformer(input_ids, input_mask):
    with tf.variable_scope('bert'):
        with tf.variable_scope('embeddings'):
            words = tf.get_variable(
                'word_embeddings', initializer=initializer('w', [VOCAB, HIDDEN])
            )
            places = tf.get_variable('position', initializer=initializer('p', [LENGTH, HIDDEN]))
            x = layer_norm(tf.nn.embedding_lookup(words, input_ids) + places, 'LayerNorm')
        with tf.variable_scope('encoder/layer_0'):
            x = layer_norm(x + dense(attention(x, input_mask), HIDDEN, 'output'), 'LayerNorm')
            inner = dense(x, 2 * HIDDEN, 'intermediate', gelu)
            x = layer_norm(x + dense(inner, HIDDEN, 'output_1'), 'LayerNorm_1')
        return dense(x[:, 0, :], HIDDEN, 'pooler', tf.tanh)


class AdamWeightDecayOptimizer(tf.train.Optimizer):
    """Adam with the decay of weights apart from the moments."""

    def __init__(self, learning_rate, weight_decay_rate=0.01, exclude=('LayerNorm', 'bias')):
        super(AdamWeightDecayOptimizer, self).__init__(False, 'AdamWeightDecayOptimizer')
        self.learning_rate = learning_rate
        self.weight_decay_rate = weight_decay_rate
        self.exclude = exclude

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        assignments = []
        for grad, param in grads_and_vars:
            if grad is None or param is None:
                continue
            name = re.match('^(.*):\\d+$', param.name).group(1)
            m, v = [
                tf.get_variable(
                    name=name + suffix,
                    shape=param.shape.as_list(),
                    dtype=tf.float32,
                    trainable=False,
                    initializer=tf.zeros_initializer(),
                )
                for suffix in ('/adam_m', '/adam_v')
            ]
            grad = tf.convert_to_tensor(grad)
            next_m = 0.9 * m + 0.1 * grad
            next_v = 0.999 * v + 0.001 * tf.square(grad)
            update = next_m / (tf.sqrt(next_v) + 1e-6)
            if not any(re.search(each, name) for each in self.exclude):
                update += self.weight_decay_rate * param
            assignments += [
                param.assign(param - self.learning_rate * update),
                m.assign(next_m),
                v.assign(next_v),
            ]
        return tf.group(*assignments, name=name)


def create_optimizer(loss, init_lr, num_train_steps, num_warmup_steps):
    global_step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(
        tf.constant(init_lr), global_step, num_train_steps, end_learning_rate=0.0, power=1.0
    )
    is_warmup = tf.to_float(global_step < num_warmup_steps)
    warmup = init_lr * tf.to_float(global_step) / float(num_warmup_steps)
    optimizer = AdamWeightDecayOptimizer((1.0 - is_warmup) * rate + is_warmup * warmup)
    tvars = tf.trainable_variables()
    grads, _ = tf.clip_by_global_norm(tf.gradients(loss, tvars), clip_norm=1.0)
    train_op = optimizer.apply_gradients(zip(grads, tvars), global_step=global_step)
    # Not before the learning rate is read.
    with tf.control_dependencies([train_op]):
        return tf.assign_add(global_step, 1)


def model_fn_builder(init_checkpoint, num_train_steps, num_warmup_steps):
    def model_fn(features, labels, mode, params):
        for name in sorted(features.keys()):
            tf.logging.info('  name = %s, shape = %s' % (name, features[name].shape))
        pooled = transformer(features['input_ids'], features['input_mask'])
        logits = dense(pooled, 2, 'classifier')
        probabilities = tf.nn.softmax(logits, axis=-1)
        labels = features['label_ids']
        one_hot = tf.one_hot(labels, depth=2, dtype=tf.float32)
        per_example = -tf.reduce_sum(one_hot * tf.nn.log_softmax(logits, axis=-1), axis=-1)
        loss = tf.reduce_mean(per_example)

        scaffold_fn = None
        restored = [name for name, _ in tf.train.list_variables(init_checkpoint)]
        assignment_map = {name: name for name in restored}
        tf.train.init_from_checkpoint(init_checkpoint, assignment_map)
        if mode == tf.estimator.ModeKeys.TRAIN:
            train_op = create_optimizer(
                loss, FLAGS.learning_rate, num_train_steps, num_warmup_steps
            )
            return tf.contrib.tpu.TPUEstimatorSpec(
                mode=mode, loss=loss, train_op=train_op, scaffold_fn=scaffold_fn
            )
        if mode == tf.estimator.ModeKeys.EVAL:

            def metric_fn(per_example_loss, label_ids, logits):
                predictions = tf.argmax(logits, axis=-1, output_type=tf.int32)
                return {
                    'eval_accuracy': tf.metrics.accuracy(label_ids, predictions),
                    'eval_loss': tf.metrics.mean(per_example_loss),
                }

            return tf.contrib.tpu.TPUEstimatorSpec(
                mode=mode,
                loss=loss,
                eval_metrics=(metric_fn, [per_example, labels, logits]),
                scaffold_fn=scaffold_fn,
            )
        return tf.contrib.tpu.TPUEstimatorSpec(
            mode=mode, predictions={'probabilities': probabilities}, scaffold_fn=scaffold_fn
        )

    return model_fn


def pretrained(folder):
    """Writes the checkpoint that the fine-tuning begins with."""
    with tf.Graph().as_default(), tf.Session() as session:
        transformer(tf.zeros([1, LENGTH], tf.int32), tf.ones([1, LENGTH], tf.int32))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, os.path.join(folder, 'bert_model.ckpt'))


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    # A variable of the other kind may be read after it is assigned.
    tf.enable_resource_variables()
    tf.gfile.MakeDirs(FLAGS.output_dir)
    init_checkpoint = pretrained(os.path.join(FLAGS.output_dir, 'pretrained'))
    train_file = os.path.join(FLAGS.output_dir, 'train.tf_record')
    eval_file = os.path.join(FLAGS.output_dir, 'eval.tf_record')
    write_records(train_file, 320, seed=1)
    write_records(eval_file, 64, seed=2)

    run_config = tf.contrib.tpu.RunConfig(
        cluster=None,
        master=None,
        model_dir=os.path.join(FLAGS.output_dir, 'model'),
        save_checkpoints_steps=20,
        tpu_config=tf.contrib.tpu.TPUConfig(
            iterations_per_loop=10,
            num_shards=8,
            per_host_input_for_training=tf.contrib.tpu.InputPipelineConfig.PER_HOST_V2,
        ),
    )
    warmup = int(FLAGS.num_train_steps * FLAGS.warmup_proportion)
    estimator = tf.contrib.tpu.TPUEstimator(
        use_tpu=FLAGS.use_tpu,
        model_fn=model_fn_builder(init_checkpoint, FLAGS.num_train_steps, warmup),
        config=run_config,
        train_batch_size=FLAGS.train_batch_size,
        eval_batch_size=8,
        predict_batch_size=8,
    )
    train_input_fn = file_based_input_fn_builder(train_file, True, drop_remainder=True)
    estimator.train(input_fn=train_input_fn, max_steps=FLAGS.num_train_steps)

    eval_input_fn = file_based_input_fn_builder(eval_file, False, drop_remainder=False)
    result = estimator.evaluate(input_fn=eval_input_fn, steps=None)
    with tf.gfile.GFile(os.path.join(FLAGS.output_dir, 'eval_results.txt'), 'w') as writer:
        for key in sorted(result.keys()):
            print('%s = %.3f' % (key, result[key]))
            writer.write('%s = %s\n' % (key, str(result[key])))
    for index, prediction in enumerate(estimator.predict(input_fn=eval_input_fn)):
        if index < 4:
            print('\t'.join('%.2f' % value for value in prediction['probabilities']))


if __name__ == '__main__':
    flags.mark_flag_as_required('output_dir')
    tf.app.run()
