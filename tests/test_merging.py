"""Requests of the caller and the hooks become one, and each party gets its own results."""

from __future__ import annotations

import collections
import dataclasses
import types
from typing import Any

import attrs
import numpy as np
import pytest
import tensorflow

import tfhooks
from tfhooks import errors, merging

tf = tensorflow.compat.v1

Pair = collections.namedtuple('Pair', ['left', 'right'])


@attrs.define
class Box:
    left: Any
    right: Any


@dataclasses.dataclass
class Losses:
    total: Any
    parts: Any = None
    scale: Any = dataclasses.field(default=1.0, init=False)


@dataclasses.dataclass(frozen=True)
class Frozen:
    inner: Any
    name: Any = 'one:0'


# What `Session.run` raises for a wrong request.
USUAL = (TypeError, ValueError, AttributeError, tf.errors.InvalidArgumentError)


class Asks(tfhooks.SessionRunHook):
    """Asks for one thing in every run, and keeps what it gets."""

    def __init__(self, *arguments, **options):
        self.request = tfhooks.SessionRunArgs(*arguments, **options) if arguments else None
        self.got = []

    def before_run(self, run_context):
        return self.request

    def after_run(self, run_context, run_values):
        self.got.append(run_values.results)


class Other(Asks):
    pass


@dataclasses.dataclass(frozen=True)
class Equal(tfhooks.SessionRunHook):
    """Equal to every other of its kind that has the same name."""

    name: str
    fetch: Any = dataclasses.field(compare=False)
    got: list = dataclasses.field(compare=False, default_factory=list)

    def before_run(self, run_context):
        return tfhooks.SessionRunArgs(self.fetch)

    def after_run(self, run_context, run_values):
        self.got.append(run_values.results)


@dataclasses.dataclass
class Unhashable(tfhooks.SessionRunHook):
    fetch: Any

    def before_run(self, run_context):
        return tfhooks.SessionRunArgs(self.fetch)

    def after_run(self, run_context, run_values):
        self.got = run_values.results


class EqualsCaller(Asks):
    def __eq__(self, other):
        return other == 'caller'

    def __hash__(self):
        return hash('caller')


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        for value, name in enumerate(['zero', 'one', 'two', 'three']):
            tf.constant(float(value), name=name)
        tf.placeholder(tf.float32, [], name='x')
        tf.placeholder(tf.float32, [2], name='v')
        tf.add(graph.get_tensor_by_name('x:0'), 1.0, name='next')
        tf.identity(graph.get_tensor_by_name('v:0'), name='w')
        tf.group(name='nothing')
        yield graph


@pytest.fixture(params=[True, False], ids=['plans', 'no plans'])
def run_plans(request):
    return request.param


def run(hooks, fetches='zero:0', feed_dict=None, times=2, run_plans=True, **arguments):
    """What the caller gets from a monitored session, run until the request is known."""
    with tfhooks.MonitoredSession(hooks=hooks, run_plans=run_plans) as session:
        for _ in range(times):
            result = session.run(fetches, feed_dict, **arguments)
    return result


def problems(graph, *requests, caller=('zero:0',)):
    """What is wrong with requests, without a session."""
    named = [(f'Hook[{place}].before_run', request) for place, request in enumerate(requests)]
    with pytest.raises(errors.RequestError) as caught:
        merging.merge(graph, tfhooks.SessionRunArgs(*caller), named)
    return caught.value.problems


class TestResults:
    @pytest.mark.parametrize(
        ('fetches', 'expected'),
        [
            ('one:0', 1.0),
            ('nothing', None),
            ([], []),
            ((), ()),
            ({}, {}),
            (['one:0', 'two:0'], [1.0, 2.0]),
            (('one:0', ['two:0', 'nothing']), (1.0, [2.0, None])),
            ({'a': 'one:0', 'b': {'c': ('two:0',)}}, {'a': 1.0, 'b': {'c': (2.0,)}}),
            (Pair('one:0', ['two:0']), Pair(1.0, [2.0])),
            (Box('one:0', Pair('two:0', 'one:0')), Box(1.0, Pair(2.0, 1.0))),
            (collections.OrderedDict(b='one:0', a='two:0'), {'b': 1.0, 'a': 2.0}),
            (
                tf.SparseTensorValue('one:0', 'two:0', 'three:0'),
                tf.SparseTensorValue(1.0, 2.0, 3.0),
            ),
        ],
        ids=repr,
    )
    def test_structures_come_back_as_they_were_asked(self, graph, run_plans, fetches, expected):
        hook = Asks(fetches)
        assert run([hook], run_plans=run_plans) == 0.0
        assert hook.got == [expected, expected]
        assert type(hook.got[0]) in (type(expected), type(fetches), np.float32)

    @pytest.mark.parametrize(
        ('fetches', 'expected'),
        [
            (Losses('one:0', ['two:0']), Losses(1.0, [2.0])),
            (Frozen('one:0'), Frozen(1.0, 1.0)),
            (Frozen(Losses('one:0', 'two:0')), Frozen(Losses(1.0, 2.0), 1.0)),
            ([Frozen('two:0'), 'one:0'], [Frozen(2.0, 1.0), 1.0]),
            ({'a': Frozen('two:0')}, {'a': Frozen(2.0, 1.0)}),
            (Pair(Frozen('two:0'), 'one:0'), Pair(Frozen(2.0, 1.0), 1.0)),
            (Box(Frozen('two:0'), 'one:0'), Box(Frozen(2.0, 1.0), 1.0)),
            (
                collections.defaultdict(list, a=Frozen('two:0')),
                collections.defaultdict(list, a=Frozen(2.0, 1.0)),
            ),
            (Frozen({'b': Frozen('two:0')}), Frozen({'b': Frozen(2.0, 1.0)}, 1.0)),
        ],
        ids=repr,
    )
    def test_dataclasses_come_back_as_their_class(self, graph, run_plans, fetches, expected):
        hook = Asks(fetches)
        run([hook], run_plans=run_plans)
        assert hook.got == [expected, expected]
        assert type(hook.got[0]) is type(fetches)

    def test_error_of_a_dataclass_of_results_names_its_hook(self, graph):
        @dataclasses.dataclass
        class Picky:
            loss: Any

            def __post_init__(self):
                if not isinstance(self.loss, str):
                    raise ValueError('no name')

        with pytest.raises(ValueError, match='no name') as caught:
            run([Asks(Picky('one:0'))])
        assert caught.value.raised_in == 'Asks.before_run'

    def test_variable_and_tensors_come_back(self, graph):
        variable = tf.get_variable('variable', initializer=[7.0])
        one = graph.get_tensor_by_name('one:0')
        hook = Asks([variable, one, one, 'one:0', b'one:0'])
        run([hook])
        assert [float(np.squeeze(value)) for value in hook.got[1]] == [7.0, 1.0, 1.0, 1.0, 1.0]

    def test_composites_come_back_as_values(self, graph, run_plans):
        sparse = tf.sparse.from_dense([[0.0, 5.0]])
        ragged = tf.ragged.constant([[1, 2], [3]])
        slices = tf.IndexedSlices(tf.constant([1.0]), tf.constant([4]))
        hook = Asks({'sparse': sparse, 'ragged': ragged, 'slices': slices})
        run([hook], run_plans=run_plans)
        assert isinstance(hook.got[1]['sparse'], tf.SparseTensorValue)
        assert hook.got[1]['sparse'].values.tolist() == [5.0]
        assert hook.got[1]['ragged'].to_list() == [[1, 2], [3]]
        assert hook.got[1]['slices'].indices.tolist() == [4]

    def test_hooks_that_are_equal_each_get_their_own(self, graph, run_plans):
        hooks = [Equal('same', 'one:0'), Equal('same', 'two:0')]
        assert hooks[0] == hooks[1]
        run(hooks, run_plans=run_plans)
        assert [hook.got for hook in hooks] == [[1.0, 1.0], [2.0, 2.0]]

    def test_hooks_need_not_be_hashable(self, graph):
        hook = Unhashable('two:0')
        with pytest.raises(TypeError):
            hash(hook)
        run([hook])
        assert hook.got == 2.0

    def test_hook_that_equals_caller_does_not_get_between(self, graph):
        hook = EqualsCaller('two:0')
        assert run([hook], 'one:0') == 1.0
        assert hook.got == [2.0, 2.0]

    def test_hooks_that_ask_for_nothing_get_none(self, graph):
        hooks = [Asks(), Asks(None), Asks('one:0')]
        assert run(hooks) == 0.0
        assert [hook.got[1] for hook in hooks] == [None, None, 1.0]

    def test_merging_needs_no_session_but_for_running(self, graph):
        requests = [
            ('A.before_run', tfhooks.SessionRunArgs(Frozen('one:0'))),
            ('B.before_run', tfhooks.SessionRunArgs(None, {'x:0': 4.0})),
            ('C.before_run', tfhooks.SessionRunArgs({'next': 'next:0'})),
        ]
        caller = tfhooks.SessionRunArgs(['zero:0'], {'v:0': [1.0, 2.0]})
        merged = merging.merge(graph, caller, requests)
        assert merged.places == [1, 0, 2]
        with tf.Session(graph=graph) as session:
            own, parts = merged.split(session.run(merged.fetches, merged.feed_dict))
        assert own == [0.0]
        assert parts == [Frozen(1.0, 1.0), None, {'next': 5.0}]


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


class TestAllMistakesAtOnce:
    def test_one_error_lists_them_with_whose_they_are(self, graph):
        hooks = [Asks(['one:0', None]), Asks('nowhere:0', {'x:0': 'a', 'v:0': [1.0]}), Other()]
        hooks[2].before_run = lambda run_context: 5
        with pytest.raises(errors.RequestError) as caught:
            run(hooks)
        found = caught.value.problems
        assert [problem.who for problem in found] == [
            'Asks[0].before_run',
            'Asks[1].before_run',
            'Asks[1].before_run',
            'Asks[1].before_run',
            'Other.before_run',
        ]
        message = str(caught.value)
        assert message.startswith('5 things are wrong in this request:')
        assert all(str(problem) in message for problem in found)
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, ValueError)

    def test_nothing_has_run(self, graph):
        count = tf.get_variable('count', initializer=0, use_resource=True)
        add = count.assign_add(1)
        bad = Asks('next:0', {'x:0': [1.0, 2.0]})
        with tfhooks.MonitoredSession(hooks=[bad]) as session:
            for _ in range(3):
                with pytest.raises(errors.RequestError):
                    session.run(add)
            bad.request = None
            assert session.run(count) == 0

    def test_mistake_of_the_caller_is_listed_beside_that_of_a_hook(self, graph):
        with pytest.raises(errors.RequestError, match='2 things are wrong') as caught:
            run([Asks('nowhere:0')], 'nothing_here:0')
        assert [problem.who for problem in caught.value.problems] == [
            'the caller',
            'Asks.before_run',
        ]

    @pytest.mark.parametrize(
        'arguments',
        [
            (None,),
            ('nowhere:0',),
            (5,),
            (['zero:0', None],),
            ('zero:0', {'nowhere:0': 1}),
            ('next:0', {'x:0': [1.0]}),
            ('next:0', {'x:0': 'a'}),
            ('next:0',),
            ('zero:0', [1]),
            ('zero:0', {5: 1}),
            ('zero:0', None, 7),
            ('zero:0', {('x:0', 'v:0'): 1}),
        ],
        ids=repr,
    )
    def test_single_mistake_of_the_caller_keeps_tensorflows_error(self, graph, arguments):
        with tf.Session(graph=graph) as session, pytest.raises(USUAL) as expected:
            session.run(*arguments)
        with pytest.raises(USUAL) as caught:
            run([Asks('one:0')], *arguments[:2], options=(*arguments, None, None, None)[2])
        assert type(caught.value) is type(expected.value)
        if not isinstance(caught.value, tf.errors.OpError):
            assert str(caught.value) == str(expected.value)

    def test_none_fed_by_the_caller_is_refused(self, graph, run_plans):
        x = graph.get_tensor_by_name('x:0')
        for feeds in [{x: None}, {'x:0': None}, {(x, 'v:0'): (None, np.ones(2))}]:
            with pytest.raises(TypeError, match=r'the caller: feed_dict.*None cannot be fed'):
                run([], 'next:0', feeds, run_plans=run_plans)
        with tfhooks.MonitoredSession() as session:
            assert session.run('next:0', {x: 1.0}) == 2.0
            with pytest.raises(TypeError, match='None cannot be fed'):
                session.run('next:0', {x: None})


class TestUnfedPlaceholders:
    def check(self, caught, who='Asks.before_run', placeholder='x:0'):
        message = str(caught.value)
        assert message.startswith(f'{who}: fetches')
        assert f'placeholder={placeholder}' in message
        assert 'when_fed' in message
        assert 'run_without_hooks' in message

    def test_error_names_hook_fetch_and_placeholder(self, graph, run_plans):
        count = tf.get_variable('count', initializer=0, use_resource=True)
        hook = Asks({'next': 'next:0'})
        with tfhooks.MonitoredSession(hooks=[hook], run_plans=run_plans) as session:
            with pytest.raises(tf.errors.InvalidArgumentError) as caught:
                session.run(count)
            self.check(caught)
            assert "fetches['next']: next:0" in str(caught.value)
            assert caught.value.error_code == tf.errors.INVALID_ARGUMENT
            assert session.run('next:0', {'x:0': 1.0}) == 2.0
            with pytest.raises(errors.UnfedPlaceholderError):
                session.run(count)

    def test_what_the_caller_lacks_too_is_tensorflows_error(self, graph):
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            run([Asks('next:0')], 'next:0')
        assert not isinstance(caught.value, errors.RequestError)

    def test_fed_on_the_way_is_not_needed(self, graph):
        after = graph.get_tensor_by_name('next:0') + 1
        hook = Asks(after)
        run([hook], 'zero:0', {'next:0': 5.0})
        assert hook.got == [6.0, 6.0]

    def test_other_hooks_may_feed_it(self, graph):
        hook = Asks('next:0')
        run([hook, Other('one:0', {'x:0': 2.0})])
        assert hook.got == [3.0, 3.0]

    def test_behind_a_control_dependency(self, graph):
        with tf.control_dependencies([graph.get_tensor_by_name('next:0')]):
            after = tf.constant(1.0) + 0
        with pytest.raises(errors.UnfedPlaceholderError) as caught:
            run([Asks(after)])
        self.check(caught)

    def test_in_a_branch_only_the_run_knows(self, graph, run_plans):
        take = tf.placeholder_with_default(True, [], name='take')
        chosen = tf.cond(
            take, lambda: tf.placeholder(tf.float32, [], name='inner') + 1, lambda: 0.0
        )
        hook = Asks([chosen])
        with tfhooks.MonitoredSession(hooks=[hook], run_plans=run_plans) as session:
            for _ in range(2):
                assert session.run('zero:0', {take: False}) == 0.0
                with pytest.raises(errors.UnfedPlaceholderError, match='inner') as caught:
                    session.run('zero:0')
                assert str(caught.value).startswith('Asks.before_run: fetches[0]')
                assert isinstance(caught.value.__cause__, tf.errors.InvalidArgumentError)
        assert hook.got == [[0.0], [0.0]]

    def test_with_control_inputs_only_the_run_knows(self, graph, run_plans):
        with tf.control_dependencies([tf.no_op()]):
            late = tf.placeholder(tf.float32, [], name='late')
        with pytest.raises(errors.UnfedPlaceholderError) as caught:
            run([Asks(late + 1)], run_plans=run_plans)
        self.check(caught, placeholder='late:0')
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            run([Asks(late + 1)], late + 2, run_plans=run_plans)
        assert not isinstance(caught.value, errors.RequestError)

    def test_branch_decided_by_a_constant_may_be_cut_off(self, graph):
        x = graph.get_tensor_by_name('x:0')
        chosen = tf.cond(tf.logical_not(tf.constant(True)), lambda: x + 1, lambda: 0.0)
        hook = Asks(chosen)
        run([hook])
        assert hook.got == [0.0, 0.0]

    def test_other_errors_of_the_run_stay(self, graph):
        bad = tf.debugging.check_numerics(tf.constant(np.nan), 'not a number')
        with pytest.raises(tf.errors.InvalidArgumentError, match='not a number') as caught:
            run([Asks(bad)])
        assert type(caught.value) is tf.errors.InvalidArgumentError


class TestWhenFed:
    class Waits(Asks):
        when_fed = ('x:0',)

    @pytest.mark.parametrize('where', ['class', 'instance', 'begin', 'name', 'set'])
    def test_takes_part_only_when_fed(self, graph, where):
        x = graph.get_tensor_by_name('x:0')
        hook = self.Waits('next:0') if where == 'class' else Asks('next:0')
        if where == 'begin':
            hook.begin = lambda: setattr(hook, 'when_fed', [x])
        elif where != 'class':
            hook.when_fed = {'instance': [x], 'name': 'x:0', 'set': {'x:0'}}[where]
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run('zero:0')
            assert hook.got == []
            session.run('zero:0', {x: 1.0})
            session.run('zero:0', {'x:0': 2.0})
            session.run('zero:0')
        assert hook.got == [2.0, 3.0]

    def test_another_hook_may_feed(self, graph):
        hook = self.Waits('next:0')
        run([hook, Asks(None, {'x:0': 1.0})])
        assert hook.got == [2.0, 2.0]

    def test_all_must_be_fed(self, graph):
        hook = Asks('next:0')
        hook.when_fed = ['x:0', 'v:0']
        run([hook], 'zero:0', {'x:0': 1.0})
        assert hook.got == []
        run([hook], 'zero:0', {'x:0': 1.0, 'v:0': [1.0, 2.0]})
        assert hook.got == [2.0, 2.0]

    def test_sparse_placeholders_are_waited_for(self, graph):
        sparse = tf.sparse_placeholder(tf.float32)
        hook = Asks(sparse)
        hook.when_fed = [sparse]
        run([hook], times=1)
        assert hook.got == []
        run([hook], 'zero:0', {sparse: tf.SparseTensorValue([[1]], [5.0], [2])}, times=1)
        assert len(hook.got) == 1

    @pytest.mark.parametrize(
        ('when_fed', 'kind'),
        [(['nowhere:0'], ValueError), ([5], TypeError), (5, TypeError), ([None], TypeError)],
    )
    def test_what_is_no_placeholder_is_refused(self, graph, when_fed, kind):
        hook = Asks('next:0')
        hook.when_fed = when_fed
        with pytest.raises(kind, match=r'Asks\.when_fed must'):
            tfhooks.MonitoredSession(hooks=[hook])


class TestRunContext:
    def test_original_args_are_copies_with_options(self, graph):
        seen = []

        class Looks(tfhooks.SessionRunHook):
            def before_run(self, run_context):
                args = run_context.original_args
                seen.append((args.fetches, dict(args.feed_dict), args.options.timeout_in_ms))
                args.feed_dict.clear()
                args.options.timeout_in_ms = 1

        options = tf.RunOptions(timeout_in_ms=60_000)
        feeds = {'x:0': 1.0}
        assert run([Looks()], 'next:0', feeds, options=options) == 2.0
        assert seen == [('next:0', {'x:0': 1.0}, 60_000)] * 2
        assert feeds == {'x:0': 1.0}
        assert options.timeout_in_ms == 60_000

    def test_original_args_are_without_what_hooks_ask(self, graph):
        seen = []
        hooks = [Asks('next:0', {'x:0': 1.0}), Other()]
        hooks[1].before_run = lambda run_context: seen.append(run_context.original_args)
        run(hooks, times=1)
        assert seen == [tfhooks.SessionRunArgs('zero:0', None, None)]


class TestOwnCode:
    """What a hook's own code raises stays what it is, and says where."""

    @pytest.mark.parametrize('method', ['begin', 'after_create_session', 'before_run', 'after_run'])
    def test_note_names_hook_and_method(self, graph, method):
        def fail(*arguments):
            raise KeyError('mine')

        hook = Asks('one:0')
        setattr(hook, method, fail)
        with pytest.raises(KeyError) as caught:
            run([Other('one:0'), hook])
        assert caught.value.__notes__ == [f'raised in Asks.{method}()']
        assert caught.value.args == ('mine',)

    def test_note_names_end(self, graph):
        def fail(*arguments):
            raise KeyError('mine')

        hooks = [Asks(), Asks()]
        hooks[1].end = fail
        with pytest.raises(KeyError) as caught:
            run(hooks)
        assert caught.value.__notes__ == ['raised in Asks[1].end()']
