"""`tf.estimator` is tensorflow-estimator, in whose sessions tfhooks' hooks run.

What estimators do is compared with 1.15 in test_legacy_examples.py, and what EstimatorSpec does in
test_v1_contrib.py.
"""

from __future__ import annotations

import glob
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile

import pytest
import warm_python
from v1_processes import checked_in, main, prepares, raised

from tfhooks._base import extras

HAS_ESTIMATOR = importlib.util.find_spec('tensorflow_estimator') is not None
needs_estimator = pytest.mark.skipif(not HAS_ESTIMATOR, reason='needs tensorflow-estimator')
HOOKS = """
    CheckpointSaverHook CheckpointSaverListener FeedFnHook FinalOpsHook GlobalStepWaiterHook
    LoggingTensorHook NanLossDuringTrainingError NanTensorHook ProfilerHook SecondOrStepTimer
    SessionRunArgs SessionRunContext SessionRunHook SessionRunValues StepCounterHook
    StopAtStepHook SummarySaverHook
"""
PACKAGE = 'tensorflow_estimator.python.estimator'


@prepares('program')
def _():
    import tfhooks.v1 as tf

    assert tf is sys.modules['tfhooks.v1']
    assert PACKAGE.partition('.')[0] not in sys.modules


def checked(check):
    """Marks a check that needs the package."""
    return needs_estimator(checked_in('program')(check))


def model_fn(features, labels, mode):
    """A line through the origin; an Estimator asks for it by the names of the arguments."""
    import tfhooks.v1 as tf

    weight = tf.get_variable('weight', [1, 1], initializer=tf.zeros_initializer())
    predictions = tf.matmul(features['x'], weight)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={'y': predictions})
    loss = tf.losses.mean_squared_error(labels, predictions)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    return tf.estimator.EstimatorSpec(
        mode,
        loss=loss,
        train_op=optimizer.minimize(loss, tf.train.get_global_step()),
        eval_metric_ops={'error': tf.metrics.mean_absolute_error(labels, predictions)},
    )


def input_fn():
    """Batches of two, without an end."""
    import tfhooks.v1 as tf

    return tf.data.Dataset.from_tensors(({'x': [[1.0], [2.0]]}, [[2.0], [4.0]])).repeat()


def estimator(folder, **config):
    """An Estimator of that model."""
    import tfhooks.v1 as tf

    return tf.estimator.Estimator(model_fn, folder, tf.estimator.RunConfig(**config))


def scalars(folder):
    """The values that event files have, by tag and step."""
    import tfhooks.v1 as tf

    return {
        (value.tag, event.step): value.simple_value
        for path in glob.glob(os.path.join(folder, '*tfevents*'))
        for event in tf.train.summary_iterator(path)
        for value in event.summary.value
    }


@checked_in('program')
def test_hooks_need_no_extra():
    import tfhooks.v1 as tf

    for name in HOOKS.split():
        assert getattr(tf.estimator, name) is getattr(tf.train, name), name


@needs_estimator
@checked_in('program', needs_keras_2=True)
def test_all_imports_lead_to_the_same_modules():
    import tensorflow_estimator
    from tensorflow.python.estimator import run_config, training
    from tensorflow.python.estimator.canned.dnn import DNNClassifier
    from tensorflow.python.estimator.keras import model_to_estimator
    from tfhooks.v1.contrib import tpu
    from tfhooks.v1.contrib.tpu.python.tpu import tpu_config, tpu_estimator, tpu_optimizer
    from tfhooks.v1.estimator import RunConfig, inputs
    from tfhooks.v1.estimator.export import ServingInputReceiver

    import tfhooks.v1 as tf

    assert RunConfig is run_config.RunConfig is tf.estimator.RunConfig
    assert RunConfig is tensorflow_estimator.estimator.RunConfig
    assert training is sys.modules[f'{PACKAGE}.training']
    assert training.TrainSpec is tf.estimator.TrainSpec
    assert model_to_estimator is sys.modules[f'{PACKAGE}.keras_lib'].model_to_estimator
    assert DNNClassifier is tf.estimator.DNNClassifier
    assert inputs.numpy_input_fn is tf.estimator.inputs.numpy_input_fn
    assert ServingInputReceiver is tf.estimator.export.ServingInputReceiver
    assert tpu_config.RunConfig is tpu.RunConfig is tf.estimator.tpu.RunConfig
    assert tpu_estimator.TPUEstimator is tpu.TPUEstimator
    assert tpu_optimizer.CrossShardOptimizer is tf.tpu.CrossShardOptimizer


@checked
def test_hooks_stay_as_they_are():
    # The package marks what it exports as deprecated.
    import tensorflow_estimator

    import tfhooks.v1 as tf

    for name in HOOKS.split():
        hook = getattr(tensorflow_estimator.estimator, name)
        assert hook is getattr(tf.train, name), name
        assert not [key for key in vars(hook) if key.startswith('_estimator')], name


@checked
def test_sessions_are_those_of_tfhooks():
    import tfhooks
    import tfhooks.v1 as tf

    seen = []

    class Look(tf.estimator.SessionRunHook):
        def after_run(self, run_context, run_values):
            # The frame of the session's run() is the nearest that has one as `self`.
            frame = sys._getframe()
            while not isinstance(frame.f_locals.get('self'), tfhooks.MonitoredSession):
                frame = frame.f_back
            seen.append(type(frame.f_locals['self']))

    with tempfile.TemporaryDirectory() as folder:
        trained = estimator(folder)
        trained.train(input_fn, hooks=[Look()], steps=1)
        trained.evaluate(input_fn, steps=1, hooks=[Look()])
        next(trained.predict(input_fn, hooks=[Look()]))
    assert seen == [tfhooks.MonitoredSession] * 3


@checked
def test_the_config_reaches_the_hooks():
    import tfhooks.v1 as tf

    config = tf.ConfigProto(intra_op_parallelism_threads=1, operation_timeout_in_ms=60_000)
    found = []

    class Look(tf.estimator.SessionRunHook):
        def after_create_session(self, session, coord):
            found.append(session._config.operation_timeout_in_ms)

    with tempfile.TemporaryDirectory() as folder:
        trained = estimator(
            folder,
            save_checkpoints_steps=2,
            keep_checkpoint_max=2,
            save_summary_steps=3,
            log_step_count_steps=4,
            session_config=config,
        )
        trained.train(input_fn, hooks=[Look()], max_steps=9)
        state = tf.train.get_checkpoint_state(folder)
        kept = [os.path.basename(path) for path in state.all_model_checkpoint_paths]
        written = scalars(folder)
    assert kept == ['model.ckpt-8', 'model.ckpt-9']
    assert found == [60_000]
    steps = {tag: sorted(step for other, step in written if other == tag) for tag, _ in written}
    assert steps == {'loss': [1, 4, 7], 'global_step/sec': [5, 9]}


@checked
def test_train_and_evaluate_exports_and_predicts():
    import tfhooks.v1 as tf

    with tempfile.TemporaryDirectory() as folder:
        trained = estimator(folder, save_checkpoints_steps=10)
        receiver = tf.estimator.export.build_raw_serving_input_receiver_fn(
            {'x': tf.placeholder(tf.float32, [None, 1])}
        )
        exporter = tf.estimator.LatestExporter('latest', receiver)
        result, exported = tf.estimator.train_and_evaluate(
            trained,
            tf.estimator.TrainSpec(input_fn, max_steps=30),
            tf.estimator.EvalSpec(input_fn, steps=2, exporters=exporter, throttle_secs=1),
        )
        assert result['global_step'] == 30
        assert result['error'] < 0.01
        assert scalars(os.path.join(folder, 'eval'))['error', 30] == result['error']
        with tf.Session(graph=tf.Graph()) as session:
            model = tf.saved_model.loader.load(session, ['serve'], exported[0].decode())
            signature = model.signature_def['serving_default']
            served = session.run(signature.outputs['y'].name, {signature.inputs['x'].name: [[3.0]]})
        predicted = next(trained.predict(input_fn))['y']
    assert abs(served[0, 0] - 6) < 0.1
    assert abs(predicted[0] - 2) < 0.1


@checked
def test_a_failed_save_does_not_end_as_a_finished_training():
    import tfhooks
    import tfhooks.v1 as tf

    class Full(tf.train.Saver):
        def save(self, *args, **kwargs):
            raise tf.errors.OutOfRangeError(None, None, 'no more room')

    def with_saver(features, labels, mode):
        spec = model_fn(features, labels, mode)
        return spec._replace(scaffold=tf.train.Scaffold(saver=Full()))

    with tempfile.TemporaryDirectory() as folder:
        trained = tf.estimator.Estimator(with_saver, folder)
        with pytest.raises(tfhooks.CheckpointSaveError, match='no more room'):
            trained.train(input_fn, steps=1)


@checked
def test_early_stopping_is_the_original():
    import tfhooks.v1 as tf

    experimental = tf.estimator.experimental
    assert experimental.stop_if_no_decrease_hook.__module__ == f'{PACKAGE}.early_stopping'
    assert tf.contrib.estimator.stop_if_lower_hook is experimental.stop_if_lower_hook
    with tempfile.TemporaryDirectory() as folder:
        trained = estimator(folder, save_checkpoints_steps=5)
        os.makedirs(trained.eval_dir())
        with tf.Graph().as_default(), tf.summary.FileWriter(trained.eval_dir()) as writer:
            value = tf.Summary.Value(tag='error', simple_value=0.1)
            writer.add_summary(tf.Summary(value=[value]), 3)
        hook = experimental.stop_if_lower_hook(
            trained, 'error', 0.5, run_every_secs=None, run_every_steps=2
        )
        trained.train(input_fn, hooks=[hook], max_steps=50)
        assert trained.get_variable_value('global_step') <= 3


@checked
def test_several_devices_of_one_process():
    import tfhooks.v1 as tf

    # In a process that has made no session: the first one says for good how many CPUs there are.
    folder = tempfile.mkdtemp()
    program = f"""
import tensorflow as tf2
import tfhooks.v1 as tf
import sys
sys.path[:0] = {[os.path.dirname(os.path.abspath(__file__)), *sys.path]!r}
import test_v1_estimator as here
cpus = tf2.config.list_physical_devices('CPU')
tf2.config.set_logical_device_configuration(
    cpus[0], [tf2.config.LogicalDeviceConfiguration()] * 2
)
strategy = tf.distribute.MirroredStrategy(['/cpu:0', '/cpu:1'])
trained = here.estimator({folder!r}, train_distribute=strategy, eval_distribute=strategy)
trained.train(here.input_fn, max_steps=30)
print('RESULT', strategy.num_replicas_in_sync, trained.evaluate(here.input_fn, steps=2)['error'])
"""
    done = warm_python.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    _, replicas, error = re.search('RESULT.*', done.stdout).group().split()
    assert (replicas, float(error) < 0.01) == ('2', True)
    assert tf.train.latest_checkpoint(folder).endswith('model.ckpt-30')


@checked
def test_examples_per_second_of_a_tpu_estimator():
    import tfhooks.v1 as tf

    def tpu_model_fn(features, labels, mode, params):
        assert params['batch_size'] == 2
        spec = model_fn(features, labels, mode)
        optimizer = tf.contrib.tpu.CrossShardOptimizer
        assert optimizer is tf.tpu.CrossShardOptimizer
        return tf.contrib.tpu.TPUEstimatorSpec(mode, loss=spec.loss, train_op=spec.train_op)

    with tempfile.TemporaryDirectory() as folder:
        config = tf.contrib.tpu.RunConfig(
            model_dir=folder,
            log_step_count_steps=2,
            save_checkpoints_steps=4,
            tpu_config=tf.contrib.tpu.TPUConfig(iterations_per_loop=2),
        )
        trained = tf.contrib.tpu.TPUEstimator(
            tpu_model_fn, config=config, use_tpu=False, train_batch_size=2, eval_batch_size=2
        )
        trained.train(lambda params: input_fn(), max_steps=8)
        result = trained.evaluate(lambda params: input_fn(), steps=1)
        written = scalars(folder)
    assert result['global_step'] == 8
    rates = {step for tag, step in written if tag == 'examples/sec'}
    assert rates, sorted(written)
    for step in rates:
        pair = written['examples/sec', step], written['global_step/sec', step]
        assert abs(pair[0] / pair[1] - 2) < 1e-3


@prepares('patched')
def _():
    import tensorflow as tf

    import tfhooks

    tf.compat.v1.disable_v2_behavior()
    tfhooks.patch()
    assert 'tfhooks.v1' not in sys.modules


@needs_estimator
@checked_in('patched')
def test_patch_gives_the_estimator_too():
    import tensorflow as tf
    from tensorflow.compat.v1 import estimator as of_compat
    from tensorflow.estimator import Estimator

    import tfhooks

    assert tf.estimator.Estimator is Estimator is of_compat.Estimator
    assert Estimator.__module__ == f'{PACKAGE}.estimator'
    assert tf.estimator.StopAtStepHook is tfhooks.StopAtStepHook
    with tempfile.TemporaryDirectory() as folder:
        trained = estimator(folder)
        trained.train(input_fn, max_steps=2)
        assert tf.train.latest_checkpoint(folder).endswith('model.ckpt-2')


@prepares('without the package')
def _():
    sys.modules['tensorflow_estimator'] = None
    import tfhooks.v1 as tf

    assert tf is sys.modules['tfhooks.v1']


@checked_in('without the package')
def test_without_the_package_the_extra_is_named():
    import tfhooks.v1 as tf

    command = extras.pip_command(['estimator'])
    for kind, statement in (
        (AttributeError, 'tf.estimator.Estimator'),
        (AttributeError, 'tf.estimator.inputs.numpy_input_fn'),
        (AttributeError, 'tf.contrib.tpu.TPUEstimator'),
        (ImportError, 'from tfhooks.v1.estimator import Estimator'),
        (ImportError, 'from tensorflow.python.estimator import run_config'),
        (ImportError, 'import tensorflow.python.estimator.run_config'),
    ):
        assert command in raised(kind, statement), statement
    assert not hasattr(tf.estimator, 'DNNClassifier')
    assert tf.estimator.SessionRunHook is tf.train.SessionRunHook


@prepares('Keras 3')
def _():
    os.environ['TF_USE_LEGACY_KERAS'] = '0'
    import tfhooks.v1 as tf

    assert tf is sys.modules['tfhooks.v1']


@needs_estimator
@checked_in('Keras 3')
def test_with_keras_3_the_core_works_and_what_is_made_of_keras_2_says_so():
    import tfhooks.v1 as tf

    with tempfile.TemporaryDirectory() as folder:
        estimator(folder).train(input_fn, max_steps=2)
        assert tf.train.latest_checkpoint(folder).endswith('model.ckpt-2')
    assert 'Keras 2' in raised(AttributeError, 'tf.estimator.DNNClassifier')


def test_nothing_is_loaded_before_it_is_asked_for():
    program = 'import json, sys, tfhooks.v1; print(json.dumps(sorted(sys.modules)))'
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=200, check=True
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert not [name for name in loaded if name.startswith(('tensorflow_estimator', 'tf_slim'))]
    assert not {'tfhooks._hooks', 'tfhooks._session.sessions'} & set(loaded)


if __name__ == '__main__':
    main(*sys.argv[1:])
