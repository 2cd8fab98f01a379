"""Hooks made of functions: checked when made, named by the function, called when due."""

from __future__ import annotations

import collections
import dataclasses
import functools
import time
from typing import Any, NamedTuple

import pytest
import tensorflow

import tfhooks
from tfhooks._base import errors
from tfhooks._run.calls import Calls
from tfhooks._run.members import make_members

tf = tensorflow.compat.v1


class Losses(NamedTuple):
    loss: Any


@dataclasses.dataclass
class Parts:
    loss: Any


@pytest.fixture
def graph(graph):
    tf.constant(1.0, name='loss')
    step = tf.train.create_global_step()
    tf.group(tf.assign_add(step, 1), name='train')
    return graph


def train(hooks, runs, name='train'):
    with tfhooks.MonitoredSession(hooks=hooks) as session:
        for _ in range(runs):
            session.run(name)


class TestHook:
    def test_functions_are_called_as_the_methods_are(self, graph):
        calls = []

        def note(name, answer=None):
            def function(*arguments):
                calls.append((name, len(arguments)))
                return answer

            return function

        request = tfhooks.SessionRunArgs('loss:0')
        hook = tfhooks.hook(
            begin=note('begin'),
            after_create_session=note('after_create_session'),
            before_run=note('before_run', request),
            after_run=lambda run_context, run_values: calls.append(float(run_values.results)),
            end=note('end'),
        )
        train([hook], 2)
        assert calls == [
            ('begin', 0),
            ('after_create_session', 2),
            *[('before_run', 1), 1.0] * 2,
            ('end', 1),
        ]

    def test_is_told_of_an_error(self, graph):
        told = []
        hook = tfhooks.hook(on_error=lambda session, error: told.append(error))
        error = ValueError('mine')
        session = tfhooks.MonitoredSession(hooks=[hook])
        with pytest.raises(ValueError, match='mine'), session:
            raise error
        assert told == [error]

    def test_works_in_tensorflows_sessions(self, graph):
        calls = []
        hook = tfhooks.hook(end=lambda session: calls.append('end'))
        with tf.train.MonitoredSession(hooks=[hook]) as session:
            session.run('train')
        assert calls == ['end']
        assert isinstance(hook, tf.train.SessionRunHook)

    def test_is_named_by_its_function(self, graph):
        def fails_at_end(session):
            raise KeyError('x')

        hook = tfhooks.hook(end=fails_at_end)
        assert repr(hook) == '<hook fails_at_end of end>'
        with pytest.raises(KeyError) as caught:
            train([hook], 1)
        assert caught.value.__notes__ == ['raised in fails_at_end.end()']

    def test_asks_only_for_what_it_has_functions_for(self):
        calls = Calls(make_members([tfhooks.hook(end=lambda session: None)]))
        assert (calls.before_run_calls, calls.after_run_calls) == ([], [])

    def test_one_function_at_least(self):
        with pytest.raises(TypeError, match='give at least one function: begin='):
            tfhooks.hook()

    @pytest.mark.parametrize(
        'arguments',
        [
            {'begin': 5},
            {'begin': 'begin'},
            {'begin': lambda session: None},
            {'begin': tfhooks.SessionRunHook},
            {'after_create_session': lambda session: None},
            {'before_run': lambda: None},
            {'after_run': lambda results: None},
            {'after_run': lambda *, run_context, run_values: None},
            {'end': lambda: None},
            {'end': lambda session, coord: None},
            {'on_error': lambda session: None},
        ],
    )
    def test_what_cannot_be_called_so_is_refused_when_made(self, arguments):
        (name,) = arguments
        with pytest.raises(TypeError, match=f'^tfhooks.hook: {name} must be'):
            tfhooks.hook(**arguments)

    def test_functions_that_would_do_nothing_are_refused(self):
        async def later(session):
            pass

        def generates(session):
            yield

        for function in (later, generates):
            with pytest.raises(TypeError, match='must be a plain function'):
                tfhooks.hook(end=function)

    def test_methods_partials_and_builtins_are_functions(self):
        seen = []
        tfhooks.hook(end=seen.append)
        tfhooks.hook(end=print)
        tfhooks.hook(end=functools.partial(lambda first, session: None, 1))
        tfhooks.hook(after_run=lambda *arguments: None)
        tfhooks.hook(end=lambda session, more=None: None)

    def test_unknown_argument_is_refused(self):
        with pytest.raises(TypeError, match='before'):
            tfhooks.hook(before=print)


class TestAfterRun:
    @pytest.mark.parametrize(
        ('fetches', 'expected'),
        [
            ('loss:0', 1.0),
            (['loss:0', 'train'], [1.0, None]),
            ({'loss': 'loss:0'}, {'loss': 1.0}),
            (Losses('loss:0'), Losses(1.0)),
            (Parts('loss:0'), Parts(1.0)),
            ('train', None),
        ],
    )
    @pytest.mark.parametrize('period', [{}, {'every_n_steps': 1}, {'every_n_secs': 1e-9}])
    def test_function_gets_the_results(self, graph, fetches, expected, period):
        got = []
        hook = tfhooks.after_run(fetches, **period)(lambda results: got.append(results))
        train([hook], 2)
        assert got == [expected, expected]

    def test_function_can_still_be_called(self):
        @tfhooks.after_run('loss:0')
        def double(loss):
            """Twice the loss."""
            return 2 * loss

        assert double(4) == 8
        assert double.__doc__ == 'Twice the loss.'
        assert repr(double) == '<hook double after_run>'

    def test_messages_name_the_function(self, graph):
        @tfhooks.after_run('nowhere:0')
        def show(results):
            pass

        with pytest.raises(
            errors.RequestValueError, match=r"^show\.before_run: fetches: 'nowhere:0'"
        ):
            train([show], 1)

        @tfhooks.after_run('loss:0', every_n_steps=1)
        def fails(results):
            raise KeyError('x')

        with pytest.raises(KeyError) as caught:
            train([show_nothing(), fails], 1)
        assert caught.value.__notes__ == ['raised in fails.after_run()']

    def test_two_of_one_name_are_told_apart(self):
        members = make_members([show_nothing(), show_nothing()])
        assert [member.name for member in members] == ['nothing[0]', 'nothing[1]']

    @pytest.mark.parametrize('session', ['tfhooks', 'tensorflow'])
    def test_every_n_steps(self, graph, session):
        steps = []
        hook = tfhooks.after_run('loss:0', every_n_steps=3)(lambda loss: steps.append(count[0]))
        count = [0]
        module = tfhooks if session == 'tfhooks' else tf.train
        with module.MonitoredSession(hooks=[hook]) as session:
            for number in range(1, 11):
                count[0] = number
                session.run('train')
        assert steps == [1, 4, 7, 10]

    def test_steps_are_global_steps_not_runs(self, graph):
        calls = []
        hook = tfhooks.after_run('loss:0', every_n_steps=2)(calls.append)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(5):
                session.run('loss:0')
            assert len(calls) == 1
            for _ in range(4):
                session.run('train')
        assert len(calls) == 3

    @pytest.mark.parametrize('with_step', [True, False])
    def test_every_n_secs_needs_no_global_step(self, graph, monkeypatch, with_step):
        now = [100.0]
        monkeypatch.setattr(time, 'monotonic', lambda: now[0])
        times = []
        hook = tfhooks.after_run('loss:0', every_n_secs=10)(lambda loss: times.append(now[0]))
        with (graph if with_step else tf.Graph()).as_default():
            if not with_step:
                tf.constant(1.0, name='loss')
            with tfhooks.MonitoredSession(hooks=[hook]) as session:
                for now[0] in (100.0, 105.0, 109.9, 110.0, 111.0, 120.5):
                    session.run('train' if with_step else 'loss:0')
        assert times == [100.0, 110.0, 120.5]

    def test_every_n_steps_needs_a_global_step(self):
        needs = pytest.raises(RuntimeError, match='nothing: every_n_steps needs a global step')
        with tf.Graph().as_default(), needs:
            tfhooks.MonitoredSession(hooks=[show_nothing(every_n_steps=1)])

    def test_object_serves_twice(self, graph):
        calls = []
        hook = tfhooks.after_run('loss:0', every_n_steps=5)(calls.append)
        train([hook], 2)
        train([hook], 2)
        assert len(calls) == 2

    @pytest.mark.parametrize(
        ('arguments', 'kind', 'words'),
        [
            ((None,), TypeError, 'None cannot be fetched; fetches=None'),
            (({'loss': [None]},), TypeError, r"fetches\['loss'\]\[0\]=None"),
            ((Parts(None),), TypeError, r'fetches\.loss=None'),
            (('loss:0', 0, None), ValueError, 'every_n_steps must be at least 1'),
            (('loss:0', -1, None), ValueError, 'every_n_steps=-1'),
            (('loss:0', 1.5, None), TypeError, 'every_n_steps must be a whole number'),
            (('loss:0', True, None), TypeError, 'every_n_steps'),
            (('loss:0', '1', None), TypeError, 'every_n_steps'),
            (('loss:0', None, 0), ValueError, 'every_n_secs must be greater than 0'),
            (('loss:0', None, -1.0), ValueError, 'every_n_secs'),
            (('loss:0', None, float('nan')), ValueError, 'every_n_secs'),
            (('loss:0', None, '1'), TypeError, 'every_n_secs must be a number'),
            (('loss:0', 1, 1), ValueError, 'give one period; every_n_steps=1, every_n_secs=1'),
        ],
    )
    def test_wrong_arguments_are_refused_when_made(self, arguments, kind, words):
        fetches, steps, secs = (*arguments, None, None)[:3]
        with pytest.raises(kind, match=f'^tfhooks.after_run: .*{words}'):
            tfhooks.after_run(fetches, every_n_steps=steps, every_n_secs=secs)

    @pytest.mark.parametrize('function', [5, lambda: None, lambda a, b: None, Losses, 'show'])
    def test_wrong_function_is_refused_when_decorated(self, function):
        with pytest.raises(TypeError, match=r'^tfhooks\.after_run must be'):
            tfhooks.after_run('loss:0')(function)

    def test_periods_go_by_keyword(self):
        with pytest.raises(TypeError):
            tfhooks.after_run('loss:0', 5)

    def test_recovery_takes_up_the_cadence(self, graph):
        """The session that is made anew starts at step 0 again: what comes again is shown again."""
        calls = collections.deque()
        hook = tfhooks.after_run('loss:0', every_n_steps=4)(calls.append)
        fails = [False]

        def fail(run_context):
            if fails[0]:
                fails[0] = False
                raise tf.errors.AbortedError(None, None, 'lost')

        with tfhooks.MonitoredSession(hooks=[hook, tfhooks.hook(before_run=fail)]) as session:
            for _ in range(6):
                session.run('train')
            assert len(calls) == 2
            fails[0] = True
            for _ in range(5):
                session.run('train')
        assert len(calls) == 4


def show_nothing(**period):
    @tfhooks.after_run('loss:0', **period)
    def nothing(results):
        pass

    return nothing
