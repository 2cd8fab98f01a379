"""Trains an Estimator on a cluster with a distribution strategy, by the distribute coordinator.

Stands for `tensorflow.python.distribute.estimator_training`, removed with tf.estimator. Where a
cluster is in TF_CONFIG but no strategy in the RunConfig, the Estimator itself does the work.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfhooks import _tensorflow as tf_private
from tfhooks._tensorflow import tf

_STANDALONE, _INDEPENDENT = 'standalone_client', 'independent_worker'
_EVALUATOR = 'evaluator'


def should_run_distribute_coordinator(config: Any) -> bool:
    """True if a RunConfig asks for the distribute coordinator."""
    mode = getattr(config, '_distribute_coordinator_mode', None)
    if mode is None:
        tf.logging.info('Not using Distribute Coordinator.')
        return False
    if mode not in (_STANDALONE, _INDEPENDENT):
        tf.logging.warning('Unexpected distribute_coordinator_mode: %r', mode)
        return False
    if not config.cluster_spec:
        tf.logging.warning('Without a cluster, train_and_evaluate runs locally.')
        return False
    return True


def init_run_config(config: Any, tf_config: Mapping[str, Any]) -> None:
    """Sets the fields of a RunConfig with a strategy for the cluster and this process.

    Args:
      config: The RunConfig, which calls this while it is made.
      tf_config: The value of TF_CONFIG.

    Raises:
      ValueError: A strategy or the cluster is given in two places.
    """
    distribute = config._experimental_distribute
    for name in ('train_distribute', 'eval_distribute'):
        strategy = getattr(distribute, name, None)
        if strategy and getattr(config, f'_{name}'):
            raise ValueError(f'Either `{name}` or `experimental_distribute.{name}` can be set.')
        if strategy:
            setattr(config, f'_{name}', strategy)
    cluster = tf.train.ClusterSpec(tf_config.get('cluster', {}))
    config._init_distributed_setting_from_environment_var({})
    config._distribute_coordinator_mode = None
    if config._train_distribute and getattr(distribute, 'remote_cluster', None):
        if cluster:
            raise ValueError(
                'Cannot set both "cluster_spec" of TF_CONFIG and '
                '`experimental_distribute.remote_cluster`'
            )
        config._distribute_coordinator_mode = _STANDALONE
        config._cluster_spec = distribute.remote_cluster
    elif config._train_distribute and cluster and 'master' not in cluster.jobs:
        config._distribute_coordinator_mode = _INDEPENDENT
        config._cluster_spec = cluster
    else:
        config._init_distributed_setting_from_environment_var(tf_config)
        config._maybe_overwrite_session_config_for_distributed_training()


def train_and_evaluate(
    estimator: Any, train_spec: Any, eval_spec: Any, executor_cls: Callable[..., Any]
) -> None:
    """Trains, or evaluates continuously, depending on this process's task in the cluster.

    Args:
      estimator: The Estimator; each task works on a copy.
      train_spec: The TrainSpec.
      eval_spec: The EvalSpec.
      executor_cls: The Estimator's class that evaluates continuously.

    Raises:
      ValueError: The RunConfig asks for no distribute coordinator.
    """
    mode = estimator.config._distribute_coordinator_mode
    if not mode:
        raise ValueError('Distribute coordinator mode is not specified in `RunConfig`.')

    def train(strategy: Any) -> None:
        context, task = _task_of(estimator, '_train', strategy)
        # In one client each worker is a thread, whose graph has none of the chief's tensors.
        with_hooks = mode == _INDEPENDENT or context.is_chief
        task._config._distribute_coordinator_mode = None
        task.train(
            input_fn=train_spec.input_fn,
            max_steps=train_spec.max_steps,
            hooks=list(train_spec.hooks) if with_hooks else [],
        )

    def evaluate(strategy: Any) -> None:
        _, task = _task_of(estimator, '_eval', strategy)
        task._config._distribute_coordinator_mode = None
        executor_cls(task, train_spec, eval_spec)._start_continuous_evaluation()

    tf_private.distribute_coordinator().run_distribute_coordinator(
        train,
        estimator.config.train_distribute,
        evaluate,
        estimator.config.eval_distribute,
        mode=mode,
        # With a process for each task, the coordinator itself reads TF_CONFIG.
        cluster_spec=estimator.config.cluster_spec if mode == _STANDALONE else None,
        session_config=estimator.config.session_config,
    )


def estimator_train(estimator: Any, train_distributed_fn: Any, hooks: Sequence[Any]) -> Any:
    """Trains from one client on a cluster of servers; for `Estimator.train`.

    Args:
      estimator: The Estimator.
      train_distributed_fn: A function that trains, called with a copy of the Estimator, the
        strategy and the hooks.
      hooks: Hooks of the chief.

    Returns:
      The copy that was trained.

    Raises:
      ValueError: The cluster or the strategy is for `train_and_evaluate` only.
    """

    def train(task: Any, strategy: Any, hooks: Sequence[Any]) -> Any:
        train_distributed_fn(task, strategy, hooks)
        return task

    return _in_one_client(estimator, '_train', train, hooks)


def estimator_evaluate(estimator: Any, evaluate_distributed_fn: Any, hooks: Sequence[Any]) -> Any:
    """Evaluates from one client on a cluster of servers; for `Estimator.evaluate`.

    Args:
      estimator: The Estimator.
      evaluate_distributed_fn: A function that evaluates, called with a copy of the Estimator, the
        strategy and the hooks.
      hooks: Hooks of the chief.

    Returns:
      The result of `evaluate_distributed_fn`.

    Raises:
      ValueError: The cluster or the strategy is for `train_and_evaluate` only.
    """
    return _in_one_client(estimator, '_eval', evaluate_distributed_fn, hooks)


def _in_one_client(
    estimator: Any, kind: str, work: Callable[..., Any], hooks: Sequence[Any]
) -> Any:
    config = estimator._config
    method = 'Estimator.train' if kind == '_train' else 'Estimator.evaluate'
    strategy = getattr(config, f'{kind}_distribute')
    cluster = tf.train.ClusterSpec(config.cluster_spec)
    if _EVALUATOR in cluster.jobs:
        raise ValueError(
            f"'{_EVALUATOR}' job is not supported if you don't use `train_and_evaluate`"
        )
    if config._distribute_coordinator_mode != _STANDALONE:
        raise ValueError(f'Only `STANDALONE_CLIENT` mode is supported when you call `{method}`')
    if strategy.extended.experimental_between_graph:
        raise ValueError(
            f'`{method}` API is not supported for {type(strategy).__name__} with '
            '`STANDALONE_CLIENT` mode.'
        )

    def run(strategy: Any) -> Any:
        context, task = _task_of(estimator, kind, strategy)
        return work(task, strategy, hooks if context.is_chief else [])

    return tf_private.distribute_coordinator().run_distribute_coordinator(
        run,
        strategy,
        mode=_STANDALONE,
        cluster_spec=cluster,
        session_config=config.session_config,
    )


def _task_of(estimator: Any, kind: str, strategy: Any) -> tuple[Any, Any]:
    """The context of the running task, and a copy of the Estimator for it."""
    context = tf_private.worker_context()
    task = copy.deepcopy(estimator)
    setattr(task._config, f'{kind}_distribute', strategy)
    setattr(task, f'{kind}_distribution', strategy)
    _set_task(task._config, context)
    tf.logging.info('Updated config: %s', vars(task._config))
    return context, task


def _set_task(config: Any, context: Any) -> None:
    """Sets the task of the cluster in a RunConfig."""
    config._service = None
    config._task_type, config._task_id = context.task_type, context.task_id
    config._master = config._evaluation_master = context.master_target
    config._is_chief = context.is_chief
    config._cluster_spec = context.cluster_spec
    config._num_ps_replicas, config._num_worker_replicas = 0, 1
    config._global_id_in_cluster = 0
    if context.cluster_spec and context.task_type == _EVALUATOR:
        # An evaluator is not part of the training's cluster.
        config._cluster_spec = tf.train.ClusterSpec({})
        config._num_worker_replicas = 0
        config._global_id_in_cluster = None
    elif context.cluster_spec:
        sizes = {job: context.cluster_spec.num_tasks(job) for job in context.cluster_spec.jobs}
        config._num_ps_replicas = sizes.get('ps', 0)
        config._num_worker_replicas = sizes.get('worker', 0) + sizes.get('chief', 0)
        # The chief is the first, the parameter servers are the last.
        order = sorted(sizes, key=lambda job: (job != 'chief', job == 'ps', job))
        if context.task_type:
            before = order[: order.index(context.task_type)]
            config._global_id_in_cluster = sum(sizes[job] for job in before) + context.task_id
