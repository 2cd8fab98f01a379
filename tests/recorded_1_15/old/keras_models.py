"""Programs with layers and Keras 2, in graphs and monitored sessions."""

import os

import numpy as np
from running import program


@program
def keras_layers_in_a_graph(tf, directory):
    x = tf.placeholder(tf.float32, [None, 3])
    layer = tf.keras.layers.Dense(2, kernel_regularizer=tf.keras.regularizers.l2(0.1))
    norm = tf.keras.layers.BatchNormalization()
    y = norm(layer(x), training=True)
    loss = tf.reduce_sum(y * y) + tf.add_n(layer.losses)
    with tf.control_dependencies(norm.updates):
        train = tf.train.AdamOptimizer().minimize(
            loss, global_step=tf.train.get_or_create_global_step()
        )
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        for _ in range(3):
            session.run(train, {x: np.ones((2, 3))})
    reader = tf.train.NewCheckpointReader(tf.train.latest_checkpoint(directory))
    return [
        sorted(reader.get_variable_to_shape_map()),
        len(norm.updates),
        len(layer.losses),
        int(reader.get_tensor('global_step')),
    ]


@program
def a_keras_model_in_a_session(tf, directory):
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(3,))])
    x = tf.placeholder(tf.float32, [None, 3])
    y = model(x)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(
        tf.reduce_sum(tf.square(y)),
        global_step=tf.train.get_or_create_global_step(),
        var_list=model.trainable_weights,
    )
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        session.run(train, {x: np.ones((2, 3))})
    return [weight.op.name for weight in model.weights]


@program
def keras_fits_in_a_session_of_the_programs(tf, directory):
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(3,))])
    model.compile(tf.train.GradientDescentOptimizer(0.1), 'mse')
    model._make_predict_function()
    with tf.Session() as session:
        tf.keras.backend.set_session(session)
        path = os.path.join(directory, 'weights.h5')
        history = model.fit(
            np.ones((4, 3), np.float32),
            np.ones((4, 1), np.float32),
            epochs=1,
            verbose=0,
            callbacks=[tf.keras.callbacks.ModelCheckpoint(path, save_weights_only=True)],
        )
        shape = model.predict(np.ones((2, 3), np.float32)).shape
        same = tf.keras.backend.get_session() is session
    return [sorted(history.history), shape, same, os.listdir(directory)]


@program
def learning_phase_is_fed(tf, directory):
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.keras.layers.Dropout(0.5)(x)
    tf.train.get_or_create_global_step()
    with tf.train.MonitoredSession() as session:
        return session.run(y, {x: np.ones((1, 3)), tf.keras.backend.learning_phase(): 0}).tolist()


@program
def layers_and_collections(tf, directory):
    x = tf.placeholder(tf.float32, [None, 4, 4, 3])
    y = tf.layers.conv2d(x, 2, 3, kernel_regularizer=tf.keras.regularizers.l2(0.1))
    y = tf.layers.batch_normalization(y, training=True)
    y = tf.layers.dropout(tf.layers.dense(tf.layers.flatten(y), 2), training=True)
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_sum(y) + tf.losses.get_regularization_loss()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, global_step=step)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        session.run(train, {x: np.ones((2, 4, 4, 3))})
    names = sorted(
        name for name, _ in tf.train.list_variables(tf.train.latest_checkpoint(directory))
    )
    return [names, len(tf.get_collection(tf.GraphKeys.UPDATE_OPS))]


@program
def recurrent_cells(tf, directory):
    x = tf.placeholder(tf.float32, [None, 5, 3])
    cells = [tf.nn.rnn_cell.LSTMCell(2), tf.nn.rnn_cell.GRUCell(3)]
    y, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.MultiRNNCell(cells), x, dtype=tf.float32)
    tf.train.get_or_create_global_step()
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        outputs, states = session.run([y, state], {x: np.ones((2, 5, 3))})
    names = [variable.op.name for variable in tf.global_variables()]
    return [names, outputs.shape, type(states[0]).__name__, states[0].c.shape, states[1].shape]
