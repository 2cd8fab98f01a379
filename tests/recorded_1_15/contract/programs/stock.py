"""The stock hooks, one or two programs each; the checkpoint saver's are in `saving`."""

import os

import numpy as np

from programs.common import count, line_model, recorder


def logging_every_n(tf, trace, workdir):
    train, loss = line_model(tf)
    hook = tf.train.LoggingTensorHook({'loss': loss, 'step': train}, every_n_iter=2)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(5):
            session.run(train)


def logging_kinds_of_tensors(tf, trace, workdir):
    a = tf.constant([1.0, 2.0], name='a')
    b = tf.constant('text', name='b')
    hooks = [
        tf.train.LoggingTensorHook(['a:0', b], every_n_iter=1),
        tf.train.LoggingTensorHook({'b': 'b:0'}, every_n_secs=3600),
        tf.train.LoggingTensorHook([a], at_end=True),
        tf.train.LoggingTensorHook(
            [a],
            every_n_iter=1,
            formatter=lambda values: f'sum {sum(sum(v) for v in values.values()):g}',
        ),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        session.run(a)
        session.run(b)


def logging_arguments(tf, trace, workdir):
    make = tf.train.LoggingTensorHook
    trace.raises('no cadence', make, ['a:0'])
    trace.raises('two cadences', make, ['a:0'], every_n_iter=1, every_n_secs=1)
    trace.raises('zero', make, ['a:0'], every_n_iter=0)


def step_counter(tf, trace, workdir):
    train = count(tf)
    hook = tf.train.StepCounterHook(every_n_steps=2, output_dir=workdir)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(7):
            session.run(train)


def step_counter_with_a_writer(tf, trace, workdir):
    train = count(tf)
    writer = tf.summary.FileWriter(os.path.join(workdir, 'mine'))
    hooks = [
        tf.train.StepCounterHook(every_n_steps=3, summary_writer=writer),
        tf.train.StepCounterHook(every_n_steps=None, every_n_secs=3600, output_dir=workdir),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        for _ in range(7):
            session.run(train)
    writer.close()
    trace.raises('neither', tf.train.StepCounterHook, every_n_steps=None)
    trace.raises('both', tf.train.StepCounterHook, every_n_steps=1, every_n_secs=1)


def stop_at_step(tf, trace, workdir):
    for arguments in ({'num_steps': 2}, {'last_step': 3}):
        with tf.Graph().as_default():
            train = count(tf)
            hooks = [tf.train.StopAtStepHook(**arguments), recorder(tf, trace, 'hook')]
            with tf.train.MonitoredSession(hooks=hooks) as session:
                while not session.should_stop():
                    trace.note('step', session.run(train))
    trace.raises('neither', tf.train.StopAtStepHook)
    trace.raises('both', tf.train.StopAtStepHook, num_steps=1, last_step=1)


def stop_at_step_after_restore(tf, trace, workdir):
    for arguments in ({'num_steps': 2}, {'num_steps': 3}, {'last_step': 8}):
        with tf.Graph().as_default():
            train = count(tf)
            hooks = [tf.train.StopAtStepHook(**arguments)]
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=workdir,
                hooks=hooks,
                log_step_count_steps=None,
                save_summaries_steps=None,
            ) as session:
                while not session.should_stop():
                    trace.note('step', session.run(train))


def nan_tensor(tf, trace, workdir):
    for fail in (True, False):
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [], name='x')
            loss = tf.multiply(x, 2.0, name='loss')

            def use(loss=loss, x=x, fail=fail):
                hooks = [
                    tf.train.NanTensorHook(loss, fail_on_nan_loss=fail),
                    recorder(tf, trace, 'hook'),
                ]
                with tf.train.MonitoredSession(hooks=hooks) as session:
                    session.run(loss, {x: 1.0})
                    session.run(loss, {x: np.nan})
                    trace.note('should_stop', session.should_stop())

            error = trace.raises('use', use)
            trace.note('kind', isinstance(error, tf.train.NanLossDuringTrainingError))


def summary_saver(tf, trace, workdir):
    train, loss = line_model(tf)
    summary = tf.summary.scalar('loss_summary', loss)
    hook = tf.train.SummarySaverHook(save_steps=2, output_dir=workdir, summary_op=summary)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(5):
            session.run(train)


def summary_saver_with_scaffold(tf, trace, workdir):
    train, loss = line_model(tf)
    tf.summary.scalar('one', loss)
    tf.summary.histogram('two', tf.stack([loss, loss]))
    scaffold = tf.train.Scaffold()
    hook = tf.train.SummarySaverHook(save_secs=3600, output_dir=workdir, scaffold=scaffold)
    creator = tf.train.ChiefSessionCreator(scaffold)
    with tf.train.MonitoredSession(creator, [hook]) as session:
        for _ in range(3):
            session.run(train)


def summary_saver_list_and_writer(tf, trace, workdir):
    train, loss = line_model(tf)
    operations = [tf.summary.scalar('one', loss), tf.summary.scalar('two', 2 * loss)]
    writer = tf.summary.FileWriter(workdir)
    hook = tf.train.SummarySaverHook(save_steps=1, summary_writer=writer, summary_op=operations)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(2):
            session.run(train)
    writer.close()
    trace.raises('no summary', tf.train.SummarySaverHook, save_steps=1, output_dir=workdir)
    trace.raises('no cadence', tf.train.SummarySaverHook, output_dir=workdir, summary_op=operations)


def global_step_waiter(tf, trace, workdir):
    train = count(tf)
    hooks = [tf.train.GlobalStepWaiterHook(0), recorder(tf, trace, 'hook')]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        trace.note('step', session.run(train))
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        reached = tf.assign(step, 5)
        train = count(tf)

        class Reaches(tf.train.SessionRunHook):
            def after_create_session(self, session, coord):
                session.run(reached)

        hooks = [Reaches(), tf.train.GlobalStepWaiterHook(5)]
        with tf.train.MonitoredSession(hooks=hooks) as session:
            trace.note('step', session.run(train))


def final_ops(tf, trace, workdir):
    train = count(tf)
    step = tf.train.get_global_step()
    x = tf.placeholder(tf.float32, [], name='x')
    one = tf.train.FinalOpsHook({'step': step})
    two = tf.train.FinalOpsHook([2 * x, step], final_ops_feed_dict={x: 4.0})
    with tf.train.MonitoredSession(hooks=[one, two]) as session:
        trace.note('before', one.final_ops_values)
        session.run(train)
        session.run(train)
    trace.note('after', one.final_ops_values, two.final_ops_values)


def final_ops_fail(tf, trace, workdir):
    element = tf.data.make_one_shot_iterator(tf.data.Dataset.range(1)).get_next()

    def use():
        with tf.train.MonitoredSession(hooks=[tf.train.FinalOpsHook(element)]) as session:
            trace.note('element', session.run(element))

    trace.raises('use', use)


def feed_function(tf, trace, workdir):
    x = tf.placeholder(tf.float32, [], name='x')
    values = iter([1.0, 2.0, 3.0])
    hook = tf.train.FeedFnHook(lambda: {x: next(values)})
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(4):
            trace.note('run', session.run(x))
    trace.note('left quietly')


def profiler(tf, trace, workdir):
    train, _ = line_model(tf)
    hook = tf.train.ProfilerHook(save_steps=2, output_dir=workdir)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(5):
            session.run(train)


def all_together(tf, trace, workdir):
    train, loss = line_model(tf)
    summary = tf.summary.scalar('loss_summary', loss)
    hooks = [
        tf.train.CheckpointSaverHook(workdir, save_steps=3),
        tf.train.SummarySaverHook(save_steps=2, output_dir=workdir, summary_op=summary),
        tf.train.StepCounterHook(every_n_steps=2, output_dir=workdir),
        tf.train.NanTensorHook(loss),
        tf.train.LoggingTensorHook({'loss': loss}, every_n_iter=3, at_end=False),
        tf.train.StopAtStepHook(last_step=7),
        recorder(tf, trace, 'hook'),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            session.run(train)


def profiler_with_options_of_the_caller(tf, trace, workdir):
    train, _ = line_model(tf)
    hook = tf.train.ProfilerHook(save_steps=1, output_dir=workdir, show_memory=True)
    options = tf.RunOptions(timeout_in_ms=60000)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(3):
            session.run(train, options=options)
    trace.note("caller's options", options.trace_level)


def second_or_step_timer(tf, trace, workdir):
    timer = tf.train.SecondOrStepTimer(every_steps=3)
    for step in (0, 1, 2, 3, 7, 7, 8, 10):
        due = timer.should_trigger_for_step(step)
        trace.note('step', step, due, timer.last_triggered_step())
        if due:
            seconds, steps = timer.update_last_triggered_step(step)
            trace.note('elapsed', seconds is None, steps)
    trace.raises('neither', tf.train.SecondOrStepTimer)
    trace.raises('both', tf.train.SecondOrStepTimer, every_secs=1, every_steps=1)
