"""Programs with values and protocol buffers of other packages."""

import os

import numpy as np
from running import program, raised


@program
def values_that_are_fed(tf, directory):
    """What NumPy makes of them may have changed; what the run gets may not."""

    class OldArray:
        def __array__(self, dtype=None):
            return np.arange(3, dtype=dtype)

    class View(np.ndarray):
        pass

    given = {
        'int8': [[300], np.array([300]), [-129], 300],
        'uint8': [-1, np.int64(-1), [255, -1]],
        'int32': [[2**40], 2**40, 1.5, [1.5], np.int_(3), range(3), (1, 2), np.array([1.0, 2.0])],
        'float32': [
            [[1.0, 2.0], [3.0]],
            1e40,
            np.float64(0.5),
            np.array([1.0, 2.0], dtype=object),
            np.matrix([[1, 2]]),
            '1.5',
            np.longdouble(0.5),
            OldArray(),
            np.arange(3.0).view(View),
            np.ma.masked_array([1.0, 2.0], [0, 1]),
            [None, 1.0],
            True,
            np.float16(0.5),
        ],
        'float16': [1e6, np.float64(0.1)],
        'bool': [2, np.bool_(True), [0, 1, 5]],
        'string': ['\xe9', b'a', np.array(['a', 'bc']), np.array([b'a', b'bc']), ['a', b'b']],
        'complex64': [1, np.array([1 + 2j])],
    }
    places = {name: tf.placeholder(getattr(tf, name), name=name) for name in sorted(given)}
    copies = {name: tf.identity(place) for name, place in places.items()}
    tf.train.get_or_create_global_step()
    found = {}
    with tf.train.MonitoredSession() as session:
        for name, values in given.items():
            found[name] = []
            for value in values:
                got = []
                error = raised(lambda: got.append(session.run(copies[name], {places[name]: value})))
                array = np.asarray(got[0]) if got else None
                found[name].append(error[0] if error else [str(array.dtype), str(array.tolist())])
    return found


@program
def protocol_buffers(tf, directory):
    def simple(value):
        return tf.Summary.Value(tag='x', simple_value=value).simple_value

    found = [simple(value) for value in (0.5, np.float32(0.5), np.float64(0.5), 3, np.int64(3))]
    found += [raised(simple, value)[0] for value in (np.array([0.5]), '1')]
    found += [tf.Event(step=value).step for value in (3, np.int64(3), np.int32(3))]
    found += [raised(lambda value: tf.Event(step=value), value)[0] for value in (3.0, '3')]
    config = tf.ConfigProto(device_count={'GPU': 0}, gpu_options={'allow_growth': True})
    config.gpu_options.per_process_gpu_memory_fraction = np.float64(0.5)
    found += [str(config), tf.RunOptions(trace_level='FULL_TRACE').trace_level]
    found += [raised(config.HasField, 'log_device_placement')[0], config.HasField('gpu_options')]
    features = {
        'floats': tf.train.Feature(float_list=tf.train.FloatList(value=np.ones(2, np.float32))),
        'ints': tf.train.Feature(int64_list=tf.train.Int64List(value=np.arange(2))),
        'text': tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'a'])),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    parsed = tf.parse_single_example(
        example.SerializeToString(),
        {'floats': tf.FixedLenFeature([2], tf.float32), 'ints': tf.VarLenFeature(tf.int64)},
    )
    writer = tf.summary.FileWriter(directory)
    tf.train.get_or_create_global_step()
    with tf.train.MonitoredSession() as session:
        values = session.run(parsed)
    found += [values['floats'].tolist(), values['ints'].values.tolist()]
    summary = tf.Summary(value=[tf.Summary.Value(tag='x', simple_value=np.float32(1))])
    for step in (np.int64(3), np.int32(4), 5):
        writer.add_summary(summary, step)
    writer.add_summary(summary.SerializeToString(), 6)
    writer.close()
    path = os.path.join(directory, os.listdir(directory)[0])
    events = [event for event in tf.train.summary_iterator(path) if event.HasField('summary')]
    return [found, [[event.step, event.summary.value[0].simple_value] for event in events]]
