"""One GraphDef for all that write a graph."""

import pytest
import tensorflow.compat.v1 as tf

from tfhooks._checkpoints.graph_definition import shared_definition


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        tf.constant([1.0, 2.0], name='first')
        yield graph


@pytest.fixture
def made(monkeypatch):
    """A list that grows by one with each GraphDef that TensorFlow makes."""
    made, original = [], tf.Graph.as_graph_def
    monkeypatch.setattr(
        tf.Graph, 'as_graph_def', lambda *args, **kw: made.append(1) or original(*args, **kw)
    )
    return made


def test_copies_of_one_are_given_inside_and_changing_one_changes_no_other(graph, made):
    expected = graph.as_graph_def(add_shapes=True)
    with shared_definition(graph):
        graph.as_graph_def(add_shapes=True).node[0].name = 'changed'
        assert graph.as_graph_def(add_shapes=True, use_pybind11_proto=True) == expected
        with shared_definition(graph):
            assert graph.as_graph_def(None, True) == expected
    assert len(made) == 2
    assert graph.as_graph_def(add_shapes=True) == expected
    assert len(made) == 3


def test_a_graph_that_has_grown_is_defined_anew(graph):
    with shared_definition(graph):
        before = graph.as_graph_def(add_shapes=True)
        tf.constant(3.0, name='second')
        after = graph.as_graph_def(add_shapes=True)
    assert [len(before.node), len(after.node)] == [1, 2]
    assert after == graph.as_graph_def(add_shapes=True)


def test_other_definitions_are_tensorflows(graph):
    with shared_definition(graph):
        assert '_output_shapes' in graph.as_graph_def(add_shapes=True).node[0].attr
        assert '_output_shapes' not in graph.as_graph_def().node[0].attr


def test_a_programs_own_stays(graph):
    def own(**kwargs):
        return 'own'

    graph.as_graph_def = own
    with shared_definition(graph):
        assert graph.as_graph_def is own
    assert graph.as_graph_def is own
