"""What may be given as `hooks=`, found out when the session is made."""

from __future__ import annotations

import dataclasses

import pytest
import tensorflow

import tfhooks
from tfhooks._base import errors
from tfhooks._run.calls import Calls
from tfhooks._run.members import make_members, validate_hooks

tf = tensorflow.compat.v1


class Counts(tfhooks.SessionRunHook):
    def __init__(self):
        self.calls = []

    def begin(self):
        self.calls.append('begin')

    def before_run(self, run_context):
        self.calls.append('before_run')

    def after_run(self, run_context, run_values):
        self.calls.append('after_run')

    def end(self, session):
        self.calls.append('end')


class Duck:
    """Has the methods of a hook, and is none."""

    def __init__(self):
        self.calls = []

    def begin(self):
        self.calls.append('begin')

    def after_create_session(self, session, coord):
        self.calls.append('after_create_session')

    def before_run(self, run_context):
        return tf.train.SessionRunArgs('one:0')

    def after_run(self, run_context, run_values):
        self.calls.append(float(run_values.results))

    def end(self, session):
        self.calls.append('end')


ALL = ['begin', 'before_run', 'after_run', 'end']


@pytest.fixture(autouse=True)
def _graph_with_one(graph):
    tf.constant(1.0, name='one')


def run(hooks):
    with tfhooks.MonitoredSession(hooks=hooks) as session:
        session.run('one:0')


@pytest.mark.parametrize(
    'kind',
    [list, tuple, iter, set, lambda hooks: (h for h in hooks), lambda hooks: dict.fromkeys(hooks)],
)
def test_any_iterable_is_taken_once(kind):
    hooks = [Counts(), Counts()]
    run(kind(hooks))
    assert [hook.calls for hook in hooks] == [ALL, ALL]


def test_none_is_no_hooks():
    run(None)
    assert make_members(None) == ()


def test_list_may_change_after_the_session_is_made():
    hooks = [Counts()]
    with tfhooks.MonitoredSession(hooks=hooks) as session:
        hook = hooks.pop()
        session.run('one:0')
    # It is the session's list, as in TensorFlow: who is taken out is called no more.
    assert hook.calls == ['begin']


@pytest.mark.parametrize(
    ('make', 'words'),
    [
        (lambda: Counts(), 'hooks must be a list of hooks. got a single hook'),
        (lambda: tf.train.StopAtStepHook(1), 'Write: hooks=[...]'),
        (lambda: Duck(), 'hooks must be an iterable of hooks'),
        (lambda: 5, 'hooks must be an iterable of hooks. got hooks=5 (type=int)'),
        (lambda: Counts, 'hooks must be an iterable of hooks'),
        (lambda: [Counts], 'hooks[0]=Counts. Write: Counts(...)'),
        (lambda: [Counts(), tf.train.StopAtStepHook], 'hooks[1]=StopAtStepHook'),
        (lambda: [Counts(), None], 'hooks[1]=None (type=NoneType), which lacks begin'),
        (lambda: [[Counts()]], 'hooks[0]='),
        (lambda: 'hooks', "hooks[0]='h'"),
        (lambda: [lambda: None], 'which lacks begin, after_create_session, before_run'),
        (lambda: [object()], '(type=object)'),
    ],
)
def test_what_is_no_list_of_hooks_is_refused_when_the_session_is_made(make, words):
    with pytest.raises(errors.NotAHookError) as caught:
        tfhooks.MonitoredSession(hooks=make())
    assert words in str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, AttributeError)


def test_nearly_a_hook_is_told_what_it_lacks():
    class Nearly(Duck):
        end = None

    with pytest.raises(errors.NotAHookError, match=r'which lacks end$'):
        tfhooks.MonitoredSession(hooks=[Nearly()])


@pytest.mark.parametrize('where', ['hooks', 'chief_only_hooks'])
def test_an_object_listed_twice_is_called_twice_and_a_warning_says_so(where, caplog):
    with tf.Graph().as_default():
        train = tf.assign_add(tf.train.get_or_create_global_step(), 1)
        hook = Counts()
        hooks = {'hooks': [hook, Counts(), hook]}
        if where == 'chief_only_hooks':
            hooks = {'hooks': [hook], 'chief_only_hooks': [hook]}
        with tfhooks.MonitoredTrainingSession(**hooks) as session:
            session.run(train)
    assert hook.calls.count('begin') == 2
    assert hook.calls.count('after_run') == 2
    assert sum('Counts is listed 2 times' in r.getMessage() for r in caplog.records) == 1


def test_equal_objects_are_not_the_same():
    @dataclasses.dataclass(frozen=True)
    class Same(tfhooks.SessionRunHook):
        name: str = 'same'

    members = make_members([Same(), Same()])
    assert [member.name for member in members] == ['Same[0]', 'Same[1]']
    assert members[0] != members[1]


def test_hook_whose_repr_fails_is_still_named():
    class Silent:
        def __repr__(self):
            raise ValueError('no repr')

    with pytest.raises(errors.NotAHookError, match='<Silent>'):
        tfhooks.MonitoredSession(hooks=[Silent()])


def test_graph_is_not_touched_when_hooks_are_refused(graph):
    version = graph.version
    with pytest.raises(errors.NotAHookError):
        tfhooks.MonitoredSession(hooks=[5])
    assert graph.version == version
    assert not graph.finalized
    run([Counts()])


def test_duck_with_all_methods_is_taken():
    duck = Duck()
    run([duck])
    assert duck.calls == ['begin', 'after_create_session', 1.0, 'end']


def test_hooks_of_tensorflow_are_taken_and_named():
    members = make_members([tf.train.StopAtStepHook(1), Counts(), tf.train.StopAtStepHook(2)])
    assert [member.name for member in members] == [
        'StopAtStepHook[0]',
        'Counts',
        'StopAtStepHook[2]',
    ]
    assert members[1].asking == 'Counts.before_run'


def test_what_a_hook_of_tfhooks_does_nothing_in_is_not_called():
    class OnlyEnds(tfhooks.SessionRunHook):
        def end(self, session):
            pass

    class SetOnInstance(tf.train.SessionRunHook):
        def __init__(self):
            self.after_run = lambda run_context, run_values: None

    members = make_members([OnlyEnds(), SetOnInstance(), Counts(), tfhooks.hook(end=print)])
    calls = Calls(members)
    # Methods may be put on a hook that is not tfhooks' own at any time.
    assert [member.index for _, member in calls.before_run_calls] == [0, 1, 2]
    assert [index for index, *_ in calls.after_run_calls] == [0, 1, 2]


def test_other_arguments_are_named():
    with pytest.raises(errors.NotAHookError, match=r'^chief_only_hooks must'):
        validate_hooks(5, 'chief_only_hooks')
