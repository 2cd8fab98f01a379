"""What programs take from `tf.estimator` beside hooks: mode keys and EstimatorSpec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tfhooks._tensorflow import tf
from tfhooks.hook_types import SessionRunHook


class ModeKeys:
    """Stands for `tf.estimator.ModeKeys`."""

    TRAIN = 'train'
    EVAL = 'eval'
    PREDICT = 'infer'


class LearnModeKeys:
    """Stands for `tf.contrib.learn.ModeKeys`."""

    TRAIN = 'train'
    EVAL = 'eval'
    INFER = 'infer'

    @classmethod
    def validate(cls, key: str) -> None:
        """Checks a key.

        Raises:
          ValueError: It is none of the three.
        """
        if key not in (cls.TRAIN, cls.EVAL, cls.INFER):
            raise ValueError(f'Invalid mode {key}.')


class _Fields(NamedTuple):
    mode: str
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: dict[str, Any]
    export_outputs: Any
    training_chief_hooks: tuple[SessionRunHook[Any], ...]
    training_hooks: tuple[SessionRunHook[Any], ...]
    scaffold: Any
    evaluation_hooks: tuple[SessionRunHook[Any], ...]
    prediction_hooks: tuple[SessionRunHook[Any], ...]


class EstimatorSpec(_Fields):
    """What a model function returns, checked.

    Stands for `tf.estimator.EstimatorSpec`. A training loop of one's own reads it: `loss`,
    `train_op`, and the hooks and the scaffold for a MonitoredTrainingSession.
    """

    __slots__ = ()

    def __new__(
        cls,
        mode: str,
        predictions: Any = None,
        loss: Any = None,
        train_op: Any = None,
        eval_metric_ops: Mapping[str, Any] | None = None,
        export_outputs: Any = None,
        training_chief_hooks: Iterable[SessionRunHook[Any]] | None = None,
        training_hooks: Iterable[SessionRunHook[Any]] | None = None,
        scaffold: Any = None,
        evaluation_hooks: Iterable[SessionRunHook[Any]] | None = None,
        prediction_hooks: Iterable[SessionRunHook[Any]] | None = None,
    ) -> EstimatorSpec:
        """Checks the arguments.

        Args:
          mode: One of `ModeKeys`. TRAIN needs `loss` and `train_op`, EVAL needs `loss`, PREDICT
            needs `predictions`.
          predictions: A tensor of the default graph, or a dict of such; `{}` where it is None.
          loss: A tensor of one element; of the shape `[1]`, it becomes a scalar.
          train_op: An operation or a tensor.
          eval_metric_ops: By name, pairs of a tensor and an update operation, or metrics of Keras.
          export_outputs: Kept as it is.
          training_chief_hooks: Hooks; each of the four becomes a tuple.
          training_hooks: Likewise.
          scaffold: A `tf.train.Scaffold`; a new one where it is None.
          evaluation_hooks: Likewise.
          prediction_hooks: Likewise.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: One that the mode needs is missing, is not in the default graph, or the loss
            is no scalar.
        """
        train_op = _needed('train_op', train_op, mode, ModeKeys.TRAIN)
        if train_op is not None:
            if isinstance(train_op, tf.Variable):
                train_op = train_op.op
            _of_default_graph('train_op', train_op, (tf.Tensor, tf.Operation))
        loss = _needed('loss', loss, mode, ModeKeys.TRAIN, ModeKeys.EVAL)
        if loss is not None:
            loss = _scalar(loss)
        predictions = _needed('predictions', predictions, mode, ModeKeys.PREDICT)
        if isinstance(predictions, dict):
            predictions = dict(predictions)
            for key, value in predictions.items():
                _of_default_graph(f'predictions[{key!r}]', value)
        elif predictions is not None:
            _of_default_graph('predictions', predictions)
        if scaffold is not None and not isinstance(scaffold, tf.train.Scaffold):
            raise TypeError(
                f'EstimatorSpec: scaffold must be a tf.train.Scaffold; scaffold={scaffold!r}'
            )
        return super().__new__(
            cls,
            mode,
            {} if predictions is None else predictions,
            loss,
            train_op,
            _metrics(eval_metric_ops),
            export_outputs,
            _hooks('training_chief_hooks', training_chief_hooks),
            _hooks('training_hooks', training_hooks),
            tf.train.Scaffold() if scaffold is None else scaffold,
            _hooks('evaluation_hooks', evaluation_hooks),
            _hooks('prediction_hooks', prediction_hooks),
        )

    # Named tuples let no subclass change it, to a type checker.
    def _replace(self, **changes: Any) -> EstimatorSpec:  # pyright: ignore
        """Another one with some fields changed; the mode cannot be.

        Raises:
          ValueError: The mode is another, or a field is unknown.
        """
        if changes.get('mode', self.mode) != self.mode:
            raise ValueError('mode of EstimatorSpec cannot be changed.')
        unknown = sorted(set(changes) - set(self._fields))
        if unknown:
            raise ValueError(f'EstimatorSpec: there is no such field; fields={unknown}')
        return EstimatorSpec(**{**self._asdict(), **changes})


def _needed(name: str, value: Any, mode: str, *modes: str) -> Any:
    if value is None and mode in modes:
        raise ValueError(f'Missing {name}.')
    return value


def _of_default_graph(name: str, value: Any, kinds: Any = None) -> None:
    if not (isinstance(value, kinds) if kinds else tf.is_tensor(value)):
        wanted = 'a tensor or an operation' if kinds else 'a tensor'
        raise TypeError(f'EstimatorSpec: {name} must be {wanted}; {name}={value!r}')
    if not tf.executing_eagerly() and value.graph is not tf.get_default_graph():
        raise ValueError(
            f'EstimatorSpec: {name} must be from the default graph; {name}={value!r}. It was made '
            'under another graph, or by an earlier call of the model function'
        )


def _scalar(loss: Any) -> Any:
    _of_default_graph('loss', loss)
    if loss.shape.num_elements() not in (None, 1):
        raise ValueError(f'EstimatorSpec: loss must be a scalar; loss={loss!r}')
    return loss if loss.shape.is_compatible_with([]) else tf.reshape(loss, [])


def _metrics(metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    if metrics is None:
        return {}
    if not isinstance(metrics, dict):
        raise TypeError(
            f'EstimatorSpec: eval_metric_ops must be a dict; eval_metric_ops={metrics!r}'
        )
    for key, value in metrics.items():
        is_pair = isinstance(value, tuple) and len(value) == 2
        if not (is_pair or hasattr(value, 'update_state')):
            raise TypeError(
                'EstimatorSpec: each of eval_metric_ops must be a pair of a tensor and an update '
                f'operation, or a metric of Keras; eval_metric_ops[{key!r}]={value!r}'
            )
    return dict(metrics)


def _hooks(name: str, hooks: Iterable[Any] | None) -> tuple[SessionRunHook[Any], ...]:
    found = tuple(hooks or ())
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f'EstimatorSpec: {name} must be hooks; found {hook!r}')
    return found
