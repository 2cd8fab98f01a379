"""Structures of fetches: keys, copies, and results put back in place."""

from __future__ import annotations

import collections

import attrs
import pytest
import tensorflow

from tfhooks._run import structures

tf = tensorflow.compat.v1

Pair = collections.namedtuple('Pair', ['first', 'second'])


@attrs.define
class Losses:
    total: object
    parts: object


@attrs.frozen
class Frozen:
    only: object


@pytest.fixture
def tensors():
    with tf.Graph().as_default():
        yield [tf.constant(float(n), name=f'c{n}') for n in range(4)]


@pytest.mark.parametrize(
    'ask',
    [
        lambda t: t[0],
        lambda t: t[0].op,
        lambda t: 'c0:0',
        lambda t: b'c0:0',
        lambda t: [t[0], t[1]],
        lambda t: (t[0], t[1]),
        lambda t: [],
        lambda t: (),
        lambda t: {},
        lambda t: Pair(t[0], t[1]),
        lambda t: {'a': t[0], 'b': t[1]},
        lambda t: {'b': t[1], 'a': t[0]},
        lambda t: {'a': [t[0]], 'b': {'c': (t[1], 'c2:0')}},
        lambda t: collections.OrderedDict(a=t[0]),
        lambda t: collections.defaultdict(list, a=t[0]),
        lambda t: Losses(t[0], [t[1]]),
        lambda t: Frozen((t[0],)),
        lambda t: {1: t[0]},
        lambda t: {None: t[0]},
        lambda t: {(1, 2): t[0]},
        lambda t: [[t[0]], t[1]],
        lambda t: [t[0], [t[1]]],
    ],
)
def test_a_key_is_the_same_for_a_copy_and_no_other(tensors, ask):
    structure = ask(tensors)
    key = structures.structure_key(structure)
    assert hash(key) == hash(structures.structure_key(structures.frozen(structure)))
    assert key == structures.structure_key(structures.frozen(structure))
    others = [
        tensors[3],
        [tensors[0]],
        (tensors[1], tensors[0]),
        [tensors[1], tensors[0]],
        {'a': tensors[0]},
        collections.OrderedDict(b=tensors[0]),
        collections.defaultdict(dict, a=tensors[0]),
        Pair(tensors[1], tensors[0]),
        Losses(tensors[0], (tensors[1],)),
        {True: tensors[0]},
        {1.0: tensors[0]},
        'c1:0',
    ]
    assert all(key != structures.structure_key(other) for other in others)


def test_names_count_by_value_in_keys():
    one = ''.join(['c', '0:0'])
    two = ''.join(['c0', ':0'])
    assert one is not two
    assert structures.structure_key([one]) == structures.structure_key([two])
    assert structures.structure_key({one: one}) == structures.structure_key({two: two})
    assert structures.feed_keys_key({one: 1}) == structures.feed_keys_key({two: 2})


def test_a_str_and_bytes_differ():
    assert structures.structure_key('c:0') != structures.structure_key(b'c:0')


@pytest.mark.parametrize('ask', [lambda t: iter(t), lambda t: {t[0].name}, lambda t: 3])
def test_objects_without_a_fixed_meaning_have_no_key(tensors, ask):
    with pytest.raises(structures.UnservedError, match=r'^fetch of type '):
        structures.structure_key([ask(tensors)])


def test_an_object_that_stands_for_a_tensor_of_its_choice_has_no_key(tensors):
    class Changing:
        def _as_graph_element(self):
            return tensors[0]

    with pytest.raises(structures.UnservedError, match=r'^fetch of type Changing$'):
        structures.structure_key(Changing())
    with pytest.raises(structures.UnservedError, match=r'^feed key of type Changing$'):
        structures.feed_keys_key({Changing(): 1})


def test_a_list_subclass_has_no_key(tensors):
    class Reversed(list):
        def __iter__(self):
            return reversed(list(super().__iter__()))

    with pytest.raises(structures.UnservedError):
        structures.structure_key(Reversed(tensors))


def test_feed_keys_count_in_order_and_only_by_key(tensors):
    a, b, *_ = tensors
    assert structures.feed_keys_key({a.ref().deref(): 1, b: 2}) == structures.feed_keys_key(
        {a: 3, b: 4}
    )
    assert structures.feed_keys_key({a: 1, b: 2}) != structures.feed_keys_key({b: 1, a: 2})
    assert structures.feed_keys_key(collections.OrderedDict([(a, 1)])) == (
        structures.feed_keys_key({a: 1})
    )


@pytest.mark.parametrize('feed_dict', [[1], 'x', 3])
def test_a_feed_dict_must_be_a_dict(feed_dict):
    with pytest.raises(structures.UnservedError, match=r'^feed_dict of type '):
        structures.feed_keys_key(feed_dict)


def test_nested_feed_keys_are_not_served(tensors):
    with pytest.raises(structures.UnservedError, match=r'^feed key of type tuple$'):
        structures.feed_keys_key({(tensors[0], tensors[1]): (1, 2)})


def test_a_frozen_copy_does_not_follow_the_original(tensors):
    original = {'a': [tensors[0]], 'b': Losses(tensors[1], [tensors[2]])}
    copy = structures.frozen(original)
    original['a'].append(tensors[3])
    original['b'].parts.clear()
    original['b'].total = None
    original['c'] = tensors[3]
    assert list(copy) == ['a', 'b']
    assert copy['a'] == [tensors[0]]
    assert copy['b'].total is tensors[1]
    assert copy['b'].parts == [tensors[2]]


def test_variables_and_sparse_tensors_are_fixed():
    with tf.Graph().as_default():
        for leaf in (
            tf.get_variable('resource', [1], use_resource=True),
            tf.get_variable('reference', [1], use_resource=False),
            tf.sparse_placeholder(tf.float32),
            tf.IndexedSlices(tf.zeros([1]), tf.zeros([1], tf.int32)),
            tf.no_op(),
        ):
            assert structures.structure_key(leaf) == id(leaf)


def test_leaves_come_in_order(tensors):
    a, b, c, d = tensors
    structure = {'x': [a, (b,)], 'y': Pair(c, Losses(d, 'name'))}
    found = list(structures.leaves(structure))
    assert all(one is two for one, two in zip(found[:4], tensors, strict=True))
    assert found[4] == 'name'


def test_results_take_the_place_of_leaves(tensors):
    a, b, c, d = tensors
    places = {id(t): n for n, t in enumerate(tensors)}
    structure = {
        'list': [a, b],
        'one': [c],
        'none': [],
        'pair': Pair(d, (a,)),
        'ordered': collections.OrderedDict(z=a, y=b),
        'default': collections.defaultdict(set, k=c),
        'attrs': Losses(a, Frozen(d)),
        'empty': {},
    }
    build = structures.builder(structure, lambda leaf: places[id(leaf)])
    assert build(['A', 'B', 'C', 'D']) == {
        'list': ['A', 'B'],
        'one': ['C'],
        'none': [],
        'pair': Pair('D', ('A',)),
        'ordered': collections.OrderedDict(z='A', y='B'),
        'default': collections.defaultdict(set, k='C'),
        'attrs': Losses('A', Frozen('D')),
        'empty': {},
    }
    results = build([0, 1, 2, 3])
    assert type(results['ordered']) is collections.OrderedDict
    assert results['default'].default_factory is set
    assert type(results['pair']) is Pair
    assert build(range(4))['list'] is not build(range(4))['list']
