"""Run plans convert and refuse values and requests as `Session.run` does."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow
from plan_models import Model, raised

from tfhooks._run.plan_cache import PlanCache

tf = tensorflow.compat.v1


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('n', 3),
        ('n', np.int32(3)),
        ('n', np.float64(3.7)),
        ('n', 3.7),
        ('n', True),
        ('n', np.array(3, np.int64)),
        ('x', [[1, 2]]),
        ('x', ((1.5, 2.5), (3, 4))),
        ('x', np.arange(4).reshape(2, 2)),
        ('x', np.asfortranarray(np.arange(4, dtype=np.float32).reshape(2, 2))),
        ('x', np.arange(8, dtype=np.float32).reshape(4, 2)[::2]),
        ('x', np.zeros((0, 2))),
        ('x', [[None, 1.0]]),
        ('word', 'a'),
        ('word', b'a'),
        ('word', ['a', b'b', 'é']),
        ('word', np.array(['a', 'bc'])),
        ('word', [['a'], ['b']]),
        ('flag', False),
        ('flag', np.bool_(True)),
        ('flag', 1),
    ],
)
def test_values_are_converted_as_tensorflow_does(model, session, plans, key, value):
    placeholder = getattr(model, key)
    with model.graph.as_default():
        fetches = [placeholder, tf.identity(placeholder)]
    for planned, own in zip(
        plans.run(fetches, {placeholder: value}),
        session.run(fetches, {placeholder: value}),
        strict=True,
    ):
        assert type(planned) is type(own)
        np.testing.assert_array_equal(planned, own)
        assert getattr(planned, 'dtype', None) == getattr(own, 'dtype', None)
    assert plans.counters.served == 1
    assert plans.counters.fallbacks == {}


BAD_VALUES = [
    ('n', None),
    ('n', 2**40),
    ('n', -(2**31) - 1),
    ('n', 'word'),
    ('n', [1, 2]),
    ('n', object()),
    ('x', [1.0, 2.0]),
    ('x', np.zeros((2, 3), np.float32)),
    ('x', 3),
    ('x', [[1.0, 2.0], [3.0]]),
    ('x', 'word'),
    ('word', 3),
    ('word', [1, 2]),
    ('word', [None]),
    ('flag', 2),
    ('flag', [True]),
]


@pytest.mark.parametrize(('key', 'value'), BAD_VALUES)
def test_bad_values_raise_as_tensorflow_does(model, session, plans, key, value):
    placeholder = getattr(model, key)
    with model.graph.as_default():
        fetch = tf.identity(placeholder)
    feeds = {placeholder: value}
    expected = raised(session.run, fetch, feeds)
    assert raised(plans.run, fetch, feeds) == expected
    # Once more with the plan made.
    assert raised(plans.run, fetch, feeds) == expected


def test_a_tensor_as_a_value_raises_as_tensorflow_does(model, session, plans):
    arguments = model.next, {model.n: model.constant}
    expected = raised(session.run, *arguments)
    assert expected[0] is TypeError
    assert raised(plans.run, *arguments) == expected


BAD_REQUESTS = [
    lambda m: (None, None),
    lambda m: ([m.step, None], None),
    lambda m: (3, None),
    lambda m: ([m.step, 3.5], None),
    lambda m: ({'a': object}, None),
    lambda m: ('nothing', None),
    lambda m: ('nothing:0', None),
    lambda m: ('next:5', None),
    lambda m: ('a:b:c', None),
    lambda m: (m.next, {'nothing:0': 1}),
    lambda m: (m.next, {'n': 1}),
    lambda m: (m.next, {m.count.op: 1}),
    lambda m: (m.next, {3: 1}),
    lambda m: (m.next, {None: 1}),
    lambda m: (m.next, [m.n]),
    lambda m: (m.next, 'n'),
    lambda m: (m.next, {m.n: 'bad', 'nothing:0': 1}),
    lambda m: ('nothing', {m.n: 'bad'}),
    lambda m: (m.next, {(m.n, m.x): (1,)}),
    lambda m: (m.next, None),
    lambda m: ([m.checked, m.step], {m.x: [[np.nan, 1.0]]}),
]


@pytest.mark.parametrize('request_of', BAD_REQUESTS)
def test_bad_requests_raise_as_tensorflow_does(model, session, plans, request_of):
    # Errors print objects by address: both must get the same ones.
    arguments = request_of(model)
    expected = raised(session.run, *arguments)
    assert raised(plans.run, *arguments) == expected
    assert raised(plans.run, *arguments) == expected


def test_elements_of_another_graph_raise_as_tensorflow_does(session, plans):
    other = Model()
    for arguments in ((other.next, None), (other.count.op, None), ([], {other.n: 1})):
        assert raised(plans.run, *arguments) == raised(session.run, *arguments)


def test_an_error_of_the_graph_names_the_operation(model, plans):
    feeds = {model.x: [[np.nan, 1.0]]}
    with pytest.raises(tf.errors.InvalidArgumentError, match='not a number') as caught:
        plans.run(model.checked, feeds)
    assert caught.value.op is model.checked.op
    assert caught.value.node_def.name == 'checked'
    assert 'defined at' in caught.value.message


def test_compile_raises_what_run_raises(model, session, plans):
    for arguments in ((model.next, {'nothing:0': 1}), ('nothing', None)):
        assert raised(plans.compile, *arguments) == raised(session.run, *arguments)
    assert plans.counters.compiled == 0


def test_elements_closed_to_the_session_raise_as_tensorflow_does(model, session, plans):
    with model.graph.as_default():
        hidden = tf.identity(model.n)
    assert plans.run(hidden, {model.n: 1}) == 1
    model.graph.prevent_fetching(hidden.op)
    model.graph.prevent_feeding(model.n)
    with model.graph.as_default():
        tf.no_op()
    for arguments in ((hidden, None), (model.next, {model.n: 1}), (hidden, {model.n: 1})):
        assert raised(plans.run, *arguments) == raised(session.run, *arguments)


def test_a_closed_session_raises_as_tensorflow_does(model, session, plans):
    plans.run(model.step)
    session.close()
    expected = raised(session.run, model.step)
    assert expected[:2] == (RuntimeError, 'Attempted to use a closed Session.')
    assert raised(plans.run, model.step) == expected
    assert raised(plans.run, model.constant) == expected
    assert raised(plans.run, 'nothing', {3: 3}) == expected
    assert len(plans) == 0


def test_an_empty_graph_raises_as_tensorflow_does():
    with tf.Session(graph=tf.Graph()) as session:
        expected = raised(session.run, [])
        assert raised(PlanCache(session).run, []) == expected


def test_an_interrupt_during_a_run_arrives(model, session, plans, monkeypatch):
    plan = plans.compile(model.count)

    def interrupted(arrays):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(plan, '_call', interrupted)
        with pytest.raises(KeyboardInterrupt):
            plan.run()
    assert plan.run() == 1
