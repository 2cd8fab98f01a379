"""Feeds of the caller and the hooks become one, unless they contradict each other."""

from __future__ import annotations

import types

import numpy as np
import pytest
import tensorflow
from merging_models import Asks, Other, run

import tfhooks
from tfhooks._base import errors

tf = tensorflow.compat.v1


class TestFeeds:
    @pytest.mark.parametrize('key', ['x:0', 'tensor', b'x:0'])
    @pytest.mark.parametrize('value', [3.0, 3, np.float64(3), [[3.0]][0][0], np.array(3)])
    def test_what_tensorflow_takes_is_taken(self, graph, run_plans, key, value):
        key = graph.get_tensor_by_name('x:0') if key == 'tensor' else key
        hook = Asks('next:0', {key: value})
        run([hook], run_plans=run_plans)
        assert hook.got == [4.0, 4.0]

    def test_feeds_of_all_are_fed(self, graph):
        hooks = [Asks('next:0', {'x:0': 1.0}), Asks(None, types.MappingProxyType({'one:0': 5.0}))]
        result = run(hooks, ['w:0', 'one:0'], {'v:0': [1.0, 2.0]})
        assert [value.tolist() for value in result] == [[1.0, 2.0], 5.0]
        assert hooks[0].got == [2.0, 2.0]

    def test_value_may_differ_from_run_to_run(self, graph):
        hook = Asks('next:0', {'x:0': 1.0})
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run('zero:0')
            hook.request = tfhooks.SessionRunArgs('next:0', {'x:0': np.float32(8)})
            session.run('zero:0')
            hook.request = tfhooks.SessionRunArgs('next:0', {'x:0': [1.0]})
            with pytest.raises(ValueError, match=r'Asks\.before_run'):
                session.run('zero:0')
        assert hook.got == [2.0, 9.0]

    def test_empty_feeds_of_any_kind_pass_as_they_do_in_tensorflow(self, graph):
        hooks = [Asks('one:0', {}), Asks('two:0', []), Asks('two:0', ())]
        assert run(hooks, 'zero:0', {}) == 0.0

    def test_nested_keys_and_composites_are_fed(self, graph, run_plans):
        a, b = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, [])
        sparse = tf.sparse_placeholder(tf.float32, [2])
        ragged = tf.ragged.placeholder(tf.int32, 1)
        value = tf.SparseTensorValue([[1]], [5.0], [2])
        ragged_value = tf.ragged.constant_value([[1], [2, 3]], dtype=np.int32)
        hook = Asks(
            [a, b, tf.sparse.to_dense(sparse), ragged],
            {(a, b): (1, 2), sparse: value, ragged: ragged_value},
        )
        run([hook], run_plans=run_plans)
        assert hook.got[1][:2] == [1, 2]
        assert hook.got[1][2].tolist() == [0.0, 5.0]
        assert hook.got[1][3].to_list() == [[1], [2, 3]]

    def test_tensor_handles_are_fed(self, graph):
        handle = tf.get_session_handle(tf.constant(41.0))
        holder, value = tf.get_session_tensor('', tf.float32)
        after = value + 1
        hook = Asks()
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            made = session.run(handle)
            # The placeholder takes the name that the runtime gave to the tensor.
            hook.request = tfhooks.SessionRunArgs(after, {holder: made.handle})
            session.run('zero:0')
            assert hook.got[-1] == 42.0
            hook.request = tfhooks.SessionRunArgs('next:0', {'x:0': made})
            session.run('zero:0')
            assert hook.got[-1] == 42.0

    def test_feeds_of_the_caller_are_not_changed(self, graph):
        feeds = {'v:0': [1.0, 2.0]}
        run([Asks('next:0', {'x:0': 1.0})], 'w:0', feeds)
        assert feeds == {'v:0': [1.0, 2.0]}


class TestConflicts:
    def test_two_hooks_and_two_spellings(self, graph):
        x = graph.get_tensor_by_name('x:0')
        with pytest.raises(RuntimeError, match='Same tensor is fed by two hooks') as caught:
            run([Asks('next:0', {x: 1.0}), Other('next:0', {'x:0': 1.0})])
        message = str(caught.value)
        assert 'fed by Asks.before_run as feed_dict[x:0]' in message
        assert "by Other.before_run as feed_dict['x:0']" in message
        assert 'dtype=float32, shape=()' in message

    def test_hook_and_caller(self, graph):
        with pytest.raises(RuntimeError, match='fed by a SessionRunHook and user') as caught:
            run([Asks('next:0', {'x:0': 1.0})], 'next:0', {graph.get_tensor_by_name('x:0'): 1.0})
        assert 'fed by the caller as' in str(caught.value)
        assert 'by Asks.before_run as' in str(caught.value)

    def test_one_hook_twice(self, graph):
        x = graph.get_tensor_by_name('x:0')
        with pytest.raises(errors.FedTwiceError, match='fed by one hook twice') as caught:
            run([Asks('next:0', {x: 1.0, 'x:0': 2.0})])
        assert isinstance(caught.value, (RuntimeError, ValueError))

    def test_caller_twice_is_as_in_tensorflow(self, graph):
        x = graph.get_tensor_by_name('x:0')
        assert run([Asks('one:0')], 'next:0', {x: 1.0, 'x:0': 2.0}) == 3.0

    def test_composites_and_their_parts(self, graph):
        sparse = tf.sparse_placeholder(tf.float32)
        ragged = tf.ragged.placeholder(tf.int32, 1)
        nested = (graph.get_tensor_by_name('x:0'), graph.get_tensor_by_name('v:0'))
        value = tf.SparseTensorValue([[1]], [5.0], [2])
        ragged_value = tf.ragged.constant_value([[1]], dtype=np.int32)
        for one, other, tensor in [
            ({sparse: value}, {sparse.values: [5.0]}, sparse.values),
            ({ragged: ragged_value}, {ragged.values: [1]}, ragged.values),
            ({nested: (1.0, np.ones(2))}, {'v:0': [1.0, 2.0]}, nested[1]),
        ]:
            for first, second in [(one, other), (other, one)]:
                hooks = [Asks('one:0', first), Other('one:0', second)]
                with pytest.raises(errors.ConflictError) as caught:
                    run(hooks)
                assert f'tensor={tensor.name}' in str(caught.value)
                with pytest.raises(errors.ConflictError, match='user'):
                    run(hooks[:1], 'zero:0', second)
