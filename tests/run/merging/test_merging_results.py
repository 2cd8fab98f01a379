"""Each party gets the results of what it asked for, as it asked."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow
from merging_models import Asks, Box, Frozen, Losses, Other, Pair, run

import tfhooks
from tfhooks._run import merging

tf = tensorflow.compat.v1


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


class TestRunContext:
    def test_original_args_hold_the_callers_feeds_and_a_copy_of_the_options(self, graph):
        seen = []

        class Looks(tfhooks.SessionRunHook):
            def before_run(self, run_context):
                args = run_context.original_args
                seen.append((args.fetches, dict(args.feed_dict), args.options.timeout_in_ms))
                args.feed_dict['x:0'] = args.feed_dict['x:0'] + 1
                args.options.timeout_in_ms = 1

        options = tf.RunOptions(timeout_in_ms=60_000)
        feeds = {'x:0': 1.0}
        assert run([Looks()], 'next:0', feeds, options=options) == 4.0
        assert seen == [('next:0', {'x:0': 1.0}, 60_000), ('next:0', {'x:0': 2.0}, 60_000)]
        assert feeds == {'x:0': 3.0}
        assert options.timeout_in_ms == 60_000

    def test_original_args_are_without_what_hooks_ask(self, graph):
        seen = []
        hooks = [Asks('next:0', {'x:0': 1.0}), Other()]
        hooks[1].before_run = lambda run_context: seen.append(run_context.original_args)
        run(hooks, times=1)
        assert seen == [tfhooks.SessionRunArgs('zero:0', None, None)]
