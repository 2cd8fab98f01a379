"""Programs with sessions of other kinds, Supervisor, Saver and friends."""

import os

from running import program, raised


def counter(tf):
    return tf.assign_add(tf.train.get_or_create_global_step(), 1)


def counting_session(tf):
    class CountingSession(tf.Session):
        """A subclass of a user's, which counts its runs and adds to what they return."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.runs = 0

        def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
            self.runs += 1
            return super().run(fetches, feed_dict, options, run_metadata)

    return CountingSession


def creator_of(tf, make):
    class Creator(tf.train.SessionCreator):
        def __init__(self):
            self.scaffold = tf.train.Scaffold()

        def create_session(self):
            self.scaffold.finalize()
            self.session = make()
            raw = getattr(self.session, 'inner', self.session)
            raw.run(self.scaffold.init_op)
            raw.run(self.scaffold.local_init_op)
            return self.session

    return Creator()


@program
def a_subclass_of_session(tf, directory):
    step = counter(tf)
    creator = creator_of(tf, counting_session(tf))
    found = []
    with tf.train.MonitoredSession(creator, [tf.train.StopAtStepHook(last_step=3)]) as session:
        while not session.should_stop():
            found.append(int(session.run(step)))
    # How often hooks read the step is their own affair.
    return [found, creator.session.runs >= 3]


@program
def an_interactive_session(tf, directory):
    step = counter(tf)
    creator = creator_of(tf, tf.InteractiveSession)
    found = []
    with tf.train.MonitoredSession(creator) as session:
        found.append(int(session.run(step)))
        found.append(int(step.eval()))
        found.append(int(tf.train.get_global_step().eval()))
        found.append(tf.get_default_session() is creator.session)
    creator.session.close()
    return found


@program
def a_wrapped_session(tf, directory):
    class Wrapper(object):
        """What is no session, but passes everything on to one."""

        def __init__(self):
            self.inner = tf.Session()
            self.asked = []

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
            self.asked.append(options is not None)
            return self.inner.run(fetches, feed_dict, options, run_metadata)

    class Options(tf.train.SessionRunHook):
        def before_run(self, run_context):
            options = tf.RunOptions(trace_level=tf.RunOptions.SOFTWARE_TRACE)
            return tf.train.SessionRunArgs(None, options=options)

        def after_run(self, run_context, run_values):
            self.devices = len(run_values.run_metadata.step_stats.dev_stats)

    step = counter(tf)
    creator, hook = creator_of(tf, Wrapper), Options()
    with tf.train.MonitoredSession(creator, [hook]) as session:
        found = [int(session.run(step)) for _ in range(3)]
    return [found, sum(creator.session.asked), hook.devices > 0]


@program
def sessions_that_hooks_see(tf, directory):
    step = counter(tf)
    twice = tf.train.get_global_step() * 2
    found = []

    class Evaluates(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            found.append(isinstance(session, tf.Session))
            found.append(session.graph is tf.get_default_graph())

        def after_run(self, run_context, run_values):
            found.append(int(run_context.session.run(twice)))
            found.append(int(twice.eval(session=run_context.session)))
            with run_context.session.as_default():
                found.append(int(twice.eval()))

        def end(self, session):
            found.append(int(session.run(twice)))

    with tf.train.MonitoredSession(hooks=[Evaluates()]) as session:
        session.run(step)
        found.append(int(session.run_step_fn(lambda step_context: step_context.session.run(twice))))
        found.append(session.graph is tf.get_default_graph())
        found.append(tf.get_default_session() is None)
        found.append(raised(lambda: tf.constant(1)))
    return found


@program
def a_supervisor(tf, directory):
    step = counter(tf)
    tf.summary.scalar('step', step)
    looped = []
    supervisor = tf.train.Supervisor(logdir=directory, save_model_secs=0, save_summaries_secs=0)
    with supervisor.managed_session() as session:
        supervisor.loop(0, lambda: (looped.append(1), supervisor.request_stop())).join()
        assert supervisor.should_stop()
        while session.run(tf.train.get_global_step()) < 5:
            session.run(step)
        supervisor.saver.save(session, supervisor.save_path, global_step=5)
    found = [len(looped) > 0, sorted(n for n in os.listdir(directory) if n.endswith('.index'))]
    # Then hooks go on from there.
    with tf.Graph().as_default():
        step = counter(tf)
        found.append(0)
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=directory, hooks=[tf.train.StopAtStepHook(num_steps=3)]
        ) as session:
            while not session.should_stop():
                found[-1] = int(session.run(step))
    # And a Supervisor from there.
    with tf.Graph().as_default():
        counter(tf)
        supervisor = tf.train.Supervisor(logdir=directory, save_model_secs=0)
        with supervisor.managed_session() as session:
            found.append(int(session.run(tf.train.get_global_step())))
    return found


@program
def a_monitored_session_of_a_supervisor(tf, directory):
    step = counter(tf)

    class Creator(tf.train.SessionCreator):
        def create_session(self):
            # It finalizes the graph, to which hooks have added what they need.
            self.supervisor = tf.train.Supervisor(logdir=directory, save_model_secs=0)
            return self.supervisor.prepare_or_wait_for_session()

    creator = Creator()

    with tf.train.MonitoredSession(creator, [tf.train.StopAtStepHook(last_step=3)]) as session:
        while not session.should_stop():
            last = session.run(step)
    creator.supervisor.stop()
    return int(last)


@program
def synchronous_replicas(tf, directory):
    step = tf.train.get_or_create_global_step()
    weight = tf.Variable(4.0)
    optimizer = tf.train.SyncReplicasOptimizer(
        tf.train.GradientDescentOptimizer(0.25), replicas_to_aggregate=1, total_num_replicas=1
    )
    train = optimizer.minimize(tf.square(weight), global_step=step)
    hooks = [optimizer.make_session_run_hook(True), tf.train.StopAtStepHook(last_step=3)]
    server = tf.train.Server.create_local_server()
    with tf.train.MonitoredTrainingSession(
        server.target, checkpoint_dir=directory, hooks=hooks, stop_grace_period_secs=1
    ) as session:
        while not session.should_stop():
            session.run(train)
    reader = tf.train.NewCheckpointReader(tf.train.latest_checkpoint(directory))
    return [int(reader.get_tensor('global_step')), float(reader.get_tensor('Variable'))]


@program
def averages_and_meta_graphs(tf, directory):
    step = counter(tf)
    weight = tf.Variable(1.0, name='weight')
    average = tf.train.ExponentialMovingAverage(0.5)
    with tf.control_dependencies([tf.assign_add(weight, 2.0), step]):
        train = average.apply([weight])
    tf.add_to_collection('train', train)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        for _ in range(2):
            session.run(train)
    latest = tf.train.latest_checkpoint(directory)
    found = []
    with tf.Graph().as_default():
        # The graph comes out of the file, and training goes on.
        saver = tf.train.import_meta_graph(latest + '.meta')
        train = tf.get_collection('train')[0]
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=directory, scaffold=tf.train.Scaffold(saver=saver)
        ) as session:
            session.run(train)
            found.append(float(session.run('weight:0')))
    with tf.Graph().as_default():
        weight = tf.Variable(0.0, name='weight')
        restored = tf.train.ExponentialMovingAverage(0.5).variables_to_restore()
        found.append(sorted(restored))
        saver = tf.train.Saver(restored)
        creator = tf.train.ChiefSessionCreator(
            tf.train.Scaffold(saver=saver), checkpoint_filename_with_path=latest
        )
        with tf.train.MonitoredSession(creator) as session:
            found.append(float(session.run(weight)))
    return found


@program
def lookup_tables(tf, directory):
    values = tf.lookup.KeyValueTensorInitializer(['a', 'b'], tf.constant([1, 2], tf.int64))
    words = tf.lookup.StaticHashTable(values, -1)
    found = words.lookup(tf.constant(['b', 'c', 'a']))
    counter(tf)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory) as session:
        return session.run(found).tolist()


@program
def logging_of_scalars(tf, directory):
    """What LoggingTensorHook writes of NumPy's numbers."""
    lines = []
    step = counter(tf)
    tensors = {
        'float32': tf.constant(0.5),
        'float64': tf.constant(0.1, tf.float64),
        'int64': tf.constant(3, tf.int64),
        'bool': tf.constant(True),
        'bytes': tf.constant('text'),
        'vector': tf.constant([1.0, 2.5]),
    }
    order = sorted(tensors)
    hook = tf.train.LoggingTensorHook(tensors, every_n_iter=1, formatter=None)
    formatted = tf.train.LoggingTensorHook(
        tensors,
        every_n_iter=1,
        formatter=lambda values: (
            lines.append(
                ['%s' % values[name] for name in order] + ['{:}'.format(values['float32'])]
            )
            or 'x'
        ),
    )
    import logging

    class Keeps(logging.Handler):
        def emit(self, record):
            message = record.getMessage()
            if 'float32' in message:
                lines.append(message)

    handler = Keeps()
    logger = logging.getLogger('tensorflow')
    logger.addHandler(handler)
    tf.logging.set_verbosity(tf.logging.INFO)
    try:
        with tf.train.MonitoredSession(hooks=[hook, formatted]) as session:
            session.run(step)
    finally:
        tf.logging.set_verbosity(tf.logging.ERROR)
        logger.removeHandler(handler)
    return lines
