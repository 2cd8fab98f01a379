"""Cases of `behaviour.py`: layers, losses, metrics and slim."""

import os

import numpy as np
from gone_cases import case, events, images, model, names, plain, run, trained


@case
def layers(tf, directory):
    layers, scope = tf.contrib.layers, tf.contrib.framework.arg_scope
    inputs = tf.constant(images())
    ones = tf.constant_initializer(0.1)
    with scope([layers.conv2d, layers.fully_connected], weights_initializer=ones):
        net = layers.conv2d(inputs, 2, [3, 3], weights_regularizer=layers.l2_regularizer(0.5))
        net = layers.conv2d(net, 2, 1, rate=1, stride=2, scope='second')
        net = layers.conv2d(net, 2, 1, normalizer_fn=layers.batch_norm, scope='third')
        net = layers.max_pool2d(net, 2)
        flat = layers.flatten(net)
        out = layers.fully_connected(flat, 3, activation_fn=None)
        stacked = layers.stack(flat, layers.fully_connected, [2, 3], scope='stack')
        repeated = layers.repeat(inputs, 2, layers.conv2d, 3, 3, scope='repeat')
    regularization = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    return [
        names(tf.global_variables()),
        names(tf.contrib.framework.get_model_variables()),
        sorted(op.name for op in tf.get_collection(tf.GraphKeys.UPDATE_OPS)),
        run(tf, [out, stacked, tf.reduce_sum(repeated), regularization]),
    ]


@case
def more_layers(tf, directory):
    layers = tf.contrib.layers
    inputs = tf.constant(images())
    ones = {'weights_initializer': tf.constant_initializer(0.1)}
    volume = tf.constant(images((1, 2, 4, 4, 2)))
    found = [
        layers.avg_pool2d(inputs, 2),
        layers.conv2d_transpose(inputs, 2, 3, stride=2, **ones),
        layers.separable_conv2d(inputs, 2, 3, 1, **ones),
        layers.conv2d_in_plane(inputs, 3, **ones),
        layers.conv1d(inputs[:, 0], 2, 3, **ones),
        layers.conv3d(volume, 2, [1, 3, 3], **ones),
        layers.max_pool3d(volume, 2),
        layers.layer_norm(inputs),
        layers.group_norm(inputs, groups=3),
        layers.instance_norm(inputs),
        layers.unit_norm(inputs, 3),
        layers.dropout(inputs, is_training=False),
        layers.one_hot_encoding(tf.constant([0, 2]), 3),
        layers.bias_add(inputs),
        layers.softmax(inputs[:, 0]),
        layers.spatial_softmax(inputs),
        layers.maxout(inputs[:, 0], 1),
        layers.linear(inputs[:, 0, 0], 2, **ones),
        layers.relu6(inputs[:, 0, 0], 2, **ones),
        layers.scale_gradient(inputs[0, 0], tf.constant(2.0)),
        layers.dense_to_sparse(tf.constant([[1, 0, 2]])).values,
        layers.l1_regularizer(0.5)(inputs),
        layers.sum_regularizer([layers.l2_regularizer(0.5), layers.l1_regularizer(0.1)])(inputs),
        layers.apply_regularization(layers.l2_regularizer(0.5), [inputs]),
        layers.safe_embedding_lookup_sparse(
            [tf.constant([[1.0, 2.0], [3.0, 4.0]])],
            tf.SparseTensor([[0, 0], [2, 0]], [1, -1], [3, 1]),
        ),
    ]
    created = names(tf.global_variables())
    values = run(tf, found)
    return [created, [plain(np.sum(value)) for value in values], [list(v.shape) for v in values]]


@case
def batch_norm(tf, directory):
    layers = tf.contrib.layers
    found = []
    for options in (
        {},
        {'fused': False},
        {'is_training': False},
        {'is_training': None},
        {'is_training': None, 'fused': False, 'scale': True, 'decay': 0.5},
        {'updates_collections': None, 'zero_debias_moving_mean': True},
        {'param_regularizers': {'beta': layers.l2_regularizer(1.0)}},
        {'renorm': True},
    ):
        with tf.Graph().as_default():
            values = tf.constant(images())
            if options.get('is_training', True) is None:
                options = dict(options, is_training=tf.placeholder_with_default(True, []))
            normal = layers.batch_norm(values, **options)
            updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
            with tf.control_dependencies([normal]):
                done = tf.group(*updates)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                outcome = session.run(normal)
                session.run(done)
                kept = {v.op.name: session.run(v) for v in tf.global_variables()}
            found.append([plain(np.abs(outcome).sum()), kept, len(updates)])
    return found


@case
def optimize(tf, directory):
    _, weight, loss = model(tf)
    op = tf.contrib.layers.optimize_loss(
        loss, tf.train.get_global_step(), 0.1, 'SGD', clip_gradients=1.0,
        learning_rate_decay_fn=lambda rate, step: rate * 0.5, summaries=['loss', 'learning_rate'],
    )  # fmt: skip
    summaries = sorted(op.name for op in tf.get_collection(tf.GraphKeys.SUMMARIES))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(op), session.run(weight), session.run('global_step:0'), summaries]


@case
def slim(tf, directory):
    slim = tf.contrib.slim
    with slim.arg_scope([slim.conv2d], padding='VALID'):
        net = slim.conv2d(tf.constant(images()), 2, 3, weights_initializer=tf.ones_initializer())
    # Its gradient needs what the weights were, so that no step can overtake the loss.
    slim.losses.add_loss(tf.nn.l2_loss(net) / 100)
    total = slim.losses.get_total_loss()
    op = slim.learning.create_train_op(total, tf.train.GradientDescentOptimizer(0.1))
    last = slim.learning.train(
        op, directory, number_of_steps=3, log_every_n_steps=10, save_summaries_secs=0
    )
    done = tf.train.load_checkpoint(directory).get_tensor('global_step')
    size, _ = slim.model_analyzer.analyze_vars(slim.get_model_variables())
    return [last, done, size, names(slim.get_variables_to_restore())]


@case
def slim_evaluation(tf, directory):
    slim = tf.contrib.slim
    path = trained(tf, directory)
    _, weight, _ = model(tf)
    value, update = slim.metrics.streaming_mean(weight)
    tf.summary.scalar('mean', value)
    logs = os.path.join(directory, 'logs')
    result = slim.evaluation.evaluate_once(
        '', path, logs, num_evals=2, eval_op=update, final_op=value
    )
    return [result, events(tf, logs)]


@case
def losses(tf, directory):
    losses = tf.contrib.losses
    logits, labels = tf.constant([[1.0, -1.0], [0.5, 2.0]]), tf.constant([[1.0, 0.0], [0.0, 1.0]])
    found = [
        losses.absolute_difference(logits, labels),
        losses.hinge_loss(logits, labels),
        losses.log_loss(tf.sigmoid(logits), labels),
        losses.mean_squared_error(logits, labels, weights=2.0),
        losses.mean_pairwise_squared_error(logits, labels),
        losses.sigmoid_cross_entropy(logits, labels),
        losses.softmax_cross_entropy(logits, labels, label_smoothing=0.1),
        losses.sparse_softmax_cross_entropy(logits, tf.constant([0, 1])),
        losses.cosine_distance(logits, labels, axis=1),
        losses.get_total_loss(add_regularization_losses=False),
        losses.metric_learning.contrastive_loss(tf.constant([1, 0]), logits, labels),
        losses.metric_learning.npairs_loss(tf.constant([1, 0]), logits, labels),
        losses.metric_learning.triplet_semihard_loss(
            tf.constant([1, 0, 1, 0]), tf.concat([logits, logits * 3], 0)
        ),
    ]
    return [*run(tf, found), len(losses.get_losses())]


@case
def metrics(tf, directory):
    metrics = tf.contrib.metrics
    labels, guesses = tf.constant([1, 0, 1, 1]), tf.constant([1, 1, 0, 1])
    weights = tf.constant([0.1, 0.6, 0.4, 0.9])
    pairs = {
        'accuracy': metrics.streaming_accuracy(guesses, labels),
        'precision': metrics.streaming_precision(guesses, labels),
        'recall': metrics.streaming_recall(guesses, labels),
        'auc': metrics.streaming_auc(weights, labels),
        'mean': metrics.streaming_mean(weights),
        'rmse': metrics.streaming_root_mean_squared_error(weights, tf.constant([0.0, 1, 0, 1])),
        'iou': metrics.streaming_mean_iou(guesses, labels, 2),
        'count': metrics.count(labels),
        'kappa': metrics.cohen_kappa(labels, guesses, 2),
        'concat': metrics.streaming_concat(labels),
    }
    values, updates = metrics.aggregate_metric_map(pairs)
    now = [metrics.accuracy(guesses, labels), metrics.confusion_matrix(labels, guesses)]
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(updates)
        return [session.run(values), session.run(now), names(tf.local_variables())]


@case
def cells(tf, directory):
    rnn = tf.contrib.rnn
    inputs = tf.constant(images((2, 3, 2)))
    found = []
    for kind in (rnn.BasicRNNCell, rnn.GRUCell, rnn.BasicLSTMCell, rnn.LSTMCell):
        with tf.variable_scope(kind.__name__, initializer=tf.constant_initializer(0.2)):
            outputs, state = tf.nn.dynamic_rnn(kind(3), inputs, dtype=tf.float32)
            found.append([outputs, state])
    with tf.variable_scope('stack', initializer=tf.constant_initializer(0.1)):
        stack = rnn.MultiRNNCell([rnn.ResidualWrapper(rnn.LSTMCell(2)) for _ in range(2)])
        found.append(tf.nn.dynamic_rnn(stack, inputs, dtype=tf.float32))
    with tf.variable_scope('static', initializer=tf.constant_initializer(0.1)):
        steps = tf.unstack(inputs, axis=1)
        found.append(rnn.static_rnn(rnn.DropoutWrapper(rnn.GRUCell(2)), steps, dtype=tf.float32))
    state = rnn.LSTMStateTuple(1, 2)
    return [names(tf.global_variables()), run(tf, found), [state.c, state.h], stack.output_size]
