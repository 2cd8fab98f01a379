"""The names of `tf.estimator` and `tf.contrib` that tensorflow-estimator 2.15 has."""

from __future__ import annotations

from tfhooks._legacy.old_names.redirected_imports import ESTIMATOR

_ESTIMATOR = f'{ESTIMATOR}.python.estimator'
_API = f'{_ESTIMATOR}.api._v1.estimator'

_CORE = (
    'BestExporter Estimator EstimatorSpec EvalSpec Exporter FinalExporter LatestExporter ModeKeys '
    'RunConfig TrainSpec WarmStartSettings add_metrics train_and_evaluate'
)
_CANNED = (
    'BaselineClassifier BaselineEstimator BaselineRegressor BinaryClassHead DNNClassifier '
    'DNNEstimator DNNLinearCombinedClassifier DNNLinearCombinedEstimator '
    'DNNLinearCombinedRegressor DNNRegressor Head LinearClassifier LinearEstimator '
    'LinearRegressor LogisticRegressionHead MultiClassHead MultiHead MultiLabelHead '
    'PoissonRegressionHead RegressionHead classifier_parse_example_spec '
    'regressor_parse_example_spec'
)
_STOPPING = (
    'make_early_stopping_hook stop_if_higher_hook stop_if_lower_hook stop_if_no_decrease_hook '
    'stop_if_no_increase_hook'
)
_EXPORT = (
    'ClassificationOutput ExportOutput PredictOutput RegressionOutput ServingInputReceiver '
    'TensorServingInputReceiver build_parsing_serving_input_receiver_fn '
    'build_raw_serving_input_receiver_fn'
)
_TPU = 'InputPipelineConfig RunConfig TPUConfig TPUEstimator TPUEstimatorSpec'

GROUPS = (
    ('estimator', _API, _CORE),
    ('estimator', _API, _CANNED),
    (
        'estimator.experimental',
        f'{_API}.experimental',
        f'{_STOPPING} InMemoryEvaluatorHook LinearSDCA build_raw_supervised_input_receiver_fn '
        'call_logit_fn dnn_logit_fn_builder linear_logit_fn_builder '
        'make_stop_at_checkpoint_step_hook',
    ),
    ('estimator.experimental', f'{_ESTIMATOR}.canned.kmeans', 'KMeans=KMeansClustering'),
    ('estimator.export', f'{_API}.export', _EXPORT),
    ('estimator.inputs', f'{_API}.inputs', 'numpy_input_fn pandas_input_fn'),
    ('estimator.tpu', f'{_API}.tpu', _TPU),
    ('estimator.tpu.experimental', f'{_API}.tpu.experimental', 'EmbeddingConfigSpec'),
    ('contrib.estimator', _API, 'add_metrics'),
    (
        'contrib.estimator',
        f'{_API}.experimental',
        f'{_STOPPING} InMemoryEvaluatorHook build_raw_supervised_input_receiver_fn call_logit_fn '
        'dnn_logit_fn_builder linear_logit_fn_builder make_stop_at_checkpoint_step_hook',
    ),
    (
        'contrib.estimator',
        _ESTIMATOR,
        'SavedModelEstimator=canned.saved_model_estimator.SavedModelEstimator '
        'build_supervised_input_receiver_fn_from_input_fn='
        'export.export.build_supervised_input_receiver_fn_from_input_fn '
        'read_eval_metrics=early_stopping.read_eval_metrics',
    ),
    ('contrib.tpu', f'{_API}.tpu', _TPU),
    (
        'contrib.tpu',
        f'{_ESTIMATOR}.tpu.tpu_estimator',
        'export_estimator_savedmodel',
    ),
    (
        'contrib.tpu',
        'tf.tpu',
        'CrossShardOptimizer batch_parallel bfloat16_scope core cross_replica_sum '
        'initialize_system outside_compilation replicate rewrite shard shutdown_system '
        'DeviceAssignment=experimental.DeviceAssignment Topology=experimental.Topology',
    ),
    (
        'contrib.tpu',
        'tensorflow.python.tpu',
        'device_assignment=device_assignment.device_assignment repeat=training_loop.repeat '
        'while_loop=training_loop.while_loop',
    ),
)
"""As in `tfhooks._legacy.old_names.available`."""

NEEDS_KERAS_2 = frozenset(
    [
        *(f'estimator.{name}' for name in _CANNED.split()),
        *(f'estimator.experimental.{name}' for name in ('KMeans', 'LinearSDCA')),
        *(
            f'{place}.{name}'
            for place in ('estimator.experimental', 'contrib.estimator')
            for name in ('dnn_logit_fn_builder', 'linear_logit_fn_builder')
        ),
    ]
)
"""Those that are made of Keras 2, and so need the extra `legacy`, too."""
