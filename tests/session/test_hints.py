"""What a traceback says to do where an error's text is TensorFlow's."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import tfhooks
from tfhooks._session import hints


class Fetches(tfhooks.SessionRunHook):
    def __init__(self, fetches):
        self.fetches = fetches

    def before_run(self, run_context):
        return tfhooks.SessionRunArgs(self.fetches)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@contextlib.contextmanager
def hinted(kind):
    """Gives, when the block has raised an error of a kind, the error's notes in one string."""
    notes = []
    with pytest.raises(kind) as raised:
        yield notes
    notes.append('\n'.join(getattr(raised.value, '__notes__', ())))


def test_a_change_of_the_finalized_graph_names_the_line(tmp_path):
    loss = tf.constant(1.0)
    with hinted(RuntimeError) as notes, tfhooks.MonitoredSession():
        assert loss < 3
    assert f'{__file__}, line ' in notes[0]
    assert '(`assert loss < 3`)' in notes[0]
    assert 'session.run(tensor)' in notes[0]


def test_a_hook_that_builds_in_a_run_is_named_with_its_line():
    loss = tf.constant(1.0)

    def build(run_context):
        return tfhooks.SessionRunArgs(loss + 1)

    hook = tfhooks.hook(before_run=build)
    with hinted(RuntimeError) as notes:
        tfhooks.MonitoredSession(hooks=[hook]).run([])
    assert 'raised in build' in notes[0]
    assert 'SessionRunArgs(loss + 1)`)' in notes[0]
    assert notes[0].count('finalized') == 1


@pytest.mark.parametrize(
    ('given', 'meant'),
    [('los:0', "'model/loss:0'?"), ('loss:0', "'model/loss:0'?"), ('model/los', "'model/loss:0'?")],
)
def test_a_misspelt_tensor_is_answered_with_its_name(given, meant):
    tf.constant(1.0, name='los/unlike')
    with tf.name_scope('model'):
        tf.constant(1.0, name='loss')
    for hooks, fetches in [([], given), ([Fetches([given])], [])]:
        with hinted(ValueError) as notes:
            tfhooks.MonitoredSession(hooks=hooks).run(fetches)
        if given == 'los:0':
            assert "'los/unlike:0'" not in notes[0]
        else:
            assert notes[0].endswith(f'Did you mean {meant}')


def test_an_operation_for_a_tensor_is_answered_with_the_tensor():
    x = tf.placeholder(tf.float32, name='x')
    with hinted(TypeError) as notes:
        tfhooks.MonitoredSession().run(x, {'x': 1.0})
    assert notes[0] == "Did you mean 'x:0'?"


def test_a_name_like_no_other_gets_no_answer():
    tf.constant(1.0, name='loss')
    with hinted(ValueError) as notes:
        tfhooks.MonitoredSession().run('accuracy:0')
    assert notes == ['']


def test_a_variable_without_a_value_is_told_with_who_fetches_it():
    hidden = tf.Variable(1.0, collections=[], name='hidden', use_resource=False)
    resource = tf.Variable(1.0, collections=[], name='resource', use_resource=True)
    twice = 2 * hidden
    tf.get_variable('weight', initializer=1.0)
    scaffold = tf.train.Scaffold(ready_op=tf.constant([], tf.string))
    creator = tfhooks.ChiefSessionCreator(scaffold)
    with hinted(tf.errors.FailedPreconditionError) as notes:
        tfhooks.MonitoredSession(creator, hooks=[Fetches({'a': twice})]).run([])
    assert notes[0].startswith("fetched by Fetches.before_run: fetches['a']\nVariable hidden is ")
    with hinted(tf.errors.FailedPreconditionError) as notes:
        tfhooks.MonitoredSession(creator).run(resource)
    assert notes[0].startswith('fetched by the caller: fetches\nVariable resource is neither')


def test_a_variable_that_a_scaffold_leaves_out_is_told_so():
    weight = tf.get_variable('weight', initializer=1.0, use_resource=False)
    nothing = tf.constant([], tf.string)
    scaffold = tf.train.Scaffold(
        init_op=tf.no_op(), ready_op=nothing, ready_for_local_init_op=nothing
    )
    with hinted(tf.errors.FailedPreconditionError) as notes:
        tfhooks.MonitoredSession(tfhooks.ChiefSessionCreator(scaffold)).run(weight)
    assert 'a Scaffold that is given init_op' in notes[0]


def test_variables_that_an_init_op_leaves_out_are_told_whose_they_are():
    tf.get_variable('weight', initializer=1.0)
    creator = tfhooks.ChiefSessionCreator(tf.train.Scaffold(init_op=tf.no_op()))
    with hinted(RuntimeError) as notes:
        tfhooks.MonitoredSession(creator)
    assert 'tf.global_variables_initializer()' in notes[0]


def test_an_operation_of_another_graph_is_not_shown_with_its_attributes():
    with tf.Graph().as_default():
        other = tf.constant(np.zeros([9])).op
    for hooks, fetches in [([], other), ([Fetches(other)], [])]:
        with pytest.raises(tfhooks.RequestError) as raised:
            tfhooks.MonitoredSession(hooks=hooks).run(fetches)
        assert isinstance(raised.value, ValueError)
        assert 'attr' not in str(raised.value)
        assert raised.value.__suppress_context__
        assert 'in another tf.Graph' in raised.value.__notes__[0]


def test_a_step_of_another_dtype_is_told_with_both(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.Variable(0, name='global_step', use_resource=False)
        session.run(step.initializer)
        path = tf.train.Saver().save(session, str(tmp_path / 'model'))
    tf.train.create_global_step()
    saver = tf.train.Saver()
    scaffold = tf.train.Scaffold(init_fn=lambda scaffold, session: saver.restore(session, path))
    with hinted(tf.errors.InvalidArgumentError) as notes:
        tfhooks.MonitoredSession(tfhooks.ChiefSessionCreator(scaffold))
    assert 'global_step is int64 in the model and int32 in the checkpoint' in notes[0]


def test_a_model_that_is_built_twice_is_told_how_to_begin_anew():
    tf.train.create_global_step()
    with hinted(ValueError) as notes, tfhooks.MonitoredSession():
        tf.train.create_global_step()
    assert 'get_or_create_global_step()' in notes[0]
    tf.get_variable('weight', [1])
    with hinted(ValueError) as notes, tfhooks.MonitoredSession():
        tf.get_variable('weight', [1])
    assert 'tf.reset_default_graph()' in notes[0]


def test_an_error_is_hinted_once_and_its_text_stays():
    error = RuntimeError('Global step should be created to use MyHook.')
    hints.hint(error)
    hints.hint(error)
    (note,) = error.__notes__
    assert 'tf.train.get_or_create_global_step()' in note
    assert str(error) == 'Global step should be created to use MyHook.'


def test_an_error_that_no_hint_is_for_is_left_alone():
    class Silent(RuntimeError):
        def __str__(self):
            raise ValueError

    for error in (Silent(), ValueError('Global step should be created to use'), KeyError('x')):
        hints.hint(error)
        assert not hasattr(error, '__notes__')


def test_another_type_error_while_a_session_is_made_is_not_taken_for_init_fn():
    def init(scaffold, session):
        int(None)

    scaffold = tf.train.Scaffold(init_fn=init)
    with hinted(TypeError) as notes:
        tfhooks.MonitoredSession(tfhooks.ChiefSessionCreator(scaffold))
    assert notes == ['']
