"""A lost session: what MonitoredSession makes again, and what it does not."""

from programs.common import count, recorder


def flaky_session(tf, errors):
    """A Session whose `run` raises the next of `errors` whenever it has one."""

    class FlakySession(tf.Session):
        def run(self, *args, **kwargs):
            if errors:
                raise errors.pop()
            return super().run(*args, **kwargs)

    return FlakySession


def creator(tf, trace, make, failures=()):
    """A creator that makes sessions with `make` and initializes them; raises `failures` first."""
    init = tf.group(tf.global_variables_initializer(), tf.local_variables_initializer())
    failures = list(failures)

    class Creator(tf.train.SessionCreator):
        def create_session(self):
            trace.note('create_session')
            if failures:
                raise failures.pop()
            tf.get_default_graph().finalize()
            session = make(graph=tf.get_default_graph())
            session.run(init)
            return session

    return Creator()


def aborted_in_the_session(tf, trace, workdir):
    train = count(tf)
    errors = []
    make = flaky_session(tf, errors)
    hooks = [recorder(tf, trace, 'hook')]
    with tf.train.MonitoredSession(creator(tf, trace, make), hooks) as session:
        for run in range(4):
            if run == 2:
                errors.append(tf.errors.AbortedError(None, None, 'lost'))
            trace.note('step', session.run(train))


def unavailable_in_the_session(tf, trace, workdir):
    train = count(tf)
    errors = []
    make = flaky_session(tf, errors)
    with tf.train.MonitoredSession(
        creator(tf, trace, make), [recorder(tf, trace, 'hook')]
    ) as session:
        trace.note('step', session.run(train))
        errors.append(tf.errors.UnavailableError(None, None, 'gone'))
        trace.note('step', session.run(train))


def aborted_in_a_hook(tf, trace, workdir):
    train = count(tf)

    class Aborts(tf.train.SessionRunHook):
        def __init__(self):
            self.left = {'before_run': 1, 'after_run': 1}

        def fail(self, method):
            if self.left[method]:
                self.left[method] -= 1
                trace.note('aborts in ' + method)
                raise tf.errors.AbortedError(None, None, 'lost')

        def before_run(self, run_context):
            self.fail('before_run')

        def after_run(self, run_context, run_values):
            self.fail('after_run')

    hooks = [recorder(tf, trace, 'first'), Aborts(), recorder(tf, trace, 'last')]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        trace.note('step', session.run(train))
        trace.note('step', session.run(train))


def aborted_while_creating(tf, trace, workdir):
    train = count(tf)
    lost = tf.errors.AbortedError(None, None, 'not yet')
    unavailable = tf.errors.UnavailableError(None, None, 'not yet')
    session_creator = creator(tf, trace, tf.Session, [lost, unavailable])
    with tf.train.MonitoredSession(session_creator, [recorder(tf, trace, 'hook')]) as session:
        trace.note('step', session.run(train))


def other_errors_end_it(tf, trace, workdir):
    for error in ('InternalError', 'CancelledError', 'DeadlineExceededError'):
        with tf.Graph().as_default():
            train = count(tf)
            errors = []
            make = flaky_session(tf, errors)

            def use(train=train, errors=errors, make=make, error=error):
                hooks = [recorder(tf, trace, 'hook')]
                with tf.train.MonitoredSession(creator(tf, trace, make), hooks) as session:
                    session.run(train)
                    errors.append(getattr(tf.errors, error)(None, None, 'boom'))
                    session.run(train)

            trace.raises('use', use)


def goes_on_from_the_last_checkpoint(tf, trace, workdir):
    train = count(tf)

    class AbortsOnce(tf.train.SessionRunHook):
        runs = 0

        def before_run(self, run_context):
            self.runs += 1
            if self.runs == 6:
                raise tf.errors.AbortedError(None, None, 'lost')

    session_creator = tf.train.ChiefSessionCreator(checkpoint_dir=workdir)
    hooks = [
        tf.train.CheckpointSaverHook(workdir, save_steps=2),
        tf.train.StopAtStepHook(last_step=7),
        AbortsOnce(),
        recorder(tf, trace, 'hook'),
    ]
    with tf.train.MonitoredSession(session_creator, hooks) as session:
        while not session.should_stop():
            trace.note('step', session.run(train))


def stock_hooks_after_a_loss(tf, trace, workdir):
    train = count(tf)
    summary = tf.summary.scalar('summary', tf.constant(2.0))
    lost = [tf.errors.UnavailableError(None, None, 'lost')]

    class LosesOnce(tf.train.SessionRunHook):
        runs = 0

        def before_run(self, run_context):
            self.runs += 1
            if self.runs == 4 and lost:
                raise lost.pop()

    hooks = [
        tf.train.SummarySaverHook(save_steps=2, output_dir=workdir, summary_op=summary),
        tf.train.StopAtStepHook(last_step=3),
        tf.train.FinalOpsHook(train),
        LosesOnce(),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            trace.note('step', session.run(train))


def in_run_step_fn(tf, trace, workdir):
    train = count(tf)
    hooks = [recorder(tf, trace, 'hook')]
    calls = []

    def step(step_context):
        calls.append(1)
        trace.note('step function', calls=len(calls))
        if len(calls) == 2:
            raise tf.errors.AbortedError(None, None, 'lost')
        return step_context.run_with_hooks(train)

    with tf.train.MonitoredSession(hooks=hooks) as session:
        trace.note('step', session.run_step_fn(step))
        trace.note('step', session.run_step_fn(step))


def not_in_a_singular_session(tf, trace, workdir):
    train = count(tf)
    lost = tf.errors.AbortedError(None, None, 'boom')

    def use():
        hooks = [recorder(tf, trace, 'hook', fail_in='after_run', with_error=lost)]
        with tf.train.SingularMonitoredSession(hooks=hooks) as session:
            session.run(train)

    trace.raises('use', use)


def lost_at_close(tf, trace, workdir):
    train = count(tf)
    lost = tf.errors.AbortedError(None, None, 'boom')

    def use():
        hooks = [recorder(tf, trace, 'first', fail_in='end', with_error=lost)]
        with tf.train.MonitoredSession(hooks=hooks) as session:
            session.run(train)

    trace.raises('use', use)
