"""The files of `tf.contrib` that programs import from although they were not public."""

from __future__ import annotations

_FILES = {
    'data': 'ops.batching ops.counter ops.enumerate_ops ops.error_ops ops.get_single_element '
    'ops.grouping ops.interleave_ops ops.iterator_ops ops.parsing_ops ops.prefetching_ops '
    'ops.random_ops ops.readers ops.resampling ops.scan_ops ops.shuffle_ops ops.sliding '
    'ops.threadpool ops.unique ops.writers',
    # Nothing is left of `tfe`, but libraries import it that use it in eager programs only.
    'eager': 'tfe',
    'estimator': 'estimator.early_stopping estimator.extenders estimator.head estimator.hooks '
    'estimator.logit_fns estimator.saved_model_estimator',
    'framework': 'framework.checkpoint_utils framework.graph_util framework.tensor_util '
    'ops.arg_scope ops.ops ops.sort_ops ops.variables',
    'hooks': 'training.profiler_hook',
    'layers': 'layers.initializers layers.layers layers.normalization layers.optimizers '
    'layers.regularizers layers.rev_block_lib layers.summaries layers.utils ops.sparse_ops',
    'learn': 'learn.basic_session_run_hooks learn.estimators.model_fn learn.monitors '
    'learn.session_run_hook',
    'losses': 'losses.loss_ops metric_learning.metric_loss_ops',
    'metrics': 'metrics.classification ops.confusion_matrix_ops ops.histogram_ops ops.metric_ops '
    'ops.set_ops',
    'rnn': 'ops.core_rnn_cell ops.rnn ops.rnn_cell',
    'slim': 'slim.data slim.evaluation slim.learning slim.model_analyzer slim.nets slim.queues '
    'slim.summaries',
    'tpu': 'tpu.bfloat16 tpu.device_assignment tpu.topology tpu.tpu tpu.tpu_config '
    'tpu.tpu_estimator tpu.tpu_optimizer tpu.training_loop',
    'training': 'training.device_setter training.evaluation training.hparam training.training',
}

OLD_FILES = tuple(
    f'contrib.{place}.python.{file}' for place, files in _FILES.items() for file in files.split()
)
"""Their dotted names, without the leading `tf.`."""
