"""The names of `tf.contrib` and `tf.estimator` that still work, and what each stands for now."""

from __future__ import annotations

# The place that was, the place that is, and the names; `old=new` where the name has changed too. A
# star stands for every name of the place. Places that are begin with `tf`, `tf_slim` (the extra
# `contrib`) or `tfhooks`.
_GROUPS = (
    ('contrib.hooks', 'tf.train', 'ProfilerHook'),
    ('contrib.training', 'tf.train', 'checkpoints_iterator'),
    (
        'contrib.training',
        'tfhooks.v1._evaluation',
        'StopAfterNEvalsHook SummaryAtEndHook evaluate_once evaluate_repeatedly '
        'get_or_create_eval_step wait_for_new_checkpoint',
    ),
    (
        'contrib.training',
        'tf_slim.training',
        'add_gradients_summaries clip_gradient_norms clip_gradient_norms_fn create_train_op '
        'multiply_gradients train',
    ),
    ('contrib.slim', 'tf_slim', '*'),
    (
        'estimator',
        'tf.train',
        'CheckpointSaverHook CheckpointSaverListener FeedFnHook FinalOpsHook GlobalStepWaiterHook '
        'LoggingTensorHook NanLossDuringTrainingError NanTensorHook ProfilerHook SecondOrStepTimer '
        'SessionRunArgs SessionRunContext SessionRunHook SessionRunValues StepCounterHook '
        'StopAtStepHook SummarySaverHook VocabInfo',
    ),
    ('estimator', 'tfhooks.v1._estimator', 'EstimatorSpec ModeKeys'),
)


def _table() -> dict[str, str]:
    table = {}
    for old_place, new_place, names in _GROUPS:
        for name in names.split():
            old, _, new = name.partition('=')
            table[f'{old_place}.{old}'] = f'{new_place}.{new or old}'
    return table


KEPT = _table()
"""What a name stands for now. A key may end in `.*`."""

# Places that hold something that works, and so are modules themselves.
PLACES = frozenset(
    '.'.join(parts[:depth])
    for parts in (name.split('.') for name in KEPT)
    for depth in range(1, len(parts))
)


def without_python(dotted: str) -> str:
    """The public name of what a program took from deep inside: `contrib.a.python.b.c`."""
    parts = dotted.split('.')
    if 'python' not in parts[2:3]:
        return dotted
    return '.'.join([*parts[:2], parts[-1]]) if len(parts) > 3 else '.'.join(parts[:2])


def target(dotted: str) -> str | None:
    """What a name stands for now, or None where it is gone."""
    dotted = without_python(dotted)
    if dotted in KEPT:
        return KEPT[dotted]
    if dotted in PLACES:
        return f'tfhooks.v1.{dotted}'
    place, _, rest = dotted.rpartition('.')
    if f'{place}.*' in KEPT:
        return f'{KEPT[f"{place}.*"][:-1]}{rest}'
    return None
