"""Programs with variables, control flow, input queues and iterators."""

import os

import numpy as np
from running import program, raised


def counter(tf):
    return tf.assign_add(tf.train.get_or_create_global_step(), 1)


def op_types(tf):
    return sorted({op.type for op in tf.get_default_graph().get_operations()})


class Lose:
    """Mixed into a hook: loses the session after its run number `at`, once."""

    at = 0
    runs = 0

    def after_run(self, run_context, run_values):
        self.runs += 1
        if self.runs == self.at:
            raise self.error(None, None, 'lost')


def loses(tf, at):
    hook = type('LosesSession', (Lose, tf.train.SessionRunHook), {})()
    hook.at, hook.error = at, tf.errors.AbortedError
    return hook


@program
def ref_and_resource_variables(tf, directory):
    ref = tf.Variable([1.0, 2.0], name='ref')
    resource = tf.get_variable('resource', initializer=[3.0, 4.0], use_resource=True)
    step = counter(tf)
    add = [tf.assign_add(ref, [1.0, 1.0]), tf.assign_sub(resource, [1.0, 1.0])]
    with tf.control_dependencies(add + [step]):
        after = tf.identity(ref)
    seen = []

    class Looks(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return tf.train.SessionRunArgs({'ref': ref, 'resource': [resource]})

        def after_run(self, run_context, run_values):
            # Their values race with the ops that change them.
            results = run_values.results
            seen.append([results['ref'].shape, results['resource'][0].shape])

    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory, hooks=[Looks()]) as session:
        results = [session.run([after, step])[0].tolist() for _ in range(2)]
        raw = session._tf_sess() if hasattr(session, '_tf_sess') else session.raw_session()
        ref.load([7.0, 8.0], raw)
        with raw.as_default():
            evaluated = [ref.eval().tolist(), resource.eval().tolist()]
        results.append(session.run(ref).tolist())
        results.append([value.tolist() for value in session.run((ref, resource))])
        results.append(session.run('ref:0').tolist())
        results.append(session.run({'a': [ref], 'b': (resource,)})['b'][0].tolist())
    kinds = [op for op in op_types(tf) if 'Variable' in op or 'VarHandle' in op]
    return [results, seen, evaluated, kinds]


@program
def control_flow(tf, directory):
    n = tf.placeholder(tf.int32, [])
    i, total = tf.while_loop(
        lambda i, total: i < n,
        lambda i, total: (i + 1, total * 2.0),
        [tf.constant(0), tf.constant(1.0)],
    )
    branch = tf.cond(n > 2, lambda: total + 100.0, lambda: total)
    x = tf.placeholder(tf.float32, [None])
    _, squares = tf.while_loop(
        lambda i, array: i < tf.size(x),
        lambda i, array: (i + 1, array.write(i, x[i] * x[i])),
        [tf.constant(0), tf.TensorArray(tf.float32, tf.size(x), element_shape=[])],
    )
    stacked = squares.stack()
    gradient = tf.gradients(stacked, x)[0]
    scanned = tf.scan(lambda a, b: a + b, x)
    mapped = tf.map_fn(lambda v: v + 1.0, x)
    counter(tf)
    fetches = [i, total, branch, stacked, gradient, scanned, mapped]
    results = []
    with tf.train.MonitoredSession() as session:
        for count, values in [(0, [1.0]), (3, [1.0, 2.0, 3.0]), (1, [5.0])]:
            found = session.run(fetches, {n: count, x: np.array(values, np.float32)})
            results.append([value.tolist() for value in found])
        results.append(session.run(branch, {n: 5}).tolist())
    kinds = ['Enter', 'Exit', 'Switch', 'Merge', 'While', 'StatelessWhile', 'If', 'TensorArrayV3']
    return [results, [kind for kind in kinds if kind in op_types(tf)]]


def _csv(directory, rows=6):
    path = os.path.join(directory, 'rows.csv')
    with open(path, 'w') as file:
        file.writelines('%d,%f\n' % (i, i / 2.0) for i in range(rows))
    return path


@program
def queue_of_files(tf, directory):
    names = tf.train.string_input_producer([_csv(directory)], num_epochs=2, shuffle=False)
    _, line = tf.TextLineReader().read(names)
    number, half = tf.decode_csv(line, [[0], [0.0]])
    numbers, halves = tf.train.batch([number, half], 4, allow_smaller_final_batch=True)
    step = counter(tf)
    found = []
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        while not session.should_stop():
            values = session.run([numbers, halves, step])
            found.append([values[0].tolist(), values[1].tolist()])
    latest = os.path.basename(tf.train.latest_checkpoint(directory))
    return [found, latest]


@program
def shuffled_queues(tf, directory):
    pair = tf.train.slice_input_producer(
        [tf.range(8), tf.range(8) * 10], num_epochs=1, shuffle=True, seed=1
    )
    numbers, tens = tf.train.shuffle_batch(
        pair,
        3,
        capacity=10,
        min_after_dequeue=4,
        num_threads=1,
        seed=1,
        allow_smaller_final_batch=True,
    )
    found, sizes = [], []
    with tf.train.SingularMonitoredSession() as session:
        while not session.should_stop():
            one, ten = session.run([numbers, tens])
            assert (one * 10 == ten).all()
            found += one.tolist()
            sizes.append(len(one))
    return [sorted(found), sizes]


@program
def queues_after_a_recovery(tf, directory):
    queue = tf.FIFOQueue(10, [tf.int64], [[]])
    fill = tf.Variable(tf.constant(0, tf.int64), collections=[tf.GraphKeys.LOCAL_VARIABLES])
    enqueue = queue.enqueue(tf.assign_add(fill, 1))
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue]))
    value = queue.dequeue()
    step = counter(tf)
    found, seen = [], set()
    hooks = [loses(tf, 3), tf.train.StopAtStepHook(last_step=6)]
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=directory, save_checkpoint_secs=None, save_checkpoint_steps=2, hooks=hooks
    ) as session:
        while not session.should_stop():
            number, now = session.run([value, step])
            found.append(int(now))
            seen.add(number)
    return [found, len(seen) > 1]


@program
def a_queue_runner_that_fails(tf, directory):
    def broken():
        raise ValueError('the data is bad')

    queue = tf.FIFOQueue(2, [tf.float32])
    bad = tf.py_func(broken, [], tf.float32)
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(bad)]))
    value = queue.dequeue()
    counter(tf)

    def train():
        with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
            while not session.should_stop():
                session.run(value)

    return raised(train)[0]


@program
def initializable_iterator(tf, directory):
    size = tf.placeholder_with_default(tf.constant(4, tf.int64), [])
    iterator = tf.data.make_initializable_iterator(tf.data.Dataset.range(size))
    following = iterator.get_next()
    counter(tf)
    scaffold = tf.train.Scaffold(
        local_init_op=tf.group(tf.train.Scaffold.default_local_init_op(), iterator.initializer)
    )
    found = []
    with tf.train.MonitoredTrainingSession(scaffold=scaffold, hooks=[loses(tf, 3)]) as session:
        while not session.should_stop():
            found.append(int(session.run(following)))
    tables = [op.name for op in tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)]
    tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    return [found, tables]


@program
def reinitializable_iterator(tf, directory):
    training = tf.data.Dataset.range(3)
    checking = tf.data.Dataset.range(10, 12)
    iterator = tf.data.Iterator.from_structure(
        tf.data.get_output_types(training), tf.data.get_output_shapes(training)
    )
    following = iterator.get_next()
    starts = [iterator.make_initializer(training), iterator.make_initializer(checking)]
    counter(tf)
    epochs = []
    with tf.train.SingularMonitoredSession() as session:
        for start in starts + starts:
            session.run(start)
            epochs.append([])
            while True:
                try:
                    epochs[-1].append(int(session.run(following)))
                except tf.errors.OutOfRangeError:
                    break
    return epochs


@program
def feedable_iterator(tf, directory):
    one = tf.data.make_one_shot_iterator(tf.data.Dataset.range(100))
    other = tf.data.make_initializable_iterator(tf.data.Dataset.range(1000, 1100))
    handle = tf.placeholder(tf.string, [])
    following = tf.data.Iterator.from_string_handle(
        handle, tf.data.get_output_types(one), tf.data.get_output_shapes(one)
    ).get_next()
    step = counter(tf)

    class Feeds(tf.train.SessionRunHook):
        """Handles belong to a session: after a recovery there are others."""

        def begin(self):
            self.strings = [one.string_handle(), other.string_handle()]

        def after_create_session(self, session, coord):
            session.run(other.initializer)
            self.handles = session.run(self.strings)
            self.turn = 0

        def before_run(self, run_context):
            self.turn += 1
            return tf.train.SessionRunArgs(None, {handle: self.handles[self.turn % 2]})

    found = []
    hooks = [Feeds(), loses(tf, 5), tf.train.StopAtStepHook(last_step=8)]
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=directory, save_checkpoint_secs=None, save_checkpoint_steps=4, hooks=hooks
    ) as session:
        while not session.should_stop():
            found.append([int(each) for each in session.run([following, step])])
    return found


@program
def python_functions(tf, directory):
    seen = []

    def doubled(values):
        seen.append([str(values.dtype), values.tolist()])
        return values * np.float32(2)

    def two(text, number):
        return text + b'!', np.int64(number + 1)

    x = tf.placeholder(tf.float32, [None])
    double = tf.py_func(doubled, [x], tf.float32)
    pair = tf.py_func(
        two, [tf.constant('a'), tf.constant(1)], [tf.string, tf.int64], stateful=False
    )
    counter(tf)
    with tf.train.MonitoredSession() as session:
        results = [session.run(double, {x: [1.0, 2.0]}).tolist()]
        text, number = session.run(pair)
        results += [text.decode(), int(number)]
    return [results, seen]


@program
def python_functions_that_raise(tf, directory):
    found = {}
    for kind in (
        StopIteration,
        tf.errors.OutOfRangeError,
        ValueError,
        TypeError,
        KeyError,
        MemoryError,
        NotImplementedError,
        RuntimeError,
    ):

        def fails(kind=kind):
            if issubclass(kind, tf.errors.OpError):
                raise kind(None, None, 'from python')
            raise kind('from python')

        with tf.Graph().as_default():
            value = tf.py_func(fails, [], tf.float32)
            counter(tf)
            ended = []

            class Ends(tf.train.SessionRunHook):
                def end(self, session):
                    ended.append(True)

            def train():
                with tf.train.MonitoredSession(hooks=[Ends()]) as session:
                    while not session.should_stop():
                        session.run(value)

            error = raised(train)
            found[kind.__name__] = [error and error[0], ended]
    return found


@program
def a_generator_as_input(tf, directory):
    def rows():
        for i in range(3):
            yield [i, i * i]

    data = tf.data.Dataset.from_generator(rows, tf.int64, [2])
    following = tf.data.make_initializable_iterator(data)
    tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, following.initializer)
    row = following.get_next()
    counter(tf)
    found = []
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        while not session.should_stop():
            found.append(session.run(row).tolist())
    return found
