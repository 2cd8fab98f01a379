"""The device that the tests of this folder train on.

They skip, and say so, where TensorFlow sees no GPU. The environment variable TFHOOKS_TEST_DEVICE
chooses a device, and then nothing skips for want of one: `/GPU:0` on a machine that must have one.
`/CPU:1` checks the tests themselves on any machine: each session gets two CPU devices, so that what
belongs on the second one can be told from what belongs on the host.
"""

from __future__ import annotations

import os

import pytest
import tensorflow


@pytest.fixture
def device():
    """The device to train on, such as '/GPU:0'."""
    chosen = os.environ.get('TFHOOKS_TEST_DEVICE')
    if chosen:
        return chosen.upper()
    if not tensorflow.config.list_physical_devices('GPU'):
        pytest.skip('TensorFlow sees no GPU; python -m tfhooks.smoke says why')
    return '/GPU:0'


@pytest.fixture
def gpu(device):
    """The same, for what only a GPU does."""
    if 'GPU' not in device:
        pytest.skip(f'{device} is no GPU')
    return device
