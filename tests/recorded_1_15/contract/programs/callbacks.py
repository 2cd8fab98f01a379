"""When each of a hook's methods is called, with what, and what follows from what it does."""

import numpy as np

from programs.common import count, line_model, recorder


def in_order(tf, trace, workdir):
    train, loss = line_model(tf)
    hooks = [recorder(tf, trace, 'first'), recorder(tf, trace, 'second', fetches=loss)]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        for _ in range(3):
            trace.note('step', session.run(train))
        trace.note('should_stop', session.should_stop())


def begin_adds_operations(tf, trace, workdir):
    x = tf.constant([1.0, 2.0], name='x')
    hook = recorder(tf, trace, 'adds', fetches=lambda: {'sum': tf.reduce_sum(x, name='sum_of_x')})
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        trace.note('run', session.run(x))
        trace.note('by name', session.run('sum_of_x:0'))


def each_hook_gets_its_own_results(tf, trace, workdir):
    a, b = tf.constant(1, name='a'), tf.constant(2.5, name='b')
    hooks = [
        recorder(tf, trace, 'none'),
        recorder(tf, trace, 'tensor', fetches=a),
        recorder(tf, trace, 'list', fetches=[a, b]),
        recorder(tf, trace, 'tuple', fetches=(b, a.op)),
        recorder(tf, trace, 'dict', fetches={'a': a, 'b': {'inner': [b, 'a:0']}}),
        recorder(tf, trace, 'operation', fetches=a.op),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        trace.note('run', session.run([b, {'x': a}]))


def hook_feeds(tf, trace, workdir):
    x = tf.placeholder(tf.float32, [], name='x')
    y = tf.placeholder(tf.int32, [2], name='y')
    hooks = [
        recorder(tf, trace, 'feeds_x', feeds={x: 3}, fetches=2 * x),
        recorder(tf, trace, 'reads', fetches={'x': x, 'y': y}),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        trace.note('run', session.run([x, y], feed_dict={y: [4, 5]}))
        feeds = {y: np.array([6, 7])}
        trace.note('run', session.run(y, feeds), len(feeds))


def what_a_hook_sees_of_the_call(tf, trace, workdir):
    x = tf.placeholder_with_default(1.0, [], name='x')
    y = tf.add(x, 1.0, name='y')

    class Sees(tf.train.SessionRunHook):
        def before_run(self, run_context):
            args = run_context.original_args
            trace.note('args', isinstance(args, tf.train.SessionRunArgs), args.fetches)
            trace.note('feeds', args.feed_dict)
            trace.note('options', args.options is None, args.options and args.options.trace_level)
            trace.note('session', run_context.session.run(x))
            self.context = run_context

        def after_run(self, run_context, run_values):
            trace.note('same context', run_context is self.context)
            trace.note('values', run_values.results, run_values.options.trace_level)
            trace.note('isinstance', isinstance(run_values, tf.train.SessionRunValues))
            trace.note('metadata', run_values.run_metadata.HasField('step_stats'))

    with tf.train.MonitoredSession(hooks=[Sees()]) as session:
        trace.note('run', session.run({'y': y, 'op': y.op}, feed_dict={x: 5.0}))
        trace.note('run', session.run([y]))
        options = tf.RunOptions(trace_level=tf.RunOptions.SOFTWARE_TRACE)
        trace.note('run', session.run(y, options=options))


def stop_requested_in_after_run(tf, trace, workdir):
    train = count(tf)
    hooks = [recorder(tf, trace, 'stops', stop_after=2), recorder(tf, trace, 'other')]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            trace.note('step', session.run(train))
        trace.raises('run after stop', session.run, train)


def stop_requested_in_before_run(tf, trace, workdir):
    train = count(tf)

    class Stops(tf.train.SessionRunHook):
        def before_run(self, run_context):
            run_context.request_stop()

    with tf.train.MonitoredSession(hooks=[Stops(), recorder(tf, trace, 'other')]) as session:
        while not session.should_stop():
            trace.note('step', session.run(train))


def failing_methods(tf, trace, workdir):
    for method in ('begin', 'before_run', 'after_run', 'end'):
        with tf.Graph().as_default():
            train = count(tf)
            hooks = [recorder(tf, trace, 'before'), recorder(tf, trace, 'fails', fail_in=method)]

            def use(train=train, hooks=hooks):
                with tf.train.MonitoredSession(hooks=hooks) as session:
                    session.run(train)
                    session.run(train)

            trace.raises('fails in ' + method, use)


def failing_after_create_session(tf, trace, workdir):
    train = count(tf)
    hooks = [
        recorder(tf, trace, 'before'),
        recorder(tf, trace, 'fails', fail_in='after_create_session'),
    ]

    def use():
        with tf.train.MonitoredSession(hooks=hooks) as session:
            session.run(train)

    trace.raises('use', use)


def failing_run(tf, trace, workdir):
    x = tf.placeholder(tf.float32, [None], name='x')
    checked = tf.check_numerics(x, 'not a number', name='checked')

    def use():
        with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
            trace.note('run', session.run(checked, {x: [1.0]}))
            session.run(checked, {x: [float('nan')]})

    trace.raises('use', use)


def end_of_data(tf, trace, workdir):
    element = tf.data.make_one_shot_iterator(tf.data.Dataset.range(2)).get_next()
    with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
        while not session.should_stop():
            trace.note('element', session.run(element))
    trace.note('left quietly')


def end_of_data_caught_inside(tf, trace, workdir):
    element = tf.data.make_one_shot_iterator(tf.data.Dataset.range(1)).get_next()
    with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
        trace.note('element', session.run(element))
        trace.raises('element', session.run, element)
        trace.note('should_stop', session.should_stop())


def body_raises(tf, trace, workdir):
    for error in (
        StopIteration('boom'),
        tf.errors.OutOfRangeError(None, None, 'boom'),
        KeyError('boom'),
    ):
        with tf.Graph().as_default():
            train = count(tf)

            def use(train=train, error=error):
                with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
                    session.run(train)
                    raise error

            trace.raises('body raises', use)


def same_tensor_fed_twice(tf, trace, workdir):
    x = tf.placeholder(tf.float32, [], name='x')
    hooks = [recorder(tf, trace, 'a', feeds={x: 1.0}), recorder(tf, trace, 'b', feeds={x: 2.0})]
    session = tf.train.MonitoredSession(hooks=hooks)
    trace.raises('fed by two hooks', session.run, x)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [], name='x')
        session = tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'a', feeds={x: 1.0})])
        trace.raises('fed by hook and caller', session.run, x, {x: 3.0})
        trace.raises('fed by hook', session.run, x)


def options_and_metadata(tf, trace, workdir):
    x = tf.constant(1.0, name='x')
    traced = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    graphs = tf.RunOptions(output_partition_graphs=True, timeout_in_ms=60000)

    class Sees(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return tf.train.SessionRunArgs(None, options=graphs)

        def after_run(self, run_context, run_values):
            options = run_values.options
            trace.note(
                'merged',
                options.trace_level,
                options.output_partition_graphs,
                options.timeout_in_ms,
            )
            metadata = run_values.run_metadata
            trace.note('metadata', metadata.HasField('step_stats'), len(metadata.partition_graphs))

    hooks = [Sees(), recorder(tf, trace, 'traces', options=traced)]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        metadata = tf.RunMetadata()
        trace.note('run', session.run(x, run_metadata=metadata))
        trace.note(
            "caller's metadata", metadata.HasField('step_stats'), len(metadata.partition_graphs)
        )
        trace.note('run', session.run(x, options=tf.RunOptions(timeout_in_ms=90000)))


def hook_that_overrides_nothing(tf, trace, workdir):
    train = count(tf)
    with tf.train.MonitoredSession(hooks=[tf.train.SessionRunHook()]) as session:
        trace.note('step', session.run(train), session.run(train))


def last_operations_in_end(tf, trace, workdir):
    train = count(tf)
    total = tf.get_variable('total', [], tf.int32, initializer=tf.zeros_initializer())
    grow = tf.assign_add(total, 10)

    class Ends(tf.train.SessionRunHook):
        def end(self, session):
            trace.note('end', session.run(grow), session.run([total, 'total:0']))

    with tf.train.MonitoredSession(hooks=[Ends(), Ends()]) as session:
        session.run(train)


def graph_is_finalized(tf, trace, workdir):
    train = count(tf)
    graph = tf.get_default_graph()

    class Adds(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            trace.raises('adds in after_create_session', tf.constant, 1)

        def before_run(self, run_context):
            trace.raises('adds in before_run', tf.constant, 1)

    with tf.train.MonitoredSession(hooks=[Adds()]) as session:
        session.run(train)
        trace.note('finalized', graph.finalized)
        trace.raises('adds in the body', tf.constant, 1)
    trace.note('finalized after close', graph.finalized)
