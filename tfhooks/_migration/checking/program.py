"""Analyses one program: its scopes, and its uses of names of TensorFlow and tfhooks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from tfhooks._migration.checking.guards import (
    IMPORT_ERRORS,
    Guard,
    handles,
    last_part,
    version_guard,
)
from tfhooks._migration.checking.scopes import (
    Binding,
    Place,
    Resolver,
    Scope,
    Scoped,
    chain,
    text_of_import,
)
from tfhooks._migration.checking.uses import Use, is_in_question

_EXPECT_ERRORS = ('suppress', 'raises', 'assertRaises', 'assertRaisesRegex')


class Program(ast.NodeVisitor):
    """The names of one program.

    Args:
      tree: The program.
      given_by: Called with the module and the level of an import from another file; returns from
        names in that file to the namespaces of TensorFlow and tfhooks that they are.

    Attributes:
      words: The names and attributes that it reads or imports, without the objects they are of.
    """

    def __init__(
        self,
        tree: ast.Module,
        given_by: Callable[[str, int], Mapping[str, str]] = lambda module, level: {},
    ) -> None:
        self.tree = tree
        self._given_by = given_by
        self.words: set[str] = set()
        self.resolver = Resolver({})
        self._places: dict[int, Place] = self.resolver._places
        self._scope = Scope(tree, None)
        self._branches: tuple[int, ...] = ()
        self._guards: tuple[Guard, ...] = ()
        self._count = 0
        self._imports: list[tuple[str, ast.AST, tuple[Guard, ...]]] = []
        self._chains: list[tuple[ast.expr, tuple[Guard, ...]]] = []
        self._stored: list[ast.expr] = []
        self._version_names: set[str] = set()
        self.visit_all(tree.body)

    def uses(self) -> list[Use]:
        """Returns the uses of names of TensorFlow and tfhooks, in no order."""
        found = [
            Use((name,), True, True, node, guards)
            for name, node, guards in self._imports
            if is_in_question(name)
        ]
        for node, guards in self._chains:
            base = list(chain(node))[-1]
            bindings = self.resolver.bindings(base) if isinstance(base, ast.Name) else []
            if node is base and isinstance(node, ast.Name):
                continue  # The import, or the assignment, is a use already.
            names = self.resolver.dotted(node)
            ours = tuple(sorted(name for name in names if name and is_in_question(name)))
            if ours:
                through = tuple(
                    (value, binding.place.guards)
                    for binding in bindings or ()
                    for value in binding.values
                    if isinstance(value, str)
                )
                found.append(Use(ours, len(names) == len(ours), False, node, guards, through))
        return found

    def namespaces(self, wanted: Collection[str]) -> dict[str, str]:
        """Returns the variables of the module that surely are one of some namespaces."""
        found = {}
        for variable, bindings in self._scope.bindings.items():
            names: set[str | None] = set()
            for binding in bindings:
                names |= self.resolver.dotted_binding(binding)
            if len(names) == 1 and (name := names.pop()) in wanted and name is not None:
                found[variable] = name
        return found

    def stored(self) -> set[str]:
        """Returns the names of the libraries that the program sets, such as `tf.contrib = ...`."""
        return {
            name
            for node in self._stored
            for name in self.resolver.dotted(node)
            if name is not None and is_in_question(name)
        }

    # Statements in order, branches and guards.

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        """Visits several nodes."""
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _branch(self) -> int:
        self._count += 2
        return self._count

    def _visit_in(
        self, nodes: Sequence[ast.AST], branch: int | None = None, guard: Guard | None = None
    ) -> None:
        branches, guards = self._branches, self._guards
        if branch is not None:
            self._branches = (*branches, branch)
        if guard is not None:
            self._guards = (*guards, guard)
        self.visit_all(nodes)
        self._branches, self._guards = branches, guards

    def visit_If(self, node: ast.If) -> None:
        branch, guard = self._branch(), version_guard(self._version_names, node.test)
        self._visit_in([node.test], guard=guard)
        self._visit_in(node.body, branch, guard)
        self._visit_in(node.orelse, branch + 1, guard)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._visit_in(
            [node.test, node.body, node.orelse], guard=version_guard(self._version_names, node.test)
        )

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self._visit_in(node.values, guard=version_guard(self._version_names, node))

    def _visit_loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if isinstance(node, ast.While):
            self.visit(node.test)
        else:
            self.visit(node.iter)
            self._bind_target(node.target)
        self._visit_in(node.body, self._branch())
        self._visit_in(node.orelse, self._branch())

    visit_For = visit_AsyncFor = visit_While = _visit_loop

    def visit_Try(self, node: ast.Try) -> None:
        number = self._branch()
        imports = any(handles(handler, IMPORT_ERRORS) for handler in node.handlers)
        attributes = any(handles(handler, {'AttributeError'}) for handler in node.handlers)
        guard = Guard('try', number, imports, attributes) if imports or attributes else None
        self._visit_in(node.body, number, guard)
        for handler in node.handlers:
            self.visit_all([handler.type])
            if handler.name:
                self._bind(handler.name, handler)
            self._visit_in(handler.body, self._branch(), Guard('handler', number))
        # Not a branch of its own, since it continues the body.
        self._visit_in(node.orelse, number)
        self.visit_all(node.finalbody)

    visit_TryStar: Any = visit_Try

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        guard = None
        for item in node.items:
            self.visit(item.context_expr)
            call = item.context_expr
            if isinstance(call, ast.Call) and last_part(call.func) in _EXPECT_ERRORS:
                guard = Guard('try', self._branch())
            if item.optional_vars is not None:
                self._bind_target(item.optional_vars, item.context_expr)
        self._visit_in(node.body, guard=guard)

    visit_AsyncWith = visit_With

    # Nodes that bind names.

    def _place(self, node: ast.AST, end: bool = False) -> Place:
        order = (getattr(node, 'lineno', 0), getattr(node, 'col_offset', 0))
        if end:
            order = (getattr(node, 'end_lineno', 0), getattr(node, 'end_col_offset', 0))
        return Place(self._scope, order, self._branches, self._guards)

    def _bind(self, name: str, node: ast.AST, *values: str | ast.expr, end: bool = False) -> None:
        scope = self._scope
        if isinstance(node, ast.NamedExpr):
            scope = scope.enclosing_function()
        scope.bind(name, Binding(self._place(node, end), values))

    def _bind_target(self, target: ast.expr, value: ast.expr | None = None) -> None:
        """Binds the names of an assignment's left side, after its right side."""
        match target:
            case ast.Name(name):
                self._bind(name, value or target, *([] if value is None else [value]), end=True)
                self._places[id(target)] = self._place(target)
            case ast.Tuple(elements) | ast.List(elements):
                values: list[Any] = value.elts if isinstance(value, ast.Tuple) else []
                if len(values) != len(elements):
                    values = [None] * len(elements)
                for element, part in zip(elements, values, strict=True):
                    self._bind_target(element, part)
            case ast.Starred(inner):
                self._bind_target(inner)
            case ast.Attribute(inner):
                self._stored.append(target)
                self.visit(inner)
            case _:
                self.visit(target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        if version_guard(self._version_names, node.value) is not None:
            self._version_names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        for target in node.targets:
            self._bind_target(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit_all([node.annotation, node.value])
        if node.value is not None or not isinstance(node.target, ast.Name):
            self._bind_target(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self._bind_target(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target.id, node, node.value, end=True)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imports.append((alias.name, node, self._guards))
            if alias.asname:
                self._bind(alias.asname, node, alias.name, end=True)
            else:
                root = alias.name.partition('.')[0]
                self._bind(root, node, root, end=True)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ''
        is_ours = not node.level and is_in_question(module)
        given = {} if is_ours else self._given_by(module, node.level)
        for alias in node.names:
            self.words.add(alias.name)
            if alias.name == '*':
                if is_ours:
                    self._imports.append((module, node, self._guards))
                for variable, namespace in given.items():
                    self._bind(variable, node, namespace, end=True)
                continue
            # A module of the program's own counts only if it passes a namespace on.
            name = None if node.level else f'{module}.{alias.name}'
            if is_ours:
                self._imports.append((f'{module}.{alias.name}', node, self._guards))
            name = given.get(alias.name, name)
            values = (name,) if name is not None else ()
            self._bind(alias.asname or alias.name, node, *values, end=True)

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        scope = self._scope.module()
        if isinstance(node, ast.Nonlocal):
            scope = self._scope.parent or scope
        for name in node.names:
            self._scope.elsewhere[name] = scope

    visit_Nonlocal = visit_Global

    def visit_Delete(self, node: ast.Delete) -> None:
        self.visit_all(target for target in node.targets if not isinstance(target, ast.Name))

    def _visit_capture(self, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping) -> None:
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            self._bind(name, node)
        self.generic_visit(node)

    visit_MatchAs = visit_MatchStar = visit_MatchMapping = _visit_capture

    # Scopes.

    def _visit_scope(self, node: Scoped, parts: Iterable[ast.AST | None]) -> None:
        outer = self._scope, self._branches, self._guards
        self._scope = Scope(node, outer[0])
        if not self._scope.is_comprehension:
            self._branches = ()
        if not isinstance(node, ast.ClassDef) and not self._scope.is_comprehension:
            # A function runs after the `try` around its definition.
            self._guards = tuple(guard for guard in outer[2] if guard.kind != 'try')
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            self._bind_arguments(node.args, node)
        self.visit_all(parts)
        self._scope, self._branches, self._guards = outer

    def _bind_arguments(self, arguments: ast.arguments, node: ast.AST) -> None:
        for argument in ast.iter_child_nodes(arguments):
            if isinstance(argument, ast.arg):
                self._bind(argument.arg, node)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        self.visit_all([*node.decorator_list, *arguments.defaults, *arguments.kw_defaults])
        for argument in ast.iter_child_nodes(arguments):
            if isinstance(argument, ast.arg):
                self.visit_all([argument.annotation])
        self.visit_all([node.returns])
        self._bind(node.name, node)
        self._visit_scope(node, node.body)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit_all([*node.args.defaults, *node.args.kw_defaults])
        self._visit_scope(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all([*node.decorator_list, *node.bases, *(k.value for k in node.keywords)])
        self._bind(node.name, node)
        self._visit_scope(node, node.body)

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        # Bound before the element, which comes before them in the code, is visited.
        outer = self._scope
        self.visit(node.generators[0].iter)
        self._scope = Scope(node, outer)
        for index, generator in enumerate(node.generators):
            if index:
                self.visit(generator.iter)
            for name in ast.walk(generator.target):
                if isinstance(name, ast.Name):
                    self._bind(name.id, node)
            self.visit_all(generator.ifs)
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.visit_all(elements)
        self._scope = outer

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    # Nodes that use names.

    def visit_Name(self, node: ast.Name) -> None:
        self.words.add(node.id)
        self._places[id(node)] = self._place(node)
        self._chains.append((node, self._guards))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.words.update(part.attr for part in chain(node) if isinstance(part, ast.Attribute))
        base = list(chain(node))[-1]
        if isinstance(base, ast.Name):
            self._places[id(base)] = self._place(base)
            self._chains.append((node, self._guards))
        else:
            if isinstance(base, ast.Call) and text_of_import(base):
                self._chains.append((node, self._guards))
            self.visit(base)

    def visit_Call(self, node: ast.Call) -> None:
        name = text_of_import(node)
        if name is not None:
            self._imports.append((name, node, self._guards))
        match node:
            case ast.Call(ast.Name('setattr'), [target, ast.Constant(str(attr)), _], []):
                self._stored.append(ast.Attribute(target, attr, ast.Store()))
            case ast.Call(ast.Name('getattr'), [_, ast.Constant(str())], []):
                self._chains.append((node, self._guards))
        self.generic_visit(node)
