"""Hooks and sessions of either side, in every combination."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture(
    params=['tfhooks-tfhooks', 'tfhooks-tensorflow', 'tensorflow-tfhooks', 'tensorflow-tensorflow']
)
def kinds(request):
    """The modules that hooks and sessions come from, in a graph of its own."""
    # Here, since pytest's own process, which runs no test, looks into the folders named test*.
    import tensorflow.compat.v1 as tf

    import tfhooks

    modules = {'tfhooks': tfhooks, 'tensorflow': tf.train}
    hooks, sessions = request.param.split('-')
    with tf.Graph().as_default() as graph:
        yield SimpleNamespace(hooks=modules[hooks], sessions=modules[sessions], graph=graph)
