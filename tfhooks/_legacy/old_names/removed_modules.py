"""Advice for the modules of `tf.contrib` of which nothing, or little, is left."""

from __future__ import annotations

_NONE = 'no successor of it runs with this TensorFlow: '
_CODE = _NONE + 'take its source of TensorFlow 1.15 into the program, '
_TREES = _NONE + 'use a library of decision trees'
_SOURCE = 'it read from {}; use tf.data.Dataset.from_generator with a client library of it'
_OPTIMIZER = 'use an optimizer of tf.train'
_ATTENTION = 'use tf.nn.raw_rnn with an attention of your own, or tf.keras.layers.Attention'
_PROBABILITY = (
    'use tf.distributions where it has the class, else the package tensorflow_probability'
)
_STRATEGY = 'use tf.distribute.{}'
_WARP = _CODE + 'or use tf.raw_ops.ImageProjectiveTransformV2'

INSTEAD = {
    'contrib': 'no such module is known to tfhooks; docs/contrib.md lists those that are',
    'contrib.autograph': 'use tf.autograph',
    'contrib.batching': 'use tf.nondifferentiable_batch_function',
    'contrib.bayesflow': _PROBABILITY,
    'contrib.bigtable': _SOURCE.format('Cloud Bigtable'),
    'contrib.boosted_trees': _TREES,
    'contrib.checkpoint': 'use tf.train.Checkpoint and tf.train.CheckpointManager',
    'contrib.checkpoint.Checkpointable': 'subclass tf.Module',
    'contrib.checkpoint.CheckpointableBase': 'subclass tf.Module',
    'contrib.checkpoint.List': 'put a plain list into a tf.Module or tf.train.Checkpoint',
    'contrib.checkpoint.Mapping': 'put a plain dict into a tf.Module or tf.train.Checkpoint',
    'contrib.checkpoint.list_objects': 'use tf.train.list_variables',
    'contrib.checkpoint.object_metadata': 'use tf.train.list_variables',
    'contrib.cloud': _SOURCE.format('Google Cloud'),
    'contrib.cluster_resolver': 'use tf.distribute.cluster_resolver',
    'contrib.compiler': 'use tf.xla.experimental',
    'contrib.compiler.xla': 'use tf.xla.experimental.compile',
    'contrib.constrained_optimization': _CODE + 'or add the penalty to the loss',
    'contrib.copy_graph': 'use tf.graph_util.import_graph_def with tf.Graph.as_graph_def',
    'contrib.crf': _CODE + 'or write the likelihood with tf.scan and tf.reduce_logsumexp',
    'contrib.cudnn_rnn': 'use tf.keras.layers.LSTM or tf.keras.layers.GRU, which run on cuDNN',
    'contrib.cudnn_rnn.CudnnCompatibleGRUCell': 'use tf.keras.layers.GRU',
    'contrib.cudnn_rnn.CudnnCompatibleLSTMCell': 'use tf.nn.rnn_cell.LSTMCell with forget_bias=0',
    'contrib.decision_trees': _TREES,
    'contrib.deprecated': 'use the summaries of tf.summary',
    'contrib.deprecated.audio_summary': 'use tf.summary.audio',
    'contrib.deprecated.histogram_summary': 'use tf.summary.histogram',
    'contrib.deprecated.image_summary': 'use tf.summary.image',
    'contrib.deprecated.merge_all_summaries': 'use tf.summary.merge_all',
    'contrib.deprecated.merge_summary': 'use tf.summary.merge',
    'contrib.deprecated.scalar_summary': 'use tf.summary.scalar',
    'contrib.distribute': 'use the strategies of tf.distribute',
    'contrib.distribute.CollectiveAllReduceStrategy': _STRATEGY.format(
        'experimental.MultiWorkerMirroredStrategy'
    ),
    'contrib.distribute.MirroredStrategy': _STRATEGY.format('MirroredStrategy'),
    'contrib.distribute.OneDeviceStrategy': _STRATEGY.format('OneDeviceStrategy'),
    'contrib.distribute.ParameterServerStrategy': _STRATEGY.format(
        'experimental.ParameterServerStrategy'
    ),
    'contrib.distribute.TPUStrategy': _STRATEGY.format('experimental.TPUStrategy'),
    'contrib.distribute.get_replica_context': _STRATEGY.format('get_replica_context'),
    'contrib.distribute.get_strategy': _STRATEGY.format('get_strategy'),
    'contrib.distribute.get_distribution_strategy': _STRATEGY.format('get_strategy'),
    'contrib.distributions': _PROBABILITY,
    'contrib.distributions.bijectors': 'use the package tensorflow_probability',
    'contrib.eager': 'use tf.GradientTape, tf.function and their like, in TensorFlow 2 style',
    'contrib.eager.GradientTape': 'use tf.GradientTape',
    'contrib.eager.Iterator': 'use tf.data.make_one_shot_iterator',
    'contrib.eager.Saver': 'use tf.train.Saver',
    'contrib.eager.Variable': 'use tf.Variable with use_resource=True',
    'contrib.eager.metrics': 'use tf.metrics',
    'contrib.eager.defun': 'use tf.function',
    'contrib.eager.py_func': 'use tf.py_function',
    'contrib.factorization': _CODE + 'or use a library of clustering and factorization',
    'contrib.feature_column': 'use tf.feature_column.sequence_categorical_column_with_identity and '
    'its like',
    'contrib.feature_column.sequence_input_layer': 'use tf.nn.embedding_lookup_sparse',
    'contrib.ffmpeg': 'use tf.audio.decode_wav, or tf.py_func around a library of your own',
    'contrib.fused_conv': 'use tf.nn.conv2d, then tf.nn.bias_add and tf.nn.relu, which are fused',
    'contrib.graph_editor': _CODE + 'or change the tf.GraphDef and use tf.import_graph_def with '
    'input_map',
    'contrib.grid_rnn': 'subclass tf.nn.rnn_cell.RNNCell',
    'contrib.hadoop': _SOURCE.format('Hadoop sequence files'),
    'contrib.ignite': _SOURCE.format('Apache Ignite'),
    'contrib.image': _CODE + 'or use tf.image',
    'contrib.image.rotate': _WARP,
    'contrib.image.transform': _WARP,
    'contrib.image.translate': _WARP,
    'contrib.input_pipeline': 'use tf.data.Dataset',
    'contrib.integrate': _CODE + 'or use the package tensorflow_probability, which has odeint',
    'contrib.kafka': _SOURCE.format('Kafka'),
    'contrib.keras': 'use tf.keras',
    'contrib.kernel_methods': _CODE + 'or use tf.random.normal features of your own',
    'contrib.kinesis': _SOURCE.format('Kinesis'),
    'contrib.labeled_tensor': _CODE + 'or use plain tensors',
    'contrib.legacy_seq2seq': 'use tf.nn.static_rnn with a decoder of your own',
    'contrib.libsvm': 'use tf.data.TextLineDataset with a parser of your own',
    'contrib.linear_optimizer': 'use tf.train.FtrlOptimizer',
    'contrib.memory_stats': 'use tf.RunMetadata of a run with '
    'tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)',
    'contrib.meta_graph_transform': 'use tf.graph_util.extract_sub_graph',
    'contrib.mixed_precision': 'use tf.train.experimental.enable_mixed_precision_graph_rewrite, or '
    'tf.train.experimental.FixedLossScale',
    'contrib.model_pruning': _CODE + 'or multiply the weights by masks of your own',
    'contrib.nearest_neighbor': _NONE + 'use a library of nearest neighbours',
    'contrib.nn': 'use tf.nn',
    'contrib.nn.alpha_dropout': 'use tf.keras.layers.AlphaDropout',
    'contrib.nn.nth_element': 'use tf.raw_ops.NthElement',
    'contrib.nn.rank_sampled_softmax_loss': 'use tf.nn.sampled_softmax_loss',
    'contrib.nn.sampled_sparse_softmax_loss': 'use tf.nn.sampled_softmax_loss',
    'contrib.nn.scaled_softplus': 'use tf.nn.softplus',
    'contrib.opt': _OPTIMIZER + ', or take its source of TensorFlow 1.15 into the program',
    'contrib.opt.AdaMaxOptimizer': 'use tf.train.AdamOptimizer, or tf.keras.optimizers.Adamax',
    'contrib.opt.AdamWOptimizer': 'use tf.train.AdamOptimizer, and subtract the decay of '
    'the weights with tf.assign_sub after its step',
    'contrib.opt.MomentumWOptimizer': 'use tf.train.MomentumOptimizer, and subtract the decay of '
    'the weights with tf.assign_sub after its step',
    'contrib.opt.LazyAdamOptimizer': 'use tf.train.AdamOptimizer',
    'contrib.opt.NadamOptimizer': 'use tf.train.AdamOptimizer, or tf.keras.optimizers.Nadam',
    'contrib.opt.MovingAverageOptimizer': 'use tf.train.ExponentialMovingAverage after the step',
    'contrib.opt.ScipyOptimizerInterface': _CODE
    + 'or call scipy.optimize.minimize with a function '
    'that runs the loss and tf.gradients',
    'contrib.opt.ExternalOptimizerInterface': _CODE + 'or call the optimizer with a function that '
    'runs the loss and tf.gradients',
    'contrib.opt.clip_gradients_by_global_norm': 'use tf.clip_by_global_norm',
    'contrib.optimizer_v2': 'use the optimizers of tf.train, which take the same arguments',
    'contrib.periodic_resample': _CODE + 'or use tf.reshape and tf.transpose',
    'contrib.predictor': 'use tf.saved_model.load in a session, and session.make_callable of its '
    'signature',
    'contrib.proto': 'use tf.io.decode_proto and tf.io.encode_proto',
    'contrib.quantization': 'use tf.quantization',
    'contrib.quantize': 'use tf.quantization.fake_quant_with_min_max_vars in the model',
    'contrib.receptive_field': _CODE + 'or compute it from the strides and kernel sizes',
    'contrib.recurrent': 'use tf.nn.dynamic_rnn',
    'contrib.reduce_slice_ops': 'use tf.math.unsorted_segment_sum',
    'contrib.remote_fused_graph': _NONE + 'the hardware that it served has tools of its own',
    'contrib.resampler': _CODE + 'or interpolate with tf.gather_nd',
    'contrib.rpc': _CODE + 'or call the service from tf.py_func',
    'contrib.saved_model': 'use tf.keras.models.load_model and tf.keras.models.save_model',
    'contrib.seq2seq': _ATTENTION,
    'contrib.seq2seq.sequence_loss': 'use tf.nn.sparse_softmax_cross_entropy_with_logits, times '
    'the weights, over tf.reduce_sum of the weights',
    'contrib.seq2seq.hardmax': 'use tf.one_hot of tf.argmax',
    'contrib.seq2seq.tile_batch': 'use tf.repeat',
    'contrib.seq2seq.gather_tree': _CODE + 'or follow the parents with tf.while_loop',
    'contrib.session_bundle': 'use tf.saved_model',
    'contrib.signal': 'use tf.signal',
    'contrib.solvers': 'use tf.linalg.experimental.conjugate_gradient, or tf.linalg.lstsq',
    'contrib.sparsemax': _CODE + 'or use tf.nn.softmax',
    'contrib.specs': 'use tf.layers',
    'contrib.stat_summarizer': 'use tf.profiler.profile with tf.RunMetadata',
    'contrib.stateless': 'use tf.random.stateless_uniform and its like',
    'contrib.tensor_forest': _TREES,
    'contrib.tensorboard': 'use tensorboard.plugins.projector, of the package tensorboard',
    'contrib.tensorrt': 'use tensorflow.experimental.tensorrt.Converter, of TensorFlow 2',
    'contrib.testing': 'read event files with tf.train.summary_iterator',
    'contrib.text': _CODE + 'or use tf.data.Dataset.window over the words',
    'contrib.tfprof': 'use tf.profiler, or tf.train.ProfilerHook',
    'contrib.timeseries': 'build the model with tf.nn.dynamic_rnn, or use the package '
    'tensorflow_probability',
    'contrib.tpu': 'use tf.tpu, or tf.distribute.experimental.TPUStrategy',
    'contrib.util': 'use tf.make_tensor_proto, tf.make_ndarray and tf.get_static_value',
}
