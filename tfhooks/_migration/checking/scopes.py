"""Which module or object of a library each name of a program stands for."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from tfhooks._migration.checking.guards import Guard

Scoped = (
    ast.Module
    | ast.ClassDef
    | ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.Lambda
    | ast.ListComp
    | ast.SetComp
    | ast.DictComp
    | ast.GeneratorExp
)


class Place(NamedTuple):
    """Where in a program something stands: its scope, its order, what it depends on."""

    scope: Scope
    order: tuple[int, int]
    branches: tuple[int, ...]
    guards: tuple[Guard, ...]


@dataclasses.dataclass(eq=False)
class Binding:
    """What gives a name its value.

    Attributes:
      place: Where.
      values: What it may be: a dotted name that is imported, or an expression; empty where it
        cannot be said.
    """

    place: Place
    values: tuple[str | ast.expr, ...] = ()


@dataclasses.dataclass(eq=False)
class Scope:
    """One scope of a program, and what is bound in it."""

    node: Scoped
    parent: Scope | None
    bindings: dict[str, list[Binding]] = dataclasses.field(default_factory=dict)
    elsewhere: dict[str, Scope] = dataclasses.field(default_factory=dict)

    @property
    def is_class(self) -> bool:
        """Whether functions inside do not see its names."""
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_comprehension(self) -> bool:
        """Whether it is run where it stands."""
        return isinstance(self.node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)

    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def enclosing_function(self) -> Scope:
        """The scope that a walrus in a comprehension binds in."""
        scope = self
        while scope.is_comprehension and scope.parent is not None:
            scope = scope.parent
        return scope

    def bind(self, name: str, binding: Binding) -> None:
        """Adds a binding, where `global` or `nonlocal` says so in another scope."""
        scope = self.elsewhere.get(name, self)
        scope.bindings.setdefault(name, []).append(binding)

    def bindings_seen(self, name: str, place: Place) -> list[Binding] | None:
        """The bindings that a name may have at a place; None where it is bound nowhere."""
        scope: Scope | None = self.elsewhere.get(name, self)
        while scope is not None:
            visible = not scope.is_class or scope is self
            if visible and name in scope.bindings:
                found = scope.bindings[name]
                if scope is place.scope or (
                    place.scope.is_comprehension and scope is place.scope.enclosing_function()
                ):
                    return _reaching(found, place)
                return found
            scope = scope.parent
        return None


def _reaching(bindings: list[Binding], place: Place) -> list[Binding]:
    """Those of one scope's bindings whose value may be there at a place of the same scope."""
    before = [binding for binding in bindings if binding.place.order <= place.order]
    reaching = []
    for binding in sorted(before, key=lambda binding: binding.place.order, reverse=True):
        if _excludes(binding.place.branches, place.branches):
            continue
        reaching.append(binding)
        branches = binding.place.branches
        if branches == place.branches[: len(branches)]:
            break
    return reaching or bindings


def _excludes(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two branches are the two sides of one `if`: 2n and 2n + 1."""
    return any(branch ^ 1 in other for branch in one)


class Resolver:
    """Says what the expressions of a program stand for.

    Args:
      places: Where each name of the program stands, by the `id` of its node.
    """

    def __init__(self, places: dict[int, Place]) -> None:
        self._places = places

    def dotted(self, node: ast.expr | str, _seen: frozenset[int] = frozenset()) -> set[str | None]:
        """The dotted names that an expression may stand for; None among them for anything else."""
        if isinstance(node, str):
            return {node}
        if isinstance(node, ast.Attribute):
            return {
                None if base is None else f'{base}.{node.attr}'
                for base in self.dotted(node.value, _seen)
            }
        if isinstance(node, ast.Name):
            return self._dotted_name(node, _seen)
        if isinstance(node, ast.IfExp):
            return self.dotted(node.body, _seen) | self.dotted(node.orelse, _seen)
        if isinstance(node, ast.BoolOp):
            return set().union(*(self.dotted(value, _seen) for value in node.values))
        if isinstance(node, ast.Call):
            return self._dotted_call(node, _seen)
        return {None}

    def _dotted_name(self, node: ast.Name, seen: frozenset[int]) -> set[str | None]:
        bindings = self.bindings(node)
        if bindings is None:
            return {None}
        found: set[str | None] = set()
        for binding in bindings:
            if id(binding) not in seen:
                found |= self.dotted_binding(binding, seen)
        return found or {None}

    def dotted_binding(
        self, binding: Binding, _seen: frozenset[int] = frozenset()
    ) -> set[str | None]:
        """The dotted names that a binding may give; None among them for anything else."""
        found: set[str | None] = set() if binding.values else {None}
        for value in binding.values:
            found |= self.dotted(value, _seen | {id(binding)})
        return found

    def _dotted_call(self, call: ast.Call, seen: frozenset[int]) -> set[str | None]:
        name = text_of_import(call)
        if name is not None:
            return {name}
        if is_call_of(call, 'getattr', 2, 3) and is_text(call.args[1]):
            found = {
                None if base is None else f'{base}.{text(call.args[1])}'
                for base in self.dotted(call.args[0], seen)
            }
            return found | (self.dotted(call.args[2], seen) if len(call.args) == 3 else set())
        return {None}

    def bindings(self, node: ast.Name) -> list[Binding] | None:
        """The bindings that a name may have where it stands; None where it has none."""
        place = self._places.get(id(node))
        return place.scope.bindings_seen(node.id, place) if place is not None else []

    def value(self, node: ast.expr) -> ast.expr:
        """The expression behind a name that is given a value once; else the node itself."""
        for _ in range(8):
            if not isinstance(node, ast.Name):
                break
            bindings = self.bindings(node) or []
            if len(bindings) != 1 or len(bindings[0].values) != 1:
                break
            value = bindings[0].values[0]
            if isinstance(value, str):
                break
            node = value
        return node

    def place(self, node: ast.expr) -> Place | None:
        """Where a name stands."""
        return self._places.get(id(node))


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a literal string."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def text(node: ast.expr) -> str:
    """The string of a literal."""
    assert isinstance(node, ast.Constant)
    return str(node.value)


def is_call_of(node: ast.AST, name: str, least: int, most: int) -> bool:
    """Whether a node calls a builtin with so many arguments, all by position."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == name
        and least <= len(node.args) <= most
        and not node.keywords
        and not any(isinstance(argument, ast.Starred) for argument in node.args)
    )


def text_of_import(call: ast.Call) -> str | None:
    """The module that `importlib.import_module('...')` gives."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, 'id', '')
    if name == 'import_module' and len(call.args) == 1 and is_text(call.args[0]):
        dotted = text(call.args[0])
        return dotted if dotted and not dotted.startswith('.') else None
    return None


def chain(node: ast.expr) -> Iterator[ast.expr]:
    """An attribute access, from the outside in: `a.b.c`, `a.b`, `a`."""
    yield node
    while isinstance(node, ast.Attribute):
        node = node.value
        yield node
