"""The imports of packages written for an earlier TensorFlow, and what serves them today.

`tfhooks.v1._old_packages` loads such packages (tensorflow-estimator, the files of `tf.contrib`)
unchanged, and redirects their imports, and no others, by these tables.
"""

from __future__ import annotations

ESTIMATOR = 'tensorflow_estimator'
_ESTIMATOR = f'{ESTIMATOR}.python.estimator'

OLD_NAMES = {f'{root}.python.estimator': _ESTIMATOR for root in ('tensorflow', 'tfhooks.v1')}
"""What tensorflow-estimator was called within TensorFlow, and is with `python -m tfhooks`."""

SERVED = {
    'tensorflow.compat': 'tfhooks.v1.compat',
    'tensorflow.contrib': 'tfhooks.v1.contrib',
    'tensorflow.estimator': 'tfhooks.v1.estimator',
    # Exports of tf.estimator no longer have an effect.
    f'{_ESTIMATOR}.estimator_export': 'tfhooks.v1._estimator_export',
    f'{_ESTIMATOR}.keras': f'{_ESTIMATOR}.keras_lib',
    'tensorflow.python.distribute.estimator_training': 'tfhooks.v1._estimator_training',
    **OLD_NAMES,
}
"""By the name of a module or of something in it: where it is today."""

OVERLAID = {
    'tensorflow.python.ops.rnn_cell': 'tfhooks.v1.nn.rnn_cell',
    'tensorflow.python.ops.rnn_cell_impl': 'tfhooks.v1.nn.rnn_cell',
    **{
        f'tensorflow.python.training.{name}': 'tfhooks.v1.train'
        for name in ('basic_session_run_hooks', 'monitored_session', 'session_run_hook', 'training')
    },
}
"""Modules whose names are taken from another where both have them: tfhooks' hooks and sessions, and
the cells of Keras 2, of which TensorFlow has a second copy of its own."""

COPIED = ('tensorflow.python.training.evaluation',)
"""Modules of TensorFlow's of which such packages get a copy, whose imports are served, too."""

ABSENT = (
    'tensorflow.core.framework.remote_fused_graph_execute_info_pb2',
    'tensorflow.python.keras.engine.training_arrays',
    'tensorflow.python.data.experimental.ops.threadpool',
    'tensorflow.python.distribute.all_reduce',
    'tensorflow.python.eager.execution_callbacks',
    'tensorflow.python.tpu.profiler',
    'tensorflow.python.tpu.session_support',
    'tensorflow.python.tpu.tpu_embedding',
    'tensorflow.python.tpu.tpu_embedding_gradient',
    'tensorflow.tools.graph_transforms',
)
"""Modules that are gone, and that need to be imported only: using a name of theirs raises."""
