"""What hooks take for a scalar: tensors, their names, and variables of either kind."""

from __future__ import annotations

import pytest
import tensorflow.compat.v1 as tf
from stock_models import train_op

import tfhooks
from tfhooks._checkpoints.best import BestCheckpoints

KINDS = {
    'a tensor': lambda variable: variable.read_value(),
    'a name': lambda variable: variable.read_value().name,
    'a variable': lambda variable: variable,
}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('resource', [True, False])
def test_hooks_take_it(kind, resource, tmp_path):
    path = str(tmp_path / 'metrics.jsonl')
    with tf.Graph().as_default():
        train = train_op()
        variable = tf.get_variable('v', initializer=2.5, use_resource=resource)
        scalar = KINDS[kind](variable)
        evaluation = tfhooks.EvalHook(2, fetches={'v': scalar})
        early_stopping = tfhooks.EarlyStoppingHook(scalar, patience=9, every_n_steps=2)
        best = BestCheckpoints(scalar)
        hooks = [
            evaluation,
            early_stopping,
            tfhooks.MetricsWriterHook(
                [tfhooks.JsonLinesWriter(path)], {'v': scalar}, every_n_steps=2
            ),
            tfhooks.CheckpointSaverHook(str(tmp_path), save_steps=2, keep_best=best),
        ]
        with tfhooks.MonitoredSession(hooks=hooks) as session:
            for _ in range(4):
                session.run(train)
    assert evaluation.latest.results == {'v': 2.5}
    assert early_stopping.best.value == 2.5
    assert best.checkpoints[0].value == 2.5
    with open(path) as file:
        assert [line.split('"v": ')[1] for line in file] == ['2.5}\n', '2.5}\n']
