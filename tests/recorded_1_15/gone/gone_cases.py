"""What the cases of `behaviour.py` share."""

import os

import numpy as np

CASES = []


def case(function):
    CASES.append(function)
    return function


def plain(value):
    """A value as JSON has it; floats to six digits."""
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, np.bytes_)):
        return value.decode()
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return float(f'{value:.6g}')
    return value


def raised(function, *args, **kwargs):
    """The name of the error that a call raises, by the class that programs catch."""
    try:
        function(*args, **kwargs)
    except Exception as error:
        for kind in (KeyError, TypeError, ValueError, AttributeError):
            if isinstance(error, kind):
                return kind.__name__
        return type(error).__name__
    return 'nothing'


def run(tf, fetches, feed_dict=None):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        session.run(tf.tables_initializer())
        return session.run(fetches, feed_dict)


def names(variables):
    return sorted(variable.op.name for variable in variables)


def events(tf, directory):
    """(step, tag, value) of the scalars in the event files of a directory."""
    found = []
    for name in sorted(os.listdir(directory)):
        if 'tfevents' in name:
            for event in tf.train.summary_iterator(os.path.join(directory, name)):
                for value in event.summary.value:
                    if value.HasField('simple_value'):
                        number = value.simple_value
                    else:
                        number = float(np.sum(tf.make_ndarray(value.tensor)))
                    found.append([event.step, value.tag, plain(number)])
    return found


def images(shape=(2, 4, 4, 3)):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 50 - 1


def model(tf):
    """A global step, a weight, and a loss that falls."""
    step = tf.train.get_or_create_global_step()
    start = tf.constant_initializer([1.0, -2.0])
    # With a resource variable, what reads it before the step sees the value before the step.
    weight = tf.get_variable('weight', [2], initializer=start, use_resource=True)
    loss = tf.reduce_sum(weight * weight)
    return step, weight, loss


def trained(tf, directory, steps=3):
    """A checkpoint of the model at that step."""
    with tf.Graph().as_default():
        step, weight, _ = model(tf)
        advance = tf.group(tf.assign_add(step, 1), tf.assign_add(weight, [0.5, 0.25]))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(steps):
                session.run(advance)
            return tf.train.Saver().save(session, os.path.join(directory, 'model.ckpt'), step)
