"""Patterns in a program's construction of sessions and stock hooks, and use of sessions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tfhooks._migration.checking.calls_and_classes import HOOKS, SESSIONS, Facts

Found = Iterator[tuple[str, ast.AST]]
_ITERATORS = ('map', 'filter', 'iter', 'zip', 'reversed')
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def find(facts: Facts) -> Found:
    """Yields the names of the patterns in one program, each with its node."""
    for session in facts.calls(*SESSIONS):
        yield from _arguments(facts, session)
        yield from _lists(facts, session)
        yield from _savers(facts, session)
        yield from _reused(facts, session)
    yield from _stock_hooks(facts)
    for node in facts.nodes:
        if isinstance(node, ast.With):
            yield from _with(facts, node)
        elif isinstance(node, ast.Call):
            yield from _run(facts, node)


def _number(facts: Facts, node: ast.expr | None) -> float | None:
    """Returns the number of a literal expression, or None."""
    match node and facts.value(node):
        case ast.UnaryOp(ast.USub(), operand):
            number = _number(facts, operand)
            return None if number is None else -number
        case ast.Constant(int(number) | float(number)):
            return float(number)
    return None


def _is_none(facts: Facts, node: ast.expr | None) -> bool:
    return node is None or _is_written_none(facts.value(node))


def _elements(facts: Facts, node: ast.expr | None) -> list[ast.expr]:
    """Returns the elements of a literal list, as far as they are literal."""
    match node and facts.value(node):
        case ast.BinOp(left, ast.Add(), right):
            return [*_elements(facts, left), *_elements(facts, right)]
        case ast.List(elements) | ast.Tuple(elements):
            return [element for element in elements if not isinstance(element, ast.Starred)]
    return []


def _given(facts: Facts, session: ast.Call) -> list[ast.expr]:
    """Returns the hooks of a session, as far as they are literal."""
    return [
        element
        for name in ('hooks', 'chief_only_hooks')
        for element in _elements(facts, facts.argument(session, name))
    ]


def _arguments(facts: Facts, session: ast.Call) -> Found:
    secs = _number(facts, facts.argument(session, 'save_checkpoint_secs'))
    steps = _number(facts, facts.argument(session, 'save_checkpoint_steps'))
    if secs and steps and secs > 0 and steps > 0:
        yield 'two-cadences', session


def _lists(facts: Facts, session: ast.Call) -> Found:
    for name in ('hooks', 'chief_only_hooks'):
        given = facts.argument(session, name)
        if given is None:
            continue
        value = facts.value(given)
        match value:
            case ast.GeneratorExp():
                yield 'hooks-generator', given
            case ast.Call(ast.Name(called) as function) if called in _ITERATORS:
                if not facts.bindings(function):
                    yield 'hooks-generator', given
            case ast.Call() if facts.called(value) in HOOKS:
                yield 'hooks-single', given
    seen = set()
    for element in _given(facts, session):
        if isinstance(element, ast.Name | ast.Attribute):
            if facts.name(element) in HOOKS:
                yield 'hooks-class', element
            shown = ast.dump(element)
            if shown in seen and not _is_none(facts, element):
                yield 'hook-twice', element
            seen.add(shown)


def _savers(facts: Facts, session: ast.Call) -> Found:
    places = set()
    if facts.called(session) == 'MonitoredTrainingSession' and _saves(facts, session):
        directory = facts.argument(session, 'checkpoint_dir')
        if directory is not None:
            places.add(_written(facts, directory))
    for hook in _made(facts, session, 'CheckpointSaverHook'):
        directory = facts.argument(hook, 'checkpoint_dir')
        if directory is None:
            continue
        place = _written(facts, directory)
        if place is not None and place in places:
            yield 'two-savers', hook
        places.add(place)
    if not _is_none(facts, facts.argument(session, 'checkpoint_dir')) and _saves(facts, session):
        for hook in _made(facts, session, 'NanTensorHook'):
            match facts.argument(hook, 'fail_on_nan_loss'):
                case ast.Constant(False):
                    yield 'nan-goes-on', hook


def _made(facts: Facts, session: ast.Call, kind: str) -> Iterator[ast.Call]:
    """Yields the calls that make the hooks of a session that are of one of TensorFlow's kinds."""
    for element in _given(facts, session):
        hook = facts.value(element)
        if isinstance(hook, ast.Call) and facts.called(hook) == kind:
            yield hook


def _saves(facts: Facts, session: ast.Call) -> bool:
    """True if a MonitoredTrainingSession surely has a saver of its own."""
    if facts.is_open(session) or facts.called(session) != 'MonitoredTrainingSession':
        return False
    given = [
        facts.argument(session, name) for name in ('save_checkpoint_secs', 'save_checkpoint_steps')
    ]
    match facts.argument(session, 'is_chief'):
        case ast.Constant(chief) if not chief:
            return False
    if given == [None, None]:
        return True
    return any((_number(facts, value) or 0) > 0 for value in given)


def _written(facts: Facts, directory: ast.expr) -> str | None:
    """Returns the expression of a directory as text; None if equal texts may give other values."""
    value = facts.value(directory)
    parts = list(ast.walk(value))
    if any(isinstance(part, ast.Call | ast.Await | ast.NamedExpr) for part in parts):
        # A call written twice may return two directories; a name assigned once does not.
        return f'{ast.dump(directory)}' if isinstance(directory, ast.Name) else None
    return ast.dump(value)


def _reused(facts: Facts, session: ast.Call) -> Found:
    function = facts.function_of(session)
    loops = [
        place
        for place in facts.above(session)
        if isinstance(place, _LOOPS) and facts.function_of(place) is function
    ]
    for element in _given(facts, session) if loops else ():
        hook = facts.value(element)
        if not isinstance(element, ast.Name) or facts.called(hook) != 'StopAtStepHook':
            continue
        assert isinstance(hook, ast.Call)
        above = list(facts.above(hook))
        if facts.argument(hook, 'num_steps') is None or any(loop in above for loop in loops):
            continue
        if facts.function_of(hook) is function:
            yield 'stop-hook-reused', element


def _stock_hooks(facts: Facts) -> Found:
    for hook in facts.calls('SummarySaverHook'):
        wheres = [facts.argument(hook, name) for name in ('output_dir', 'summary_writer')]
        if not facts.is_open(hook) and all(_is_written_none(where) for where in wheres):
            yield 'summary-nowhere', hook
    for hook in facts.calls('LoggingTensorHook'):
        tensors = facts.argument(hook, 'tensors')
        if tensors is not None and isinstance(facts.value(tensors), ast.GeneratorExp):
            yield 'logging-generator', hook
    for timer in facts.calls('SecondOrStepTimer'):
        for name in ('every_secs', 'every_steps'):
            period = _number(facts, facts.argument(timer, name))
            if period is not None and period <= 0:
                yield 'timer-period', timer


def _is_written_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _is_session(facts: Facts, node: ast.expr) -> bool:
    """True if a name is a monitored session, and nothing else."""
    bindings = facts.bindings(node)
    return bool(bindings) and all(
        len(binding.values) == 1
        and not isinstance(binding.values[0], str)
        and facts.called(binding.values[0]) in SESSIONS
        for binding in bindings
    )


def _run(facts: Facts, call: ast.Call) -> Found:
    match call.func:
        case ast.Attribute(session, 'run') if _is_session(facts, session):
            fed = next((word.value for word in call.keywords if word.arg == 'feed_dict'), None)
            fed = call.args[1] if fed is None and len(call.args) > 1 else fed
            yield from none_fed(facts, fed)


def none_fed(facts: Facts, fed: ast.expr | None) -> Found:
    """Yields the values of a literal feed_dict that are None."""
    value = facts.value(fed) if fed is not None else None
    for one in value.values if isinstance(value, ast.Dict) else ():
        if _is_written_none(one):
            yield 'none-fed', one


def _with(facts: Facts, statement: ast.With) -> Found:
    for item in statement.items:
        name = item.optional_vars
        if not isinstance(name, ast.Name) or facts.called(item.context_expr) not in SESSIONS:
            continue
        for node in facts.inside(statement):
            if _calls_method(node, name.id, 'close') and not _rebinds(statement.body, name.id):
                yield 'close-inside', node
        for after in _following(facts, statement):
            if _rebinds([after], name.id):
                break
            for node in (after, *facts.inside(after)):
                if _calls_method(node, name.id, 'run'):
                    yield 'run-after-close', node


def _calls_method(node: ast.AST, name: str, method: str) -> bool:
    match node:
        case ast.Call(ast.Attribute(ast.Name(of), called)):
            return (of, called) == (name, method)
    return False


def _following(facts: Facts, statement: ast.stmt) -> Sequence[ast.stmt]:
    """Returns the statements after one in the same block; none if it may leave the block."""
    parent = facts.parents.get(id(statement))
    for field in ('body', 'orelse', 'finalbody'):
        block = getattr(parent, field, None)
        if isinstance(block, list) and statement in block:
            following = block[block.index(statement) + 1 :]
            return [
                node
                for node in following
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
    return []


def _rebinds(statements: Sequence[ast.stmt], name: str) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Global | ast.Nonlocal) and name in node.names)
        for statement in statements
        for node in ast.walk(statement)
    )
