"""Replacements for removed names of TensorFlow 1 outside `tf.contrib` and `tf.estimator`.

`tests/recorded_1_15/names/record_names.py` lists the names of 1.15, and a test compares this table
with them.
"""

from __future__ import annotations

_STATISTICS = 'nothing measures it; profile the run with tf.train.ProfilerHook'
_MNIST = '`python -m tfhooks contrib install`, or tf.keras.datasets.mnist.load_data()'

# For names of 1.15, each with all names in it. An empty string: there is no replacement.
GONE = {
    'config.experimental_list_devices': 'session.list_devices()',
    'data.experimental.CheckpointInputPipelineHook': (
        'a CheckpointSaverListener that saves and restores the iterator: docs/hooks/checkpoint.md, '
        '"Where the data goes on"'
    ),
    'data.experimental.MapVectorizationOptions': '',
    'data.experimental.StatsAggregator': _STATISTICS,
    'data.experimental.StatsOptions': _STATISTICS,
    'data.experimental.bytes_produced_stats': _STATISTICS,
    'data.experimental.latency_stats': _STATISTICS,
    'keras.experimental.LinearCosineDecay': 'tf.train.linear_cosine_decay',
    'keras.experimental.NoisyLinearCosineDecay': 'tf.train.noisy_linear_cosine_decay',
    'keras.experimental.PeepholeLSTMCell': 'tf.nn.rnn_cell.LSTMCell(use_peepholes=True)',
    'keras.experimental.export_saved_model': 'model.save(path, save_format="tf")',
    'keras.experimental.load_from_saved_model': 'tf.keras.models.load_model',
    'keras.experimental.terminate_keras_multiprocessing_pools': '',
    'keras.mixed_precision.experimental': 'tf.keras.mixed_precision',
    'keras.utils.HDF5Matrix': 'h5py',
    'keras.utils.convert_all_kernels_in_model': '',
    'keras.utils.multi_gpu_model': 'tf.distribute.MirroredStrategy, or a tower a tf.device',
    'keras.wrappers': 'the package scikeras',
    'lite.experimental.get_potentially_supported_ops': '',
    'lite.experimental.nn': 'tf.nn.rnn_cell',
    'raw_ops.CompareAndBitpack': '',
    **{
        f'raw_ops.{direction}TPUEmbedding{optimizer}ParametersGradAccumDebug': ''
        for direction in ('Load', 'Retrieve')
        for optimizer in ('ADAM', 'Adadelta', 'Adagrad', 'FTRL', 'Momentum', 'RMSProp')
    },
    'raw_ops.RetrieveTPUEmbeddingProximalAdagradParametersGradAccumDebug': '',
    'tpu.experimental.AdagradParameters': 'tf.compat.v2.tpu.experimental.embedding.Adagrad',
    'tpu.experimental.AdamParameters': 'tf.compat.v2.tpu.experimental.embedding.Adam',
    'tpu.experimental.StochasticGradientDescentParameters': (
        'tf.compat.v2.tpu.experimental.embedding.SGD'
    ),
}

# For the packages beside the public namespace.
PACKAGES = {
    'examples.tutorials.mnist': _MNIST,
    'examples': (
        f'{_MNIST} for the tutorials; else a copy of the program from the sources of '
        'TensorFlow 1.15'
    ),
    'models': 'a copy of the program from the repository tensorflow/models',
    'tensorboard': 'the package tensorboard',
    'python.ops.rnn_cell': 'tf.nn.rnn_cell',
    'python.ops.rnn_cell_impl': 'tf.nn.rnn_cell',
    'python.layers': 'tf.layers',
    'python.distribute.distribution_strategy_context': 'tf.distribute',
    'python.training.tracking': 'tf.train.Checkpoint',
    'python.keras': 'tf.keras',
    'python.summary.event_accumulator': ('tensorboard.backend.event_processing.event_accumulator'),
    'python.training.checkpointable': 'tf.train.Checkpoint',
    'python.tools.freeze_graph': 'tf.graph_util.convert_variables_to_constants',
}

# Names of the package tensorflow_estimator that 1.15 had and the last release has not.
GONE_ESTIMATOR = (
    'contrib',
    'python.estimator.canned.boosted_trees',
    'python.estimator.canned.boosted_trees_utils',
)

# For modules whose names cannot be read in their files: extensions, and one that uses `tf_keras`.
REMOVED = {
    'python.layers.normalization': 'tf.layers.BatchNormalization and tf.layers.batch_normalization',
    'python.pywrap_tensorflow.CheckpointReader': 'tf.train.load_checkpoint',
    'python.pywrap_tensorflow.EventsWriter': 'tf.summary.FileWriter',
}

# Removed before 1.15 already.
OLDER = {
    'all_candidate_sampler': 'tf.nn.all_candidate_sampler',
    'audio_summary': 'tf.summary.audio',
    'batch_cholesky': 'tf.cholesky',
    'batch_matmul': 'tf.matmul',
    'batch_matrix_inverse': 'tf.matrix_inverse',
    'complex_abs': 'tf.abs',
    'concat_v2': 'tf.concat(values, axis)',
    'histogram_summary': 'tf.summary.histogram',
    'image_summary': 'tf.summary.image',
    'initialize_local_variables': 'tf.local_variables_initializer',
    'inv': 'tf.reciprocal',
    'listdiff': 'tf.setdiff1d',
    'merge_all_summaries': 'tf.summary.merge_all',
    'merge_summary': 'tf.summary.merge',
    'mul': 'tf.multiply',
    'neg': 'tf.negative',
    'nn.rnn': 'tf.nn.static_rnn',
    'nn.bidirectional_rnn': 'tf.nn.static_bidirectional_rnn',
    'nn.seq2seq': 'a copy of the module from TensorFlow 0.12',
    'pack': 'tf.stack',
    'python.SummaryWriter': 'tf.summary.FileWriter',
    'scalar_summary': 'tf.summary.scalar',
    'select': 'tf.where',
    'sub': 'tf.subtract',
    'train.SummaryWriter': 'tf.summary.FileWriter',
    'unpack': 'tf.unstack',
    'models.rnn': 'tf.nn.rnn_cell',
}


def replacement(table: dict[str, str], dotted: str) -> str | None:
    """Returns the entry of a table for a name, or else for the nearest module that it is in."""
    while dotted:
        if dotted in table:
            return table[dotted]
        dotted = dotted.rpartition('.')[0]
    return None
