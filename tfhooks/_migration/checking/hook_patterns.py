"""Patterns in the hooks and listeners that a program defines itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tfhooks._migration.checking.calls_and_classes import HOOKS, Facts, Function
from tfhooks._migration.checking.session_patterns import none_fed

Found = Iterator[tuple[str, ast.AST]]
_STEPS = ('get_global_step', 'get_or_create_global_step', 'create_global_step')
_ENDS = ('OutOfRangeError', 'StopIteration')
_BARE = (ast.Dict, ast.List, ast.Tuple, ast.ListComp, ast.DictComp, ast.JoinedStr)


def find(facts: Facts) -> Found:
    """Yields the names of the patterns in one program, each with its node."""
    for hook in facts.classes_of(*HOOKS):
        before_run = facts.method(hook, 'before_run')
        if before_run is not None:
            yield from _requests(facts, hook, before_run)
        for name in ('after_run', 'after_create_session'):
            method = facts.method(hook, name)
            if method is not None:
                yield from _ends_raised(facts, method)
        for node in ast.walk(hook):
            match node:
                case ast.Attribute(ast.Attribute(attr='original_args'), 'options'):
                    yield 'original-options', node
    for listener in facts.classes_of('CheckpointSaverListener'):
        method = facts.method(listener, 'after_save')
        for node in facts.inside(method) if method is not None else ():
            match node:
                case ast.Return(ast.Constant(True)):
                    yield 'listener-stops', node


def _requests(facts: Facts, hook: ast.ClassDef, before_run: Function) -> Found:
    for node in facts.inside(before_run):
        returned = node.value if isinstance(node, ast.Return) else None
        if returned is not None and _is_bare(facts, hook, returned):
            yield 'bare-request', node
        if isinstance(node, ast.Call) and facts.called(node) == 'SessionRunArgs':
            fetches = facts.argument(node, 'fetches')
            if fetches is not None and _holds_step(facts, hook, fetches):
                yield 'step-fetched', node
            yield from none_fed(facts, facts.argument(node, 'feed_dict'))
            given = facts.argument(node, 'options')
            options = facts.value(given) if given is not None else None
            words = options.keywords if isinstance(options, ast.Call) else []
            is_timed = any(word.arg == 'timeout_in_ms' for word in words)
            if is_timed and facts.called(options) == 'RunOptions':
                yield 'hook-timeout', node


def _is_bare(facts: Facts, hook: ast.ClassDef, returned: ast.expr) -> bool:
    """True if `before_run` surely returns a fetch, and not a SessionRunArgs."""
    value = facts.value(returned)
    match value:
        case ast.Constant():
            return value.value is not None
        case ast.Attribute(ast.Name('self'), name):
            values = facts.attribute_values(hook, name)
            return bool(values) and all(facts.called(one) in _STEPS for one in values or ())
    return isinstance(value, _BARE) or facts.called(value) in _STEPS


def _holds_step(facts: Facts, hook: ast.ClassDef, fetches: ast.expr) -> bool:
    for node in ast.walk(fetches):
        match node:
            case ast.Call() | ast.Name() if facts.called(facts.value(node)) in _STEPS:
                return True
            case ast.Attribute(ast.Name('self'), name):
                values = facts.attribute_values(hook, name) or []
                given = [one for one in values if not isinstance(one, ast.Constant)]
                if given and all(facts.called(one) in _STEPS for one in given):
                    return True
    return False


def _ends_raised(facts: Facts, method: Function) -> Found:
    for node in facts.inside(method):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        is_builtin = isinstance(error, ast.Name) and error.id == 'StopIteration'
        if not is_builtin and facts.name(error) not in _ENDS:
            continue
        in_try = any(
            isinstance(place, ast.Try) and _is_in_body(facts, node, place)
            for place in facts.above(node)
        )
        if not in_try:
            yield 'end-of-data-raised', node


def _is_in_body(facts: Facts, node: ast.AST, place: ast.Try) -> bool:
    above = [node, *facts.above(node)]
    return bool(place.handlers) and any(statement in above for statement in place.body)
