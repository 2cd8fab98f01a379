"""RestoreHook: restores variables from another model's checkpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tfhooks._base import arguments, log
from tfhooks._base.hook_types import SessionRunHook, SupportsRestore
from tfhooks._checkpoints import checkpoint_files, newest_checkpoint, saved_tensors
from tfhooks._tensorflow import Graph, Session, tf

_NAME = 'RestoreHook'
# The most bytes to read and assign at once, so that a large model is not twice in host memory.
_MOST_BYTES = 1 << 28


class RestoreHook(SessionRunHook[None], SupportsRestore):
    """Restores variables from a checkpoint, under other names if need be, when training begins.

    Not in TensorFlow. Training begins where the global step is at its initial value: a session that
    was restored from its own `checkpoint_dir` has gone on from there, and is left alone. A session
    that was lost before anything was saved begins again, and is restored again. The global step
    itself is never restored; nothing is added to the graph.

    Example:
      ```python
      with tfhooks.MonitoredTrainingSession(checkpoint_dir=directory) as session:
          session.run(train_op)
      pretrained = tfhooks.RestoreHook(directory, include='weight')
      with tfhooks.MonitoredSession(hooks=[pretrained]) as session:
          print(session.run(tf.train.get_global_step()))  # 0
          print(session.run(loss))  # 2.56...
      ```
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        *,
        name_map: Mapping[str, str] | Callable[[str], str | None] | None = None,
        include: Any = None,
        exclude: Any = None,
        strict: bool = True,
        always: bool = False,
        init_fn: Callable[[Session], Any] | None = None,
    ) -> None:
        """Stores the arguments; `after_create_session` reads the checkpoint.

        Args:
          checkpoint: The prefix of a checkpoint's files, or a directory, of which the latest
            checkpoint is used. It must exist when training begins.
          name_map: From names in the checkpoint to names of variables in the graph. In a dict, a
            name that is not in it stays as it is. A function gives the name in the graph, or None
            to leave the variable out.
          include: A regular expression, or several, for names of variables in the graph: only those
            are restored in which one of them is found (`re.search`).
          exclude: The same, for variables that are not to be restored.
          strict: Whether each variable of the graph that is included and not excluded must be in
            the checkpoint with its shape and dtype. If not, those that are not are left as they
            were initialised, and a warning lists them.
          always: Whether to restore when the first session is made even where training has begun,
            so that what was trained of these variables is replaced.
          init_fn: A function of the raw session, called after that each time a session is made, be
            it restored, recovered or new. It cannot add to the graph.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: A regular expression is none.
        """
        arguments.is_a(_NAME, 'checkpoint', checkpoint, (str, os.PathLike), 'a path')
        for name, flag in (('strict', strict), ('always', always)):
            arguments.is_a(_NAME, name, flag, bool, 'True or False')
        if name_map is not None and not isinstance(name_map, Mapping):
            _takes_one(name_map, 'name_map', 'a dict or a function of one argument, the name')
        if init_fn is not None:
            _takes_one(init_fn, 'init_fn', 'a function of one argument, the session')
        self._checkpoint = os.fspath(checkpoint)
        self._name_map = dict(name_map) if isinstance(name_map, Mapping) else name_map
        self._include = _patterns('include', include)
        self._exclude = _patterns('exclude', exclude) or []
        self._strict = strict
        self._always = always
        self._init_fn = init_fn
        self._had_a_session = False

    def begin(self) -> None:
        """Resets the hook."""
        self._had_a_session = False

    def after_create_session(self, session: Session, coord: Any) -> None:
        """Restores the variables if training begins, and calls `init_fn`.

        Raises:
          ValueError: Variables cannot be restored; lists them all, and none is restored.
          tf.errors.NotFoundError: There is no checkpoint.
        """
        first, self._had_a_session = not self._had_a_session, True
        if (self._always and first) or _begins(session):
            self._restore(session)
        if self._init_fn is not None:
            self._init_fn(session)

    def _restore(self, session: Session) -> None:
        prefix = self._prefix()
        with checkpoint_files.readable(prefix) as name:
            self._restore_from(prefix, name, session)

    def _restore_from(self, prefix: str, name: str, session: Session) -> None:
        reader = tf.train.NewCheckpointReader(name)
        wanted = self._variables(session.graph)
        sources, problems = self._sources(reader, wanted)
        found, missing = _matched(reader, wanted, sources)
        if problems or (self._strict and missing):
            lines = '\n'.join(
                f'  {line}' for line in [*problems, *missing, *_unused(reader, found)]
            )
            raise ValueError(
                f'{_NAME}.after_create_session: each variable must be in the checkpoint with its '
                f'shape and dtype; checkpoint={prefix!r}. Nothing is restored. Give name_map, '
                f'include, exclude or strict=False for:\n{lines}'
            )
        if missing:
            lines = '\n'.join(f'  {line}' for line in missing)
            log.warning('%s leaves %d variables as they are:\n%s', _NAME, len(missing), lines)
        for part in _parts(found):
            session.run(
                [variable.initializer for variable, _ in part],
                {_value_of(variable): source.read(name, reader) for variable, source in part},
            )
        log.info('%s has restored %d variables from %s.', _NAME, len(found), prefix)

    def _prefix(self) -> str:
        prefix: str | None = self._checkpoint
        if tf.gfile.IsDirectory(self._checkpoint):
            prefix = newest_checkpoint.latest(self._checkpoint)
        if prefix is None or not checkpoint_files.exists(prefix):
            raise tf.errors.NotFoundError(
                None,
                None,
                f'{_NAME}.after_create_session: checkpoint must be that of a checkpoint, or a '
                f'directory that holds one; checkpoint={self._checkpoint!r}',
            )
        return prefix

    def _variables(self, graph: Graph) -> list[Any]:
        """The variables to be restored."""
        step = tf.train.get_global_step(graph)
        return [
            variable
            for variable in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
            if variable is not step
            and (self._include is None or _found(self._include, _name(variable)))
            and not _found(self._exclude, _name(variable))
        ]

    def _sources(self, reader: Any, wanted: list[Any]) -> tuple[dict[str, str], list[str]]:
        """Maps names in the graph to those in the checkpoint; lists the mistakes in `name_map`."""
        names = sorted(reader.get_variable_to_shape_map())
        rename = self._name_map
        problems: list[str] = []
        if rename is None:
            return dict(zip(names, names, strict=True)), problems
        if callable(rename):
            given = {old: new for old in names if (new := rename(old)) is not None}
        else:
            given = rename
            variables = {_name(variable) for variable in wanted}
            for old, new in sorted(given.items()):
                if old not in names:
                    problems.append(f'{old}: in name_map, but not in the checkpoint')
                if new not in variables:
                    problems.append(f'{new}: in name_map, but no variable to be restored')
        sources: dict[str, str] = {}
        for old in names:
            new = given.get(old)
            if new in sources:
                problems.append(f'{new}: the new name of both {sources[new]} and {old}')
            if new is not None:
                sources[new] = old
        if not callable(rename):
            for old in names:
                if old not in given:
                    sources.setdefault(old, old)
        return sources, problems


class _Source(NamedTuple):
    """The source of a variable's value.

    Attributes:
      name: The name in the checkpoint.
      slices: The part of it that the variable is, if it is a part of a partitioned one.
      size: The size in bytes.
    """

    name: str
    slices: tuple[slice, ...] | None
    size: int

    def read(self, prefix: str, reader: Any) -> Any:
        value = saved_tensors.read(prefix, reader, self.name)
        return value if self.slices is None else value[self.slices]


def _matched(
    reader: Any, wanted: list[Any], sources: dict[str, str]
) -> tuple[list[tuple[Any, _Source]], list[str]]:
    """Pairs variables with their sources; also returns a line for each without a fitting one."""
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    found: list[tuple[Any, _Source]] = []
    missing: list[str] = []
    for variable in wanted:
        name = _name(variable)
        dtype = variable.dtype.base_dtype
        source = sources.get(name)
        if source is None:
            missing.append(f'{name}: not in the checkpoint; shape={variable.shape}')
            continue
        part = _slice_info(variable)
        whole = variable.shape if part is None else tf.TensorShape(list(part.full_shape))
        wrong = saved_tensors.difference(whole, dtype, shapes[source], dtypes[source])
        if wrong:
            origin = '' if source == name else f' (there {source})'
            missing.append(f'{name}{origin}: {wrong}')
            continue
        slices = None
        if part is not None:
            pairs = zip(part.var_offset, part.var_shape, strict=True)
            slices = tuple(slice(offset, offset + size) for offset, size in pairs)
        size = tf.TensorShape(shapes[source]).num_elements() * max(dtype.size or 1, 1)
        found.append((variable, _Source(source, slices, size)))
    return found, missing


def _unused(reader: Any, found: list[tuple[Any, _Source]]) -> list[str]:
    """A line for each name that is only in the checkpoint."""
    shapes = reader.get_variable_to_shape_map()
    used = {source.name for _, source in found}
    return [
        f'{name}: in the checkpoint, and not restored; shape={tf.TensorShape(shapes[name])}'
        for name in sorted(set(shapes) - used)
    ]


def _parts(found: list[tuple[Any, _Source]]) -> Iterator[list[tuple[Any, _Source]]]:
    """Splits the variables into lists that are assigned in one run each."""
    part: list[tuple[Any, _Source]] = []
    size = 0
    fed: set[str] = set()
    for variable, source in found:
        value = _value_of(variable).name
        if part and (size + source.size > _MOST_BYTES or value in fed):
            yield part
            part, size, fed = [], 0, set()
        part.append((variable, source))
        size += source.size
        fed.add(value)
    if part:
        yield part


def _value_of(variable: Any) -> Any:
    """The tensor that the initializer of a variable assigns: fed, it assigns any value."""
    return variable.initializer.inputs[1]


def _begins(session: Session) -> bool:
    """True if training begins with this session."""
    step = tf.train.get_global_step(session.graph)
    if step is None:
        return True
    initial = getattr(step, 'initial_value', None)
    now, before = session.run([step, step if initial is None else initial])
    return bool(now == (0 if initial is None else before))


def _name(variable: Any) -> str:
    """The name that a Saver gives a variable in a checkpoint."""
    part = _slice_info(variable)
    return str(variable.op.name if part is None else part.full_name)


def _slice_info(variable: Any) -> Any:
    """The SaveSliceInfoDef of a part of a partitioned variable; None for a whole variable."""
    proto = variable.to_proto()
    return proto.save_slice_info_def if proto.HasField('save_slice_info_def') else None


def _found(patterns: list[re.Pattern[str]], name: str) -> bool:
    return any(pattern.search(name) for pattern in patterns)


def _patterns(argument: str, given: Any) -> list[re.Pattern[str]] | None:
    if given is None:
        return None
    if isinstance(given, str | re.Pattern):
        given = [given]
    if not isinstance(given, Iterable):
        raise TypeError(
            f'{_NAME}: {argument} must be a regular expression or a list of them; '
            f'{argument}={given!r}'
        )
    patterns = []
    for pattern in given:
        arguments.is_a(_NAME, argument, pattern, (str, re.Pattern), 'regular expressions')
        try:
            patterns.append(re.compile(pattern))
        except re.error as error:
            raise ValueError(
                f'{_NAME}: {argument} must be regular expressions; {argument}={pattern!r}: {error}'
            ) from None
    return patterns


def _takes_one(function: Any, argument: str, what: str) -> None:
    if not callable(function) or arguments.problem_of_call(function, 1):
        raise TypeError(f'{_NAME}: {argument} must be {what}; {argument}={function!r}')
