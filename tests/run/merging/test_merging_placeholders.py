"""Placeholders that nobody feeds."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow
from merging_models import Asks, Other, run

import tfhooks
from tfhooks._base import errors

tf = tensorflow.compat.v1


class TestUnfedPlaceholders:
    def check(self, caught, owner='Asks.before_run', placeholder='x:0'):
        message = str(caught.value)
        assert message.startswith(f'{owner}: fetches')
        assert f'placeholder={placeholder}' in message
        assert 'only_if' in message
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

    @pytest.mark.parametrize(
        'fetches',
        [['x:0'], {'train': 'next'}, ('zero:0', 'next:0')],
        ids=['placeholder', 'operation', 'among others'],
    )
    def test_whatever_is_fetched_of_it(self, graph, fetches):
        with pytest.raises(errors.UnfedPlaceholderError) as caught:
            run([Asks(fetches), Asks('one:0')])
        self.check(caught, 'Asks[0].before_run')
        assert len(caught.value.problems) == 1

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
