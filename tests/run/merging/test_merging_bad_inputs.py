"""A table of what hooks must not ask for: each is refused before it runs, with the hook's name."""

from __future__ import annotations

import bad_feeds
import bad_fetches
import numpy as np
import pytest
from bad_requests import Args, Case, Losses, label

from tfhooks._base import errors
from tfhooks._run import merging

ROWS = {**bad_fetches.ROWS, **bad_feeds.ROWS}


@pytest.fixture(scope='module')
def case():
    case = Case()
    yield case
    case.hook.request = None
    case.session.close()


# What TensorFlow lets pass, some of it changed on the way, and the project decided to refuse.
def is_ours_alone(name):
    return name.startswith(
        ('conflict', 'feeds twice', 'options', 'returns', 'feed_dict')
    ) or name in {
        *(f'feed {text}' for text in SILENTLY_CHANGED),
    }


SILENTLY_CHANGED = {
    *[f'{v} to bool' for v in ('None', '0.5', "'a'", '1j', '[2]', '[None]', 'nan')],
    *[f'{v} to int8' for v in ('1.5', '[128]', '[1.5]', '1j', 'inf')],
    *[f'{v} to uint8' for v in ('0.5', '[-1]', 'array([256])', label(np.float32(0.5)))],
    *[f'{v} to int16' for v in ('[32768]', label(np.int64(2**20)))],
    *[f'{v} to int32' for v in ('1.5', 'nan', 'inf', '1j', '[1, 1.5]')],
    *[f'{v} to int64' for v in ('1.5', '[2.5]', 'array([0.5])')],
    *[f'{v} to uint64' for v in ('0.5', '[-1]')],
    *[f'{v} to float16' for v in ('None', '100000.0', '[100000.0]', '1j', '[None, 1.0]')],
    f'{2**70} to float16',
    *[f'{v} to bfloat16' for v in ('1e+300', '[1e+300]')],
    *[f'{v} to float32' for v in ('None', '1e+300', '-1e+300', '[1e+300]', '1j', '[1j]')],
    '[None] to float32',
    *[f'{v} to float64' for v in ('None', '1j', '[None]')],
    *[f'{v} to complex64' for v in ('None', '1e+300', '[None]')],
}


def test_table_has_three_hundred_rows():
    assert len(ROWS) == len(bad_fetches.ROWS) + len(bad_feeds.ROWS) >= 300


@pytest.mark.parametrize('name', ROWS)
def test_is_refused_with_the_hooks_name(case, name):
    make, words, makers = ROWS[name]
    request = make(case)
    caller = {argument: make_argument(case) for argument, make_argument in makers.items()}
    case.hook.request = request
    with case.graph.as_default(), pytest.raises(errors.RequestError) as caught:
        case.session.run('two:0', **caller)
    message = str(caught.value)
    assert message.startswith('Bad.before_run: ')
    for word in words:
        assert word in message
    assert {problem.owner for problem in caught.value.problems} == {'Bad.before_run'}

    with case.graph.as_default(), pytest.raises(type(caught.value)) as again:
        merging.merge(case.graph, Args('two:0', **caller), [('Bad.before_run', request)])
    if 'object at' not in message:
        assert str(again.value) == message

    theirs = tensorflows_error(case, request, caller)
    if is_ours_alone(name):
        # Where TensorFlow's hooked session looks for an attribute, the error is of that kind too.
        by_attribute = name.startswith(('returns', 'feed_dict', 'options'))
        assert by_attribute == isinstance(caught.value, AttributeError)
        if not by_attribute and theirs is not None:
            # With numpy 1 TensorFlow refuses some of what it changes with numpy 2.
            assert np.lib.NumpyVersion(np.__version__) < '2.0.0'
            assert isinstance(caught.value, type(theirs))
    else:
        assert isinstance(caught.value, type(theirs)), repr(theirs)


def tensorflows_error(case, request, caller):
    """What a raw session, or else TensorFlow's merging, raises for a request; None if nothing."""
    try:
        fetches = [request.fetches] if request.fetches is not None else []
        if isinstance(request.fetches, Losses):
            fetches = [request.fetches.left, request.fetches.right]
        feeds = {**caller.get('feed_dict', {})}
        if request.feed_dict:
            feeds.update(request.feed_dict)
        with case.graph.as_default():
            case.session.raw_session().run(fetches, feeds)
    except Exception as error:
        return error
    return None
