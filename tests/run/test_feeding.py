"""Feed keys are brought to tensors, and values to what the tensors take."""

from __future__ import annotations

import collections

import numpy as np
import pytest
import tensorflow

from tfhooks._base import errors
from tfhooks._run import feeding

tf = tensorflow.compat.v1


def kept(dtype, value, exact=True):
    """Whether a value for a tensor of a dtype is accepted."""
    tensor = tf.placeholder(dtype)
    feed = feeding.Feed('A.before_run', 'key', tensor, value)
    return feeding.value_problem(tensor.graph, feed, exact) is None


class TestResolve:
    def test_every_spelling_of_a_tensor_is_that_tensor(self, graph):
        x = tf.placeholder(tf.float32, name='x')
        for key in [x, 'x:0', b'x:0']:
            found, problems = feeding.resolve(graph, 'who', {key: 1.0})
            assert problems == []
            assert [feed.tensor.name for feed in found] == ['x:0']
            assert found[0].value == 1.0

    def test_composites_are_their_components(self, graph):
        sparse = tf.sparse_placeholder(tf.float32, name='s')
        ragged = tf.ragged.placeholder(tf.int32, 1)
        slices = tf.IndexedSlices(tf.constant([1.0]), tf.constant([0]))
        feeds = {
            sparse: tf.SparseTensorValue('indices', 'values', 'shape'),
            ragged: tf.ragged.constant_value([[7]], dtype=np.int32),
            slices: ('values', 'indices'),
        }
        found, problems = feeding.resolve(graph, 'who', feeds)
        assert problems == []
        values = {feed.tensor.name: feed.value for feed in found}
        assert values[sparse.values.name] == 'values'
        assert values[ragged.values.name].tolist() == [7]
        assert values[slices.indices.name] == 'indices'
        assert len(found) == 7

    def test_nested_keys_are_flattened(self, graph):
        a, b, c = (tf.placeholder(tf.float32, name=name) for name in 'abc')
        found, problems = feeding.resolve(graph, 'who', {(a, (b, c)): (1, (2, 3))})
        assert problems == []
        values = {feed.tensor.name: feed.value for feed in found}
        assert values == {'a:0': 1, 'b:0': 2, 'c:0': 3}

    def test_one_wrong_key_does_not_hide_the_others(self, graph):
        tf.placeholder(tf.float32, name='x')
        found, problems = feeding.resolve(graph, 'who', {'no:0': 1, 'x:0': 2, 5: 3})
        assert [feed.tensor.name for feed in found] == ['x:0']
        assert [problem.kind for problem in problems] == [errors.RequestTypeError] * 2
        assert "feed_dict['no:0']" in problems[0].text
        assert 'feed_dict[5]' in problems[1].text

    def test_any_mapping_is_a_feed_dict(self, graph):
        tf.placeholder(tf.float32, name='x')
        for kind in [dict, collections.OrderedDict, collections.ChainMap, collections.UserDict]:
            found, problems = feeding.resolve(graph, 'who', kind({'x:0': 1}))
            assert (len(found), problems) == (1, [])


class TestValues:
    @pytest.mark.parametrize(
        ('dtype', 'value'),
        [
            ('float32', 1),
            ('float32', 1.1),
            ('float32', np.float64(1.1)),
            ('float32', np.array([1.1])),
            ('float32', [1, 2.5]),
            ('float32', [2**24 + 1]),
            ('float32', np.inf),
            ('float32', [np.nan, -np.inf]),
            ('float32', True),
            ('float32', '1.5'),
            ('float32', np.array([1.0 + 0j])),
            ('float16', 65504),
            ('bfloat16', 1.1),
            ('bfloat16', np.inf),
            ('int32', 7),
            ('int32', True),
            ('int32', 7.0),
            ('int32', np.float64(7)),
            ('int32', [1.0, 2.0]),
            ('int32', np.array([], np.float64)),
            ('int32', np.uint64(7)),
            ('int64', 2**63 - 1),
            ('int64', np.array(['2020-01-01'], 'datetime64[s]')),
            ('uint8', 255),
            ('uint64', 2**64 - 1),
            ('bool', 1),
            ('bool', [0, 1]),
            ('bool', 1.0),
            ('complex64', 1j),
            ('complex64', 1.5),
            ('string', 'a'),
            ('string', b'\xff'),
            ('string', ['a', b'b']),
            ('string', np.array(['a', 'b'])),
            ('string', np.array([b'a', 'b'], object)),
            ('string', np.bytes_(b'a')),
            ('qint8', 1.0),
        ],
        ids=repr,
    )
    def test_what_keeps_its_value_is_accepted(self, graph, dtype, value):
        assert kept(dtype, value)

    @pytest.mark.parametrize(
        ('dtype', 'value'),
        [
            ('int32', 1.5),
            ('int32', [1.5]),
            ('int32', np.nan),
            ('int8', [300]),
            ('uint8', np.array([-1])),
            ('bool', 2.0),
            ('bool', 'a'),
            ('float32', 1e39),
            ('float32', np.array([1.0, 1e39])),
            ('float32', 1j),
            ('float16', [70000]),
            ('float16', 10**30),
            ('bfloat16', 1e39),
            ('float32', [None, 1.0]),
            ('complex64', 1e39),
        ],
        ids=repr,
    )
    def test_what_tensorflow_would_change_is_refused_only_from_hooks(self, graph, dtype, value):
        assert not kept(dtype, value)
        if np.lib.NumpyVersion(np.__version__) >= '2.0.0':  # Before it, TensorFlow refused some.
            assert kept(dtype, value, exact=False)

    def test_problem_says_what_was_expected_and_received(self, graph):
        x = tf.placeholder(tf.int32, [None, 2], name='x')
        feed = feeding.Feed('A.before_run', "feed_dict['x:0']", x, np.zeros([3, 3], np.float16))
        problem = feeding.value_problem(graph, feed, exact=True)
        assert str(problem) == (
            "A.before_run: feed_dict['x:0']: "
            "the shape (3, 3) must be compatible with the tensor's. "
            f'expected=x:0 (dtype=int32, shape={x.shape}), '
            'received=ndarray (dtype=float16, shape=(3, 3))'
        )

    def test_error_of_a_values_own_code_is_kept_in_kind(self, graph):
        class Broken:
            def __array__(self, *arguments, **options):
                raise LookupError('broken')

        feed = feeding.Feed('A', 'key', tf.placeholder(tf.float32), Broken())
        problem = feeding.value_problem(graph, feed, exact=True)
        assert issubclass(problem.kind, LookupError)
        assert 'broken' in problem.text


class TestSurelyGood:
    """A quick look may only ever wave through what the close look accepts."""

    @pytest.mark.parametrize(
        'dtype', ['bool', 'int8', 'uint8', 'int64', 'float16', 'bfloat16', 'float32', 'string']
    )
    def test_agrees_with_the_close_look(self, graph, dtype):
        key = tf.placeholder(dtype)
        values = [
            *[
                0,
                1,
                127,
                128,
                -1,
                True,
                False,
                0.5,
                448.0,
                1e9,
                -1e9,
                np.nan,
                np.inf,
                None,
                'a',
                b'a',
            ],
            *[np.zeros(2, np.dtype(name)) for name in ('bool', 'int8', 'float32', 'object')],
            *[np.float32(1), [1], np.array(['a']), np.array([5], object)],
        ]
        good = [value for value in values if feeding.surely_good(key, value)]
        assert all(kept(dtype, value) for value in good)
        assert bool(good) == (dtype != 'string')

    def test_names_and_composites_need_a_closer_look(self, graph):
        tf.placeholder(tf.float32, name='x')
        assert not feeding.surely_good('x:0', 1.0)
        assert not feeding.surely_good(tf.sparse_placeholder(tf.float32), 1.0)


def test_unfeedable_tensor_is_refused(graph):
    x = tf.constant(1.0)
    graph.prevent_feeding(x)
    _, problems = feeding.examine(graph, 'A', {x: 1.0})
    assert problems[0].kind is errors.RequestValueError
    assert 'may not be fed' in problems[0].text


def test_every_part_fed_twice_is_a_problem(graph):
    x = tf.placeholder(tf.float32, name='x')
    feeds = [feeding.Feed(owner, 'key', x, 1.0) for owner in ('the caller', 'A', 'B', 'B')]
    problems = feeding.fed_twice(feeds)
    assert [problem.owner for problem in problems] == ['A', 'B', 'B']
    assert all('fed by the caller' in problem.text for problem in problems)
    assert feeding.fed_twice([feeds[0], feeds[0]._replace(value=2.0)]) == []
