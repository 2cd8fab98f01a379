"""The graph that a CheckpointSaverHook writes: into `graph.pbtxt`, and into the event file."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from google.protobuf import text_format

import tfhooks


def build(with_functions=False):
    """Much of what a GraphDef may have to say: odd strings and numbers, functions, devices."""
    graph = tf.Graph()
    with graph.as_default():
        tf.train.get_or_create_global_step().assign_add(1, name='train')
        tf.constant(['é\0"\'\n\\', 'b'], name='strings')
        tf.constant([float('nan'), float('inf'), -0.0, 1e-45, 0.1, 3.4e38], name='floats')
        tf.constant(np.arange(1000.0) / 3, name='numbers')
        tf.constant([-1, 1], tf.int8, name='small')
        if with_functions:
            tf.while_loop(lambda n: n < 3, lambda n: n + 1, [tf.constant(0)])
            tf.map_fn(lambda x: x * 2.0, tf.constant([1.0, 2.0]))
        with tf.device('/CPU:0'):
            tf.get_variable('variable', [2, 3], partitioner=tf.fixed_size_partitioner(2))
    return graph


def run(graph, directory, library=tfhooks, steps=1):
    with (
        graph.as_default(),
        library.MonitoredTrainingSession(
            checkpoint_dir=str(directory), log_step_count_steps=None
        ) as session,
    ):
        for _ in range(steps):
            session.run(graph.get_operation_by_name('train'))


@pytest.fixture
def equal_graphs():
    """Graphs without functions, which have another name in each graph of a process."""
    was_on = tf.control_flow_v2_enabled()
    tf.disable_control_flow_v2()
    yield
    if was_on:
        tf.enable_control_flow_v2()


def written(directory):
    return text_format.Parse((directory / 'graph.pbtxt').read_text(), tf.GraphDef())


def plain(definition):
    return definition.SerializeToString(deterministic=True)


def test_the_text_says_what_the_graph_is(tmp_path):
    graph = build(with_functions=True)
    run(graph, tmp_path)
    assert plain(written(tmp_path)) == plain(graph.as_graph_def(add_shapes=True))
    assert not [name for name in os.listdir(tmp_path) if '.tmp' in name]


@pytest.mark.usefixtures('equal_graphs')
def test_a_restart_with_the_same_graph_writes_no_text_and_one_with_another_does(tmp_path):
    path = tmp_path / 'graph.pbtxt'
    run(build(), tmp_path)
    before = path.stat().st_ino
    run(build(), tmp_path)
    assert path.stat().st_ino == before
    # As long, and another.
    path.write_bytes(path.read_bytes().replace(b'"strings"', b'"changed"'))
    run(build(), tmp_path)
    assert b'"changed"' not in path.read_bytes()
    graph = build()
    with graph.as_default():
        tf.constant(1, name='more')
    run(graph, tmp_path)
    assert plain(written(tmp_path)) == plain(graph.as_graph_def(add_shapes=True))


@pytest.mark.parametrize('with_assets', [False, True])
def test_the_event_file_has_what_tensorflow_writes(tmp_path, with_assets, monkeypatch):
    made = []
    as_graph_def = tf.Graph.as_graph_def
    monkeypatch.setattr(
        tf.Graph, 'as_graph_def', lambda *args, **kw: made.append(1) or as_graph_def(*args, **kw)
    )

    class Asset:
        plugin_name = 'plugin'

        def assets(self):
            return {'file': 'content'}

    found, calls = [], []
    for library in (tf.train, tfhooks):
        directory = tmp_path / library.__name__
        graph = build()
        if with_assets:
            with graph.as_default():
                tf.add_to_collection('__tensorboard_plugin_asset__', 'plugin')
                tf.add_to_collection('__tensorboard_plugin_asset__plugin', Asset())
        made.clear()
        run(graph, directory, library)
        calls.append(len(made))
        tf.summary.FileWriterCache.clear()
        (path,) = directory.glob('events*')
        found.append(
            [
                (event.WhichOneof('what'), event.step, event.graph_def)
                for event in tf.train.summary_iterator(str(path))
                if event.WhichOneof('what') != 'session_log'
            ]
        )
        assert (directory / 'plugins').exists() == with_assets
    assert [event[:2] for event in found[0]] == [event[:2] for event in found[1]]
    theirs, ours = [
        [
            {node.name: plain(node) for node in tf.GraphDef.FromString(definition).node}
            for what, _, definition in events
            if what == 'graph_def'
        ]
        for events in found
    ]
    assert len(ours) == 2
    assert [set(nodes) for nodes in ours] == [set(nodes) for nodes in theirs]
    assert ours[1]['floats'] == theirs[1]['floats']
    # Made once for the new event file, once for all that is written of the session's graph, and
    # once for the last checkpoint.
    assert calls == [7, 3]
