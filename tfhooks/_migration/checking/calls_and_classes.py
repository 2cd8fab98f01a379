"""Facts about a program's calls and classes, from which patterns are found."""

from __future__ import annotations

import ast
import collections
import functools
from collections.abc import Iterator

from tfhooks._migration.checking.program import Program
from tfhooks._migration.checking.scopes import Binding
from tfhooks._migration.checking.uses import ROOTS

Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

# The arguments of the calls in patterns, in order.
ARGUMENTS = {
    'MonitoredTrainingSession': (
        *('master', 'is_chief', 'checkpoint_dir', 'scaffold', 'hooks', 'chief_only_hooks'),
        *('save_checkpoint_secs', 'save_summaries_steps', 'save_summaries_secs', 'config'),
        *('stop_grace_period_secs', 'log_step_count_steps', 'max_wait_secs'),
        *('save_checkpoint_steps', 'summary_dir'),
    ),
    'MonitoredSession': ('session_creator', 'hooks'),
    'SingularMonitoredSession': ('hooks', 'scaffold', 'master', 'config', 'checkpoint_dir'),
    'SessionRunArgs': ('fetches', 'feed_dict', 'options'),
    'SummarySaverHook': (
        *('save_steps', 'save_secs', 'output_dir', 'summary_writer', 'scaffold', 'summary_op'),
    ),
    'CheckpointSaverHook': ('checkpoint_dir',),
    'NanTensorHook': ('loss_tensor', 'fail_on_nan_loss'),
    'LoggingTensorHook': ('tensors',),
    'SecondOrStepTimer': ('every_secs', 'every_steps'),
    'StopAtStepHook': ('num_steps', 'last_step'),
}
SESSIONS = ('MonitoredTrainingSession', 'MonitoredSession', 'SingularMonitoredSession')
HOOKS = (
    'SessionRunHook',
    'CheckpointSaverHook',
    'SummarySaverHook',
    'StepCounterHook',
    'LoggingTensorHook',
    'StopAtStepHook',
    'NanTensorHook',
    'FeedFnHook',
    'FinalOpsHook',
    'GlobalStepWaiterHook',
    'ProfilerHook',
)
_INTERESTING = {*SESSIONS, *HOOKS, 'SecondOrStepTimer', 'CheckpointSaverListener', 'experimental'}


def is_interesting(program: Program) -> bool:
    """True if a program uses a name that a pattern is about."""
    return not _INTERESTING.isdisjoint(program.words)


class Facts:
    """Finds calls, arguments, values and classes in one program.

    Args:
      program: The program.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.nodes = list(ast.walk(program.tree))
        self.parents = {
            id(child): node for node in self.nodes for child in ast.iter_child_nodes(node)
        }

    def name(self, node: ast.expr) -> str | None:
        """The last part of the name of TensorFlow or tfhooks that an expression is, or None."""
        names = self.program.resolver.dotted(node)
        if None in names or not names:
            return None
        lasts = {str(name).rpartition('.')[2] for name in names}
        ours = all(str(name).partition('.')[0] in ROOTS for name in names)
        return lasts.pop() if ours and len(lasts) == 1 else None

    def called(self, node: ast.AST | None) -> str | None:
        """The last part of the name of TensorFlow or tfhooks that a node calls, or None."""
        return self.name(node.func) if isinstance(node, ast.Call) else None

    def calls(self, *names: str) -> Iterator[ast.Call]:
        """Yields all calls of some names."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                last = getattr(node.func, 'attr', getattr(node.func, 'id', None))
                # The name may have been imported as another.
                if (last in names or isinstance(node.func, ast.Name)) and self.called(
                    node
                ) in names:
                    yield node

    def argument(self, call: ast.Call, name: str) -> ast.expr | None:
        """The expression that a call passes for an argument, or None."""
        for keyword in call.keywords:
            if keyword.arg == name:
                return keyword.value
        order = ARGUMENTS.get(self.called(call) or '', ())
        index = order.index(name) if name in order else -1
        return call.args[index] if 0 <= index < len(call.args) else None

    @staticmethod
    def is_open(call: ast.Call) -> bool:
        """True if a call passes arguments that cannot be seen, such as `**kwargs`."""
        return any(keyword.arg is None for keyword in call.keywords) or any(
            isinstance(argument, ast.Starred) for argument in call.args
        )

    def value(self, node: ast.expr) -> ast.expr:
        """The value of a name that is assigned once; else the node itself."""
        return self.program.resolver.value(node)

    def bindings(self, node: ast.expr) -> list[Binding]:
        """The bindings that a name may have."""
        found = self.program.resolver.bindings(node) if isinstance(node, ast.Name) else None
        return found or []

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yields the nodes around a node, from the inside out."""
        parent = self.parents.get(id(node))
        while parent is not None:
            yield parent
            parent = self.parents.get(id(parent))

    def function_of(self, node: ast.AST) -> ast.AST | None:
        """The function that a node is in."""
        return next((place for place in self.above(node) if isinstance(place, _FUNCTIONS)), None)

    @functools.cached_property
    def _classes(self) -> dict[str, ast.ClassDef]:
        """The classes whose names are given once."""
        classes = [node for node in self.nodes if isinstance(node, ast.ClassDef)]
        count = collections.Counter(node.name for node in classes)
        return {node.name: node for node in classes if count[node.name] == 1}

    def classes_of(self, *bases: str) -> Iterator[ast.ClassDef]:
        """The classes of the program that derive from some of TensorFlow's, by their last parts."""
        for node in self.nodes:
            if isinstance(node, ast.ClassDef) and self._derives(node, bases, 8):
                yield node

    def _derives(self, node: ast.ClassDef, bases: tuple[str, ...], depth: int) -> bool:
        for base in node.bases:
            if self.name(base) in bases:
                return True
            own = self._classes.get(base.id) if isinstance(base, ast.Name) and depth else None
            if own is not None and own is not node and self._derives(own, bases, depth - 1):
                return True
        return False

    def method(self, node: ast.ClassDef, name: str) -> Function | None:
        """A method that a class itself has."""
        for statement in node.body:
            if isinstance(statement, Function) and statement.name == name:
                return statement
        return None

    def inside(self, function: ast.AST) -> Iterator[ast.AST]:
        """The nodes of a function, without those of functions and classes in it."""
        for child in ast.iter_child_nodes(function):
            if not isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
                yield child
                yield from self.inside(child)

    def attribute_values(self, node: ast.ClassDef, name: str) -> list[ast.expr] | None:
        """All values that a class gives to `self.<name>`; None where they cannot all be seen."""
        values: list[ast.expr] = []
        for inner in ast.walk(node):
            match inner:
                case ast.Attribute(_, attr, ast.Store()) if attr == name:
                    parent = self.parents.get(id(inner))
                    if not isinstance(parent, ast.Assign) or inner not in parent.targets:
                        return None
                    values.append(parent.value)
        return values
