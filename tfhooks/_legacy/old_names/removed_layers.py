"""Advice for removed layers, cells, metrics and input functions."""

from __future__ import annotations

_COLUMNS = 'use the feature columns of tf.feature_column'
_COLUMN = 'use tf.feature_column.{}'
_DENSE = 'use tf.feature_column.input_layer'
_LINEAR = 'use tf.feature_column.linear_model'
_SEQUENCE = 'use tf.feature_column.sequence_categorical_column_with_identity and its like, with '
_EXAMPLES = 'use tf.io.parse_example with tf.feature_column.make_parse_example_spec'
_EMBEDDING = 'use tf.nn.embedding_lookup on a variable of your own'

# In `tf.contrib.layers`, and in `tf.contrib.slim`, which had them too.
_LAYERS = {
    'bucketized_column': _COLUMN.format('bucketized_column'),
    'check_feature_columns': _COLUMNS,
    'create_feature_spec_for_parsing': _COLUMN.format('make_parse_example_spec'),
    'crossed_column': _COLUMN.format('crossed_column'),
    'embedding_column': _COLUMN.format('embedding_column'),
    'feature_column': _COLUMNS,
    'infer_real_valued_columns': _COLUMN.format('numeric_column'),
    'input_from_feature_columns': _DENSE,
    'joint_weighted_sum_from_feature_columns': _LINEAR,
    'make_place_holder_tensors_for_base_features': 'use tf.placeholder for each feature',
    'multi_class_target': 'use tf.losses.sparse_softmax_cross_entropy',
    'one_hot_column': _COLUMN.format('indicator_column'),
    'parse_feature_columns_from_examples': _EXAMPLES,
    'parse_feature_columns_from_sequence_examples': 'use tf.io.parse_single_sequence_example',
    'real_valued_column': _COLUMN.format('numeric_column'),
    'regression_target': 'use tf.losses.mean_squared_error',
    'scattered_embedding_column': _COLUMN.format('categorical_column_with_hash_bucket')
    + ' and tf.feature_column.embedding_column',
    'sequence_input_from_feature_columns': _SEQUENCE + 'tf.keras.layers.Embedding',
    'shared_embedding_columns': _COLUMN.format('shared_embedding_columns'),
    'sparse_column_with_hash_bucket': _COLUMN.format('categorical_column_with_hash_bucket'),
    'sparse_column_with_integerized_feature': _COLUMN.format('categorical_column_with_identity'),
    'sparse_column_with_keys': _COLUMN.format('categorical_column_with_vocabulary_list'),
    'sparse_column_with_vocabulary_file': _COLUMN.format('categorical_column_with_vocabulary_file'),
    'transform_features': _DENSE,
    'weighted_sparse_column': _COLUMN.format('weighted_categorical_column'),
    'weighted_sum_from_feature_columns': _LINEAR,
    'bow_encoder': 'use tf.nn.embedding_lookup on a variable of your own, and tf.reduce_mean',
    'embed_sequence': _EMBEDDING,
    'embedding_lookup_unique': 'use tf.unique, then tf.nn.embedding_lookup and tf.gather',
    'SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY': 'use the hash_key of tf.feature_column.crossed_column',
}

_CELL = 'use tf.nn.rnn_cell.{}'
_OWN_CELL = 'subclass tf.nn.rnn_cell.RNNCell, or use tf.nn.rnn_cell.LSTMCell'
_CELLS = {
    'AttentionCellWrapper': _OWN_CELL,
    'CompiledWrapper': 'use the cell itself under tf.xla.experimental.jit_scope',
    'EmbeddingWrapper': 'use tf.nn.embedding_lookup on the inputs of the cell',
    'HighwayWrapper': _CELL.format('ResidualWrapper') + ' with a residual_fn of your own',
    'InputProjectionWrapper': 'use tf.layers.dense on the inputs of the cell',
    'OutputProjectionWrapper': 'use tf.layers.dense on the outputs of the cell',
    'LayerRNNCell': _CELL.format('RNNCell'),
    'LSTMBlockCell': _CELL.format('LSTMCell') + ", whose variables are those of name='lstm_cell'",
    'LSTMBlockFusedCell': _CELL.format('LSTMCell') + ' with tf.nn.dynamic_rnn',
    'LSTMBlockWrapper': _CELL.format('LSTMCell') + ' with tf.nn.dynamic_rnn',
    'FusedRNNCell': 'use tf.nn.dynamic_rnn with a cell of tf.nn.rnn_cell',
    'FusedRNNCellAdaptor': 'use tf.nn.dynamic_rnn with a cell of tf.nn.rnn_cell',
    'TimeReversedFusedRNN': 'use tf.nn.bidirectional_dynamic_rnn',
    'GRUBlockCell': _CELL.format('GRUCell'),
    'GRUBlockCellV2': _CELL.format('GRUCell'),
    'best_effort_input_batch_size': 'use tf.shape of the inputs',
    'transpose_batch_time': 'use tf.transpose with perm=[1, 0, 2]',
    'stack_bidirectional_dynamic_rnn': 'call tf.nn.bidirectional_dynamic_rnn once for each layer, '
    'with tf.concat of the outputs of the one before',
    'stack_bidirectional_rnn': 'call tf.nn.static_bidirectional_rnn once for each layer',
}

_DATA = {
    'CheckpointInputPipelineHook': 'use a tf.train.CheckpointSaverListener that saves '
    'tf.data.experimental.make_saveable_from_iterator, and restores it in after_create_session: '
    'docs/hooks/checkpoint.md, "Where the data goes on"',
    'LMDBDataset': 'no successor of it is in TensorFlow; use tf.data.Dataset.from_generator',
    'assert_element_shape': 'use tf.ensure_shape in tf.data.Dataset.map',
    'batch_and_drop_remainder': 'use tf.data.Dataset.batch with drop_remainder=True',
    'padded_batch_and_drop_remainder': 'use tf.data.Dataset.padded_batch with drop_remainder=True',
    'read_batch_features': 'use tf.data.experimental.make_batched_features_dataset',
    'reduce_dataset': 'use tf.data.Dataset.reduce',
    'sliding_window_batch': 'use tf.data.Dataset.window, then tf.data.Dataset.flat_map',
    'sloppy_interleave': 'use tf.data.experimental.parallel_interleave with sloppy=True',
}

_FRAMEWORK = {
    'RecordInput': 'use tf.data.TFRecordDataset',
    'assert_scalar_int': 'use tf.debugging.assert_scalar and tf.debugging.assert_integer',
    'convolutional_delta_orthogonal': 'use tf.initializers.orthogonal',
    'convolutional_orthogonal_1d': 'use tf.initializers.orthogonal',
    'convolutional_orthogonal_2d': 'use tf.initializers.orthogonal',
    'convolutional_orthogonal_3d': 'use tf.initializers.orthogonal',
    'fuse_op': 'use tf.graph_util.convert_variables_to_constants, or leave fusing to the runtime',
    'get_placeholders': 'use [op.outputs[0] for op in graph.get_operations() if op.type == '
    "'Placeholder']",
    'load_and_remap_matrix_initializer': 'use tf.train.load_variable and tf.gather',
    'load_embedding_initializer': 'use tf.train.warm_start with a tf.train.VocabInfo',
    'load_linear_multiclass_bias_initializer': 'use tf.train.warm_start',
    'load_variable_slot_initializer': 'use tf.train.warm_start',
    'py_func': 'use tf.py_func; keyword arguments and structures are yours to take apart',
    'reduce_sum_n': 'use tf.add_n of tf.reduce_sum of each',
    'remove_squeezable_dimensions': 'use tf.squeeze with axis=[-1]',
    'with_same_shape': 'use tf.debugging.assert_shapes, or tf.ensure_shape',
    'with_shape': 'use tf.ensure_shape',
    'zero_initializer': 'use tf.zeros_initializer',
}

_QUEUES = 'use tf.data.Dataset, with tf.data.experimental.bucket_by_sequence_length where need be'
_TRAINING = {
    'FeedingQueueRunner': 'use tf.data.Dataset.from_generator',
    'GreedyLoadBalancingStrategy': 'use tf.train.replica_device_setter, with a ps_strategy of your '
    'own: a function of an operation that returns the number of the task',
    'RandomStrategy': 'use tf.train.replica_device_setter, with a ps_strategy of your own: a '
    'function of an operation that returns the number of the task',
    'byte_size_load_fn': 'use op.outputs[0].shape.num_elements() * op.outputs[0].dtype.size',
    'NextQueuedSequenceBatch': _QUEUES,
    'SequenceQueueingStateSaver': _QUEUES,
    'batch_sequences_with_states': _QUEUES,
    'bucket': _QUEUES,
    'bucket_by_sequence_length': 'use tf.data.experimental.bucket_by_sequence_length',
    'rejection_sample': 'use tf.data.experimental.rejection_resample',
    'resample_at_rate': 'use tf.data.Dataset.flat_map with tf.data.Dataset.repeat',
    'stratified_sample': 'use tf.data.experimental.rejection_resample',
    'weighted_resample': 'use tf.data.experimental.rejection_resample',
}

_OLD_TABLE = 'use tf.lookup.StaticHashTable with a {}'
_LOOKUP = {
    'FastHashSpec': 'use tf.lookup.StaticVocabularyTable, which hashes what it has not',
    'HashTable': _OLD_TABLE.format('tf.lookup.KeyValueTensorInitializer or TextFileInitializer'),
    'InitializableLookupTableBase': 'use tf.lookup.StaticHashTable',
    'LookupInterface': 'use tf.lookup.StaticHashTable',
    'MutableDenseHashTable': 'use tf.lookup.experimental.DenseHashTable',
    'TableInitializerBase': 'use tf.lookup.KeyValueTensorInitializer',
    'index_table_from_tensor': 'use tf.lookup.StaticVocabularyTable with a '
    'tf.lookup.KeyValueTensorInitializer',
    'index_to_string': _OLD_TABLE.format('tf.lookup.KeyValueTensorInitializer'),
    'index_to_string_table_from_tensor': _OLD_TABLE.format('tf.lookup.KeyValueTensorInitializer'),
    'string_to_index': _OLD_TABLE.format('tf.lookup.KeyValueTensorInitializer'),
    'string_to_index_table_from_file': _OLD_TABLE.format('tf.lookup.TextFileInitializer'),
    'string_to_index_table_from_tensor': _OLD_TABLE.format('tf.lookup.KeyValueTensorInitializer'),
}

INSTEAD = {
    'contrib.layers': 'the layers, initializers and regularizers that are left are in tf_slim '
    '(the extra contrib of tfhooks); use those, or tf.layers',
    'contrib.slim': 'what is left of it is tf_slim (the extra contrib of tfhooks); use that, or '
    'tf.layers',
    **{f'contrib.layers.{name}': text for name, text in _LAYERS.items()},
    **{f'contrib.slim.{name}': text for name, text in _LAYERS.items()},
    'contrib.slim.sparse_feature_cross': 'use tf.sparse.cross_hashed',
    'contrib.slim.sparse_feature_cross_op': 'use tf.sparse.cross_hashed',
    'contrib.rnn': _OWN_CELL,
    **{f'contrib.rnn.{name}': text for name, text in _CELLS.items()},
    'contrib.data': 'use the methods of tf.data.Dataset, or tf.data.experimental',
    **{f'contrib.data.{name}': text for name, text in _DATA.items()},
    'contrib.framework': 'use tf.train for checkpoints and the global step, and tf_slim (the '
    'extra contrib of tfhooks) for scopes and variables',
    **{f'contrib.framework.{name}': text for name, text in _FRAMEWORK.items()},
    'contrib.framework.nest': 'use tf.nest',
    'contrib.training': 'use the hooks and the sessions of tf.train, and tf.data for input',
    **{f'contrib.training.{name}': text for name, text in _TRAINING.items()},
    'contrib.hooks': 'use the hooks of tf.train',
    'contrib.lookup': 'use tf.lookup.StaticHashTable or tf.lookup.StaticVocabularyTable',
    **{f'contrib.lookup.{name}': text for name, text in _LOOKUP.items()},
    'contrib.losses': 'use tf.losses',
    'contrib.metrics': 'use tf.metrics',
    'contrib.summary': 'use tf.summary.FileWriter, or tf.compat.v2.summary',
    'contrib.summary.create_db_writer': 'use tf.summary.FileWriter; the data base writer has no '
    'successor',
}
