"""The public names: none missing, none of TensorFlow's hidden, none unplanned; their signatures."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import pydoc
import re
import sys
import types
import typing

import pytest
import tensorflow.compat.v1 as tf
import warm_python

import tfhooks

# Every name of tf.compat.v1.train that belongs to hooks and monitored sessions.
TENSORFLOWS = [
    'CheckpointSaverHook',
    'CheckpointSaverListener',
    'ChiefSessionCreator',
    'FeedFnHook',
    'FinalOpsHook',
    'GlobalStepWaiterHook',
    'LoggingTensorHook',
    'MonitoredSession',
    'MonitoredTrainingSession',
    'NanLossDuringTrainingError',
    'NanTensorHook',
    'ProfilerHook',
    'Scaffold',
    'SecondOrStepTimer',
    'SessionCreator',
    'SessionRunArgs',
    'SessionRunContext',
    'SessionRunHook',
    'SessionRunValues',
    'SingularMonitoredSession',
    'StepCounterHook',
    'StopAtStepHook',
    'SummarySaverHook',
    'WorkerSessionCreator',
]

# Every public name that TensorFlow does not have. A name is added here when it is added on purpose.
ADDITIONS: list[str] = [
    'BestCheckpoints',
    'CheckpointSaveError',
    'ConflictError',
    'CsvWriter',
    'EarlyStoppingHook',
    'EvalHook',
    'HookCost',
    'HookCostHook',
    'HookCosts',
    'JsonLinesWriter',
    'MetricsWriter',
    'MetricsWriterHook',
    'NextDue',
    'NotAHookError',
    'ProgressHook',
    'RecoveryPolicy',
    'RequestError',
    'RestoreHook',
    'Role',
    'SessionClosedError',
    'StallWatchdogHook',
    'StopReason',
    'StopRequestedError',
    'SupportsNextDue',
    'TensorBoardWriter',
    'TimeLimitHook',
    'UnfedPlaceholderError',
    'after_run',
    'chief_only',
    'every',
    'hook',
    'hook_costs',
    'is_recovery',
    'only_if',
    'patch',
    'patched',
    'role',
    'run_plans',
]


# Nothing of TensorFlow's is missing.


@pytest.mark.parametrize('name', TENSORFLOWS)
def test_name_of_tensorflow_is_there(name):
    assert name in tfhooks.__all__
    ours, theirs = getattr(tfhooks, name), getattr(tf.train, name)
    if inspect.isclass(theirs):
        assert issubclass(ours, theirs)
    else:
        assert callable(ours)


def test_list_has_every_hook_and_session_of_tensorflow():
    kinds = (
        tf.train.SessionRunHook,
        tf.train.MonitoredSession,
        tf.train.SessionCreator,
        tf.train.CheckpointSaverListener,
    )
    classes = {n for n in dir(tf.train) if inspect.isclass(getattr(tf.train, n))}
    found = {n for n in classes if issubclass(getattr(tf.train, n), kinds)}
    found |= {n for n in dir(tf.train) if 'Session' in n and n[0] != '_'}
    # SessionManager is below the sessions: tf.train.Supervisor's users have it without them.
    assert found - set(TENSORFLOWS) == {'SessionManager'}


# Nothing upstream is hidden.

_REACH = """
import json, sys, types
import tfhooks.v1 as tf
import tfhooks
upstream = sys.modules['tensorflow'].compat.v1
absent = object()
report = {}
for name, ours, theirs in [
    ('tf', tf, upstream),
    ('tf.train', tf.train, upstream.train),
    ('tf.compat', tf.compat, upstream.compat),
    ('tf.compat.v1', tf.compat.v1, upstream.compat.v1),
    ('tf.nn', tf.nn, upstream.nn),
]:
    private = {'__version__', '__git_version__', '__internal__'}
    public = [n for n in dir(theirs) if n[0] != '_' or n in private]
    report[name] = dict(
        names=len(public),
        unlisted=[n for n in public if n not in dir(ours)],
        star=sorted(n for n in set(theirs.__all__) ^ set(ours.__all__) if n[0] != '_'),
        missing=[n for n in public if getattr(ours, n, absent) is absent],
        replaced=[n for n in public if getattr(ours, n, absent) is not getattr(theirs, n)],
        added=[n for n in dir(ours) if n[0] != '_' and n not in public],
    )
report['not ours'] = [n for n in tfhooks.__all__
    if hasattr(upstream.train, n) and getattr(tf.train, n) is not getattr(tfhooks, n)]
print(json.dumps(report))
"""


@pytest.fixture(scope='module')
def reach():
    done = warm_python.run(
        [sys.executable, '-c', _REACH], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ('namespace', 'at_least'),
    [('tf', 600), ('tf.train', 100), ('tf.compat', 10), ('tf.compat.v1', 600), ('tf.nn', 100)],
)
def test_v1_hides_nothing(reach, namespace, at_least):
    found = reach[namespace]
    assert found['names'] >= at_least
    assert found['missing'] == []
    assert found['unlisted'] == []
    # What TensorFlow 1.15 had beside.
    gone = ['contrib', 'estimator'] if namespace in ('tf', 'tf.compat.v1') else []
    assert found['star'] == gone
    assert found['added'] == gone


def test_v1_replaces_what_it_says_and_no_more(reach):
    # Under these names a program for TensorFlow 1 gets the base of tfhooks' class.
    left = ['NanLossDuringTrainingError', 'SessionRunHook']
    replaced = {*TENSORFLOWS, 'Coordinator'} - _tensorflows_own() - {*left}
    assert set(reach['tf.train']['replaced']) == replaced
    assert reach['not ours'] == left
    # Without Keras 2, `layers` and `nn` are laid over to say so.
    assert set(reach['tf']['replaced']) - {'layers', 'nn'} == {'train', 'compat'}
    assert set(reach['tf.compat']['replaced']) == {'v1'}


def _tensorflows_own():
    return {name for name in TENSORFLOWS if getattr(tfhooks, name) is getattr(tf.train, name)}


# Nothing unplanned is added.


def test_every_public_name_is_planned():
    assert sorted(tfhooks.__all__) == sorted([*TENSORFLOWS, *ADDITIONS])
    assert len(set(tfhooks.__all__)) == len(tfhooks.__all__)
    assert not [name for name in ADDITIONS if hasattr(tf.train, name)]


def test_dir_lists_what_is_public():
    assert sorted(n for n in dir(tfhooks) if not n.startswith('__')) == sorted(tfhooks.__all__)
    for name in tfhooks.__all__:
        getattr(tfhooks, name)
    held = {n for n, value in vars(tfhooks).items() if not isinstance(value, types.ModuleType)}
    assert {n for n in held if not n.startswith('_')} == set(tfhooks.__all__)


def test_each_public_name_is_listed_once():
    with open(f'{tfhooks.__file__}i', encoding='utf-8') as file:
        tree = ast.parse(file.read())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert [(len(node.names), node.names[0].asname) for node in imports] == [
        (1, node.names[0].name) for node in imports
    ]
    assert sorted(node.names[0].name for node in imports) == tfhooks.__all__


def test_no_public_name_is_a_module():
    """The import of a module `tfhooks.x` puts the module in place of a public name `x`."""
    modules = {module.name for module in pkgutil.iter_modules(tfhooks.__path__)}
    assert modules & set(tfhooks.__all__) == set()


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tfhooks' has no attribute 'NoSuchHook'"):
        _ = tfhooks.NoSuchHook
    with pytest.raises(ImportError):
        importlib.import_module('tfhooks.NoSuchHook')


@pytest.mark.parametrize('name', TENSORFLOWS + ADDITIONS)
def test_annotations_can_be_read(name):
    target = getattr(tfhooks, name)
    typing.get_type_hints(target)
    if inspect.isclass(target):
        for member in vars(target).values():
            if inspect.isfunction(member):
                typing.get_type_hints(member)


# Signatures.


def _callables(name):
    """The callables that come with a name: (how it is written, TensorFlow's, tfhooks')."""
    theirs, ours = getattr(tf.train, name), getattr(tfhooks, name)
    yield name, theirs, ours
    if not inspect.isclass(theirs):
        return
    for member in dir(theirs):
        value = inspect.getattr_static(theirs, member)
        if not member.startswith('_') and (
            inspect.isfunction(value) or isinstance(value, (staticmethod, classmethod))
        ):
            yield f'{name}.{member}', getattr(theirs, member), getattr(ours, member)
        elif isinstance(value, property):
            assert isinstance(inspect.getattr_static(ours, member), property), member


def _differences(theirs, ours):
    """What of TensorFlow's signature is not kept: the names, in order, their kinds and defaults."""
    have = list(inspect.signature(ours).parameters.values())
    try:
        want = list(inspect.signature(theirs).parameters.values())
    except ValueError:  # An exception class that takes what Exception takes: anything.
        yield from (f'{p} is required' for p in have if p.default is p.empty)
        return
    for index, parameter in enumerate(want):
        if index >= len(have):
            yield f'{parameter} is missing'
            continue
        found = have[index]
        if (found.name, found.kind) != (parameter.name, parameter.kind):
            yield f'{parameter} is {found}'
        elif not (
            found.default is parameter.default
            or (
                # A bare object() of TensorFlow's has a readable one in its place that is equal.
                type(parameter.default) in (type(found.default), object)
                and found.default == parameter.default
            )
        ):
            yield f'{parameter} has default {found.default!r}'
    for parameter in have[len(want) :]:
        optional = parameter.default is not parameter.empty
        if parameter.kind is not parameter.KEYWORD_ONLY or not optional:
            yield f'{parameter} is added, and is not keyword-only with a default'


@pytest.mark.parametrize('name', TENSORFLOWS)
def test_signature_is_tensorflows(name):
    compared = 0
    for written, theirs, ours in _callables(name):
        assert list(_differences(theirs, ours)) == [], written
        compared += 1
    assert compared


@pytest.mark.parametrize('name', TENSORFLOWS + ADDITIONS)
def test_help_shows_defaults_that_a_person_can_read(name):
    """Of TensorFlow's inherited methods, too; a method of an object would have an address."""
    text = pydoc.plain(pydoc.render_doc(getattr(tfhooks, name)))
    assert ' at 0x' not in text
    if name == 'MonitoredTrainingSession':
        assert re.search(r"save_checkpoint_secs: 'Any' = USE_DEFAULT\b", text)


def test_the_comparison_of_signatures_sees_differences():
    def theirs(a, b=1, *, c=None): ...

    def same_and_more(a, b=1, *, c=None, d=2): ...

    assert list(_differences(theirs, same_and_more)) == []

    def other_default(a, b=1.0, *, c=None): ...

    def other_name(a, bb=1, *, c=None): ...

    def other_order(b, a=1, *, c=None): ...

    def missing(a, b=1): ...

    def other_kind(a, *, b=1, c=None): ...

    def added(a, b=1, *, c=None, **more): ...

    def required(a, b=1, *, c=None, d): ...

    for ours in (other_default, other_name, other_order, missing, other_kind, added, required):
        assert list(_differences(theirs, ours)), ours.__name__
