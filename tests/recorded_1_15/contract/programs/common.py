"""What several programs need: a hook that writes down its calls, a step in a known order."""


def recorder(
    tf,
    trace,
    name,
    fetches=None,
    feeds=None,
    options=None,
    stop_after=None,
    fail_in=None,
    with_error=None,
):
    """A hook that writes down every call it gets.

    Args:
      tf: The module under test.
      trace: Where to write.
      name: What the hook is called there.
      fetches: What it asks for in each run; a function is called in `begin` to make it.
      feeds: The feeds it adds in each run.
      options: The RunOptions it asks for.
      stop_after: It asks for a stop in the `after_run` of this run (1 is the first).
      fail_in: The name of the method that raises.
      with_error: What that method raises; a ValueError saying "boom" where left out.
    """

    class Recorder(tf.train.SessionRunHook):
        def __init__(self):
            self.runs = 0
            self.fetches = fetches

        def write(self, method, **values):
            trace.note(f'{name}.{method}', **values)
            if fail_in == method:
                raise with_error if with_error is not None else ValueError('boom')

        def begin(self):
            if callable(fetches):
                self.fetches = fetches()
            self.write('begin', finalized=tf.get_default_graph().finalized)

        def after_create_session(self, session, coord):
            self.write(
                'after_create_session',
                raw=isinstance(session, tf.Session),
                finalized=session.graph.finalized,
                coordinator=isinstance(coord, tf.train.Coordinator),
                should_stop=coord.should_stop(),
            )

        def before_run(self, run_context):
            args = run_context.original_args
            self.write(
                'before_run', fetches=args.fetches, stop_requested=run_context.stop_requested
            )
            if self.fetches is None and feeds is None and options is None:
                return None
            return tf.train.SessionRunArgs(self.fetches, feeds, options)

        def after_run(self, run_context, run_values):
            self.runs += 1
            self.write(
                'after_run', results=run_values.results, stop_requested=run_context.stop_requested
            )
            if self.runs == stop_after:
                run_context.request_stop()

        def end(self, session):
            self.write('end', raw=isinstance(session, tf.Session))

    return Recorder()


def count(tf, after=()):
    """Adds 1 to the global step, after `after` and after the hooks' own read of the step.

    TensorFlow's hooks fetch the global step in the same run as its increment, in no known order.
    A trace must be the same each time, so the read that the hooks share (they look for it in a
    collection) comes first here.
    """
    step = tf.train.get_or_create_global_step()
    cached = tf.get_collection('global_step_read_op_cache')
    if cached:
        read = cached[0]
    else:
        read = tf.add(step, 0, name='step_read')
        tf.add_to_collection('global_step_read_op_cache', read)
    with tf.control_dependencies([read, *list(after)]):
        return tf.assign_add(step, 1, name='count')


def line_model(tf):
    """A line fitted by gradient descent: (train_op, loss), the loss from before the update."""
    weight = tf.get_variable('weight', [], initializer=tf.constant_initializer(0.0))
    x = tf.constant([1.0, 2.0, 3.0])
    loss = tf.reduce_mean(tf.square(weight * x - 2.0 * x), name='loss')
    update = tf.train.GradientDescentOptimizer(0.05).minimize(loss)
    with tf.control_dependencies([loss]):
        return count(tf, [update]), loss
