"""Checkpoints: when they are written, who is told, and how a second session goes on from them."""

import os

from programs.common import count, line_model, recorder


def listener(tf, trace, name, stop_at=None):
    """A listener that writes down its calls and asks for a stop after the save at `stop_at`."""

    class Listener(tf.train.CheckpointSaverListener):
        def begin(self):
            trace.note(name + '.begin')

        def before_save(self, session, global_step_value):
            trace.note(
                name + '.before_save', isinstance(session, tf.Session), int(global_step_value)
            )

        def after_save(self, session, global_step_value):
            trace.note(name + '.after_save', int(global_step_value))
            return True if global_step_value == stop_at else None

        def end(self, session, global_step_value):
            trace.note(name + '.end', int(global_step_value))

    return Listener()


def by_steps(tf, trace, workdir):
    train, loss = line_model(tf)
    hooks = [tf.train.CheckpointSaverHook(workdir, save_steps=2), recorder(tf, trace, 'hook')]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        for _ in range(5):
            trace.note('run', session.run([train, loss]))


def by_seconds(tf, trace, workdir):
    train = count(tf)
    hook = tf.train.CheckpointSaverHook(workdir, save_secs=3600, checkpoint_basename='other.ckpt')
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(3):
            session.run(train)
        trace.note('during', tf.train.latest_checkpoint(workdir))
    trace.note('after', tf.train.latest_checkpoint(workdir))


def with_listeners(tf, trace, workdir):
    train = count(tf)
    hook = tf.train.CheckpointSaverHook(
        workdir,
        save_steps=2,
        listeners=[listener(tf, trace, 'first'), listener(tf, trace, 'second')],
    )
    with tf.train.MonitoredSession(hooks=[hook, recorder(tf, trace, 'hook')]) as session:
        for _ in range(3):
            session.run(train)


def listener_that_stops(tf, trace, workdir):
    train = count(tf)
    hook = tf.train.CheckpointSaverHook(
        workdir, save_steps=2, listeners=[listener(tf, trace, 'stops', stop_at=4)]
    )
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        while not session.should_stop():
            trace.note('step', session.run(train))


def with_a_saver_of_its_own(tf, trace, workdir):
    train, _ = line_model(tf)
    saver = tf.train.Saver([tf.train.get_global_step()], max_to_keep=2)
    hook = tf.train.CheckpointSaverHook(workdir, save_steps=1, saver=saver)
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for _ in range(4):
            session.run(train)


def with_the_scaffold_saver(tf, trace, workdir):
    train, _ = line_model(tf)
    scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=1))
    hook = tf.train.CheckpointSaverHook(workdir, save_steps=2, scaffold=scaffold)
    creator = tf.train.ChiefSessionCreator(scaffold=scaffold, checkpoint_dir=workdir)
    with tf.train.MonitoredSession(session_creator=creator, hooks=[hook]) as session:
        for _ in range(4):
            session.run(train)


def bad_arguments(tf, trace, workdir):
    make = tf.train.CheckpointSaverHook
    trace.raises('neither', make, workdir)
    trace.raises('both', make, workdir, save_secs=1, save_steps=1)
    trace.raises(
        'saver and scaffold', make, workdir, save_steps=1, saver=object(), scaffold=object()
    )
    tf.constant(1)
    hook = make(workdir, save_steps=1)
    trace.raises('no global step', hook.begin)


def restore_in_a_second_session(tf, trace, workdir):
    def train_for(runs):
        with tf.Graph().as_default():
            train, loss = line_model(tf)
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=workdir,
                save_checkpoint_steps=10,
                save_summaries_steps=None,
                log_step_count_steps=None,
                hooks=[recorder(tf, trace, 'hook')],
            ) as session:
                for _ in range(runs):
                    trace.note('run', session.run({'step': train, 'loss': loss}))

    train_for(3)
    train_for(2)


def restore_a_given_file(tf, trace, workdir):
    with tf.Graph().as_default():
        line_model(tf)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(tf.assign(tf.train.get_global_step(), 40))
            path = tf.train.Saver().save(session, os.path.join(workdir, 'mine'))
    train, _ = line_model(tf)
    creator = tf.train.ChiefSessionCreator(checkpoint_filename_with_path=path)
    with tf.train.MonitoredSession(session_creator=creator) as session:
        trace.note('step', session.run(train))


def training_session_defaults(tf, trace, workdir):
    train, loss = line_model(tf)
    tf.summary.scalar('loss_summary', loss)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=workdir) as session:
        for _ in range(3):
            trace.note('run', session.run([train, loss]))


def training_session_without_directory(tf, trace, workdir):
    train, _ = line_model(tf)
    hooks = [recorder(tf, trace, 'hook'), tf.train.StopAtStepHook(last_step=3)]
    with tf.train.MonitoredTrainingSession(hooks=hooks) as session:
        while not session.should_stop():
            trace.note('run', session.run(train))


def training_session_with_cadences(tf, trace, workdir):
    train, loss = line_model(tf)
    tf.summary.scalar('loss_summary', loss)
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=os.path.join(workdir, 'checkpoints'),
        summary_dir=os.path.join(workdir, 'summaries'),
        save_checkpoint_steps=3,
        save_summaries_steps=2,
        log_step_count_steps=2,
        hooks=[tf.train.StopAtStepHook(num_steps=5), recorder(tf, trace, 'hook')],
        chief_only_hooks=[recorder(tf, trace, 'chief_only')],
    ) as session:
        while not session.should_stop():
            session.run(train)


def training_session_without_saving(tf, trace, workdir):
    train, loss = line_model(tf)
    tf.summary.scalar('loss_summary', loss)
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=workdir,
        save_checkpoint_secs=None,
        save_summaries_steps=None,
        save_summaries_secs=None,
        log_step_count_steps=None,
    ) as session:
        session.run(train)


def training_session_with_both_cadences(tf, trace, workdir):
    train = count(tf)

    def use():
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=workdir, save_checkpoint_secs=3600, save_checkpoint_steps=1
        ) as session:
            for _ in range(3):
                session.run(train)

    trace.raises('use', use)


def failure_leaves_no_last_checkpoint(tf, trace, workdir):
    train = count(tf)

    def use():
        hook = tf.train.CheckpointSaverHook(workdir, save_steps=2)
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            for _ in range(4):
                session.run(train)
            raise ValueError('boom')

    trace.raises('use', use)
