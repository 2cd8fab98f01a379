"""The model of the tests of run plans, in a session."""

from __future__ import annotations

import pytest
import tensorflow
from plan_models import Model

from tfhooks._run.plan_cache import PlanCache

tf = tensorflow.compat.v1


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def session(model):
    with tf.Session(graph=model.graph) as session:
        session.run(model.init)
        yield session


@pytest.fixture
def plans(session):
    return PlanCache(session)
