"""Errors are of TensorFlow's types, say whose they are, and survive odd errors of others."""

from __future__ import annotations

import pickle
import traceback
from types import SimpleNamespace

import pytest
import tensorflow

import tfhooks
from tfhooks._base import errors

tf = tensorflow.compat.v1

KINDS = [
    errors.RequestTypeError,
    errors.RequestValueError,
    errors.RequestOverflowError,
    errors.RequestStringError,
    errors.NoneFedError,
    errors.RequestAccessError,
    errors.ReturnTypeError,
    errors.ConflictError,
    errors.FedTwiceError,
    errors.UnfedPlaceholderError,
]


def problem(kind, owner='A.before_run', text='wrong'):
    return errors.Problem(owner, text, kind)


class TestRequestError:
    @pytest.mark.parametrize('kind', KINDS)
    def test_one_problem_is_of_its_kind(self, kind):
        error = errors.request_error([problem(kind)])
        assert type(error) is kind
        assert str(error) == 'A.before_run: wrong'
        assert error.problems == (problem(kind),)

    @pytest.mark.parametrize('other', KINDS)
    @pytest.mark.parametrize('kind', KINDS)
    def test_two_problems_are_of_both_kinds(self, kind, other):
        error = errors.request_error([problem(kind), problem(other, 'B.before_run')])
        assert isinstance(error, kind)
        assert isinstance(error, other)
        assert str(error) == (
            '2 things are wrong in this request:\n'
            '  1. A.before_run: wrong\n'
            '  2. B.before_run: wrong'
        )
        assert len(error.problems) == 2

    def test_all_kinds_at_once(self):
        error = errors.request_error([problem(kind) for kind in KINDS])
        assert all(isinstance(error, kind) for kind in KINDS)

    def test_runtime_errors_have_what_tensorflows_have(self):
        error = errors.request_error([problem(errors.UnfedPlaceholderError)])
        assert isinstance(error, tf.errors.InvalidArgumentError)
        assert error.error_code == tf.errors.INVALID_ARGUMENT
        assert error.message == 'A.before_run: wrong'
        assert error.op is None
        error = errors.request_error([problem(errors.RequestStringError)])
        assert isinstance(error, tf.errors.InternalError)
        assert error.error_code == tf.errors.INTERNAL

    def test_ends_no_data(self):
        for kind in KINDS:
            assert not errors.ends_data(errors.request_error([problem(kind)]))


class TestKindOf:
    @pytest.mark.parametrize(
        'error',
        [
            TypeError(),
            ValueError(),
            OverflowError(),
            UnicodeError(),
            NotImplementedError(),
            KeyError(),
        ],
        ids=repr,
    )
    def test_is_caught_by_the_same_handlers(self, error):
        kind = errors.kind_of(error)
        assert issubclass(kind, errors.RequestError)
        caught_as = UnicodeError.__base__ if type(error) is UnicodeError else type(error)
        assert issubclass(kind, caught_as)
        assert str(errors.request_error([problem(kind)])).endswith('wrong')

    def test_class_that_cannot_be_joined_is_a_value_error(self):
        class Final(Exception):
            def __init_subclass__(cls):
                raise TypeError('final')

        assert errors.kind_of(Final()) is errors.RequestValueError


class TestBlame:
    def test_note_says_where(self):
        error = KeyError('x')
        errors.note_origin(error, 'A.begin')
        assert error.raised_in == 'A.begin'
        assert error.__notes__ == ['raised in A.begin()']
        assert 'raised in A.begin()' in ''.join(traceback.format_exception(error))

    def test_first_place_stays(self):
        error = KeyError('x')
        errors.note_origin(error, 'A.begin')
        errors.note_origin(error, 'B.end')
        assert error.__notes__ == ['raised in A.begin()']

    def test_error_that_takes_no_note_stays_as_it_is(self):
        class Frozen(Exception):
            def __setattr__(self, name, value):
                raise AttributeError(name)

        error = Frozen('x')
        errors.note_origin(error, 'A.begin')
        assert error.args == ('x',)

    def test_python_without_notes_gets_them_in_the_log(self, monkeypatch):
        lines = []
        monkeypatch.setattr(errors, 'sys', SimpleNamespace(version_info=(3, 10)))
        monkeypatch.setattr(errors.log, 'error', lambda text, *values: lines.append(text % values))
        error = KeyError('x')
        errors.note_origin(error, 'A.begin')
        assert error.__notes__ == ['raised in A.begin()']
        assert lines == ["raised in A.begin(): 'x'"]

    def test_data_ends_only_by_the_run(self):
        places = {None: True, 'A.before_run': True, 'A.after_run': False, 'A.end': False}
        for where, ends in places.items():
            error = tf.errors.OutOfRangeError(None, None, 'end')
            if where:
                errors.note_origin(error, where)
            assert errors.ends_data(error) is ends


def test_errors_that_came_after_are_attached():
    first, second = KeyError('x'), ValueError('y')
    errors.note_origin(second, 'B.end')
    errors.add_secondary_errors(first, [first, second])
    assert first.other_errors == (second,)
    assert first.__notes__ == ['and then in B.end() ValueError: y']


def test_shown_is_short_and_never_fails():
    class Bad:
        def __repr__(self):
            raise RuntimeError('no')

    assert errors.shown(Bad()) == '<Bad>'
    assert len(errors.shown('x' * 1000)) == 80


def test_reason_is_one_short_line():
    assert errors.reason(ValueError('a\n  b')) == 'a b'
    assert errors.reason(KeyError()) == ''
    assert len(errors.reason(ValueError('x' * 1000))) == 300


def test_not_a_hook_is_what_tensorflow_raises_too():
    assert issubclass(errors.NotAHookError, AttributeError)
    assert issubclass(errors.SessionClosedError, (RuntimeError, AttributeError))
    assert str(pickle.loads(pickle.dumps(errors.NotAHookError('x')))) == 'x'


def test_tracebacks_show_public_errors_as_a_program_imports_them():
    public = [getattr(tfhooks, name) for name in tfhooks.__all__]
    kinds = [kind for kind in public if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) == 8
    for kind in kinds:
        assert f'{kind.__module__}.{kind.__qualname__}' == f'tfhooks.{kind.__name__}'
        assert pickle.loads(pickle.dumps(kind)) is kind
    error = errors.checkpoint_save_error('no', OSError('x'))
    assert traceback.format_exception_only(error)[0].startswith('tfhooks.CheckpointSaveError: ')


def test_the_tree_at_the_head_of_the_file_is_that_of_the_classes():
    shown, line_of = {}, []
    for line in errors.__doc__.split('\n\n')[1].splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip()) - 4) // 2
        line_of[depth:] = [name]
        shown[name] = line_of[depth - 1] if depth else None
    made_when_raised = {'MixedRequestError'}
    for name, parent in shown.items():
        kind = getattr(errors, name, None)
        if name in made_when_raised:
            assert kind is None
            continue
        own = [base.__name__ for base in kind.__mro__[1:] if base.__name__ in shown]
        assert (parent in own) if parent else not own, name
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception) and name.endswith('Error')
    }
    assert classes - set(shown) == {'InaccessibleTensorError'}
