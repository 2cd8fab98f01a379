"""What a program did, as lines that are the same each time.

They say what was called, what was logged, and which files, checkpoints and events were left.
"""

import collections
import glob
import os
import re

import numpy as np

# Log lines that say nothing about hooks: what 1.15 says of its own names on the way to 2.0, and
# what releases after 1.15 added around a save.
IGNORED_LOG = (
    'is deprecated',
    'Instructions for updating',
    'Calling checkpoint listeners',
    'From ',
)
# Summaries whose value is a time.
MEASURED_TAGS = ('global_step/sec',)
NUMBER = r'[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|inf|nan)'


def _number(value):
    return f'{value:.5g}' if isinstance(value, (float, np.floating)) else repr(value)


def _scalar(value):
    if isinstance(value, np.generic):
        value = value.item()
    return _number(value)


def show(value):
    """`value` as one line: types of containers, dtypes of arrays and scalars, 5 digits."""
    kind = type(value).__name__
    if isinstance(value, np.generic):
        return f'numpy.{value.dtype.name}({_scalar(value)})'
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return repr(value)
    if isinstance(value, float):
        return f'float({_number(value)})'
    if isinstance(value, np.ndarray):
        items = ', '.join(_scalar(item) for item in value.ravel().tolist())
        return f'ndarray({value.dtype.name}, {list(value.shape)}, [{items}])'
    if isinstance(value, BaseException):
        return 'raised ' + _kind_of_error(value)
    if isinstance(value, tuple) and hasattr(value, '_fields'):
        return f'{kind}({_fields(value, value._fields)})'
    if hasattr(value, '__attrs_attrs__'):
        return f'{kind}({_fields(value, [a.name for a in value.__attrs_attrs__])})'
    if isinstance(value, (list, tuple)):
        opening, closing = '[]' if isinstance(value, list) else '()'
        prefix = '' if kind in ('list', 'tuple') else kind
        return prefix + opening + ', '.join(show(item) for item in value) + closing
    if isinstance(value, dict):
        items = list(value.items())
        if not isinstance(value, collections.OrderedDict):
            items.sort(key=lambda item: str(item[0]))
        text = ', '.join(f'{_key(k)}: {show(v)}' for k, v in items)
        return '{}{{{}}}'.format('' if kind == 'dict' else kind, text)
    if hasattr(value, 'graph') and hasattr(value, 'name'):
        return f'<{value.name}>'
    if kind == 'RaggedTensorValue':
        return f'RaggedTensorValue({show(value.values)}, {show(value.row_splits)})'
    return kind


def _fields(value, names):
    return ', '.join(f'{name}={show(getattr(value, name))}' for name in names)


def _key(key):
    return repr(key) if isinstance(key, str) else show(key)


def _kind_of_error(error):
    """The nearest class that a caller of TensorFlow would catch: an own subclass serves as well.

    A class that has several such bases is all of them, written `A|B`.
    """
    nearest = []
    for cls in type(error).__mro__:
        known = cls.__module__ == 'builtins' or cls.__module__.split('.')[0].startswith(
            'tensorflow'
        )
        if known and not any(issubclass(kept, cls) for kept in nearest):
            nearest.append(cls)
    return '|'.join(cls.__name__ for cls in nearest)


class Trace:
    """The record of one program's run.

    Attributes:
      tf: The module the program runs on.
    """

    def __init__(self, tf, workdir):
        self.tf = tf
        self._workdir = workdir
        self._calls = []
        self._log = []

    def note(self, what, *values, **named):
        """Writes down a call: what was called, and the values that belong to it."""
        parts = [what] + [show(value) for value in values]
        parts += [f'{name}={show(value)}' for name, value in named.items()]
        self._calls.append(self._clean(' '.join(parts)))

    def raises(self, what, function, *args, **kwargs):
        """Calls `function` and writes down what it returned or the class of what it raised.

        Returns:
          The exception, or None.
        """
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            said = ' saying "boom"' if 'boom' in str(error) else ''
            self._calls.append(f'{what} {show(error)}{said}')
            return error
        self.note(what + ' returned', result)
        return None

    def add_log(self, line):
        """Writes down a line of TensorFlow's log, without what differs from run to run."""
        if any(part in line for part in IGNORED_LOG):
            return
        line = self._clean(line)
        line = re.sub(rf'\({NUMBER} sec\)', '(<n> sec)', line)
        line = re.sub(rf'(global_step/sec: ){NUMBER}', r'\1<n>', line)
        line = re.sub(r'0x[0-9a-f]+', '<address>', line)
        self._log.append(line.split('\n')[0])

    def sections(self):
        """All there is to compare: a dict from a section's name to its lines."""
        return {
            'calls': self._calls,
            'log': self._log,
            'files': self._files(),
            'checkpoints': self._checkpoints(),
            'events': self._events(),
        }

    def _clean(self, text):
        return text.replace(self._workdir, '<dir>')

    def _relative(self, path):
        return os.path.relpath(path, self._workdir).replace(os.sep, '/')

    def _walk(self):
        for folder, _, names in sorted(os.walk(self._workdir)):
            for name in sorted(names):
                yield os.path.join(folder, name)

    def _files(self):
        names = set()
        for path in self._walk():
            name = self._relative(path)
            name = re.sub(r'events\.out\.tfevents\..*', 'events.out.tfevents.*', name)
            name = re.sub(r'(plugins/profile/)[^/]*/.*', r'\1*', name)
            names.add(name)
        return sorted(names)

    def _checkpoints(self):
        lines = []
        for path in self._walk():
            folder = os.path.dirname(path)
            if os.path.basename(path) == 'checkpoint':
                state = self.tf.train.get_checkpoint_state(folder)
                kept = [os.path.basename(p) for p in state.all_model_checkpoint_paths]
                latest = os.path.basename(state.model_checkpoint_path)
                lines.append(
                    '{}: latest {} of {}'.format(self._relative(folder), latest, ', '.join(kept))
                )
            elif path.endswith('.index'):
                reader = self.tf.train.load_checkpoint(path[: -len('.index')])
                names = sorted(reader.get_variable_to_shape_map())
                values = ', '.join(f'{name}={show(reader.get_tensor(name))}' for name in names)
                lines.append('{}: {}'.format(self._relative(path[: -len('.index')]), values))
        return lines

    def _events(self):
        lines = []
        folders = sorted({os.path.dirname(path) for path in self._walk() if 'tfevents' in path})
        for folder in folders:
            lines.append(f'in {self._relative(folder)}:')
            events = []
            for path in glob.glob(os.path.join(folder, '*tfevents*')):
                events.extend(self.tf.train.summary_iterator(path))
            for event in sorted(events, key=lambda event: event.wall_time):
                lines.extend(self._event(event))
        return lines

    def _event(self, event):
        kind = event.WhichOneof('what')
        if kind == 'file_version':
            return
        if kind == 'summary':
            for value in event.summary.value:
                held = value.WhichOneof('value')
                text = ' ' + _number(value.simple_value) if held == 'simple_value' else ''
                if value.tag in MEASURED_TAGS:
                    text = ' <n>'
                yield f'step {event.step}: summary {value.tag} {held}{text}'
        elif kind == 'session_log':
            name = type(event.session_log).SessionStatus.Name(event.session_log.status)
            yield f'step {event.step}: session_log {name}'
        elif kind == 'tagged_run_metadata':
            metadata = self.tf.RunMetadata.FromString(event.tagged_run_metadata.run_metadata)
            stats = metadata.HasField('step_stats')
            tag = event.tagged_run_metadata.tag
            yield f'step {event.step}: run metadata {tag} step_stats={stats}'
        else:
            yield f'step {event.step}: {kind}'
