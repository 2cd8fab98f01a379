"""Programs debugged with tfdbg: its hooks in sessions, its wrappers below and above them."""

import os
import sys

from running import program, raised

from tensorflow.python import debug as tf_debug


def model(tf):
    x = tf.placeholder(tf.float32, [2], name='x')
    weights = tf.get_variable('weights', initializer=[1.0, 2.0])
    product = tf.multiply(x, weights, name='product')
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies([product]):
        return x, product, tf.assign_add(step, 1)


def watches(fetches, feeds):
    return (
        tf_debug.WatchOptions(
            debug_ops=['DebugIdentity'], node_name_regex_whitelist='product|weights/read'
        )
        if sys.version_info < (3, 8)
        else tf_debug.WatchOptions(
            debug_ops=['DebugIdentity'], node_name_regex_allowlist='product|weights/read'
        )
    )


def dumped(root, node='product'):
    """What the dumps of each run hold of a node, in the order of the runs."""
    found = []
    for run in sorted(os.listdir(root)):
        dump = tf_debug.DebugDumpDir(os.path.join(root, run), validate=False)
        found.append([value.tolist() for value in dump.get_tensors(node, 0, 'DebugIdentity')])
    return found


class Doubles:
    """Mixed into a hook: fetches the product beside whatever the program fetches."""

    def before_run(self, run_context):
        return self.args(self.product)

    def after_run(self, run_context, run_values):
        self.seen.append(run_values.results.tolist())


def doubles(tf, product):
    hook = type('DoublesHook', (Doubles, tf.train.SessionRunHook), {})()
    hook.args, hook.product, hook.seen = tf.train.SessionRunArgs, product, []
    return hook


@program
def dumping_hook(tf, directory):
    x, product, step = model(tf)
    root = os.path.join(directory, 'dump')
    hook = doubles(tf, product)
    hooks = [tf_debug.DumpingDebugHook(root, watch_fn=watches), hook]
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=os.path.join(directory, 'model'), hooks=hooks
    ) as session:
        found = [int(session.run(step, {x: [i, 1.0]})) for i in range(3)]
    return [found, hook.seen, dumped(root)]


@program
def dumping_hook_and_options_of_the_program(tf, directory):
    x, product, step = model(tf)
    root = os.path.join(directory, 'dump')
    metadata = tf.RunMetadata()
    with tf.train.SingularMonitoredSession(
        hooks=[tf_debug.DumpingDebugHook(root, watch_fn=watches)]
    ) as session:
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run([step, product], {x: [1.0, 1.0]}, options=options, run_metadata=metadata)
        session.run([step, product], {x: [2.0, 1.0]})
    return [dumped(root), len(metadata.step_stats.dev_stats) > 0]


@program
def dumping_wrapper_below(tf, directory):
    x, product, step = model(tf)
    root = os.path.join(directory, 'dump')

    class Creator(tf.train.SessionCreator):
        def create_session(self):
            inner = tf.train.ChiefSessionCreator().create_session()
            return tf_debug.DumpingDebugWrapperSession(inner, root, watch_fn=watches)

    hook = doubles(tf, product)
    found = []
    with tf.train.MonitoredSession(
        Creator(), [hook, tf.train.StopAtStepHook(last_step=3)]
    ) as session:
        while not session.should_stop():
            found.append(int(session.run(step, {x: [1.0, len(found)]})))
    # Hooks may read the step in runs of their own, which are dumped too.
    return [found, hook.seen, [values for values in dumped_if_any(root) if values]]


def dumped_if_any(root):
    for run in sorted(os.listdir(root)):
        dump = tf_debug.DebugDumpDir(os.path.join(root, run), validate=False)
        try:
            values = dump.get_tensors('product', 0, 'DebugIdentity')
        except Exception:
            continue
        yield [value.tolist() for value in values]


@program
def dumping_wrapper_above(tf, directory):
    x, product, step = model(tf)
    root = os.path.join(directory, 'dump')
    hook = doubles(tf, product)
    session = tf.train.MonitoredTrainingSession(
        checkpoint_dir=os.path.join(directory, 'model'),
        hooks=[hook, tf.train.StopAtStepHook(last_step=3)],
    )
    debugged = tf_debug.DumpingDebugWrapperSession(session, root, watch_fn=watches)
    found = []
    with debugged:
        while not debugged.should_stop():
            found.append(int(debugged.run(step, {x: [1.0, len(found)]})))
    session.close()
    return [found, hook.seen, dumped(root)]


@program
def dumping_wrapper_around_the_raw_session(tf, directory):
    x, product, step = model(tf)
    root = os.path.join(directory, 'dump')
    with tf.train.SingularMonitoredSession() as session:
        found = [int(session.run(step, {x: [1.0, 1.0]}))]
        debugged = tf_debug.DumpingDebugWrapperSession(
            session.raw_session(), root, watch_fn=watches
        )
        found.append(int(debugged.run([step, product], {x: [2.0, 1.0]})[0]))
        call = debugged.make_callable(product, [x])
        found.append(call([3.0, 1.0]).tolist())
        found.append(int(session.run(step, {x: [4.0, 1.0]})))
    return [found, dumped(root)]


@program
def local_cli_hook(tf, directory):
    """The commands come from a file in place of a terminal."""
    x, product, step = model(tf)
    hook = tf_debug.LocalCLIDebugHook(
        ui_type='readline',
        dump_root=os.path.join(directory, 'dump'),
        config_file_path=os.path.join(directory, 'config'),
    )
    hook.add_tensor_filter(
        'large', lambda datum, tensor: datum.node_name == 'product' and float(tensor[0]) > 5.0
    )
    found, asked = [], []
    with answers(asked, 'run -f large', 'pt product:0', 'run', 'run', 'run', 'run'):
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            for first in (1.0, 7.0, 1.0):
                found.append(int(session.run([step, product], {x: [first, 1.0]})[0]))
    return [found, asked]


@program
def local_cli_wrapper(tf, directory):
    x, product, step = model(tf)

    class Creator(tf.train.SessionCreator):
        def create_session(self):
            inner = tf.train.ChiefSessionCreator().create_session()
            return tf_debug.LocalCLIDebugWrapperSession(
                inner,
                ui_type='readline',
                dump_root=os.path.join(directory, 'dump'),
                config_file_path=os.path.join(directory, 'config'),
            )

    asked = []
    with answers(asked, 'run', 'pt product:0', 'run', 'run -t 100'):
        with tf.train.MonitoredSession(Creator()) as session:
            found = [int(session.run([step, product], {x: [i, 1.0]})[0]) for i in range(3)]
    return [found, asked]


@program
def local_cli_above(tf, directory):
    x, product, step = model(tf)
    asked, found = [], []
    with answers(asked, 'run', 'pt product:0', 'run', 'run -t 100'):
        session = tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(last_step=3)])
        debugged = tf_debug.LocalCLIDebugWrapperSession(
            session,
            ui_type='readline',
            dump_root=os.path.join(directory, 'dump'),
            config_file_path=os.path.join(directory, 'config'),
        )
        with debugged:
            while not debugged.should_stop():
                found.append(int(debugged.run([step, product], {x: [len(found), 1.0]})[0]))
        session.close()
    return [found, asked]


class answers:
    """Answers tfdbg's prompts: each time it asks, the next line; keeps what it showed."""

    def __init__(self, asked, *lines):
        self.asked, self.lines = asked, list(lines)

    def __enter__(self):
        from tensorflow.python.debug.cli import readline_ui

        self.kind = readline_ui.ReadlineUI
        self.old = self.kind._get_user_command, self.kind._display_output
        self.kind._get_user_command = lambda ui: self.lines.pop(0)
        self.kind._display_output = lambda ui, output: self.asked.append(
            [line for line in output.lines if 'array(' in line]
        )

    def __exit__(self, *args):
        self.kind._get_user_command, self.kind._display_output = self.old


@program
def tensorboard_hook(tf, directory):
    """What it asks for; a run would wait for the server that it names."""
    x, _, step = model(tf)
    hook = tf_debug.TensorBoardDebugHook(['localhost:7000'], send_traceback_and_source_code=False)
    found = []

    class Looks(tf.train.SessionRunHook):
        def before_run(self, run_context):
            watched = hook.before_run(run_context).options.debug_options.debug_tensor_watch_opts
            found.append(sorted({url for each in watched for url in each.debug_urls}))
            found.append('product' in [each.node_name for each in watched])
            raise KeyError('before the run')

    def train():
        with tf.train.MonitoredSession(hooks=[hook, Looks()]) as session:
            session.run(step, {x: [1.0, 1.0]})

    return [raised(train)[0], found]
