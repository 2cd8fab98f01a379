"""The one door: each private name of TensorFlow has a public way where a release lacks it."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.client import session as client_session
from tensorflow.python.ops import session_ops

from tfhooks import _tensorflow as door
from tfhooks.plan import RunPlans

tf = tensorflow.compat.v1


# Run plans.


@pytest.mark.parametrize(
    ('owner', 'name'),
    [
        (client_session, '_FetchHandler'),
        (client_session, '_REGISTERED_EXPANSIONS'),
        (client_session.BaseSession, '_do_call'),
        (client_session.BaseSession, '_extend_graph'),
        (client_session.BaseSession, '_call_tf_sessionrun'),
        (client_session.BaseSession, '_make_callable_from_options'),
        (session_ops, 'TensorHandle'),
        (config_pb2, 'CallableOptions'),
        (pywrap_tf_session, 'TF_SessionRunCallable'),
    ],
)
def test_no_plans_without_a_private_part_of_sessions(monkeypatch, owner, name):
    with tf.Graph().as_default(), tf.Session() as session:
        value = tf.constant(3)
        with monkeypatch.context() as patch:
            patch.delattr(owner, name)
            assert door.session_parts() is None
            plans = RunPlans(session)
        plans.install()
        assert 'run' not in vars(session)
        assert plans.run(value) == 3
        assert plans.counters.served == 0


def test_feeds_are_converted_by_numpy_where_tensorflow_does(monkeypatch):
    monkeypatch.delattr(client_session, 'numpy_compat', raising=False)
    assert door.session_parts().as_array is np.asarray
