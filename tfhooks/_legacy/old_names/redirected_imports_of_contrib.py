"""The imports of the files of TensorFlow 1.15's `tf.contrib`, and what serves them today.

`tfhooks.v1._contrib` loads them, in the manner of `tfhooks.v1._old_packages`.
"""

from __future__ import annotations

from tfhooks._legacy.old_names.of_python_and_numpy import REMOVED

_AS_THEY_ARE = ('compiler', 'core', 'python', 'tools')
_STAND_INS = 'tfhooks.v1._contrib_stand_ins'


# Each of these is replaced by a class that cannot be instantiated.
_NAMES_ONLY = (
    'python.data.experimental.ops.iterator_ops.CheckpointInputPipelineHook',
    'python.eager.context.list_devices',
    'python.ops.summary_ops_v2.create_db_writer',
    'python.pywrap_tensorflow.DeleteStatSummarizer',
    'python.pywrap_tensorflow.NewStatSummarizer',
    'python.pywrap_tensorflow.StatSummarizer',
    'python.tpu.tpu_strategy_util.initialize_tpu_system',
)
# Most registered data that TensorFlow now has in the operations, or hid undocumented names.
_STOOD_IN = {
    'python.framework.ops.convert_n_to_tensor_or_indexed_slices': 'convert_n_to_tensors',
    'python.framework.common_shapes.call_cpp_shape_fn': 'nothing',
    'python.framework.op_def_registry.register_op_list': 'nothing',
    'python.distribute.distribute_lib.StrategyV1': 'Strategy',
    'python.framework.ops.NotDifferentiable': 'not_differentiable',
    'python.framework.ops.RegisterGradient': 'RegisterGradient',
    'python.framework.ops.RegisterShape': 'decorator',
    'python.framework.ops.register_dense_tensor_like_type': 'nothing',
    'python.util.all_util.remove_undocumented': 'nothing',
}
# Removed files of TensorFlow's own, which are installed beside those of contrib.
_INSTALLED = (
    'python.ops.distributions.transformed_distribution',
    'python.profiler.profile_context',
    'python.tpu.async_checkpoint',
)
_MOVED = {
    'data.ops.iterator_ops.IteratorV2': 'data.ops.iterator_ops.OwnedIterator',
    'distribute.distribution_strategy_context': 'distribute.distribute_lib',
    'distribute.parameter_server_strategy.ParameterServerStrategy': (
        'distribute.parameter_server_strategy.ParameterServerStrategyV1'
    ),
    'eager.function.defun': 'eager.polymorphic_function.polymorphic_function.function',
    'ops.summary_ops_v2.all_summary_ops': 'ops.summary_ops_v2.all_v2_summary_ops',
    'ops.summary_ops_v2.flush': 'ops.summary_ops_v2.legacy_raw_flush',
    'ops.summary_ops_v2.graph': 'ops.summary_ops_v2.graph_v1',
    'ops.summary_ops_v2.should_record_summaries': (
        'ops.summary_ops_v2._legacy_contrib_should_record_summaries'
    ),
    'tpu.tpu._TPU_REPLICATE_ATTR': 'tpu.tpu_replication._TPU_REPLICATE_ATTR',
    'training.checkpoint_management': 'checkpoint.checkpoint_management',
    'training.tracking': 'trackable',
    'training.tracking.tracking': 'trackable.autotrackable',
    'training.tracking.util': 'checkpoint.checkpoint',
    'training.training_ops': 'ops.gen_training_ops',
}

# The base classes of layers, of which TensorFlow and Keras 2 have one each; a layer of either is
# one of these to the files.
LAYERS = {
    'Layer': 'tensorflow.python.layers.base.Layer',
    'KerasLayer': 'tensorflow.python.keras.layers.Layer',
}

SERVED = {
    **REMOVED,
    'tensorflow': 'tfhooks.v1',
    **{f'tensorflow.{name}': f'tensorflow.{name}' for name in _AS_THEY_ARE},
    **{f'tensorflow.python.{old}': f'tensorflow.python.{new}' for old, new in _MOVED.items()},
    **{name: f'{_STAND_INS}.{new}' for new, name in LAYERS.items()},
    'tensorflow.python.framework.device.DeviceSpec': 'tfhooks.v1.DeviceSpec',
    'tensorflow.python.ops.variable_scope.variable': 'tfhooks.v1.Variable',
    **{f'tensorflow.{name}': f'tfhooks_contrib.{name}' for name in _INSTALLED},
    **{f'tensorflow.{old}': f'{_STAND_INS}.{new}' for old, new in _STOOD_IN.items()},
    **{
        f'tensorflow.{name}': f'{_STAND_INS}.absent.{name.rpartition(".")[2]}'
        for name in _NAMES_ONLY
    },
}
"""By the name of a module or of something in it: where it is today."""

NOT_FROM_FILES = ('contrib.estimator', 'contrib.keras', 'contrib.tensor_forest')
"""Packages that are as they are without the files."""

OVER: dict[str, dict[str, str]] = {
    'contrib.tpu': {
        'outside_compilation': 'tensorflow.python.tpu.tpu_replication.outside_compilation',
    },
    'contrib.learn.python.learn.datasets.base': {'maybe_download': f'{_STAND_INS}.maybe_download'},
    'contrib.util.loader': {'load_op_library': f'{_STAND_INS}.nothing'},
}
"""By module: names that are taken from elsewhere when it has been loaded."""

ROOT = {
    'eager': 'eager.python.tfe',
    'optimizer_v2': 'optimizer_v2.optimizer_v2_symbols',
    'receptive_field': 'receptive_field.receptive_field_api',
    'recurrent': 'recurrent.python.recurrent_api',
    'remote_fused_graph': 'remote_fused_graph.pylib',
    'specs': 'specs.python',
    'summary': 'summary.summary',
}
"""Attributes of `tf.contrib` that are a module in the package of their name."""
