"""What runs on the device, and what leaves it: by the run's own account, not by assumption."""

from __future__ import annotations

import gpu_models
import pytest
import tensorflow.compat.v1 as tf

import tfhooks

pytestmark = pytest.mark.gpu


def stock_hooks(directory, loss):
    """The usual hooks, none of them due in steps 2 to 9."""
    return [
        tfhooks.StopAtStepHook(last_step=1000),
        tfhooks.CheckpointSaverHook(str(directory), save_steps=10),
        tfhooks.StepCounterHook(every_n_steps=10, output_dir=str(directory)),
        tfhooks.every(tfhooks.LoggingTensorHook({'loss': loss}, every_n_iter=1), steps=10),
        tfhooks.every(tfhooks.NanTensorHook(loss), steps=10),
    ]


@pytest.mark.parametrize('make', [gpu_models.model, gpu_models.adam_model])
def test_the_model_is_placed_and_executed_on_the_device(device, make):
    with tf.Graph().as_default():
        model = make(device)
        with gpu_models.session_with([tfhooks.NanTensorHook(model.loss)]) as session:
            metadata = gpu_models.traced(session.run, model.train)
            names = {v.op.name for v in tf.global_variables()}
    placed = gpu_models.placed(metadata, device)
    assert placed['product'] in ('MatMul', '_MklMatMul')
    # The optimizer's slots, too; what is counted is on the host.
    variables = {name for name, kind in placed.items() if kind == 'VarHandleOp'}
    host = '/CPU:0'
    assert variables == (names if device == host else names - {'global_step'})
    ran = gpu_models.executed(metadata, device)
    assert 'product' in ran
    assert any(name.endswith('product_grad/MatMul_1') for name in ran)
    if device != host:
        on_host = gpu_models.placed(metadata, host)
        assert on_host['global_step'] == 'VarHandleOp'
        assert not [kind for kind in on_host.values() if 'MatMul' in kind]


def test_only_what_is_asked_for_leaves_the_device(device, tmp_path):
    if device == '/CPU:0':
        pytest.skip('nothing leaves the host for the host')
    with tf.Graph().as_default():
        model = gpu_models.model(device)
        hooks = stock_hooks(tmp_path, model.loss)
        with gpu_models.session_with(hooks) as session:
            sent = []
            for _ in range(12):
                sent.append(
                    gpu_models.sent_from(gpu_models.traced(session.run, model.train), device)
                )
            asked = gpu_models.traced(session.run, [model.train, model.loss])
            extra = gpu_models.traced(session.run_without_hooks, model.weights)
    # The logging and the NaN check are due in the first step and in the eleventh; one copy serves.
    assert [index for index, names in enumerate(sent, 1) if names] == [1, 11]
    assert sent[0] == sent[10] == ['loss']
    assert gpu_models.sent_from(asked, device) == ['loss']
    assert len(gpu_models.sent_from(extra, device)) == 1


def test_a_step_with_nothing_due_copies_no_more_to_the_host_than_a_bare_one(gpu, tmp_path):
    with tf.Graph().as_default():
        model = gpu_models.model(gpu)
        hooks = stock_hooks(tmp_path, model.loss)
        with gpu_models.session_with(hooks) as session:
            raw = session.raw_session()
            # What is run for the first time is prepared first.
            for _ in range(2):
                session.run(model.train)
                raw.run(model.train)
            bare = gpu_models.traced(raw.run, model.train)
            hooked = gpu_models.traced(session.run, model.train)
            asked = gpu_models.traced(session.run, [model.train, model.loss])
    counted = [gpu_models.copies_to_host(metadata) for metadata in (bare, hooked, asked)]
    # That copies are seen at all.
    gpu_models.need_kernels(counted[2], asked.step_stats)
    assert counted[1] <= counted[0]
    assert counted[2] > counted[1]


def test_what_a_hook_adds_in_begin_is_placed_where_it_says(device):
    class Norm(tfhooks.SessionRunHook):
        def begin(self):
            with tf.device(device):
                self.norm = tf.norm(tf.get_default_graph().get_tensor_by_name('product:0'))

        def before_run(self, run_context):
            return tfhooks.SessionRunArgs(self.norm)

    with tf.Graph().as_default():
        model = gpu_models.model(device)
        with gpu_models.session_with([Norm()]) as session:
            session.run(model.train)
            metadata = gpu_models.traced(session.run, model.train)
    assert any(name.startswith('norm/') for name in gpu_models.executed(metadata, device))


def test_a_device_that_is_not_there_is_an_error_and_no_silent_move():
    with tf.Graph().as_default():
        model = gpu_models.model('/GPU:77')
        with pytest.raises(tf.errors.InvalidArgumentError, match='GPU:77'):
            gpu_models.session_with([tfhooks.NanTensorHook(model.loss)])
