"""What a program did, as lines that are the same each time.

They say what was called, what was logged, and which files, checkpoints and events were left.
"""

import functools
import os
import re
import sys

try:
    from tfhooks._migration import trace_recorder
except (ImportError, SyntaxError):  # On the old machine; that file needs nothing of tfhooks.
    HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path.append(os.path.join(HERE, *[os.pardir] * 3, 'tfhooks', '_migration'))
    import trace_recorder

DIGITS = 5
show = functools.partial(trace_recorder.show, digits=DIGITS, most_items=10**6)


def raised(error):
    """The nearest classes of an error: one that has several such bases is all of them, `A|B`."""
    return 'raised ' + '|'.join(trace_recorder.kinds_of_error(error))


class Trace:
    """The record of one program's run.

    Attributes:
      tf: The module the program runs on.
      log_handler: The logging.Handler that writes down TensorFlow's log.
    """

    def __init__(self, tf, workdir):
        self.tf = tf
        self._workdir = workdir
        self._calls = []
        self._log = []
        self.log_handler = trace_recorder.LogLines(self._log)

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
            self._calls.append(f'{what} {raised(error)}{said}')
            return error
        self.note(what + ' returned', result)
        return None

    def sections(self):
        """All there is to compare: a dict from a section's name to its lines."""
        return {
            'calls': self._calls,
            'log': [self._clean(line) for line in trace_recorder.log_lines(self._log)],
            'files': self._files(),
            'checkpoints': list(self._checkpoints()),
            'events': list(self._events()),
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
        names = {trace_recorder.file_name(self._relative(path)) for path in self._walk()}
        return sorted({re.sub(r'(plugins/profile/)[^/]*/.*', r'\1*', name) for name in names})

    def _checkpoints(self):
        for path in self._walk():
            folder, (file, extension) = os.path.dirname(path), os.path.splitext(path)
            if os.path.basename(path) == 'checkpoint':
                kept = trace_recorder.checkpoints_kept(self.tf, folder)
                yield f'{self._relative(folder)}: {kept}'
            elif extension == '.index':
                found = trace_recorder.variables(self.tf, file)
                values = ', '.join(f'{name}={show(value)}' for name, value in found)
                yield f'{self._relative(file)}: {values}'

    def _events(self):
        files = [path for path in self._walk() if 'tfevents' in path]
        for folder in sorted({os.path.dirname(path) for path in files}):
            yield f'in {self._relative(folder)}:'
            inside = [path for path in files if os.path.dirname(path) == folder]
            yield from trace_recorder.events(self.tf, inside, DIGITS)
