"""Mistakes in requests are listed together, with whose they are."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow
from merging_models import Asks, Other, run

import tfhooks
from tfhooks._base import errors

tf = tensorflow.compat.v1


# What `Session.run` raises for a wrong request.
USUAL = (TypeError, ValueError, AttributeError, tf.errors.InvalidArgumentError)


class TestAllMistakesAtOnce:
    def test_one_error_lists_them_with_whose_they_are(self, graph):
        hooks = [Asks(['one:0', None]), Asks('nowhere:0', {'x:0': 'a', 'v:0': [1.0]}), Other()]
        hooks[2].before_run = lambda run_context: 5
        with pytest.raises(errors.RequestError) as caught:
            run(hooks)
        found = caught.value.problems
        assert [problem.owner for problem in found] == [
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
        assert [problem.owner for problem in caught.value.problems] == [
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
