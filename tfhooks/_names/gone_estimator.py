"""What to write instead of estimators and what belongs to them."""

from __future__ import annotations

_LOOP = (
    'write the training loop around tf.train.MonitoredTrainingSession, which takes the hooks, the '
    'scaffold and the config that the Estimator took'
)
_MODEL = (
    'build the model with tf.layers or tf.keras.layers and train it in a '
    'tf.train.MonitoredTrainingSession'
)
_HEAD = 'use the losses of tf.losses and the metrics of tf.metrics'
_LOSS = 'use tf.losses.{}, and the metrics of tf.metrics'
_EXPORT = 'use tf.saved_model.simple_save, or tf.saved_model.builder.SavedModelBuilder'
_EVALUATE = (
    'use tfhooks.EvalHook in the training loop, or tf.contrib.training.evaluate_repeatedly in '
    'another process'
)
_INPUT = 'use tf.data.Dataset.from_tensor_slices'
_TPU = 'there are no estimators for TPUs now; use tf.distribute.experimental.TPUStrategy'
_HOOK = 'use tf.train.{}, a hook of a tf.train.MonitoredTrainingSession'

_HEADS = {
    'BinaryClassHead': 'sigmoid_cross_entropy',
    'LogisticRegressionHead': 'sigmoid_cross_entropy',
    'MultiClassHead': 'sparse_softmax_cross_entropy',
    'MultiLabelHead': 'sigmoid_cross_entropy',
    'PoissonRegressionHead': 'compute_weighted_loss around tf.nn.log_poisson_loss',
    'RegressionHead': 'mean_squared_error',
    'binary_classification_head': 'sigmoid_cross_entropy',
    'logistic_regression_head': 'sigmoid_cross_entropy',
    'multi_class_head': 'sparse_softmax_cross_entropy',
    'multi_label_head': 'sigmoid_cross_entropy',
    'poisson_regression_head': 'compute_weighted_loss around tf.nn.log_poisson_loss',
    'regression_head': 'mean_squared_error',
    'binary_svm_head': 'hinge_loss',
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
    'estimator': _LOOP,
    'estimator.Head': _HEAD,
    'estimator.MultiHead': _HEAD,
    **{f'estimator.{name}': _LOSS.format(loss) for name, loss in _HEADS.items() if name[0] < 'a'},
    **{
        f'estimator.{name}': _MODEL
        for name in (
            'BaselineClassifier',
            'BaselineEstimator',
            'BaselineRegressor',
            'DNNClassifier',
            'DNNEstimator',
            'DNNLinearCombinedClassifier',
            'DNNLinearCombinedEstimator',
            'DNNLinearCombinedRegressor',
            'DNNRegressor',
            'LinearClassifier',
            'LinearEstimator',
            'LinearRegressor',
        )
    },
    **{
        f'estimator.BoostedTrees{name}': _TREES for name in ('Classifier', 'Estimator', 'Regressor')
    },
    'estimator.BestExporter': 'use tfhooks.BestCheckpoints, and export the best checkpoint with '
    'tf.saved_model.simple_save',
    'estimator.FinalExporter': _EXPORT,
    'estimator.LatestExporter': _EXPORT,
    'estimator.Exporter': _EXPORT,
    'estimator.EvalSpec': _EVALUATE,
    'estimator.TrainSpec': _LOOP,
    'estimator.train_and_evaluate': f'{_LOOP}; {_EVALUATE}',
    'estimator.RunConfig': 'give its fields to tf.train.MonitoredTrainingSession: '
    'save_checkpoint_secs, save_summaries_steps, checkpoint_dir and config',
    'estimator.WarmStartSettings': 'use tf.train.warm_start before the session is made',
    'estimator.add_metrics': 'use the metrics of tf.metrics in the model function',
    'estimator.classifier_parse_example_spec': 'use tf.feature_column.make_parse_example_spec',
    'estimator.regressor_parse_example_spec': 'use tf.feature_column.make_parse_example_spec',
    'estimator.experimental': _MODEL,
    'estimator.experimental.InMemoryEvaluatorHook': 'use tfhooks.EvalHook, which evaluates the '
    'current weights in the training session and needs no Estimator',
    'estimator.experimental.make_stop_at_checkpoint_step_hook': 'use tf.train.StopAtStepHook; in '
    'an evaluation, tf.contrib.training.StopAfterNEvalsHook',
    'estimator.experimental.KMeans': 'no successor of it runs with this TensorFlow; use a library '
    'of clustering, or tf.nn.embedding_lookup over centres of your own',
    'estimator.experimental.LinearSDCA': 'use tf.train.FtrlOptimizer',
    'estimator.experimental.build_raw_supervised_input_receiver_fn': _EXPORT,
    'estimator.export': _EXPORT,
    'estimator.inputs': _INPUT,
    'estimator.inputs.numpy_input_fn': f'{_INPUT} of the arrays',
    'estimator.inputs.pandas_input_fn': f'{_INPUT} of dict(the data frame)',
    'estimator.tpu': _TPU,
    'contrib.estimator': _MODEL,
    **{
        f'contrib.estimator.{name}': _LOSS.format(loss)
        for name, loss in _HEADS.items()
        if name[0] >= 'a' and name != 'binary_svm_head'
    },
    **{
        f'contrib.learn.{name}': _LOSS.format(_HEADS[name])
        for name in (
            'binary_svm_head',
            'multi_class_head',
            'multi_label_head',
            'poisson_regression_head',
            'regression_head',
        )
    },
    'contrib.estimator.InMemoryEvaluatorHook': 'use tfhooks.EvalHook, which evaluates the current '
    'weights in the training session and needs no Estimator',
    'contrib.estimator.make_stop_at_checkpoint_step_hook': 'use tf.train.StopAtStepHook; in '
    'an evaluation, tf.contrib.training.StopAfterNEvalsHook',
    'contrib.estimator.TowerOptimizer': 'use tf.distribute.MirroredStrategy, or average the '
    'gradients of the towers before optimizer.apply_gradients',
    'contrib.estimator.replicate_model_fn': 'use tf.distribute.MirroredStrategy, or build the '
    'towers under tf.device and average their gradients',
    'contrib.estimator.add_metrics': 'use the metrics of tf.metrics in the model function',
    'contrib.estimator.clip_gradients_by_norm': 'use tf.clip_by_global_norm between '
    'optimizer.compute_gradients and optimizer.apply_gradients',
    'contrib.estimator.forward_features': 'put the features into the dict of predictions yourself',
    'contrib.estimator.multi_head': _HEAD,
    **{
        f'contrib.estimator.{name}': _EXPORT
        for name in (
            'build_raw_supervised_input_receiver_fn',
            'build_supervised_input_receiver_fn_from_input_fn',
            'export_all_saved_models',
            'export_saved_model_for_mode',
            'SavedModelEstimator',
        )
    },
    **{
        f'contrib.estimator.boosted_trees_{name}_train_in_memory': _TREES
        for name in ('classifier', 'regressor')
    },
    'contrib.learn': _LOOP,
    'contrib.learn.datasets': 'use the data sets of tf.keras.datasets',
    'contrib.learn.datasets.mnist': 'use tf.keras.datasets.mnist.load_data',
    'contrib.learn.datasets.load_boston': 'use tf.keras.datasets.boston_housing.load_data',
    'contrib.learn.datasets.load_iris': 'use load_iris of sklearn.datasets',
    'contrib.learn.Experiment': f'{_LOOP}; {_EVALUATE}',
    'contrib.learn.learn_runner': f'{_LOOP}; {_EVALUATE}',
    'contrib.learn.evaluate': _EVALUATE,
    'contrib.learn.MetricSpec': 'use the metrics of tf.metrics in the model function',
    'contrib.learn.ModelFnOps': 'use tf.estimator.EstimatorSpec',
    'contrib.learn.RunConfig': 'give its fields to tf.train.MonitoredTrainingSession: '
    'save_checkpoint_secs, save_summaries_steps, checkpoint_dir and config',
    'contrib.learn.head': _HEAD,
    'contrib.learn.Head': _HEAD,
    'contrib.learn.multi_head': _HEAD,
    'contrib.learn.io': _INPUT,
    'contrib.learn.preprocessing': 'use tf.feature_column.categorical_column_with_vocabulary_list, '
    'or tf.lookup.StaticVocabularyTable',
    'contrib.learn.ops': 'use tf.nn.embedding_lookup and the cells of tf.nn.rnn_cell',
    'contrib.learn.models': _MODEL,
    'contrib.learn.utils': _EXPORT,
    'contrib.learn.ExportStrategy': _EXPORT,
    'contrib.learn.InputFnOps': _EXPORT,
    'contrib.learn.build_parsing_serving_input_fn': _EXPORT,
    'contrib.learn.make_export_strategy': _EXPORT,
    'contrib.learn.infer': 'run the predictions in a tf.train.SingularMonitoredSession with a '
    'checkpoint_dir',
    'contrib.learn.run_feeds': 'call session.run once for each feed_dict',
    'contrib.learn.run_n': 'call session.run in a loop',
    'contrib.learn.KMeansClustering': 'no successor of it runs with this TensorFlow; use a library '
    'of clustering',
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
    'contrib.learn.monitors.ValidationMonitor': _EVALUATE,
    'contrib.learn.monitors.ExportMonitor': _EXPORT,
    'contrib.learn.monitors.NanLossDuringTrainingError': 'use tf.train.NanLossDuringTrainingError',
    'contrib.learn.monitors.SessionLog': 'use tf.SessionLog',
    'contrib.learn.monitors.Summary': 'use tf.Summary',
}
