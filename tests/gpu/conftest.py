"""The device that the tests of this folder train on.

They skip, and say why, where TensorFlow sees no GPU. The environment variable TFHOOKS_TEST_DEVICE
chooses a device, and then nothing skips for want of one: `/GPU:0` on a machine that must have one.
`/CPU:1` checks the tests themselves on any machine: each session has two CPU devices, so that what
belongs on the second one can be told from what belongs on the host.
"""

from __future__ import annotations

import functools
import os

import gpu_kernels
import pytest
import tensorflow

from tfhooks.smoke import reasons


@functools.cache
def why_no_gpu():
    if tensorflow.config.list_physical_devices('GPU'):
        return None
    return f'TensorFlow sees no GPU: {"; ".join(reasons.why_no_gpu())}'


@pytest.fixture(scope='session', autouse=True)
def full_precision():
    """Products of float32 as exact as elsewhere, whichever way the GPU goes to compute them."""
    precision = tensorflow.config.experimental
    before = precision.tensor_float_32_execution_enabled()
    precision.enable_tensor_float_32_execution(False)
    yield
    precision.enable_tensor_float_32_execution(before)


def chosen():
    return os.environ.get('TFHOOKS_TEST_DEVICE', '').upper()


@pytest.fixture
def device(request):
    """The device to train on, such as '/GPU:0'."""
    if chosen() and 'GPU' not in chosen():
        return chosen()
    if request.config.option.markexpr != 'gpu':
        why = 'GPUs are hidden from the other tests: choose these with -m gpu'
    else:
        why = why_no_gpu()
    if why and chosen():
        pytest.fail(why)
    if why:
        pytest.skip(why)
    return chosen() or '/GPU:0'


@pytest.fixture(autouse=True)
def graphs_for_gpus(monkeypatch):
    """Without a GPU: no graph of a session may ask a GPU for what it has no kernel for."""
    graphs = []
    make = tensorflow.compat.v1.Session.__init__

    def made(session, *args, **kwargs):
        make(session, *args, **kwargs)
        graphs.append(session.graph)

    monkeypatch.setattr(tensorflow.compat.v1.Session, '__init__', made)
    yield
    if chosen() not in ('', '/CPU:0') and tensorflow.test.is_built_with_cuda():
        assert not [lack for graph in graphs for lack in gpu_kernels.lacking(graph, chosen())]


@pytest.fixture
def gpu(device):
    """The same, for what only a GPU does."""
    if 'GPU' not in device:
        pytest.skip(f'{device} is no GPU')
    return device
