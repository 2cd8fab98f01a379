"""RunOptions of several parties become one, and nobody's own is changed."""

from __future__ import annotations

import pytest
import tensorflow

import tfhooks
from tfhooks._base import errors
from tfhooks._run.options import merge_options

tf = tensorflow.compat.v1


def options(**fields):
    return tf.RunOptions(**fields)


def merged(*given):
    """Several options merged, from the first to the last and from the last to the first."""
    before = [one.SerializeToString() for one in given]
    result, problems = merge_options([(f'hook {n}', one) for n, one in enumerate(given)])
    assert problems == []
    reverse, problems = merge_options([('hook', one) for one in reversed(given)])
    assert problems == []
    assert [one.SerializeToString() for one in given] == before
    assert all(result is not one for one in given)
    return result, reverse


def both(one, other, expected):
    for result in merged(one, other):
        assert result == expected


class Wants(tfhooks.SessionRunHook):
    def __init__(self, options):
        self.options = options
        self.seen = []

    def before_run(self, run_context):
        return tfhooks.SessionRunArgs(None, None, self.options)

    def after_run(self, run_context, run_values):
        self.seen.append(run_values)


def test_nobody_wants_any():
    assert merge_options([]) == (None, [])


def test_options_of_one_party_are_copied():
    mine = options(timeout_in_ms=5)
    result, _ = merge_options([('hook', mine)])
    assert result == mine
    assert result is not mine


@pytest.mark.parametrize(
    ('one', 'other', 'expected'),
    [(50, 100_000, 50), (0, 50, 50), (50, 0, 50), (0, 0, 0), (-1, 50, 50), (0, -1, 0)],
)
def test_strictest_timeout_wins_and_zero_is_none(one, other, expected):
    for result in merged(options(timeout_in_ms=one), options(timeout_in_ms=other)):
        assert max(result.timeout_in_ms, 0) == expected


def test_highest_trace_level_wins():
    both(
        options(trace_level=tf.RunOptions.FULL_TRACE),
        options(trace_level=tf.RunOptions.SOFTWARE_TRACE),
        options(trace_level=tf.RunOptions.FULL_TRACE),
    )


def test_thread_pool_of_minus_one_is_not_overridden_by_a_default():
    both(options(inter_op_thread_pool=-1), options(), options(inter_op_thread_pool=-1))
    both(
        options(inter_op_thread_pool=-1),
        options(inter_op_thread_pool=-1),
        options(inter_op_thread_pool=-1),
    )


def test_flags_are_joined():
    both(
        options(output_partition_graphs=True),
        options(report_tensor_allocations_upon_oom=True),
        options(output_partition_graphs=True, report_tensor_allocations_upon_oom=True),
    )


def test_experimental_is_merged():
    one = options(experimental={'collective_graph_key': 7, 'use_run_handler_pool': True})
    other = options(experimental={'run_handler_pool_options': {'priority': 3}})
    both(
        one,
        other,
        options(
            experimental={
                'collective_graph_key': 7,
                'use_run_handler_pool': True,
                'run_handler_pool_options': {'priority': 3},
            }
        ),
    )


def test_debug_options_are_merged():
    watch = {'node_name': 'a', 'debug_urls': ['file:///tmp/a']}
    another = {'node_name': 'b', 'debug_urls': ['file:///tmp/b']}
    one = options(debug_options={'debug_tensor_watch_opts': [watch], 'global_step': 3})
    other = options(
        debug_options={'debug_tensor_watch_opts': [another], 'reset_disk_byte_usage': True}
    )
    for result in merged(one, other):
        debug = result.debug_options
        assert sorted(w.node_name for w in debug.debug_tensor_watch_opts) == ['a', 'b']
        assert debug.global_step == 3
        assert debug.reset_disk_byte_usage


def test_empty_message_stays_set():
    one = options()
    one.experimental.SetInParent()
    for result in merged(one, options()):
        assert result.HasField('experimental')


@pytest.mark.parametrize(
    ('one', 'other', 'field'),
    [
        ({'inter_op_thread_pool': 1}, {'inter_op_thread_pool': -1}, 'inter_op_thread_pool'),
        (
            {'experimental': {'collective_graph_key': 1}},
            {'experimental': {'collective_graph_key': 2}},
            'experimental.collective_graph_key',
        ),
        (
            {'debug_options': {'global_step': 1}},
            {'debug_options': {'global_step': 2}},
            'debug_options.global_step',
        ),
    ],
)
def test_different_values_are_a_conflict_that_names_both(one, other, field):
    _, problems = merge_options([('A', options()), ('B', options(**one)), ('C', options(**other))])
    assert [(problem.owner, problem.kind) for problem in problems] == [('C', errors.ConflictError)]
    assert f'options.{field} must be the same' in problems[0].text
    assert 'B=' in problems[0].text
    assert 'C=' in problems[0].text


class TestInASession:
    @pytest.fixture
    def graph(self):
        with tf.Graph().as_default() as graph:
            tf.constant(1.0, name='one')
            yield graph

    def test_callers_options_do_not_grow(self, graph):
        mine = options(timeout_in_ms=60_000)
        hook = Wants(options(trace_level=tf.RunOptions.FULL_TRACE, timeout_in_ms=100_000))
        size = mine.ByteSize()
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(5):
                assert session.run('one:0', options=mine) == 1.0
        assert mine == options(timeout_in_ms=60_000)
        assert mine.ByteSize() == size

    def test_hook_sees_merged_options_that_are_nobodys_own(self, graph):
        mine = options(timeout_in_ms=60_000)
        hook = Wants(options(trace_level=tf.RunOptions.FULL_TRACE))
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run('one:0', options=mine)
            hook.seen[0].options.timeout_in_ms = 1
            hook.options = None
            session.run('one:0', options=mine)
            hook.seen[1].options.timeout_in_ms = 1
        assert mine.timeout_in_ms == 60_000
        assert hook.seen[0].options.trace_level == tf.RunOptions.FULL_TRACE
        assert len(hook.seen[0].run_metadata.step_stats.dev_stats) > 0
        assert len(hook.seen[1].run_metadata.step_stats.dev_stats) == 0

    @pytest.mark.parametrize(
        ('callers', 'hooks'), [({'timeout_in_ms': 50}, 100_000), ({}, 50)], ids=['both', 'hooks']
    )
    def test_strictest_timeout_ends_the_run(self, graph, callers, hooks):
        waits = tf.FIFOQueue(1, tf.float32).dequeue()
        session = tfhooks.MonitoredSession(hooks=[Wants(options(timeout_in_ms=hooks))])
        with session, pytest.raises(tf.errors.DeadlineExceededError):
            session.run(waits, options=options(**callers) if callers else None)

    def test_conflict_of_two_hooks_names_both(self, graph):
        hooks = [
            Wants(options(inter_op_thread_pool=1)),
            Wants(options(inter_op_thread_pool=-1)),
        ]
        session = tfhooks.MonitoredSession(hooks=hooks)
        with session, pytest.raises(RuntimeError, match='must be the same') as caught:
            session.run('one:0')
        assert str(caught.value).startswith('Wants[1].before_run: options.inter_op_thread_pool')
        assert 'Wants[0].before_run=1' in str(caught.value)

    def test_callers_own_mistake_is_tensorflows(self, graph):
        with tf.Session(graph=graph) as raw, pytest.raises(AttributeError) as expected:
            raw.run('one:0', options=5)
        session = tfhooks.MonitoredSession(hooks=[Wants(options())])
        with session, pytest.raises(AttributeError) as caught:
            session.run('one:0', options=5)
        assert type(caught.value) is type(expected.value)
        assert str(caught.value) == str(expected.value)
