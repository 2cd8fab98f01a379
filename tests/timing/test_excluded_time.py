"""Time that a hook spends on something else is no training time."""

import threading

import pytest
import tensorflow.compat.v1 as tf

from tfhooks._timing import excluded_time


def test_a_graph_that_was_never_paused():
    graph = tf.Graph()
    assert excluded_time.seconds(graph) == 0


def test_pauses_add_up_and_one_that_goes_on_counts_so_far(clock):
    graph, other = tf.Graph(), tf.Graph()
    for secs in (2, 3):
        with excluded_time.pause(graph):
            clock.now += secs
        clock.now += 10
    assert excluded_time.seconds(graph) == 5
    with excluded_time.pause(graph):
        clock.now += 4
        assert excluded_time.seconds(graph) == 9
    clock.now += 1
    assert excluded_time.seconds(graph) == 9
    assert excluded_time.seconds(other) == 0


def test_pauses_that_overlap_count_once(clock):
    graph = tf.Graph()
    with excluded_time.pause(graph):
        clock.now += 1
        with excluded_time.pause(graph):
            clock.now += 2
        clock.now += 4
    assert excluded_time.seconds(graph) == 7


def test_an_error_ends_a_pause(clock):
    graph = tf.Graph()

    def fail():
        with excluded_time.pause(graph):
            clock.now += 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    clock.now += 5
    assert excluded_time.seconds(graph) == 1


def test_a_pause_in_another_thread_is_seen(clock):
    graph = tf.Graph()
    inside, leave = threading.Event(), threading.Event()

    def work():
        with excluded_time.pause(graph):
            inside.set()
            leave.wait(600)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(600)
    clock.now += 3
    assert excluded_time.seconds(graph) == 3
    leave.set()
    thread.join()
    clock.now += 2
    assert excluded_time.seconds(graph) == 3
