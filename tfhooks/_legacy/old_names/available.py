"""The names of `tf.contrib` and `tf.estimator` that still work, with the names that serve them."""

from __future__ import annotations

from tfhooks._legacy.old_names import available_estimator
from tfhooks._legacy.old_names.old_files import OLD_FILES

_HOOKS = (
    'CheckpointSaverHook CheckpointSaverListener FeedFnHook FinalOpsHook GlobalStepWaiterHook '
    'LoggingTensorHook NanLossDuringTrainingError NanTensorHook ProfilerHook SecondOrStepTimer '
    'SessionRunArgs SessionRunContext SessionRunHook SessionRunValues StepCounterHook '
    'StopAtStepHook SummarySaverHook'
)
_STEP = 'assert_global_step create_global_step get_global_step get_or_create_global_step'
_SCOPES = 'add_arg_scope arg_scope arg_scoped_arguments current_arg_scope has_arg_scope'
_VARIABLES = (
    'VariableDeviceChooser add_model_variable assert_or_get_global_step assign_from_checkpoint '
    'assign_from_checkpoint_fn assign_from_values assign_from_values_fn filter_variables '
    'get_local_variables get_model_variables get_trainable_variables get_unique_variable '
    'get_variable_full_name get_variables get_variables_by_name get_variables_by_suffix '
    'get_variables_to_restore global_variable local_variable model_variable variable'
)
_LAYERS = (
    'GDN OPTIMIZER_CLS_NAMES OPTIMIZER_SUMMARIES RevBlock apply_regularization avg_pool2d '
    'avg_pool3d batch_norm bias_add conv1d conv2d conv2d_in_plane conv2d_transpose conv3d '
    'conv3d_transpose convolution convolution1d convolution2d convolution2d_in_plane '
    'convolution2d_transpose convolution3d convolution3d_transpose dense_to_sparse dropout elu '
    'flatten fully_connected gdn group_norm images_to_sequence instance_norm l1_l2_regularizer '
    'l1_regularizer l2_regularizer layer_norm legacy_fully_connected legacy_linear legacy_relu '
    'linear max_pool2d max_pool3d maxout one_hot_encoding optimize_loss recompute_grad relu relu6 '
    'repeat rev_block scale_gradient separable_conv2d separable_convolution2d sequence_to_images '
    'softmax spatial_softmax stack sum_regularizer summarize_activation summarize_activations '
    'summarize_collection summarize_tensor summarize_tensors unit_norm '
    'variance_scaling_initializer xavier_initializer xavier_initializer_conv2d'
)
_SUMMARIES = (
    'summarize_activation summarize_activations summarize_biases summarize_collection '
    'summarize_tensor summarize_tensors summarize_variables summarize_weights'
)
_LOSSES = (
    'absolute_difference add_loss compute_weighted_loss cosine_distance get_losses '
    'get_regularization_losses get_total_loss hinge_loss log_loss mean_pairwise_squared_error '
    'mean_squared_error metric_learning sigmoid_cross_entropy softmax_cross_entropy '
    'sparse_softmax_cross_entropy'
)
_METRIC_LEARNING = (
    'cluster_loss contrastive_loss lifted_struct_loss npairs_loss npairs_loss_multilabel '
    'triplet_semihard_loss'
)
_METRICS = (
    'accuracy aggregate_metric_map aggregate_metrics auc_using_histogram '
    'auc_with_confidence_intervals cohen_kappa count f1_score precision_at_recall '
    'precision_recall_at_equal_thresholds recall_at_precision sparse_recall_at_top_k '
    'streaming_accuracy streaming_auc streaming_concat streaming_covariance '
    'streaming_curve_points streaming_dynamic_auc streaming_false_negative_rate '
    'streaming_false_negative_rate_at_thresholds streaming_false_negatives '
    'streaming_false_negatives_at_thresholds streaming_false_positive_rate '
    'streaming_false_positive_rate_at_thresholds streaming_false_positives '
    'streaming_false_positives_at_thresholds streaming_mean streaming_mean_absolute_error '
    'streaming_mean_cosine_distance streaming_mean_iou streaming_mean_relative_error '
    'streaming_mean_squared_error streaming_mean_tensor streaming_pearson_correlation '
    'streaming_percentage_less streaming_precision streaming_precision_at_thresholds '
    'streaming_recall streaming_recall_at_k streaming_recall_at_thresholds '
    'streaming_root_mean_squared_error streaming_sensitivity_at_specificity '
    'streaming_sparse_average_precision_at_k streaming_sparse_average_precision_at_top_k '
    'streaming_sparse_precision_at_k streaming_sparse_precision_at_top_k '
    'streaming_sparse_recall_at_k streaming_specificity_at_sensitivity streaming_true_negatives '
    'streaming_true_negatives_at_thresholds streaming_true_positives '
    'streaming_true_positives_at_thresholds'
)
_SLIM_MODULES = {
    'data_decoder': 'data.data_decoder',
    'data_provider': 'data.data_provider',
    'dataset': 'data.dataset',
    'dataset_data_provider': 'data.dataset_data_provider',
    'evaluation': 'evaluation',
    'initializers': 'layers.initializers',
    'layers': 'layers',
    'learning': 'learning',
    'losses': 'losses',
    'metrics': 'metrics',
    'model_analyzer': 'model_analyzer',
    'nets': 'nets',
    'normalization': 'layers.normalization',
    'optimizers': 'layers.optimizers',
    'parallel_reader': 'data.parallel_reader',
    'prefetch_queue': 'data.prefetch_queue',
    'queues': 'queues',
    'regularizers': 'layers.regularizers',
    'rev_block_lib': 'layers.rev_block_lib',
    'summaries': 'summaries',
    'tfexample_decoder': 'data.tfexample_decoder',
    'utils': 'layers.utils',
}

# Keras was the same under both names in 1.15.
_KERAS = (
    'activations applications backend callbacks constraints datasets initializers layers losses '
    'metrics models optimizers preprocessing regularizers utils'
)
NOT_IN_KERAS = (
    'contrib.keras.metrics.cosine_similarity',
    'contrib.keras.utils.HDF5Matrix',
    'contrib.keras.utils.convert_all_kernels_in_model',
)

# The old module, today's, and the names; `old=new` where the name has changed too.
# A star stands for every name of the module. Today's modules begin with `tf`, with `tf_slim`
# (the extra `contrib`), with `tensorflow_estimator` (the extra `estimator`), with `tfhooks`, or
# with `tensorflow.python`: TensorFlow's, but not public.
_GROUPS = (
    ('contrib.hooks', 'tf.train', 'ProfilerHook'),
    ('contrib.training', 'tf.train', 'checkpoints_iterator'),
    (
        'contrib.training',
        'tensorflow.python.training.evaluation',
        'StopAfterNEvalsHook=_StopAfterNEvalsHook evaluate_once=_evaluate_once '
        'get_or_create_eval_step=_get_or_create_eval_step',
    ),
    (
        'contrib.training',
        'tf_slim.training.evaluation',
        'SummaryAtEndHook evaluate_repeatedly wait_for_new_checkpoint',
    ),
    ('contrib.training', 'tfhooks.v1._hparams', 'HParams parse_values'),
    (
        'contrib.training',
        'tf_slim.training.training',
        'add_gradients_summaries clip_gradient_norms clip_gradient_norms_fn create_train_op '
        'multiply_gradients train',
    ),
    (
        'contrib.framework',
        'tfhooks.v1._checkpoints',
        'init_from_checkpoint list_variables load_checkpoint load_variable',
    ),
    ('contrib.framework', 'tf.train', _STEP),
    (
        'contrib.framework',
        'tf',
        'TensorSpec argsort convert_to_tensor_or_sparse_tensor is_tensor sort '
        'assert_same_float_dtype=debugging.assert_same_float_dtype '
        'assert_scalar=debugging.assert_scalar',
    ),
    (
        'contrib.framework',
        'tensorflow.python.framework',
        'BoundedTensorSpec=tensor_spec.BoundedTensorSpec prepend_name_scope=ops.prepend_name_scope '
        'strip_name_scope=ops.strip_name_scope smart_case=smart_cond.smart_case '
        'smart_cond=smart_cond.smart_cond smart_constant_value=smart_cond.smart_constant_value',
    ),
    (
        'contrib.framework',
        'tensorflow.python.util.deprecation',
        'deprecated deprecated_arg_values deprecated_args',
    ),
    ('contrib.framework', 'tf_slim', f'{_SCOPES} {_VARIABLES}'),
    ('contrib.framework', 'tf_slim.ops.framework_ops', 'get_graph_from_inputs get_name_scope'),
    (
        'contrib.framework.nest',
        'tf.nest',
        'assert_same_structure flatten is_nested is_sequence=is_nested map_structure '
        'pack_sequence_as',
    ),
    (
        'contrib.framework.nest',
        'tensorflow.python.util.nest',
        'assert_shallow_structure flatten_dict_items flatten_up_to '
        'flatten_with_joined_string_paths flatten_with_tuple_paths '
        'flatten_with_tuple_paths_up_to get_traverse_shallow_structure '
        'is_sequence_or_composite map_structure_up_to map_structure_with_paths '
        'map_structure_with_tuple_paths map_structure_with_tuple_paths_up_to yield_flat_paths',
    ),
    ('contrib.layers', 'tf_slim', _LAYERS),
    ('contrib.layers', 'tf.nn', 'safe_embedding_lookup_sparse'),
    ('contrib.layers.summaries', 'tf_slim.layers.summaries', _SUMMARIES),
    ('contrib.layers.python.layers.utils', 'tf_slim.layers.utils', '*'),
    ('contrib.losses', 'tf_slim.losses', _LOSSES.replace(' metric_learning', '')),
    ('contrib.losses.metric_learning', 'tf_slim.losses.metric_learning', _METRIC_LEARNING),
    ('contrib.metrics', 'tf_slim.metrics', _METRICS),
    ('contrib.metrics', 'tf.sets', 'set_difference set_intersection set_size set_union'),
    ('contrib.metrics', 'tf', 'confusion_matrix'),
    ('contrib.slim', 'tf_slim', f'{_LAYERS} {_SUMMARIES} {_SCOPES} {_VARIABLES}'),
    ('contrib.slim', 'tf.train', _STEP),
    ('contrib.slim', 'tf.nn', 'safe_embedding_lookup_sparse'),
    ('contrib.slim', 'tf_slim', 'adaptive_clipping_fn arg_scope_func_key bucketize pool'),
    *((f'contrib.slim.{name}', f'tf_slim.{new}', '*') for name, new in _SLIM_MODULES.items()),
    *(
        (f'contrib.slim.python.slim.{name}', f'tf_slim.{name}', '*')
        for name in ('data', 'evaluation', 'learning', 'model_analyzer', 'nets', 'queues')
    ),
    ('contrib.slim.python.slim.summaries', 'tf_slim.summaries', '*'),
    (
        'contrib.rnn',
        'tf.nn.rnn_cell',
        'BasicLSTMCell BasicRNNCell DeviceWrapper DropoutWrapper GRUCell LSTMCell LSTMStateTuple '
        'MultiRNNCell RNNCell ResidualWrapper',
    ),
    ('contrib.rnn', 'tf.nn', 'static_bidirectional_rnn static_rnn static_state_saving_rnn'),
    (
        'contrib.data',
        'tf.data.experimental',
        'AUTOTUNE Counter CsvDataset Optional RandomDataset Reducer SqlDataset TFRecordWriter '
        'bucket_by_sequence_length choose_from_datasets copy_to_device dense_to_sparse_batch '
        'enumerate_dataset get_next_as_optional get_single_element group_by_reducer '
        'group_by_window ignore_errors make_batched_features_dataset make_csv_dataset '
        'make_saveable_from_iterator map_and_batch parallel_interleave parse_example_dataset '
        'prefetch_to_device rejection_resample sample_from_datasets scan shuffle_and_repeat '
        'unbatch unique',
    ),
    (
        'contrib.summary',
        'tensorflow.python.ops.summary_ops_v2',
        'SummaryWriter all_summary_ops=all_v2_summary_ops always_record_summaries audio '
        'create_file_writer create_summary_file_writer eval_dir flush=legacy_raw_flush '
        'generic graph=graph_v1 histogram image import_event initialize never_record_summaries '
        'record_summaries_every_n_global_steps scalar '
        'should_record_summaries=_legacy_contrib_should_record_summaries '
        'summary_writer_initializer_op',
    ),
    ('contrib.learn', 'tf.train', 'NanLossDuringTrainingError'),
    *(
        (f'contrib.learn.python.learn.{name}', 'tf.train', _HOOKS)
        for name in ('basic_session_run_hooks', 'session_run_hook')
    ),
    (
        'contrib.lookup',
        'tf.lookup',
        'KeyValueTensorInitializer TextFileIndex TextFileInitializer',
    ),
    ('contrib.lookup', 'tf.lookup.experimental', 'MutableHashTable'),
    (
        'contrib.lookup',
        'tensorflow.python.ops.lookup_ops',
        'HasherSpec IdTableWithHashBuckets StrongHashSpec TextFileIdTableInitializer '
        'TextFileStringTableInitializer index_table_from_file index_to_string_table_from_file',
    ),
    (
        'contrib.distributions',
        'tf.distributions',
        'Bernoulli Beta Categorical Dirichlet DirichletMultinomial Distribution Exponential '
        'FULLY_REPARAMETERIZED Gamma Laplace Multinomial NOT_REPARAMETERIZED Normal RegisterKL '
        'ReparameterizationType StudentT Uniform kl_divergence',
    ),
    (
        'contrib.signal',
        'tf.signal',
        'frame hamming_window hann_window inverse_stft inverse_stft_window_fn '
        'linear_to_mel_weight_matrix mfccs_from_log_mel_spectrograms overlap_and_add stft',
    ),
    (
        'contrib.stateless',
        'tf.random',
        'stateless_multinomial stateless_random_normal=stateless_normal '
        'stateless_random_uniform=stateless_uniform '
        'stateless_truncated_normal',
    ),
    ('contrib.util', 'tf', 'constant_value=get_static_value make_ndarray make_tensor_proto'),
    ('contrib.checkpoint', 'tf.train', 'CheckpointManager'),
    ('contrib.compiler.jit', 'tf.xla.experimental', 'experimental_jit_scope=jit_scope'),
    ('contrib.compiler.xla', 'tf.xla.experimental', 'compile'),
    ('contrib.staging', 'tensorflow.python.ops.data_flow_ops', 'StagingArea'),
    ('contrib.batching', 'tf', 'batch_function=nondifferentiable_batch_function'),
    ('contrib.proto', 'tf.io', 'decode_proto encode_proto'),
    ('contrib.nn', 'tf.nn', 'conv1d_transpose'),
    ('contrib.keras', 'tf.keras', _KERAS),
    *((f'contrib.keras.{name}', f'tf.keras.{name}', '*') for name in _KERAS.split()),
    ('estimator', 'tf.train', f'{_HOOKS} VocabInfo'),
    *available_estimator.GROUPS,
)


def _table() -> dict[str, str]:
    table = {}
    for old_place, new_place, names in _GROUPS:
        for name in names.split():
            old, _, new = name.partition('=')
            table[f'{old_place}.{old}'] = f'{new_place}.{new or old}'
    return table


AVAILABLE = _table()
"""What a name stands for now. A key may end in `.*`."""

# Modules in which at least one name works.
PLACES = frozenset(
    '.'.join(parts[:depth])
    for parts in (name.split('.') for name in [*AVAILABLE, *(f'{file}.x' for file in OLD_FILES)])
    for depth in range(1, len(parts))
)


# Modules that are of little use without tf_slim.
_SLIM_PLACES = ('contrib.layers', 'contrib.losses', 'contrib.slim')


def extra(dotted: str, now: str) -> str | None:
    """Returns the extras that a name needs, joined by commas; `now` is the name that serves it."""
    is_place = now == f'tfhooks.v1.{dotted}'
    if now.startswith('tf_slim.') or (is_place and '.'.join(dotted.split('.')[:2]) in _SLIM_PLACES):
        return 'contrib'
    if now.startswith('tensorflow_estimator.'):
        return 'estimator,legacy' if dotted in available_estimator.NEEDS_KERAS_2 else 'estimator'
    return 'legacy' if now.startswith(('tf.nn.rnn_cell.', 'tf.keras.')) else None


def without_python(dotted: str) -> str:
    """Returns the public name of a private one, such as `contrib.a.c` of `contrib.a.python.b.c`."""
    parts = dotted.split('.')
    if 'python' not in parts[2:3]:
        return dotted
    return '.'.join([*parts[:2], parts[-1]]) if len(parts) > 3 else '.'.join(parts[:2])


def target(dotted: str) -> str | None:
    """Returns the dotted name that serves a name now, or None where it is gone."""
    place, _, last = dotted.rpartition('.')
    if dotted in AVAILABLE:
        return AVAILABLE[dotted]
    if dotted in NOT_IN_KERAS:
        return None
    if f'{place}.*' in AVAILABLE:
        return f'{AVAILABLE[f"{place}.*"][:-1]}{last}'
    above = target(place) if dotted.startswith('contrib.keras.') else None
    if above is not None and above.startswith('tf.keras.'):
        return f'{above}.{last}'
    public = without_python(dotted)
    if public != dotted and public in AVAILABLE:
        return AVAILABLE[public]
    return f'tfhooks.v1.{dotted}' if dotted in PLACES else None
