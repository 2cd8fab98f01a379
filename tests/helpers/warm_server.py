"""A Python that has imported TensorFlow, and forks a process for each program it is asked to run.

warm_python.py starts it. To a program all is as in a Python of its own: its script is the main
module, at whose end the interpreter ends, and nothing is imported yet. TensorFlow's modules lie on
a shelf, from which the program's own `import tensorflow` takes them.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import gc
import json
import os
import runpy
import signal
import socket
import sys
import warnings
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType


class Shelf:
    """A finder and loader of the packages that the server has imported."""

    def __init__(self, modules):
        self._modules = modules
        self._loaders = {}

    def find_spec(self, name, path=None, target=None):
        if name not in self._modules or path is not None:
            return None
        spec = PathFinder.find_spec(name)
        # The program may have a package of its own by that name.
        if spec is None or spec.origin != self._modules[name].__spec__.origin:
            return None
        self._loaders[name], spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        """Returns the package, and puts the modules in it where an import looks first."""
        for name in [*self._modules]:
            if name.startswith(f'{spec.name}.'):
                sys.modules[name] = self._modules.pop(name)
        return self._modules.pop(spec.name)

    def exec_module(self, module):
        loader = self._loaders[module.__name__]
        module.__spec__.loader = module.__loader__ = loader
        if module.__name__ == 'tensorflow':
            # It brings its dependencies, and the Keras that the program's environment asks for.
            for name in [*self._modules]:
                if name.partition('.')[0] != 'keras':
                    sys.modules.setdefault(name, self._modules.pop(name))
            loader.exec_module(module)


def import_tensorflow():
    """Imports TensorFlow, and returns its and its dependencies' modules by their names."""
    before = set(sys.modules)
    __import__('tensorflow')
    names = [name for name in sys.modules if name not in before]
    # Those that no path leads to were made by an extension, which looks for them there.
    packages = {
        name
        for name in {name.partition('.')[0] for name in names} - sys.stdlib_module_names
        if PathFinder.find_spec(name)
    }
    return {name: sys.modules.pop(name) for name in names if name.partition('.')[0] in packages}


def serve(connection):
    """Forks for each request; returns in the forks alone.

    Returns:
      The request, and the file descriptors that came with it.
    """
    children = {}

    def tell(*_):
        while children and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with contextlib.suppress(OSError), children.pop(ended[0]) as status:
                status.send(b'exit %d' % os.waitstatus_to_exitcode(ended[1]))

    signal.signal(signal.SIGCHLD, tell)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    while True:
        request, fds, _, _ = socket.recv_fds(connection, 1 << 20, 4)
        if not request:
            for child in [*children]:
                os.kill(child, signal.SIGKILL)
            sys.exit()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # That threads do not survive is no news.
            child = os.fork()
        if not child:
            break
        children[child] = socket.socket(fileno=fds.pop())
        for fd in fds:
            os.close(fd)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for other in (connection, *children.values()):
        other.close()
    # As where a program is started in the foreground.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    return json.loads(request), fds


def prepare(arguments, environment, cwd, new_session, fds):
    """Makes this process what `python ARGUMENTS` is where its program begins.

    Returns:
      A function that runs the program.
    """
    with socket.socket(fileno=fds.pop()) as status:
        for number, fd in enumerate(fds):
            os.dup2(fd, number)
            os.close(fd)
        if new_session:
            os.setsid()
        status.send(b'pid %d' % os.getpid())
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.orig_argv = [sys.executable, *arguments]
    option, value = arguments[0], arguments[1] if len(arguments) > 1 else None
    folder = {'-c': '', '-m': cwd}.get(option, os.path.dirname(os.path.realpath(option)))
    added = os.environ.get('PYTHONPATH')
    added = [os.path.abspath(path) for path in added.split(os.pathsep)] if added else []
    sys.path[:] = [folder, *dict.fromkeys([*added, *sys.path[1:]])]

    main = sys.modules['__main__'] = ModuleType('__main__')
    main.__builtins__ = builtins
    if option == '-m':
        sys.argv[:] = arguments[1:]
        return functools.partial(runpy._run_module_as_main, value)
    if option == '-c':
        sys.argv[:] = ['-c', *arguments[2:]]
        code = compile(value, '<string>', 'exec', dont_inherit=True)
    else:
        sys.argv[:] = arguments
        main.__file__, main.__cached__ = os.path.join(cwd, option), None
        main.__loader__ = SourceFileLoader('__main__', main.__file__)
        with open(main.__file__, 'rb') as script:
            code = compile(script.read(), main.__file__, 'exec', dont_inherit=True)
    return functools.partial(exec, code, vars(main))


if __name__ == '__main__':
    sys.meta_path.insert(0, Shelf(import_tensorflow()))
    request, fds = serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        prepare(**request, fds=fds)()
    except BaseException as error:
        # This file's frames are none of the program's.
        while (rest := error.__traceback__) and rest.tb_frame.f_code.co_filename == __file__:
            error.__traceback__ = rest.tb_next
        raise
