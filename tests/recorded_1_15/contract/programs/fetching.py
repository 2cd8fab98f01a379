"""Fetches and feeds of every kind, through a monitored session."""

import collections

import attr
import numpy as np

from programs.common import count, recorder

Point = collections.namedtuple('Point', ['x', 'y'])


@attr.s
class Losses:
    total = attr.ib()
    parts = attr.ib()


def structures(tf, trace, workdir):
    a, b = tf.constant([1, 2], name='a'), tf.constant(0.5, tf.float64, name='b')
    with tf.train.MonitoredSession(
        hooks=[recorder(tf, trace, 'hook', fetches=Point(a, [b]))]
    ) as session:
        trace.note('tensor', session.run(a))
        trace.note('list', session.run([a, b]))
        trace.note('tuple', session.run((a, b)))
        trace.note('dict', session.run({'a': a, 'b': b}))
        trace.note('ordered', session.run(collections.OrderedDict([('z', a), ('a', b)])))
        trace.note('nested', session.run({'l': [a, (b, {'d': a})], 't': ()}))
        trace.note('namedtuple', session.run(Point(x=a, y=Point(b, b))))
        trace.note('attrs', session.run(Losses(total=a, parts=[b, b])))
        trace.note('empty list', session.run([]))
        trace.note('empty dict', session.run({}))
        trace.note('twice', session.run([a, a, b, a]))


def values_of_every_dtype(tf, trace, workdir):
    kinds = [
        tf.float16,
        tf.float32,
        tf.float64,
        tf.int8,
        tf.int16,
        tf.int32,
        tf.int64,
        tf.uint8,
        tf.uint16,
    ]
    tensors = [tf.constant(1, kind) for kind in kinds]
    vectors = [tf.constant([1, 2], kind) for kind in kinds]
    with tf.train.MonitoredSession() as session:
        values = session.run({'scalars': tensors, 'vectors': vectors})
    for index, kind in enumerate(kinds):
        trace.note(kind.name, values['scalars'][index], values['vectors'][index])


def strings_and_bools(tf, trace, workdir):
    text = tf.constant('text', name='text')
    texts = tf.constant([['a', 'b']], name='texts')
    flag = tf.constant(True, name='flag')
    flags = tf.constant([True, False], name='flags')
    unit = tf.constant(1j, name='unit')
    with tf.train.MonitoredSession() as session:
        trace.note('strings', session.run([text, texts]))
        trace.note('bools', session.run([flag, flags]))
        trace.note('complex', str(session.run(unit)))


def operations_and_names(tf, trace, workdir):
    train = count(tf)
    x = tf.constant(7, name='x')
    with tf.train.MonitoredSession(
        hooks=[recorder(tf, trace, 'hook', fetches=['x:0', 'x'])]
    ) as session:
        trace.note('operation', session.run(train.op))
        trace.note('operations', session.run([train.op, x]))
        trace.note('tensor name', session.run('x:0'))
        trace.note('operation name', session.run('x'))
        trace.note('names', session.run({'t': 'x:0', 'o': 'x'}))
        trace.note('variable', session.run(tf.train.get_global_step()))


def sparse_and_ragged(tf, trace, workdir):
    sparse = tf.SparseTensor([[0, 1], [2, 0]], tf.constant([1.5, 2.5]), [3, 2])
    slices = tf.IndexedSlices(tf.constant([[1.0], [2.0]]), tf.constant([0, 3]))
    dense_slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]), tf.constant([4, 1]))
    ragged = tf.ragged.constant([[1, 2], [], [3]])
    with tf.train.MonitoredSession(
        hooks=[recorder(tf, trace, 'hook', fetches=[sparse])]
    ) as session:
        trace.note('sparse', session.run(sparse))
        trace.note('slices', session.run([slices, dense_slices]))
        trace.note('ragged', session.run({'r': ragged}))


def feed_kinds(tf, trace, workdir):
    scalar = tf.placeholder(tf.float32, [], name='scalar')
    vector = tf.placeholder(tf.int64, [None], name='vector')
    text = tf.placeholder(tf.string, None, name='text')
    flag = tf.placeholder(tf.bool, [], name='flag')
    sparse = tf.sparse_placeholder(tf.float32, name='sparse')
    constant = tf.constant(1.0, name='constant')
    tripled = tf.multiply(constant, 3.0, name='tripled')
    with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
        trace.note('int to float', session.run(scalar, {scalar: 3}))
        trace.note('numpy scalar', session.run(scalar, {scalar: np.float64(0.25)}))
        trace.note('list', session.run(vector, {vector: [1, 2]}))
        trace.note('array of int32', session.run(vector, {vector: np.array([3], np.int32)}))
        trace.note('empty', session.run(vector, {vector: np.zeros([0], np.int64)}))
        trace.note('str', session.run(text, {text: 'abc'}))
        trace.note('bytes', session.run(text, {text: [b'a', b'bc']}))
        trace.note('unicode array', session.run(text, {text: np.array(['x', 'yz'])}))
        trace.note('bool', session.run(flag, {flag: True}))
        trace.note('by name', session.run('scalar:0', {'scalar:0': 4.0}))
        trace.note('not a placeholder', session.run(tripled, {constant: 5.0}))
        trace.note('the fetch itself', session.run(tripled, {tripled: 5.0}))
        value = tf.SparseTensorValue([[0, 0]], [2.0], [1, 1])
        trace.note('sparse value', session.run(sparse, {sparse: value}))
        trace.note('sparse tuple', session.run(sparse, {sparse: ([[1]], [3.0], [2])}))
        trace.note('tuple key', session.run([scalar, constant], {(scalar, constant): (1.0, 2.0)}))


def fed_arrays_are_read_at_the_call(tf, trace, workdir):
    x = tf.placeholder(tf.float32, [2], name='x')
    y = tf.multiply(x, 2.0, name='y')
    with tf.train.MonitoredSession() as session:
        array = np.array([1.0, 2.0], np.float32)
        first = session.run(y, {x: array})
        array[:] = 5.0
        second = session.run(y, {x: array})
        trace.note('both', first, second, array)
        same = session.run(x, {x: array})
        array[:] = 9.0
        trace.note('fetched feed', same.shape, same.dtype.name)


def feed_errors(tf, trace, workdir):
    x = tf.placeholder(tf.float32, [2], name='x')
    other_graph = tf.Graph()
    with other_graph.as_default():
        foreign = tf.placeholder(tf.float32, [], name='foreign')
    unfeedable = tf.constant(1)
    tf.get_default_graph().prevent_feeding(unfeedable)
    with tf.train.MonitoredSession() as session:
        trace.raises('wrong shape', session.run, x, {x: [1.0, 2.0, 3.0]})
        trace.raises('wrong kind', session.run, x, {x: ['a', 'b']})
        trace.raises('a tensor', session.run, x, {x: x})
        trace.raises('unknown name', session.run, x, {'nowhere:0': 1.0})
        trace.raises('other graph', session.run, x, {foreign: 1.0})
        trace.raises('not feedable', session.run, unfeedable, {unfeedable: 2})
        trace.raises('unfed', session.run, x)
        trace.raises('key of wrong kind', session.run, x, {3: 1.0})
        trace.raises('list', session.run, x, [1.0])
        trace.note('still usable', session.run(x, {x: [1.0, 2.0]}))


def fetch_errors(tf, trace, workdir):
    x = tf.constant(1.0, name='x')
    with tf.Graph().as_default():
        foreign = tf.constant(2.0, name='foreign')
    unfetchable = tf.constant(1)
    tf.get_default_graph().prevent_fetching(unfetchable.op)
    with tf.train.MonitoredSession() as session:
        trace.raises('None', session.run, None)
        trace.raises('None inside', session.run, [x, None])
        trace.raises('number', session.run, 3)
        trace.raises('unknown name', session.run, 'nowhere:0')
        trace.raises('unknown operation', session.run, 'nowhere')
        trace.raises('other graph', session.run, foreign)
        trace.raises('not fetchable', session.run, unfetchable)
        trace.note('still usable', session.run(x))


def many_signatures_in_turn(tf, trace, workdir):
    x = tf.placeholder_with_default(tf.constant(1.0), [], name='x')
    y = tf.placeholder_with_default(tf.constant(2.0), [], name='y')
    total = tf.add(x, y, name='total')
    with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook', fetches=total)]) as session:
        for _ in range(2):
            trace.note('none fed', session.run(total))
            trace.note('x fed', session.run(total, {x: 10.0}))
            trace.note('y fed', session.run(total, {y: 20.0}))
            trace.note('both fed', session.run([total, x], {y: 20.0, x: 10}))
            trace.note('list', session.run([total]))
            trace.note('tuple', session.run((total,)))
