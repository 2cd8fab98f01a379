"""Skips what needs a GPU where TensorFlow sees none, and says so."""

from __future__ import annotations

import pytest
import tensorflow


@pytest.fixture(autouse=True)
def _gpu():
    if not tensorflow.config.list_physical_devices('GPU'):
        pytest.skip('TensorFlow sees no GPU')
