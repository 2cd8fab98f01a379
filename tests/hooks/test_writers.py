"""Hooks of one directory share a writer of event files, open while one of them needs it."""

import shutil

import tensorflow.compat.v1 as tf
from stock_models import events

from tfhooks._hooks import writers
from tfhooks._hooks.writers import event_writer


def note(writer, step):
    writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), step)
    writer.flush()


def notes(directory):
    return [event.step for event in events(directory) if event.WhichOneof('what') == 'session_log']


def test_one_writer_for_a_directory_and_it_is_tensorflows(tmp_path):
    with tf.Graph().as_default():
        writer = event_writer(str(tmp_path))
        assert event_writer(str(tmp_path)) is writer
        assert tf.summary.FileWriterCache.get(str(tmp_path)) is writer
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_writer_where_the_file_is_gone(tmp_path):
    directory, other = tmp_path / 'a', tmp_path / 'b'
    with tf.Graph().as_default():
        tf.constant(1.0, name='first')
        kept = event_writer(str(other))
        note(event_writer(str(directory)), 1)
    shutil.rmtree(directory)
    with tf.Graph().as_default():
        tf.constant(1.0, name='second')
        note(event_writer(str(directory)), 2)
        assert event_writer(str(other)) is kept
    assert notes(directory) == [2]
    graph = tf.GraphDef.FromString(next(e.graph_def for e in events(directory) if e.graph_def))
    assert [node.name for node in graph.node] == ['second']


def test_a_writer_that_somebody_closed_is_opened_again(tmp_path):
    with tf.Graph().as_default():
        event_writer(str(tmp_path)).close()
        note(event_writer(str(tmp_path)), 3)
    assert notes(tmp_path) == [3]


def test_without_what_is_private_in_tensorflow(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, 'event_file_of', lambda writer: None)
    monkeypatch.setattr(writers, 'forget_event_writer', lambda output_dir: False)
    directory = tmp_path / 'a'
    with tf.Graph().as_default():
        writer = event_writer(str(directory))
        note(writer, 1)
        assert event_writer(str(directory)) is writer
        shutil.rmtree(directory)
        note(event_writer(str(directory)), 2)
    assert notes(directory) == [2]
    assert sum(1 for event in events(directory) if event.graph_def) == 1


class Notes:
    """A writer that only notes what it is given, as a program's tests have it."""


def test_a_writer_that_is_no_file_writer_is_left_in_the_cache(tmp_path, monkeypatch):
    notes_only = Notes()
    monkeypatch.setitem(tf.summary.FileWriterCache._cache, str(tmp_path), notes_only)
    assert event_writer(str(tmp_path)) is notes_only
    assert tf.summary.FileWriterCache.get(str(tmp_path)) is notes_only
    assert not list(tmp_path.iterdir())
