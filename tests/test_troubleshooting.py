"""docs/troubleshooting.md: each text that it lists appears, by the cause it names."""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib
import importlib.util
import json
import logging
import pathlib
import re
import runpy
import shutil
import sys
import threading

import numpy as np
import pytest
import tensorflow
import tensorflow.compat.v1 as tf
import warm_python

import tfhooks
from tfhooks import _tensorflow
from tfhooks._base import errors
from tfhooks._hooks import logging_tensor as hooks_logging
from tfhooks._legacy import old_names
from tfhooks._session import coordinator

PAGE = pathlib.Path(__file__).resolve().parents[1] / 'docs' / 'troubleshooting.md'
TEXT = PAGE.read_text(encoding='utf-8') if PAGE.exists() else ''
pytestmark = pytest.mark.skipif(not TEXT, reason='the documents are not here')

# What is seen is in the first cells: a text, and the class in brackets behind it where it has one.
CELLS = '\n'.join(re.findall(r'^\| (?!You see|---)(.*?) \|', TEXT, re.MULTILINE))
TEXTS = re.findall(r'`([^`]+)`(?: \((\w+Error))?', CELLS)

CASES = {}


def shows(*texts):
    """Declares what a case brings about: each text comes out as an error or in the log."""

    def keep(case):
        CASES.update(dict.fromkeys(texts, case))
        return case

    return keep


class Asks(tfhooks.SessionRunHook):
    """A hook that asks for what it was given."""

    def __init__(self, fetches=None, feed_dict=None, returns=None):
        self._request = returns or tfhooks.SessionRunArgs(fetches, feed_dict)

    def before_run(self, run_context):
        return self._request


def run(*hooks, fetches=(), feed_dict=None, times=1):
    with tfhooks.MonitoredSession(hooks=hooks) as session:
        for _ in range(times):
            session.run(list(fetches), feed_dict)


def number(dtype=tf.float32):
    return tf.placeholder(dtype, [], name='x')


def train_op():
    return tf.assign_add(tf.train.get_or_create_global_step(), 1)


def train(directory):
    op = train_op()
    with tfhooks.MonitoredTrainingSession(checkpoint_dir=str(directory)) as session:
        session.run(op)


def saved(directory):
    """A training that has left a checkpoint of the variable `old`, a reference variable."""
    with tf.Graph().as_default():
        tf.get_variable('old', initializer=[1.0], use_resource=False)
        train(directory)


def startup():
    """tfhooks.v1._startup without tfhooks.v1, which would switch this process to TensorFlow 1."""
    path = pathlib.Path(tfhooks.__file__).parent / 'v1' / '_startup.py'
    spec = importlib.util.spec_from_file_location('startup', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The program does not start.


@shows("module 'tensorflow' has no attribute 'Session'")
def no_session(**_):
    _ = tensorflow.Session


@shows("No module named 'tensorflow.contrib'")
def no_contrib(**_):
    importlib.import_module('tensorflow.contrib')


@shows('tf.placeholder() is not compatible with eager execution')
def eager(**_):
    eagerly(lambda: tf.placeholder(tf.float32))


def eagerly(function):
    # Another thread has no default graph.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return pool.submit(function).result()


@shows('Eager execution is on, and monitored sessions run graphs')
def eager_session(**_):
    eagerly(tfhooks.MonitoredSession)


@shows('should be a function when eager execution is enabled')
def eager_minimize(**_):
    eagerly(lambda: tf.train.GradientDescentOptimizer(1.0).minimize(tf.constant(1.0)))


@shows('tfhooks.v1 switches TensorFlow 1 behaviour on when it is imported')
def too_late(monkeypatch, **_):
    monkeypatch.setattr(_tensorflow, 'eager_has_run', lambda: True)
    startup().switch_to_v1()


@shows('is gone since TensorFlow')
def gone(**_):
    return old_names.look_up('contrib.opt.AdamWOptimizer').instead


@shows('is not in TensorFlow 1.15. Did you mean')
def misspelt(**_):
    return old_names.look_up('estimator.EstimatorSpek').instead


@shows('already exists, disallowed')
def a_cell_run_twice(**_):
    for _ in range(2):
        tf.get_variable('weight', initializer=1.0)


@shows('"global_step" already exists')
def two_global_steps(**_):
    for _ in range(2):
        tf.train.create_global_step()


@shows('the kernel of this operation was in a library of tf.contrib')
def no_kernel(**_):
    # Importing the package would switch TensorFlow's behaviour.
    spec = importlib.util.find_spec('tfhooks')
    path = pathlib.Path(spec.submodule_search_locations[0], 'v1', '_contrib_ops.py')
    runpy.run_path(str(path))['call']('Resampler')


@shows('is not in Keras 3, only in Keras 2')
def no_keras_2(monkeypatch, **_):
    monkeypatch.setenv('TF_USE_LEGACY_KERAS', '0')
    return startup().legacy_keras_problem()


@shows('tensorflow-estimator is not installed')
def no_estimator(**_):
    program = (
        'import sys; sys.modules["tensorflow_estimator"] = None; '
        'import tfhooks.v1 as tf; tf.estimator.Estimator'
    )
    command = [sys.executable, '-c', program]
    return warm_python.run(command, capture_output=True, text=True, timeout=300).stderr


@shows("module 'numpy' has no attribute 'float'")
def no_numpy_float(**_):
    _ = np.float


@shows('hooks must hold hooks')
def a_class(**_):
    run(Asks)


@shows('hooks must be a list of hooks')
def one_hook(**_):
    tfhooks.MonitoredSession(hooks=Asks())


@shows('a name without :0 is that of an operation')
def name_of_an_operation(**_):
    tfhooks.NanTensorHook('loss')


@shows('Scaffold(init_fn=) is called with two arguments')
def init_fn_of_one_argument(**_):
    scaffold = tf.train.Scaffold(init_fn=lambda session: None)
    tfhooks.MonitoredSession(tfhooks.ChiefSessionCreator(scaffold))


@shows('An initializer depends on placeholder')
def unfed_initializer(**_):
    tf.get_variable('weight', initializer=number())
    run()


@shows('the iterator has not been initialized')
def iterator_of_nobody(**_):
    data = tf.data.make_initializable_iterator(tf.data.Dataset.range(3))
    run(fetches=[data.get_next()])


@shows('The data ended before the first run returned')
def no_data(**_):
    data = tf.data.make_one_shot_iterator(tf.data.Dataset.range(0))
    run(fetches=[data.get_next()])


@shows('steps since the checkpoint of global step')
def ctrl_c(tmp_path, **_):
    op = train_op()
    arguments = {'checkpoint_dir': str(tmp_path), 'save_checkpoint_steps': 100}
    with (
        contextlib.suppress(KeyboardInterrupt),
        tfhooks.MonitoredTrainingSession(**arguments) as session,
    ):
        session.run(op)
        raise KeyboardInterrupt


@shows('the session has not been made for')
def waits_for_a_queue(**_):
    spoken = threading.Event()

    class Speaks(logging.Handler):
        def emit(self, record):
            if 'has not been made' in record.getMessage():
                spoken.set()

    handler = Speaks()
    logging.getLogger('tfhooks').addHandler(handler)
    waits = tf.group(tf.py_func(lambda: spoken.wait(60), [], tf.bool))
    tf.add_to_collection(tf.GraphKeys.LOCAL_INIT_OP, waits)
    try:
        run(tfhooks.StallWatchdogHook(0.05))
    finally:
        logging.getLogger('tfhooks').removeHandler(handler)


@shows('times, so each of its methods is called as often')
def listed_twice(**_):
    run(*[Asks()] * 2)


@shows('Global step should be created to use')
def no_global_step(**_):
    run(tfhooks.StopAtStepHook(last_step=1))


@shows('Two savers must not share a directory')
def two_savers(tmp_path, **_):
    tf.train.get_or_create_global_step()
    savers = [tf.train.Saver() for _ in range(2)]
    run(*[tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1, saver=one) for one in savers])


@shows('saves nothing, since the global step is not increased')
def nobody_counts(tmp_path, **_):
    tf.train.get_or_create_global_step()
    weight = tf.group(tf.get_variable('weight', initializer=1.0).assign_add(1.0))
    hook = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1)
    run(hook, fetches=[weight], times=30)


@shows('The global step has gone back from')
def initializer_inside(tmp_path, **_):
    op, init = train_op(), tf.global_variables_initializer()
    hook = tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1)
    with tfhooks.MonitoredSession(hooks=[hook]) as session:
        for fetches in [op] * 6 + [init, op]:
            session.run(fetches)


class Fails(tf.train.Saver):
    """Fails in the background as on a full disk."""

    @property
    def last_checkpoints(self):
        if threading.current_thread() is not threading.main_thread():
            raise tf.errors.ResourceExhaustedError(None, None, 'the disk is full')
        return super().last_checkpoints


class Renames(tf.train.Saver):
    def save(self, *args, **kwargs):
        return super().save(*args, **kwargs) + '-renamed'


@shows('The background save of step')
def background_save(tmp_path, **_):
    op = tf.group(train_op())
    hook = tfhooks.CheckpointSaverHook(
        str(tmp_path), save_steps=1, saver=Fails(), asynchronous=True
    )
    run(hook, fetches=[op])


@shows('no checkpoint is there: what it writes is not looked at', 'Steps will wait for their saves')
def saver_of_its_own(tmp_path, **_):
    tf.train.get_or_create_global_step()
    own = Renames()
    run(tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=1, saver=own, asynchronous=True))


@shows(
    'SummarySaverHook: no summary is written, since neither output_dir nor summary_writer is given'
)
def nowhere_to_write(**_):
    tfhooks.SummarySaverHook(save_steps=1, summary_op=tf.constant(b''))


@shows('Init operations did not make model ready')
def not_initialised(**_):
    tf.get_variable('weight', initializer=1.0)
    scaffold = tf.train.Scaffold(init_op=tf.no_op())
    tfhooks.MonitoredSession(tfhooks.ChiefSessionCreator(scaffold))


@shows('TF_CONFIG must be JSON with "cluster"')
def no_task(monkeypatch, **_):
    monkeypatch.setenv('TF_CONFIG', '{"cluster": {"worker": ["localhost:1"]}}')
    tfhooks.role()


@shows('Session was not ready after waiting')
def no_chief(**_):
    tf.get_variable('weight', initializer=1.0)
    tfhooks.MonitoredSession(tfhooks.WorkerSessionCreator(max_wait_secs=0.01))


# A checkpoint cannot be restored or saved.


@shows('not found in checkpoint')
def another_variable(tmp_path, **_):
    saved(tmp_path)
    tf.get_variable('new', initializer=1.0)
    train(tmp_path)


@shows('The checkpoint does not fit the model')
def another_shape(tmp_path, **_):
    saved(tmp_path)
    tf.get_variable('old', initializer=[1.0, 2.0])
    train(tmp_path)


@shows('this is a checkpoint in one')
def a_checkpoint_for_its_directory(tmp_path, **_):
    saved(tmp_path)
    train(tmp_path / 'model.ckpt-1')


@shows('checkpoint_dir must be a directory, and this is a file')
def a_file_for_a_directory(tmp_path, **_):
    (tmp_path / 'file').touch()
    train(tmp_path / 'file')


@shows('The directory for event files must be one that can be made and written to')
def a_directory_below_a_file(tmp_path, **_):
    (tmp_path / 'file').touch()
    train(tmp_path / 'file' / 'below')


@shows('no event file is in')
def a_directory_that_takes_no_file(**_):
    train_op()
    # Not even the superuser makes a file there.
    run(tfhooks.StepCounterHook(output_dir='/proc/self'))


@shows('expected dtype int64 does not equal original dtype')
def a_step_of_another_dtype(tmp_path, **_):
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.Variable(0, name='global_step', use_resource=False)
        session.run(step.initializer)
        path = tf.train.Saver().save(session, str(tmp_path / 'model'))
    tf.train.create_global_step()
    saver = tf.train.Saver()
    scaffold = tf.train.Scaffold(init_fn=lambda scaffold, session: saver.restore(session, path))
    tfhooks.MonitoredSession(tfhooks.ChiefSessionCreator(scaffold))


@shows('Another process saves into')
def two_processes(tmp_path, **_):
    op = train_op()
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), save_checkpoint_steps=1
    ) as session:
        holder = json.loads((tmp_path / '.tfhooks_saver').read_text())
        (tmp_path / '.tfhooks_saver').write_text(json.dumps({**holder, 'lease': 'x', 'pid': 7}))
        session.run(op)


@shows('neither there nor beside the state file')
def another_machine(tmp_path, **_):
    (tmp_path / 'checkpoint').write_text('model_checkpoint_path: "/elsewhere/model.ckpt-7"\n')
    train(tmp_path)


@shows('The checkpoint is damaged')
def part_of_a_checkpoint(tmp_path, **_):
    saved(tmp_path)
    for path in tmp_path.glob('*.data*'):
        path.write_bytes(b'')
    train(tmp_path)


@shows('Training begins anew in')
def no_state_file(tmp_path, **_):
    saved(tmp_path)
    (tmp_path / 'checkpoint').unlink()
    tf.get_variable('new', initializer=1.0)
    train(tmp_path)


@shows('the list of the best checkpoints must be one that this class has written')
def a_damaged_list(tmp_path, **_):
    (tmp_path / 'best').mkdir()
    (tmp_path / 'best' / 'best_checkpoints.json').write_text('{')
    tfhooks.BestCheckpoints(len).begin(str(tmp_path))


@shows('BestCheckpoints begins a new list')
def another_metric(tmp_path, **_):
    (tmp_path / 'best').mkdir()
    path = tmp_path / 'best' / 'best_checkpoints.json'
    path.write_text(json.dumps({'mode': 'min', 'checkpoints': []}))
    tfhooks.BestCheckpoints(len, mode='max').begin(str(tmp_path))


@shows('state_file must be one that such a hook has written')
def a_damaged_state_file(tmp_path, **_):
    (tmp_path / 'state').write_text('{')
    train_op()
    loss = tf.constant(1.0)
    hook = tfhooks.EarlyStoppingHook(
        loss, patience=1, every_n_steps=1, state_file=tmp_path / 'state'
    )
    run(hook)


@shows('each line must be a row that such a writer has written')
def a_file_of_another_program(tmp_path, **_):
    (tmp_path / 'metrics').write_text('notes\n')
    op = train_op()
    writer = tfhooks.JsonLinesWriter(tmp_path / 'metrics')
    run(tfhooks.MetricsWriterHook([writer], [tf.constant(1.0)], 1), fetches=[op])


@shows('the file must stay where it is while it is written to')
def a_file_that_is_gone(tmp_path, **_):
    writer = tfhooks.JsonLinesWriter(tmp_path / 'metrics')
    writer.open(['loss'])
    (tmp_path / 'metrics').unlink()
    writer.resume(0)


@shows('could not save a checkpoint')
def no_directory(tmp_path, **_):
    directory = tmp_path / 'gone'
    op = train_op()
    with tfhooks.MonitoredTrainingSession(
        checkpoint_dir=str(directory), save_checkpoint_steps=1
    ) as session:
        shutil.rmtree(directory)
        directory.touch()
        session.run(op)


# A run raises.


@shows('things are wrong in this request', 'cannot be interpreted as a Tensor of the graph')
def two_mistakes(**_):
    run(Asks(fetches=['a:0', 'b:0']))


@shows('must return None or a SessionRunArgs')
def a_list(**_):
    run(Asks(returns=['x:0']))


@shows('a fetch must be a Tensor, an Operation or a name')
def a_number(**_):
    run(Asks(fetches=3))


@shows('is not an element of this graph')
def another_graph(**_):
    with tf.Graph().as_default():
        other = tf.constant(1)
    run(Asks(fetches=other))


@shows('refers to a Tensor which does not exist')
def misspelt_tensor(**_):
    run(fetches=['loss:0'])


@shows('has been marked as not fetchable')
def inside_a_loop(**_):
    # As control flow of TensorFlow 1 marks what is in it.
    inside = tf.constant(1)
    tf.get_default_graph().prevent_fetching(inside.op)
    run(Asks(fetches=inside))


@shows("the number must fit the tensor's dtype")
def too_large(**_):
    run(Asks(feed_dict={number(tf.int32): 2**40}))


@shows("the value must fit the tensor's dtype")
def a_fraction(**_):
    run(Asks(feed_dict={number(tf.int32): 1.5}))


@shows("must be compatible with the tensor's")
def shape_of_a_hook(**_):
    run(Asks(feed_dict={number(): [1.0]}))


@shows('Cannot feed value of shape')
def shape_of_the_caller(**_):
    run(feed_dict={number(): [1.0]})


@shows('None cannot be fed')
def none(**_):
    run(feed_dict={number(): None})


@shows('a tensor of strings must be fed strings or bytes')
def no_strings(**_):
    run(Asks(feed_dict={tf.placeholder(tf.string, [None]): np.array(['a', 1], object)}))


@shows('Same tensor is fed by')
def fed_twice(**_):
    x = number()
    run(Asks(feed_dict={x: 1.0}), feed_dict={x: 2.0})


@shows('depends on a placeholder that nobody feeds')
def unfed(**_):
    run(Asks(fetches=2 * number()))


@shows('You must feed a value for placeholder tensor')
def unfed_by_the_caller(**_):
    run(fetches=[2 * number()])


@shows('Graph is finalized and cannot be modified')
def operation_in_the_loop(**_):
    weight = tf.get_variable('weight', initializer=1.0)
    with tfhooks.MonitoredSession() as session:
        session.run(weight + 1)


@shows('Using a symbolic')
def truth_of_a_tensor(**_):
    one = tf.constant(1.0)
    with tfhooks.MonitoredSession():
        bool(one)


@shows('uninitialized value')
def variable_in_no_collection(**_):
    tf.get_variable('weight', initializer=1.0)
    run(Asks(tf.Variable(1.0, collections=[], use_resource=False).op.outputs))


@shows('No default session is registered')
def evaluated(**_):
    one = tf.constant(1)
    with tfhooks.MonitoredSession():
        one.eval()


@shows("'sess' must be a Session")
def saved_by_hand(tmp_path, **_):
    tf.get_variable('weight', initializer=1.0)
    saver = tf.train.Saver()
    with tfhooks.MonitoredSession() as session:
        saver.save(session, str(tmp_path / 'model'))


@shows("has no attribute 'graph_def': that is the raw tf.Session's")
def name_of_a_raw_session(**_):
    _ = tfhooks.MonitoredSession().graph_def


@shows('and this is process', 'A session is made in process')
def forked(**_):
    program = """
import os
import tfhooks
session = tfhooks.MonitoredSession()
if child := os.fork():
    os.waitpid(child, 0)
else:
    try:
        tfhooks.MonitoredSession(hooks=[tfhooks.StopAtStepHook(1)])  # No session is made of it.
    except RuntimeError:
        session.run([])
"""
    program = 'import tensorflow.compat.v1 as tf; tf.disable_eager_execution()' + program
    command = [sys.executable, '-c', program]
    return warm_python.run(command, capture_output=True, text=True, timeout=300).stderr


@shows('NaN loss during training')
def nan(**_):
    run(tfhooks.NanTensorHook(tf.constant(np.nan)))


@shows('Run called even after should_stop requested')
def stopped(**_):
    session = tfhooks.MonitoredSession()
    session.request_stop()
    session.run([])


@shows('The session is closed')
def closed(**_):
    session = tfhooks.MonitoredSession()
    session.close()
    session.run([])


# It ends too early, hangs, or is lost.


@shows('The session was lost and is made again', 'Gave up to recover the session')
def lost(**_):
    class Lost(tfhooks.SessionRunHook):
        def before_run(self, run_context):
            raise tf.errors.UnavailableError(None, None, 'gone')

    policy = tfhooks.RecoveryPolicy(tries=2, first_wait_secs=0)
    with tfhooks.MonitoredSession(hooks=[Lost()], recovery=policy) as session:
        session.run([])


@shows('These threads have not ended')
def threads(**_):
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        coord = coordinator.Coordinator()
        coord.request_stop()
        coord.join([thread], stop_grace_period_secs=0.01, ignore_live_threads=True)
    finally:
        done.set()
        thread.join()


# It trains, but something is odd.


@shows('LoggingTensorHook logs at level INFO, which is hidden now')
def hidden(monkeypatch, **_):
    # As in a process that has not warned yet.
    monkeypatch.setattr(hooks_logging, '_warned_that_info_is_hidden', False)
    tf.logging.set_verbosity(tf.logging.WARN)
    run(tfhooks.LoggingTensorHook([tf.constant(1.0)], every_n_iter=1))


@shows('runs in a row have left the global step at')
def never_stops(**_):
    tf.train.get_or_create_global_step()
    run(tfhooks.StopAtStepHook(last_step=1), times=110)


@shows('has not been increased')
def not_increased(**_):
    tf.train.get_or_create_global_step()
    run(tfhooks.StepCounterHook(every_n_steps=1), times=9)


@pytest.mark.parametrize(('text', 'kind'), TEXTS)
def test_each_text_appears(text, kind, tmp_path, monkeypatch, caplog):
    case = CASES[text]
    monkeypatch.delenv('TF_CONFIG', raising=False)
    seen = None
    with tf.Graph().as_default(), caplog.at_level(logging.INFO):
        try:
            seen = case(tmp_path=tmp_path, monkeypatch=monkeypatch)
        except Exception as error:
            seen = error
    assert text in '\n'.join([str(seen), *getattr(seen, '__notes__', ()), *caplog.messages])
    if kind:
        assert kind in [base.__name__ for base in type(seen).__mro__]


def test_every_error_of_tfhooks_is_there():
    public = [getattr(tfhooks, name) for name in tfhooks.__all__]
    classes = {kind for kind in [*vars(errors).values(), *public] if isinstance(kind, type)}
    ours = {
        kind.__name__
        for kind in classes
        if issubclass(kind, Exception) and kind.__module__.startswith('tfhooks')
    }
    assert {name for name in ours if name not in TEXT} == set()


def test_every_case_is_there():
    assert CASES.keys() == {text for text, _ in TEXTS}
