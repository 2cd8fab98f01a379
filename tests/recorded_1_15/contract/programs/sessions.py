"""Sessions and what makes them: scaffolds, creators, step functions, queue runners, closing."""

import os

from programs.common import count, line_model, recorder


def run_step_fn(tf, trace, workdir):
    train = count(tf)
    x = tf.placeholder_with_default(1.0, [], name='x')

    def step(step_context):
        trace.note('inside', raw=isinstance(step_context.session, tf.Session))
        trace.note('without hooks', step_context.session.run(x))
        trace.note('with hooks', step_context.run_with_hooks([x], feed_dict={x: 3.0}))
        trace.note('again', step_context.run_with_hooks(train))
        return {'any': 'value'}

    with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
        trace.note('result', session.run_step_fn(step))
        trace.note('result', session.run_step_fn(lambda step_context: None))


def run_step_fn_stops(tf, trace, workdir):
    train = count(tf)

    def step(step_context):
        if step_context.run_with_hooks(train) == 2:
            step_context.request_stop()
            trace.note('not reached')

    with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
        while not session.should_stop():
            session.run_step_fn(step)
        trace.note('not reached either')
    trace.note('left quietly')


def run_step_fn_arguments(tf, trace, workdir):
    count(tf)

    class Steps:
        def method(self, step_context):
            return 'method'

        def other(self, context):
            return 'other'

    with tf.train.MonitoredSession() as session:
        trace.raises('method', session.run_step_fn, Steps().method)
        trace.raises('other name', session.run_step_fn, Steps().other)
        trace.raises('two', session.run_step_fn, lambda step_context, other: None)
        trace.raises('none', session.run_step_fn, lambda: None)
        trace.raises('not callable', session.run_step_fn, 3)


def scaffold_functions(tf, trace, workdir):
    train = count(tf)
    a = tf.get_variable('a', [], initializer=tf.zeros_initializer())
    b = tf.get_variable(
        'b', [], initializer=tf.zeros_initializer(), collections=[tf.GraphKeys.LOCAL_VARIABLES]
    )
    set_a = tf.assign(a, 5.0)
    x = tf.placeholder(tf.float32, [], name='x')

    def init_fn(scaffold, session):
        trace.note(
            'init_fn', isinstance(scaffold, tf.train.Scaffold), isinstance(session, tf.Session)
        )
        trace.note('a', session.run(a))
        session.run(set_a)

    scaffold = tf.train.Scaffold(
        init_op=tf.group(tf.assign(a, x), tf.variables_initializer([tf.train.get_global_step()])),
        init_feed_dict={x: 2.0},
        init_fn=init_fn,
        local_init_op=tf.group(tf.assign(b, 7.0, name='set_b')),
    )
    creator = tf.train.ChiefSessionCreator(scaffold)
    with tf.train.MonitoredSession(creator, [recorder(tf, trace, 'hook')]) as session:
        trace.note('values', session.run([a, b, train]))


def scaffold_functions_after_restore(tf, trace, workdir):
    def use():
        with tf.Graph().as_default():
            train = count(tf)

            def init_fn(scaffold, session):
                trace.note('init_fn')

            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=workdir,
                scaffold=tf.train.Scaffold(init_fn=init_fn),
                save_summaries_steps=None,
                log_step_count_steps=None,
            ) as session:
                trace.note('step', session.run(train))

    use()
    use()


def scaffold_defaults(tf, trace, workdir):
    line_model(tf)
    tf.summary.scalar('one', 1.0)
    scaffold = tf.train.Scaffold()
    trace.note('before', scaffold.init_op, scaffold.saver, scaffold.summary_op)
    finalized = scaffold.finalize()
    trace.note('same', finalized is scaffold)
    trace.note('after', scaffold.init_op, scaffold.local_init_op, scaffold.ready_op)
    trace.note('more', scaffold.ready_for_local_init_op, scaffold.summary_op, scaffold.init_fn)
    trace.note('saver', isinstance(scaffold.saver, tf.train.Saver))
    trace.note('graph', tf.get_default_graph().finalized)


def copied_scaffold(tf, trace, workdir):
    train = count(tf)
    x = tf.placeholder(tf.int64, [], name='x')
    step = tf.train.get_global_step()
    saver = tf.train.Saver()
    first = tf.train.Scaffold(
        init_op=tf.assign(step, x).op,
        init_feed_dict={x: 10},
        saver=saver,
        init_fn=lambda scaffold, session: trace.note('init_fn'),
    )
    second = tf.train.Scaffold(copy_from_scaffold=first, init_feed_dict={x: 20})
    trace.note('same', second.saver is saver, second.init_op is first.init_op)
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(second)) as session:
        trace.note('step', session.run(train))
    trace.raises('copy of another thing', tf.train.Scaffold, copy_from_scaffold=3)


def not_ready(tf, trace, workdir):
    count(tf)
    late = tf.get_variable('late', [])
    scaffold = tf.train.Scaffold(init_op=tf.variables_initializer([tf.train.get_global_step()]))
    trace.raises('use', tf.train.MonitoredSession, tf.train.ChiefSessionCreator(scaffold))
    trace.note('variable', late.op)


def chief_and_worker(tf, trace, workdir):
    server = tf.train.Server.create_local_server()

    def build():
        with tf.device('/cpu:0'):
            train = count(tf)
        return train

    with tf.Graph().as_default():
        train = build()
        chief = tf.train.MonitoredTrainingSession(
            master=server.target,
            is_chief=True,
            hooks=[recorder(tf, trace, 'hook')],
            chief_only_hooks=[recorder(tf, trace, 'chief_only')],
        )
        trace.note('chief', chief.run(train))
    with tf.Graph().as_default():
        train = build()
        worker = tf.train.MonitoredTrainingSession(
            master=server.target,
            is_chief=False,
            checkpoint_dir=workdir,
            hooks=[recorder(tf, trace, "worker's hook")],
            chief_only_hooks=[recorder(tf, trace, 'never called')],
        )
        trace.note('worker', worker.run(train))
        worker.close()
    chief.close()


def worker_creator(tf, trace, workdir):
    server = tf.train.Server.create_local_server()
    train = count(tf)
    init = tf.global_variables_initializer()
    local = tf.get_variable(
        'local', [], collections=[tf.GraphKeys.LOCAL_VARIABLES], initializer=tf.ones_initializer()
    )
    with tf.Session(server.target) as session:
        session.run(init)
    creator = tf.train.WorkerSessionCreator(
        scaffold=tf.train.Scaffold(), master=server.target, max_wait_secs=60
    )
    with tf.train.MonitoredSession(creator, [recorder(tf, trace, 'hook')]) as session:
        trace.note('step', session.run([train, local]))


def singular(tf, trace, workdir):
    train = count(tf)
    scaffold = tf.train.Scaffold()
    with tf.train.SingularMonitoredSession(
        hooks=[recorder(tf, trace, 'hook')], scaffold=scaffold, checkpoint_dir=workdir
    ) as session:
        trace.note('step', session.run(train))
        trace.note(
            'raw', isinstance(session.raw_session(), tf.Session), session.raw_session().run(train)
        )
        trace.note(
            'step function',
            session.run_step_fn(lambda step_context: step_context.run_with_hooks(train)),
        )
        trace.note('graph', session.graph is tf.get_default_graph())


def queue_runners(tf, trace, workdir):
    queue = tf.FIFOQueue(10, [tf.int32], shapes=[[]], name='queue')
    numbers = tf.data.make_one_shot_iterator(tf.data.Dataset.range(4)).get_next()
    enqueue = queue.enqueue([tf.cast(numbers, tf.int32)])
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue]))
    element = queue.dequeue()
    with tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')]) as session:
        while not session.should_stop():
            trace.note('element', session.run(element))
    trace.note('left quietly')


def coordinator_stops_it(tf, trace, workdir):
    train = count(tf)

    class Keeps(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            self.coord = coord

    keeps = Keeps()
    with tf.train.MonitoredSession(hooks=[keeps, recorder(tf, trace, 'hook')]) as session:
        trace.note('step', session.run(train))
        keeps.coord.request_stop()
        trace.note('should_stop', session.should_stop())


def thread_that_fails(tf, trace, workdir):
    train = count(tf)

    class Keeps(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            self.coord = coord

    def use():
        keeps = Keeps()
        with tf.train.MonitoredSession(hooks=[keeps, recorder(tf, trace, 'hook')]) as session:
            session.run(train)
            try:
                raise ValueError('boom')
            except ValueError as error:
                keeps.coord.request_stop(error)
            session.run(train)

    trace.raises('use', use)


def opened_and_closed_by_hand(tf, trace, workdir):
    train = count(tf)
    session = tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')])
    trace.note('kind', isinstance(session, tf.train.MonitoredSession))
    trace.note('graph', session.graph is tf.get_default_graph())
    trace.note('step', session.run(fetches=train, feed_dict=None))
    session.close()
    trace.note('should_stop', session.should_stop())
    trace.note('finalized', tf.get_default_graph().finalized)


def used_after_close(tf, trace, workdir):
    train = count(tf)
    session = tf.train.MonitoredSession(hooks=[recorder(tf, trace, 'hook')])
    session.run(train)
    session.close()
    trace.raises('run', session.run, train)
    trace.raises('run_step_fn', session.run_step_fn, lambda step_context: None)
    trace.raises('close', session.close)


def two_in_turn_on_one_graph(tf, trace, workdir):
    train = count(tf)
    hooks = [recorder(tf, trace, 'hook')]
    for _ in range(2):
        with tf.train.MonitoredSession(hooks=hooks) as session:
            trace.note('step', session.run(train))


def one_hook_twice(tf, trace, workdir):
    train = count(tf)
    hook = recorder(tf, trace, 'hook')

    def use():
        with tf.train.MonitoredSession(hooks=[hook, hook]) as session:
            session.run(train)

    trace.raises('use', use)


def before_run_returns_another_thing(tf, trace, workdir):
    train = count(tf)

    class Returns(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return train

    session = tf.train.MonitoredSession(hooks=[Returns()])
    trace.raises('run', session.run, train)


def bad_hooks(tf, trace, workdir):
    count(tf)
    trace.raises('a function', tf.train.MonitoredSession, hooks=[lambda: None])
    trace.raises('a class', tf.train.SessionRunArgs)
    trace.note('no hooks', tf.train.MonitoredSession(hooks=None).should_stop())


def configuration(tf, trace, workdir):
    train = count(tf)
    config = tf.ConfigProto(allow_soft_placement=True, intra_op_parallelism_threads=1)
    os.mkdir(os.path.join(workdir, 'empty'))
    with tf.train.MonitoredTrainingSession(
        config=config,
        checkpoint_dir=os.path.join(workdir, 'empty'),
        save_checkpoint_secs=None,
        save_checkpoint_steps=5,
    ) as session:
        trace.note('step', session.run(train))
