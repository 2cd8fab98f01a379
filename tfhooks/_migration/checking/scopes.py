"""Resolves the names of a program to the modules and objects of libraries."""

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
    """A position in a program: its scope, its order, and the branches it depends on."""

    scope: Scope
    order: tuple[int, int]
    branches: tuple[int, ...]
    guards: tuple[Guard, ...]


@dataclasses.dataclass(eq=False)
class Binding:
    """A statement or expression that binds a name.

        Attributes:
          place: Its position.
    values: The possible values: a dotted name that is imported, or an expression; empty if
      unknown.
    """

    place: Place
    values: tuple[str | ast.expr, ...] = ()


@dataclasses.dataclass(eq=False)
class Scope:
    """One scope of a program, with its bindings."""

    node: Scoped
    parent: Scope | None
    bindings: dict[str, list[Binding]] = dataclasses.field(default_factory=dict)
    elsewhere: dict[str, Scope] = dataclasses.field(default_factory=dict)

    @property
    def is_class(self) -> bool:
        """True if functions inside do not see its names, as in a class."""
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_comprehension(self) -> bool:
        """True if it is the scope of a comprehension, which runs where it is written."""
        return isinstance(self.node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)

    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def enclosing_function(self) -> Scope:
        """The scope in which a walrus in a comprehension binds."""
        scope = self
        while scope.is_comprehension and scope.parent is not None:
            scope = scope.parent
        return scope

    def bind(self, name: str, binding: Binding) -> None:
        """Adds a binding, in the scope of a `global` or `nonlocal` statement if there is one."""
        scope = self.elsewhere.get(name, self)
        scope.bindings.setdefault(name, []).append(binding)

    def bindings_seen(self, name: str, place: Place) -> list[Binding] | None:
        """Returns the bindings that a name may have at a position; None if it is not bound."""
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
    """Returns the bindings of a scope that may be in effect at a position in it."""
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
    """True if two positions are on the two sides of one `if`, whose branches are 2n and 2n + 1."""
    return any(branch ^ 1 in other for branch in one)


class Resolver:
    """Resolves the expressions of a program to dotted names.

    Args:
      places: The position of each name of the program, by the `id` of its node.
    """

    def __init__(self, places: dict[int, Place]) -> None:
        self._places = places

    def dotted(self, node: ast.expr | str, _seen: frozenset[int] = frozenset()) -> set[str | None]:
        """Returns the dotted names that an expression may be; None among them for anything else."""
        match node:
            case str():
                return {node}
            case ast.Attribute(value, attr):
                return self._members(value, attr, _seen)
            case ast.Name():
                return self._dotted_name(node, _seen)
            case ast.IfExp(_, body, orelse):
                return self.dotted(body, _seen) | self.dotted(orelse, _seen)
            case ast.BoolOp(_, values):
                return set().union(*(self.dotted(value, _seen) for value in values))
            case ast.Call(ast.Name('getattr'), [base, ast.Constant(str(attr)), *default], []):
                found = self._members(base, attr, _seen)
                return found.union(*(self.dotted(value, _seen) for value in default))
            case ast.Call():
                return {text_of_import(node)}
        return {None}

    def _members(self, node: ast.expr, attr: str, seen: frozenset[int]) -> set[str | None]:
        return {None if base is None else f'{base}.{attr}' for base in self.dotted(node, seen)}

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
        """Returns the dotted names that a binding may give; None among them for anything else."""
        found: set[str | None] = set() if binding.values else {None}
        for value in binding.values:
            found |= self.dotted(value, _seen | {id(binding)})
        return found

    def bindings(self, node: ast.Name) -> list[Binding] | None:
        """Returns the bindings that a name may have at its position; None if it has none."""
        place = self._places.get(id(node))
        return place.scope.bindings_seen(node.id, place) if place is not None else []

    def value(self, node: ast.expr) -> ast.expr:
        """Returns the value of a name that is assigned once; else the node itself."""
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
        """Returns the position of a name."""
        return self._places.get(id(node))


def text_of_import(call: ast.Call) -> str | None:
    """Returns the module that `importlib.import_module('...')` imports, or None."""
    match call:
        case ast.Call(
            ast.Attribute(attr='import_module') | ast.Name('import_module'),
            [ast.Constant(str(dotted))],
        ) if dotted and not dotted.startswith('.'):
            return dotted
    return None


def chain(node: ast.expr) -> Iterator[ast.expr]:
    """Yields an attribute access from the outside in: `a.b.c`, `a.b`, `a`."""
    yield node
    while isinstance(node, ast.Attribute):
        node = node.value
        yield node
