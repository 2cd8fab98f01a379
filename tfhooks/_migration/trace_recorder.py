"""Writes down what the hooks and monitored sessions of a program do, to compare two machines.

    python trace_recorder.py --trace FILE script.py [arguments of the script]

This file needs nothing but Python 3.6 or newer and any TensorFlow from 1.4 on: copy it to the old
machine. On the new one `python -m tfhooks --trace FILE script.py` does the same with the same file;
`python -m tfhooks compare-traces A B` compares the two.
"""

# Python 3.6 reads this file, too.
# ruff: noqa: UP006, UP035, UP045, B010

import argparse
import atexit
import collections
import functools
import importlib.util
import inspect
import json
import logging
import os
import platform
import re
import runpy
import sys
import threading
import time
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

import numpy as np

_METHODS = ('begin', 'after_create_session', 'before_run', 'after_run', 'end', 'on_error')
# Log lines of TensorFlow's that are not about hooks and sessions.
_IGNORED_LOG = (
    'is deprecated',
    'Instructions for updating',
    'Calling checkpoint listeners',
    'From ',
)
# Summaries whose value is a time.
_MEASURED_TAGS = ('global_step/sec',)
_NUMBER = r'[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|inf|nan)'
_MOST_LINES = 20000


def _number(value: Any, digits: int) -> str:
    return f'{float(value):.{digits}g}' if isinstance(value, (float, np.floating)) else repr(value)


def show(value: Any, digits: int = 8, most_items: int = 8) -> str:
    """Returns `value` as one line: types of containers, dtypes of arrays and scalars.

    Args:
      value: Anything that is fed or fetched.
      digits: The digits of its floating point numbers.
      most_items: Of an array with more items, statistics of its numbers are shown.
    """

    def inner(value: Any) -> str:
        return show(value, digits, most_items)

    kind = type(value).__name__
    if isinstance(value, np.generic):
        return f'numpy.{value.dtype.name}({_number(value.item(), digits)})'
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return repr(value) if len(repr(value)) < 200 else kind
    if isinstance(value, float):
        return f'float({_number(value, digits)})'
    if isinstance(value, np.ndarray):
        items = _items(value, digits, most_items)
        return f'ndarray({value.dtype.name}, {list(value.shape)}, {items})'
    names = getattr(value, '_fields', None) if isinstance(value, tuple) else None
    attributes = getattr(value, '__attrs_attrs__', None)
    if attributes is not None:
        names = [field.name for field in attributes]
    if names is not None:
        fields = [f'{name}={inner(getattr(value, name))}' for name in names]
        return '{}({})'.format(kind, ', '.join(fields))
    prefix = '' if kind in ('list', 'tuple', 'dict') else kind
    if isinstance(value, (list, tuple)):
        opening, closing = '[]' if isinstance(value, list) else '()'
        return prefix + opening + ', '.join(inner(item) for item in value) + closing
    if isinstance(value, dict):
        pairs = [(inner(key), inner(value[key])) for key in value]
        if not isinstance(value, collections.OrderedDict):
            pairs.sort()
        return prefix + '{' + ', '.join(f'{key}: {item}' for key, item in pairs) + '}'
    if hasattr(value, 'graph') and hasattr(value, 'name'):
        return f'<{value.name}>'
    if kind == 'RaggedTensorValue':
        return f'RaggedTensorValue({inner(value.values)}, {inner(value.row_splits)})'
    return kind


def _items(array: Any, digits: int, most_items: int) -> str:
    if array.size <= most_items:
        return '[' + ', '.join(_number(item, digits) for item in array.ravel().tolist()) + ']'
    if array.dtype.kind not in 'biuf':
        return f'{array.size} items'
    found = np.asarray(array, dtype=np.float64)
    figures = [('mean', found.mean()), ('std', found.std())]
    figures += [('min', found.min()), ('max', found.max())]
    return ', '.join(f'{name}={_number(figure, digits)}' for name, figure in figures)


def _is_libraries(cls: type) -> bool:
    name = cls.__module__.split('.')[0]
    return name == 'builtins' or name.startswith('tensorflow') or name == 'tfhooks'


def kinds_of_error(error: BaseException) -> List[str]:
    """Returns the nearest classes that a caller of TensorFlow would catch, the nearest first."""
    nearest: List[type] = []
    for cls in type(error).__mro__:
        is_known = cls.__module__ == 'builtins' or cls.__module__.startswith('tensorflow')
        if is_known and not any(issubclass(kept, cls) for kept in nearest):
            nearest.append(cls)
    return [cls.__name__ for cls in nearest]


class _Watched:
    """A monitored session, and the state of its recording."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.runs = 0
        self.session: Any = None
        self.step: Any = None

    def global_step(self) -> str:
        try:
            return f' at global step {int(self.session.run(self.step))}'
        except Exception:
            return ''


class Recorder:
    """Records the sessions of this process from `watch` on, and writes the file when it ends."""

    def __init__(self, path: str, most_runs: int = 1000) -> None:
        """Makes the recorder.

        Args:
          path: The JSON file to write.
          most_runs: The most runs of each session to record. The files that a program writes are
            recorded in any case.
        """
        self._path = os.path.abspath(path)
        self._most_runs = most_runs
        self._started = time.time()
        self._pid = os.getpid()
        self._calls: List[str] = []
        self._log: List[str] = []
        self._folders: List[str] = []
        self._writers: List[Any] = []
        self._hooks: Dict[int, Tuple[Any, str, _Watched]] = {}
        self._sessions = 0
        self._lock = threading.Lock()
        # The run and the methods of hooks that this thread is in.
        self._here = threading.local()
        self._tf: Any = None

    def watch(self, tf: Any) -> None:
        """Begins to record.

        Args:
          tf: TensorFlow 1, or the module that a program uses as it.
        """
        self._tf = tf
        for kind in (tf.train.MonitoredSession, tf.train.SingularMonitoredSession):
            self._wrap(kind, '__init__', self._making)
            self._wrap(kind, 'run', self._running)
            self._wrap(kind, 'run_step_fn', self._running)
            self._wrap(kind, 'close', self._closing)
            self._wrap(kind, '__exit__', self._closing)
        self._wrap(tf.summary.FileWriter, '__init__', self._opening)
        self._wrap(tf.train.Saver, 'save', self._saving)
        logging.getLogger('tensorflow').addHandler(LogLines(self._log))
        atexit.register(self.write)

    @staticmethod
    def _wrap(kind: type, method: str, wrapper: Callable[..., Any]) -> None:
        inner = getattr(kind, method)

        @functools.wraps(inner)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            return wrapper(inner, self, *args, **kwargs)

        setattr(kind, method, wrapped)

    # Calls of the program.

    def _making(self, inner: Any, session: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(session, '_trace'):  # A subclass has called its base class.
            return inner(session, *args, **kwargs)
        with self._lock:
            self._sessions += 1
            watched = _Watched(f'session {self._sessions}')
        try:
            call = inspect.signature(inner).bind(session, *args, **kwargs)
            hooks = list(call.arguments.get('hooks') or [])
        except TypeError:  # The session will raise an error for it.
            return inner(session, *args, **kwargs)
        for hook in hooks:
            self._follow(hook, watched)
        names = [type(hook).__name__ for hook in hooks]
        self._note(watched, f'{type(session).__name__} with hooks {names}')
        hooks.append(self._steps_hook(watched))
        call.arguments['hooks'] = hooks
        session._trace = watched
        try:
            inner(*call.args, **call.kwargs)
        except BaseException as error:
            self._note(watched, 'making it raised ' + kinds_of_error(error)[0])
            raise

    def _steps_hook(self, watched: _Watched) -> Any:
        tf = self._tf

        class Steps(tf.train.SessionRunHook):  # type: ignore
            def begin(self) -> None:
                watched.step = tf.train.get_global_step()

            def after_create_session(self, session: Any, coord: Any) -> None:
                watched.session = session

        # So that it does not count as a hook of the program's.
        Steps.__module__ = 'tensorflow'
        return Steps()

    def _running(self, inner: Any, session: Any, *args: Any, **kwargs: Any) -> Any:
        watched = getattr(session, '_trace', None)
        if watched is None:
            return inner(session, *args, **kwargs)
        with self._lock:
            watched.runs += 1
            number = watched.runs
        outer, self._here.run = getattr(self._here, 'run', None), number
        try:
            asked = [show(arg) for arg in args]
            asked += [f'{name}={show(kwargs[name])}' for name in sorted(kwargs)]
            self._note(watched, '{}({})'.format(inner.__name__, ', '.join(asked)))
            result = inner(session, *args, **kwargs)
            if number <= self._most_runs:
                self._note(watched, 'returned ' + show(result) + watched.global_step())
            return result
        except BaseException as error:
            self._note(watched, 'raised ' + kinds_of_error(error)[0])
            raise
        finally:
            self._here.run = outer

    def _closing(self, inner: Any, session: Any, *args: Any, **kwargs: Any) -> Any:
        watched = getattr(session, '_trace', None)
        if watched is None:
            return inner(session, *args, **kwargs)
        error = args[1] if len(args) > 1 else None
        how = 'is closed' if error is None else 'is left by ' + kinds_of_error(error)[0]
        self._note(watched, f'{how} after {watched.runs} runs')
        try:
            return inner(session, *args, **kwargs)
        except BaseException as another:
            self._note(watched, 'closing it raised ' + kinds_of_error(another)[0])
            raise
        finally:
            self.write()

    def _opening(self, inner: Any, writer: Any, *args: Any, **kwargs: Any) -> None:
        folder = args[0] if args else kwargs.get('logdir')
        self._remember(folder)
        inner(writer, *args, **kwargs)
        self._writers.append(writer)

    def _saving(self, inner: Any, saver: Any, *args: Any, **kwargs: Any) -> Any:
        path = args[1] if len(args) > 1 else kwargs.get('save_path')
        if path is not None:
            self._remember(os.path.dirname(os.path.abspath(str(path))))
        return inner(saver, *args, **kwargs)

    def _remember(self, folder: Any) -> None:
        if folder and os.path.abspath(str(folder)) not in self._folders:
            self._folders.append(os.path.abspath(str(folder)))

    # Calls of the program's hooks.

    def _follow(self, hook: Any, watched: _Watched) -> None:
        """Wraps the methods of the program's own classes; stock hooks are seen by their files."""
        self._hooks[id(hook)] = (hook, type(hook).__name__, watched)
        for cls in type(hook).__mro__:
            if _is_libraries(cls):
                continue
            for method in _METHODS:
                function = vars(cls).get(method)
                if callable(function) and not hasattr(function, '_traced'):
                    self._wrap(cls, method, self._calling)
                    setattr(vars(cls)[method], '_traced', True)

    def _calling(self, inner: Any, hook: Any, *args: Any, **kwargs: Any) -> Any:
        _, name, watched = self._hooks.get(id(hook), (None, '', None))
        inside = self._here.__dict__.setdefault('inside', set())
        here = (id(hook), inner.__name__)
        if watched is None or here in inside:  # A call of a base class's method.
            return inner(hook, *args, **kwargs)
        inside.add(here)
        called = f'{name}.{inner.__name__}'
        try:
            if inner.__name__ == 'after_run' and len(args) > 1:
                called += ' is given ' + show(getattr(args[1], 'results', None))
                self._note(watched, called)
                return inner(hook, *args, **kwargs)
            result = inner(hook, *args, **kwargs)
            if inner.__name__ == 'before_run':
                called += ' asks for ' + show(getattr(result, 'fetches', None))
                if getattr(result, 'feed_dict', None):
                    called += ' feeding ' + show(result.feed_dict)
            self._note(watched, called)
            return result
        except BaseException as error:
            self._note(watched, f'{called} raised {kinds_of_error(error)[0]}')
            raise
        finally:
            inside.discard(here)

    def _note(self, watched: _Watched, what: str) -> None:
        run = getattr(self._here, 'run', None)
        if run is None:
            self._calls.append(f'{watched.name}: {what}')
        elif run <= self._most_runs:
            self._calls.append(f'{watched.name}, run {run}: {what}')

    # The result.

    def write(self) -> None:
        """Writes the file with the recording so far."""
        if os.getpid() != self._pid or self._tf is None:  # A forked child has the recorder, too.
            return
        for writer in self._writers:
            try:
                writer.flush()
            except Exception:
                continue  # The session is closed.
        left = _Left(self._tf, self._folders, self._started)
        log = logging.getLogger('tensorflow')
        was_disabled, log.disabled = log.disabled, True  # Reading event files is deprecated.
        try:
            self._write(left)
        finally:
            log.disabled = was_disabled

    def _write(self, left: '_Left') -> None:
        trace = {
            'calls': list(self._calls),
            'log': list(log_lines(self._log)),
            'files': list(left.files()),
            'checkpoints': list(left.checkpoints()),
            'events': list(left.events()),
        }
        made_by = {'tensorflow': self._tf.__version__, 'python': platform.python_version()}
        record = {
            'program': os.path.basename(sys.argv[0]),
            'made_by': made_by,
            'trace': {name: [left.clean(line) for line in lines] for name, lines in trace.items()},
        }
        with open(self._path + '.part', 'w') as out:
            json.dump(record, out, indent=1, sort_keys=True)
            out.write('\n')
        os.replace(self._path + '.part', self._path)


class LogLines(logging.Handler):
    """Adds the lines of TensorFlow's log to a list."""

    def __init__(self, lines: List[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == 'tensorflow':  # Not tfhooks' own lines.
            self._lines.append(record.getMessage())


def log_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines of TensorFlow's log that count, without what differs from run to run."""
    for line in lines:
        if not any(part in line for part in _IGNORED_LOG):
            line = re.sub(rf'\({_NUMBER} sec\)', '(<n> sec)', line)
            line = re.sub(rf'(global_step/sec: ){_NUMBER}', r'\1<n>', line)
            line = re.sub(r'0x[0-9a-f]+', '<address>', line)
            yield line.split('\n')[0]


def file_name(name: str) -> str:
    """Returns the name of a file without what differs from run to run."""
    return re.sub(r'(events\.out\.tfevents)\..*', r'\1.*', name)


def checkpoints_kept(tf: Any, folder: str) -> Optional[str]:
    """Returns what the file `checkpoint` of a folder says; None where that is not a state."""
    state = tf.train.get_checkpoint_state(folder)
    if state is None:
        return None
    names = [os.path.basename(path) for path in state.all_model_checkpoint_paths]
    latest = os.path.basename(state.model_checkpoint_path)
    return 'latest {} of {}'.format(latest, ', '.join(names))


def variables(tf: Any, checkpoint: str) -> Iterator[Tuple[str, Any]]:
    """Yields the names and values of the variables in a checkpoint."""
    reader = tf.train.NewCheckpointReader(checkpoint)
    for variable in sorted(reader.get_variable_to_shape_map()):
        yield variable, reader.get_tensor(variable)


def events(tf: Any, paths: Iterable[str], digits: int = 8) -> Iterator[str]:
    """Yields the events of the files of one folder, in the order of their times."""
    found = [event for path in paths for event in tf.train.summary_iterator(path)]
    for event in sorted(found, key=lambda event: float(event.wall_time))[:_MOST_LINES]:
        for line in _event(tf, event, digits):
            yield f'step {event.step}: {line}'


def _event(tf: Any, event: Any, digits: int) -> Iterator[str]:
    kind = event.WhichOneof('what')
    if kind == 'summary':
        for value in event.summary.value:
            line = 'summary {} {}'.format(value.tag, value.WhichOneof('value'))
            if value.tag in _MEASURED_TAGS:
                line += ' <n>'
            elif value.HasField('simple_value'):
                line += ' ' + _number(value.simple_value, digits)
            yield line
    elif kind == 'session_log':
        status = event.session_log
        yield 'session_log ' + type(status).SessionStatus.Name(status.status)
    elif kind == 'tagged_run_metadata':
        tagged = event.tagged_run_metadata
        metadata = tf.RunMetadata.FromString(tagged.run_metadata)
        yield 'run metadata {} step_stats={}'.format(tagged.tag, metadata.HasField('step_stats'))
    elif kind != 'file_version':
        yield str(kind)


class _Left:
    """The files that a program has written into the folders it keeps checkpoints and events in."""

    def __init__(self, tf: Any, folders: List[str], since: float) -> None:
        self._tf = tf
        self._folders = [(folder, f'<dir{number}>') for number, folder in enumerate(folders, 1)]
        # File systems store times in steps of up to two seconds.
        self._since = since - 2

    def clean(self, text: str) -> str:
        """Returns a line without the parts that depend on this machine."""
        places = [*self._folders, (os.getcwd(), '<cwd>')]
        for folder, name in sorted(places, key=lambda place: -len(place[0])):
            for path in {folder, os.path.realpath(folder)} - {os.sep}:
                text = text.replace(path, name)
        return text

    def _written(self, folder: str) -> List[str]:
        if not os.path.isdir(folder):
            return []
        names = [name for name in sorted(os.listdir(folder)) if not name.startswith('.')]
        paths = [os.path.join(folder, name) for name in names]
        return [p for p in paths if os.path.isfile(p) and os.path.getmtime(p) >= self._since]

    def files(self) -> Iterator[str]:
        for folder, name in self._folders:
            found = {file_name(os.path.basename(path)) for path in self._written(folder)}
            for file in sorted(found)[:_MOST_LINES]:
                yield f'{name}/{file}'

    def checkpoints(self) -> Iterator[str]:
        for folder, name in self._folders:
            for path in self._written(folder):
                file, extension = os.path.splitext(os.path.basename(path))
                kept = checkpoints_kept(self._tf, folder) if file == 'checkpoint' else None
                if kept is not None:
                    yield f'{name}: {kept}'
                elif extension == '.index':
                    for variable, value in variables(self._tf, os.path.join(folder, file)):
                        yield f'{name}/{file}: {variable} is {show(value)}'

    def events(self) -> Iterator[str]:
        for folder, name in self._folders:
            files = [p for p in self._written(folder) if 'tfevents' in os.path.basename(p)]
            for line in events(self._tf, files):
                yield f'{name}: {line}'


class _AfterTensorFlow:
    """Finds TensorFlow by the other finders, and calls a function when it has been imported."""

    def __init__(self, after: Callable[[Any], None]) -> None:
        self._after = after

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != 'tensorflow':
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        loader: Any = None if spec is None else spec.loader
        if loader is None:
            return spec
        execute = loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            self._after(module)

        loader.exec_module = exec_module
        return spec


def main(argv: List[str]) -> None:
    """Runs a script and records it."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n')[0])
    parser.add_argument('--trace', required=True, metavar='FILE', help='the JSON file to write')
    parser.add_argument('--trace-runs', type=int, default=1000, help='runs of each session')
    parser.add_argument('script')
    parser.add_argument('arguments', nargs=argparse.REMAINDER)
    flags = parser.parse_args(argv)
    recorder = Recorder(flags.trace, flags.trace_runs)

    def after(tensorflow: Any) -> None:
        is_old = tensorflow.__version__.startswith('1.')
        recorder.watch(tensorflow if is_old else tensorflow.compat.v1)

    sys.meta_path.insert(0, _AfterTensorFlow(after))
    sys.argv[:] = [flags.script, *flags.arguments]
    sys.path[0] = os.path.dirname(os.path.realpath(flags.script))
    runpy.run_path(flags.script, run_name='__main__')


if __name__ == '__main__':
    main(sys.argv[1:])
