"""RestoreHook restores a part of a checkpoint, by a map of names."""

import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from pages import run_page
from stock_models import SESSIONS, LoseSession, train_op

import tfhooks
from tfhooks import testing
from tfhooks._more_hooks import restore
from tfhooks._more_hooks.restore import RestoreHook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'checkpoint': None}, TypeError, 'checkpoint must be a path; checkpoint=None'),
        ({'name_map': 'a'}, TypeError, "name_map must be a dict or a function .*name_map='a'"),
        ({'name_map': lambda: 1}, TypeError, 'name_map must be .* function of one argument'),
        ({'include': 5}, TypeError, 'include must be a regular expression or a list .*include=5'),
        ({'include': [5]}, TypeError, 'include must be regular expressions; include=5'),
        ({'exclude': ['(']}, ValueError, r"exclude must be regular expressions; exclude='\('"),
        ({'strict': 1}, TypeError, 'strict must be True or False; strict=1'),
        ({'always': 'x'}, TypeError, "always must be True or False; always='x'"),
        ({'init_fn': 1}, TypeError, 'init_fn must be a function of one argument, the session'),
        ({'init_fn': lambda a, b: 1}, TypeError, 'init_fn must be a function of one argument'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        RestoreHook(**{'checkpoint': 'model', **arguments})


def saved(directory, **values):
    """A checkpoint of variables with these values; `__` in a name stands for `/`."""
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {name.replace('__', '/'): tf.Variable(value) for name, value in values.items()}
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(variables).save(session, str(directory / 'old'))


def variable(name, value, resource=True):
    return tf.get_variable(name, initializer=value, use_resource=resource)


def values_after(make, hook, hooks=(), runs=1, **arguments):
    """The values of all variables of the default graph after some steps with `hook`."""
    train = train_op()
    creator = tf.train.ChiefSessionCreator(**arguments)
    with make(session_creator=creator, hooks=[hook, *hooks]) as session:
        for _ in range(runs):
            session.run(train)
        values = session.run_step_fn(
            lambda step_context: step_context.session.run(
                {v.op.name: v for v in tf.global_variables()}
            )
        )
    return {name: np.asarray(value).tolist() for name, value in values.items()}


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('resource', [False, True])
def test_restores_all_but_the_global_step(make, resource, tmp_path):
    path = saved(tmp_path, w=[1.0, 2.0], names=['a', 'b'], global_step=np.int64(70), unused=1)
    with tf.Graph().as_default():
        variable('w', [0.0, 0.0], resource)
        variable('names', ['', ''], resource)
        values = values_after(make, RestoreHook(path))
    assert values == {'w': [1.0, 2.0], 'names': [b'a', b'b'], 'global_step': 1}


@pytest.mark.parametrize('make', SESSIONS)
def test_takes_the_latest_of_a_directory(make, tmp_path):
    saved(tmp_path, w=5)
    with tf.Graph().as_default():
        variable('w', 0)
        assert values_after(make, RestoreHook(tmp_path))['w'] == 5


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize(
    'name_map',
    [
        {'old/w': 'new/w', 'old/b': 'new/b'},
        lambda name: name.replace('old/', 'new/') if name.startswith('old/') else None,
    ],
)
def test_a_name_map(make, name_map, tmp_path):
    path = saved(tmp_path, old__w=1, old__b=2, head=3)
    with tf.Graph().as_default():
        variable('new/w', 0)
        variable('new/b', 0)
        variable('head', 9)
        hook = RestoreHook(path, name_map=name_map, exclude='^head$' if callable(name_map) else ())
        values = values_after(make, hook)
    # A name that is not in a dict stays as it is; a function speaks for all.
    head = 9 if callable(name_map) else 3
    assert values == {'new/w': 1, 'new/b': 2, 'head': head, 'global_step': 1}


def test_names_may_be_exchanged(tmp_path):
    path = saved(tmp_path, a=1, b=2, c=3)
    with tf.Graph().as_default():
        for name in 'abc':
            variable(name, 0)
        hook = RestoreHook(path, name_map={'a': 'b', 'b': 'a'})
        values = values_after(tfhooks.MonitoredSession, hook)
    assert (values['a'], values['b'], values['c']) == (2, 1, 3)


def test_a_name_that_was_given_goes_before_one_that_stays(tmp_path):
    path = saved(tmp_path, a=1, b=2)
    with tf.Graph().as_default():
        variable('b', 0)
        values = values_after(tfhooks.MonitoredSession, RestoreHook(path, name_map={'a': 'b'}))
    assert values['b'] == 1


@pytest.mark.parametrize(
    ('arguments', 'restored'),
    [
        ({'include': 'conv'}, ['conv1/b', 'conv1/w', 'conv2/w']),
        ({'include': ['^conv1', re.compile('head')]}, ['conv1/b', 'conv1/w', 'head/w']),
        ({'exclude': '/w$'}, ['conv1/b']),
        ({'include': 'conv', 'exclude': ['1/', 'b']}, ['conv2/w']),
        ({'include': []}, []),
    ],
)
def test_include_and_exclude(arguments, restored, tmp_path):
    path = saved(tmp_path, conv1__w=1, conv1__b=1, conv2__w=1, head__w=1)
    with tf.Graph().as_default():
        for name in ('conv1/w', 'conv1/b', 'conv2/w', 'head/w'):
            variable(name, 0)
        values = values_after(tfhooks.MonitoredSession, RestoreHook(path, **arguments))
    del values['global_step']
    assert sorted(name for name, value in values.items() if value == 1) == restored


WRONG = [
    'gone: in name_map, but not in the checkpoint',
    'nowhere: in name_map, but no variable to be restored',
    'twice: the new name of both a and b',
    r'missing: not in the checkpoint; shape=\(\)',
    r'shaped: shape=\(2,\), in the checkpoint \(3,\)',
    r'mapped \(there other\): dtype=float32, in the checkpoint int32',
]


@pytest.mark.parametrize('make', SESSIONS)
def test_all_that_is_wrong_is_listed_and_nothing_restored(make, tmp_path):
    path = saved(tmp_path, good=1, a=1, b=1, shaped=[1, 2, 3], other=1)
    started = []
    with tf.Graph().as_default():
        good = variable('good', 0)
        for name, value in {'twice': 0, 'missing': 0, 'shaped': [0, 0], 'mapped': 0.0}.items():
            variable(name, value)
        name_map = {
            'gone': 'good',
            'good': 'nowhere',
            'a': 'twice',
            'b': 'twice',
            'other': 'mapped',
        }
        hook = RestoreHook(path, name_map=name_map, init_fn=started.append)

        class Look(tf.train.SessionRunHook):
            def after_create_session(self, session, coord):
                self.session = session

        look = Look()
        train_op()
        with pytest.raises(ValueError, match='Nothing is restored') as caught:
            make(hooks=[look, hook])
        for line in WRONG:
            assert re.search(f'^  {line}$', str(caught.value), re.MULTILINE), line
        assert str(caught.value).startswith(
            'RestoreHook.after_create_session: each variable must be in the checkpoint'
        )
        assert started == []
        assert good.op.name == 'good'


def test_nothing_is_assigned_before_all_is_known_to_fit(tmp_path):
    path = saved(tmp_path, good=1)
    with tf.Graph().as_default(), tf.Session() as session:
        good = variable('good', 0)
        variable('missing', 0)
        session.run(tf.global_variables_initializer())
        hook = RestoreHook(path)
        hook.begin()
        with pytest.raises(ValueError, match='missing: not in the checkpoint'):
            hook.after_create_session(session, None)
        assert session.run(good) == 0


@pytest.mark.parametrize('make', SESSIONS)
def test_not_strict_leaves_the_rest_as_initialised_and_says_so(make, tmp_path, log):
    path = saved(tmp_path, good=1, shaped=[1, 2, 3])
    with tf.Graph().as_default():
        variable('good', 0)
        variable('missing', 7)
        variable('shaped', [8])
        values = values_after(make, RestoreHook(path, strict=False))
    assert values == {'good': 1, 'missing': 7, 'shaped': [8], 'global_step': 1}
    (warning,) = log('RestoreHook leaves 2 variables as they are')
    assert 'missing: not in the checkpoint' in warning
    assert 'shaped: shape=(1,), in the checkpoint (3,)' in warning


def test_a_mistake_in_the_name_map_is_an_error_even_if_not_strict(tmp_path):
    path = saved(tmp_path, a=1)
    with tf.Graph().as_default():
        variable('a', 0)
        with pytest.raises(ValueError, match='typo: in name_map, but not in the checkpoint'):
            values_after(
                tfhooks.MonitoredSession,
                RestoreHook(path, name_map={'typo': 'a'}, strict=False),
            )


@pytest.mark.parametrize('make', SESSIONS)
def test_no_checkpoint(make, tmp_path):
    for path in (tmp_path / 'none', tmp_path):
        missing = pytest.raises(tf.errors.NotFoundError, match=re.escape(f"checkpoint='{path}'"))
        with tf.Graph().as_default(), missing:
            values_after(make, RestoreHook(path))


@pytest.mark.parametrize('make', SESSIONS)
def test_partitioned_variables(make, tmp_path):
    path = saved(tmp_path, table=np.arange(12.0).reshape(6, 2))
    with tf.Graph().as_default():
        table = tf.get_variable('table', [6, 2], tf.float64, partitioner=lambda **_: [3, 1])
        with tf.Session():
            parts = [part.op.name for part in table]
        values = values_after(make, RestoreHook(path))
    assert [values[part] for part in parts] == [
        [[0.0, 1.0], [2.0, 3.0]],
        [[4.0, 5.0], [6.0, 7.0]],
        [[8.0, 9.0], [10.0, 11.0]],
    ]


def test_large_models_are_restored_part_by_part(tmp_path, monkeypatch):
    monkeypatch.setattr(restore, '_MOST_BYTES', 20)
    path = saved(tmp_path, a=[1.0, 2.0], b=[3.0, 4.0], c=[5.0, 6.0], d=[0.0] * 50)
    with tf.Graph().as_default():
        initial = tf.zeros([2])
        # The same tensor is the initial value of two of them.
        for name in 'abc':
            tf.Variable(initial, name=name)
        variable('d', [1.0] * 50)
        runs = []

        class Count(tf.train.SessionRunHook):
            def after_create_session(self, session, coord):
                run = session.run
                session.run = lambda *args, **keys: runs.append(args) or run(*args, **keys)

        count, hook = Count(), RestoreHook(path)
        train_op()
        with tf.train.MonitoredSession(hooks=[count, hook]) as session:
            values = session.run({v.op.name: v for v in tf.global_variables()})
    assigns = [args for args in runs if len(args) == 2 and isinstance(args[1], dict)]
    assert len(assigns) >= 3
    assert values['a'].tolist() == [1.0, 2.0]
    assert values['b'].tolist() == [3.0, 4.0]
    assert values['c'].tolist() == [5.0, 6.0]
    assert values['d'].tolist() == [0.0] * 50


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('always', [False, True])
def test_training_that_has_begun_goes_on_with_its_own_values(make, always, tmp_path):
    path = saved(tmp_path, w=5)
    directory = str(tmp_path / 'own')
    created = []
    hook = RestoreHook(path, always=always, init_fn=lambda session: created.append(session))

    def trained():
        with tf.Graph().as_default():
            w = variable('w', 0)
            train = tf.group(tf.assign_add(w, 1), train_op())
            saver = tfhooks.CheckpointSaverHook(directory, save_steps=100)
            creator = tf.train.ChiefSessionCreator(checkpoint_dir=directory)
            # As in MonitoredTrainingSession, the saver comes first.
            with make(session_creator=creator, hooks=[saver, hook]) as session:
                for _ in range(3):
                    session.run(train)
                return int(session.run(w))

    assert trained() == 8
    assert trained() == (8 if always else 11)
    assert len(created) == 2


@pytest.mark.parametrize('make', SESSIONS)
def test_training_that_was_saved_before_its_first_step_begins_again(make, tmp_path):
    path = saved(tmp_path, w=5)
    directory = str(tmp_path / 'own')
    for runs in (0, 2):
        with tf.Graph().as_default():
            variable('w', 0)
            saver = tfhooks.CheckpointSaverHook(directory, save_steps=100)
            values = values_after(
                make, RestoreHook(path), [saver], runs=runs, checkpoint_dir=directory
            )
            assert values['w'] == 5


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('always', [False, True])
def test_a_recovered_session_is_restored_if_it_begins_again(make, always, tmp_path):
    path = saved(tmp_path, w=5)
    created = []
    with tf.Graph().as_default():
        variable('w', 0)
        hook = RestoreHook(path, always=always, init_fn=lambda session: created.append(session))
        values = values_after(make, hook, [LoseSession(3)], runs=5)
    assert values['w'] == 5
    assert len(created) == 2
    assert created[0] is not created[1]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('always', [False, True])
def test_a_recovered_session_that_goes_on_keeps_its_values(make, always, tmp_path):
    path = saved(tmp_path, w=5)
    directory = str(tmp_path / 'own')
    with tf.Graph().as_default():
        w = variable('w', 0)
        train = tf.group(tf.assign_add(w, 1), train_op())
        saver = tfhooks.CheckpointSaverHook(directory, save_steps=1)
        creator = tf.train.ChiefSessionCreator(checkpoint_dir=directory)
        hooks = [saver, RestoreHook(path, always=always), LoseSession(3)]
        with make(session_creator=creator, hooks=hooks) as session:
            for _ in range(5):
                session.run(train)
            # One run was made twice, from the step it was lost at.
            assert session.run(w) == 11


@pytest.mark.parametrize('make', SESSIONS)
def test_a_checkpoint_that_is_gone_is_not_missed_later(make, tmp_path):
    path = saved(tmp_path, w=5)
    directory = str(tmp_path / 'own')
    for _ in range(2):
        with tf.Graph().as_default():
            variable('w', 0)
            saver = tfhooks.CheckpointSaverHook(directory, save_steps=1)
            values = values_after(make, RestoreHook(path), [saver], checkpoint_dir=directory)
            assert values['w'] == 5
        for name in tf.gfile.Glob(f'{path}*'):
            tf.gfile.Remove(name)


def test_a_step_that_begins_elsewhere_is_the_beginning(tmp_path):
    path = saved(tmp_path, w=5)
    with tf.Graph().as_default():
        step = tf.get_variable(
            'global_step',
            initializer=np.int64(1000),
            trainable=False,
            collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.GLOBAL_STEP],
        )
        w = variable('w', 0)
        with tfhooks.MonitoredSession(hooks=[RestoreHook(path)]) as session:
            assert session.run([step, w]) == [1000, 5]


def test_a_graph_without_a_global_step(tmp_path):
    path = saved(tmp_path, w=5)
    with tf.Graph().as_default():
        w = variable('w', 0)
        with tfhooks.MonitoredSession(hooks=[RestoreHook(path)]) as session:
            assert session.run(w) == 5


def test_costs_a_step_nothing():
    from tfhooks._run.calls import Calls
    from tfhooks._run.members import make_members

    calls = Calls(make_members([RestoreHook('model')]))
    assert (calls.before_run_calls, calls.after_run_calls) == ([], [])


def test_keeps_the_contract(tmp_path):
    path = saved(tmp_path, w=5)

    def make():
        variable('w', 0)
        return RestoreHook(path)

    testing.check_hook(make)


def test_page(tmp_path):
    output = run_page('restore', tmp_path)
    assert 'encoder is [1.0, 2.0], head is [0.0, 0.0]' in output
