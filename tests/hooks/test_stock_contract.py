"""Every stock hook keeps the contract of hooks, as `tfhooks.testing.check_hook` holds it."""

import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._checkpoints.best import BestCheckpoints
from tfhooks.testing import check_hook

RESULTS = {'loss': [4.0, 3.0, 2.0, 1.0], 'summary': [b''] * 4}


def summaries(directory, **arguments):
    return tfhooks.SummarySaverHook(
        output_dir=directory,
        summary_op=tf.get_default_graph().get_tensor_by_name('summary:0'),
        **arguments,
    )


def feeding(directory):
    x = tf.placeholder_with_default(1.0, [], name='x')
    return tfhooks.FeedFnHook(lambda: {x: 2.0})


# By name: how a hook is made, given a directory, in a graph that has the results.
STOCK = {
    'saver': lambda d: tfhooks.CheckpointSaverHook(d, save_steps=2),
    'saver-secs': lambda d: tfhooks.CheckpointSaverHook(d, save_secs=3600),
    'saver-asynchronous': lambda d: tfhooks.CheckpointSaverHook(d, save_steps=1, asynchronous=True),
    'saver-best': lambda d: tfhooks.CheckpointSaverHook(
        d, save_steps=1, keep_best=BestCheckpoints('loss:0', mode='min')
    ),
    'feed': feeding,
    'final': lambda d: tfhooks.FinalOpsHook('loss:0'),
    'waiter': lambda d: tfhooks.GlobalStepWaiterHook(0),
    'logging': lambda d: tfhooks.LoggingTensorHook(['loss:0'], every_n_iter=2),
    'logging-steps': lambda d: tfhooks.LoggingTensorHook(
        ['loss:0'], every_n_iter=2, by_global_step=True, at_end=True
    ),
    'nan': lambda d: tfhooks.NanTensorHook('loss:0'),
    'profiler': lambda d: tfhooks.ProfilerHook(save_steps=2, output_dir=d),
    'counter': lambda d: tfhooks.StepCounterHook(every_n_steps=2, output_dir=d),
    'stop-last': lambda d: tfhooks.StopAtStepHook(last_step=3),
    'stop-num': lambda d: tfhooks.StopAtStepHook(num_steps=3),
    'summary': lambda d: summaries(d, save_steps=2),
    'summary-secs': lambda d: summaries(d, save_secs=3600),
}


@pytest.mark.parametrize('name', STOCK)
def test_stock_hook_keeps_the_contract(name, tmp_path):
    check_hook(lambda: STOCK[name](str(tmp_path)), results=RESULTS)


def test_no_hook_of_tensorflows_is_left_out():
    made = {'CheckpointSaverHook', 'FeedFnHook', 'FinalOpsHook', 'GlobalStepWaiterHook'}
    made |= {'LoggingTensorHook', 'NanTensorHook', 'ProfilerHook', 'StepCounterHook'}
    made |= {'StopAtStepHook', 'SummarySaverHook', 'SessionRunHook'}
    assert {name for name in dir(tf.train) if name.endswith('Hook')} == made
