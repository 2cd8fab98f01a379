"""The model whose checkpoints are recorded. It is built alike by TensorFlow 1.4 and by today's."""


def build(tf):
    """Adds the model to the default graph.

    Args:
      tf: TensorFlow 1, or `tf.compat.v1` or `tfhooks.v1` of today.

    Returns:
      The train op.
    """
    step = tf.train.get_or_create_global_step()
    weights = tf.get_variable(
        'weights', initializer=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], use_resource=False
    )
    resource = tf.get_variable('resource', initializer=[0.1, 0.2, 0.3, 0.4], use_resource=True)
    table = tf.get_variable(
        'table',
        shape=[5, 2],
        initializer=tf.ones_initializer(),
        partitioner=tf.fixed_size_partitioner(3),
        use_resource=False,
    )
    with tf.variable_scope('layer'):
        parts = tf.get_variable(
            'parts',
            shape=[4, 3],
            initializer=tf.ones_initializer(),
            partitioner=tf.fixed_size_partitioner(2, axis=1),
            use_resource=True,
        )
    loss = sum(
        tf.reduce_sum(tf.square(tf.convert_to_tensor(variable) - 0.5))
        for variable in (weights, resource, table, parts)
    )
    train = tf.train.AdamOptimizer(0.01).minimize(loss, global_step=step)
    half = tf.get_variable('half', initializer=tf.constant(1.5, tf.float16), use_resource=False)
    flag = tf.get_variable('flag', initializer=False, trainable=False, use_resource=False)
    words = tf.get_variable(
        'words', initializer=tf.constant(['none', 'none']), trainable=False, use_resource=False
    )
    seen = tf.get_variable(
        'seen', initializer=tf.constant(0, tf.int32), trainable=False, use_resource=True
    )
    with tf.control_dependencies([train]):
        return tf.group(
            half.assign_add(tf.constant(0.25, tf.float16)),
            flag.assign(True),
            words.assign([b'\xffold', b'words']),
            seen.assign_add(3),
        )


def values(tf, session, graph):
    """The values of all variables by name, as JSON can hold them."""
    found = {}
    for variable in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES):
        value = session.run(variable)
        if value.dtype == object:
            found[variable.op.name] = [text.decode('latin-1') for text in value.ravel()]
        else:
            found[variable.op.name] = value.tolist()
    return found
