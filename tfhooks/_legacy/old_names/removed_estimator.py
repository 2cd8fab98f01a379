"""Advice for removed estimators and the names around them."""

from __future__ import annotations

_ESTIMATOR = 'use tf.estimator.Estimator with a model function of your own'
_TRAIN_AND_EVALUATE = 'use tf.estimator.train_and_evaluate'
_EXPORT = 'use the export_saved_model of the tf.estimator.Estimator, with tf.estimator.export'
_INPUT = 'use tf.data.Dataset.from_tensor_slices'
_HOOK = 'use tf.train.{}, a hook of a tf.train.MonitoredTrainingSession'

_HEADS = {
    'binary_classification_head': 'BinaryClassHead',
    'logistic_regression_head': 'LogisticRegressionHead',
    'multi_class_head': 'MultiClassHead',
    'multi_head': 'MultiHead',
    'multi_label_head': 'MultiLabelHead',
    'poisson_regression_head': 'PoissonRegressionHead',
    'regression_head': 'RegressionHead',
}
_TREES = 'use a library of decision trees; no successor of it runs with this TensorFlow'
_MONITORS = {
    'CaptureVariable': 'FinalOpsHook',
    'CheckpointSaver': 'CheckpointSaverHook',
    'GraphDump': 'LoggingTensorHook',
    'LoggingTrainable': 'LoggingTensorHook',
    'NanLoss': 'NanTensorHook',
    'PrintTensor': 'LoggingTensorHook',
    'StepCounter': 'StepCounterHook',
    'StopAtStep': 'StopAtStepHook',
    'SummarySaver': 'SummarySaverHook',
    'BaseMonitor': 'SessionRunHook',
    'EveryN': 'SessionRunHook with a tf.train.SecondOrStepTimer',
}

INSTEAD = {
    'estimator': _ESTIMATOR,
    **{
        f'estimator.BoostedTrees{name}': _TREES for name in ('Classifier', 'Estimator', 'Regressor')
    },
    'contrib.estimator': _ESTIMATOR,
    **{f'contrib.estimator.{name}': f'use tf.estimator.{head}' for name, head in _HEADS.items()},
    **{
        f'contrib.estimator.{name}': f'use tf.estimator.{name.removesuffix("WithLayerAnnotations")}'
        for name in ('DNNClassifierWithLayerAnnotations', 'DNNRegressorWithLayerAnnotations')
    },
    **{
        f'contrib.estimator.{name}': f'{_ESTIMATOR}, and tf.nn.dynamic_rnn in it'
        for name in ('RNNClassifier', 'RNNEstimator')
    },
    **{
        f'contrib.learn.{name}': f'use tf.estimator.{_HEADS[name]}'
        for name in (
            'multi_class_head',
            'multi_head',
            'multi_label_head',
            'poisson_regression_head',
            'regression_head',
        )
    },
    'contrib.learn.binary_svm_head': 'use tf.losses.hinge_loss in a model function of your own',
    'contrib.estimator.TowerOptimizer': 'use tf.distribute.MirroredStrategy, or average the '
    'gradients of the towers before optimizer.apply_gradients',
    'contrib.estimator.replicate_model_fn': 'use tf.distribute.MirroredStrategy, or build the '
    'towers under tf.device and average their gradients',
    'contrib.estimator.clip_gradients_by_norm': 'use tf.clip_by_global_norm between '
    'optimizer.compute_gradients and optimizer.apply_gradients',
    'contrib.estimator.forward_features': 'put the features into the dict of predictions yourself',
    'contrib.estimator.export_all_saved_models': 'use the experimental_export_all_saved_models of '
    'the tf.estimator.Estimator',
    'contrib.estimator.export_saved_model_for_mode': 'use the export_saved_model of the '
    'tf.estimator.Estimator, with its experimental_mode',
    **{
        f'contrib.estimator.boosted_trees_{name}_train_in_memory': _TREES
        for name in ('classifier', 'regressor')
    },
    'contrib.learn': _ESTIMATOR,
    'contrib.learn.datasets': 'use the data sets of tf.keras.datasets',
    'contrib.learn.datasets.mnist': 'use tf.keras.datasets.mnist.load_data',
    'contrib.learn.datasets.load_boston': 'use tf.keras.datasets.boston_housing.load_data',
    'contrib.learn.datasets.load_iris': 'use load_iris of sklearn.datasets',
    'contrib.learn.Experiment': _TRAIN_AND_EVALUATE,
    'contrib.learn.learn_runner': _TRAIN_AND_EVALUATE,
    'contrib.learn.evaluate': 'use tf.estimator.Estimator, and its evaluate',
    'contrib.learn.MetricSpec': 'use the metrics of tf.metrics in the model function',
    'contrib.learn.ModelFnOps': 'use tf.estimator.EstimatorSpec',
    'contrib.learn.ModeKeys': 'use tf.estimator.ModeKeys, whose PREDICT is its INFER',
    'contrib.learn.RunConfig': 'use tf.estimator.RunConfig',
    'contrib.learn.head': 'use tf.estimator.Head and its like',
    'contrib.learn.Head': 'use tf.estimator.Head',
    'contrib.learn.io': _INPUT,
    'contrib.learn.preprocessing': 'use tf.feature_column.categorical_column_with_vocabulary_list, '
    'or tf.lookup.StaticVocabularyTable',
    'contrib.learn.ops': 'use tf.nn.embedding_lookup and the cells of tf.nn.rnn_cell',
    'contrib.learn.models': 'use tf.estimator.DNNClassifier and its like',
    'contrib.learn.utils': _EXPORT,
    'contrib.learn.ExportStrategy': _EXPORT,
    'contrib.learn.InputFnOps': _EXPORT,
    'contrib.learn.build_parsing_serving_input_fn': _EXPORT,
    'contrib.learn.make_export_strategy': _EXPORT,
    'contrib.learn.infer': 'use tf.estimator.Estimator, and its predict',
    'contrib.learn.run_feeds': 'call session.run once for each feed_dict',
    'contrib.learn.run_n': 'call session.run in a loop',
    'contrib.learn.KMeansClustering': 'use tf.estimator.experimental.KMeans',
    'contrib.learn.SVM': 'use tf.losses.hinge_loss in a model of your own',
    **{
        f'contrib.learn.{name}': 'use tf.data.TFRecordDataset with tf.io.parse_example'
        for name in (
            'read_batch_examples',
            'read_batch_features',
            'read_batch_record_features',
            'read_keyed_batch_examples',
            'read_keyed_batch_examples_shared_queue',
            'read_keyed_batch_features',
            'read_keyed_batch_features_shared_queue',
        )
    },
    **{
        f'contrib.learn.{name}': _INPUT
        for name in (
            'extract_dask_data',
            'extract_dask_labels',
            'extract_pandas_data',
            'extract_pandas_labels',
            'extract_pandas_matrix',
        )
    },
    'contrib.learn.monitors': 'monitors were replaced by hooks: subclass tf.train.SessionRunHook, '
    'or use those of tf.train',
    **{f'contrib.learn.monitors.{name}': _HOOK.format(hook) for name, hook in _MONITORS.items()},
    'contrib.learn.monitors.ValidationMonitor': f'{_TRAIN_AND_EVALUATE}, or tfhooks.EvalHook',
    'contrib.learn.monitors.ExportMonitor': _EXPORT,
    'contrib.learn.monitors.NanLossDuringTrainingError': 'use tf.train.NanLossDuringTrainingError',
    'contrib.learn.monitors.SessionLog': 'use tf.SessionLog',
    'contrib.learn.monitors.Summary': 'use tf.Summary',
}
