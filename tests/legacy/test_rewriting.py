"""Files of a program have names that were removed, and messages of an old protoc; others do not."""

from __future__ import annotations

import ast
import sys
import textwrap

import numpy as np
import pytest
from cli_programs import RUNNER, python, write
from google.protobuf import descriptor_pb2

from tfhooks._legacy import rewriting
from tfhooks._legacy.old_names.of_python_and_numpy import REMOVED


def run(text, removed=True, **names):
    """The names of a module that was compiled with its names served."""
    source = textwrap.dedent(text).encode()
    tree = rewriting.parse(source, 'file.py', lambda name: name, removed)
    module = {'__name__': 'file', **names}
    exec(compile(tree, 'file.py', 'exec', dont_inherit=True), module)
    return module


def test_every_replacement_is_there():
    for name in REMOVED:
        place, _, last = name.rpartition('.')
        found = run(f'import {place}\nvalue = {place}.{last}\nfrom {place} import {last} as again')
        # NumPy 2 has a `bool` and a `long` of its own.
        assert found['value'] is found['again'] or hasattr(np, last), name


def test_images_need_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, 'PIL.Image', None)
    found = run("""
        from scipy import misc
        import scipy.misc
        import numpy as np
        image = np.array([[0.0, 1.0], [2.0, 4.0]])
        scaled = misc.bytescale(image)
    """)
    assert found['scaled'].tolist() == [[0, 64], [128, 255]]
    for name, arguments in (('imread', ['x.png']), ('imresize', [found['image'], (4, 4)])):
        with pytest.raises(ModuleNotFoundError, match='pip install pillow'):
            getattr(found['misc'], name)(*arguments)


def test_images_by_pillow(tmp_path):
    pytest.importorskip('PIL.Image', reason='needs Pillow')
    found = run('from scipy.misc import imread, imresize, imsave')
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    found['imsave'](tmp_path / 'x.png', image)
    assert found['imread'](tmp_path / 'x.png').tolist() == image.tolist()
    assert found['imresize'](image, (2, 3)).shape == (2, 3, 3)
    assert found['imresize'](image, 50).shape == (2, 2, 3)
    assert found['imresize'](image, 2.0).shape == (8, 8, 3)


def test_removed_names_mean_what_they_meant():
    found = run("""
        '''A docstring.'''
        from __future__ import division
        import collections, inspect, time
        import numpy as np
        from numpy import Inf, int as whole

        def function(a, b=1, *c, **d):
            return np.float(b)

        spec = inspect.getargspec(function)
        read = np.fromstring(b'\\x01\\x02\\x00\\x03', dtype='>u2', count=-1)
        text = np.fromstring('1 2', sep=' ')
        scalar = np.asscalar(np.array([3]))
        raw = np.zeros(2, np.uint8).tostring()
        is_mapping = isinstance({}, collections.Mapping)
        started = time.clock()
    """)
    assert found['__doc__'] == 'A docstring.'
    assert found['spec'] == (['a', 'b'], 'c', 'd', (1,))
    assert found['read'].tolist() == [258, 3]
    assert found['text'].tolist() == [1, 2]
    assert found['read'].flags.writeable
    assert found['scalar'] == 3
    assert found['raw'] == b'\0\0'
    assert found['is_mapping'] is True
    assert found['function'](0) == 1.0
    assert (found['Inf'], found['whole']) == (np.inf, int)
    assert isinstance(found['started'], float)
    with pytest.raises(ValueError, match='keyword-only'):
        run('import inspect\ninspect.getargspec(lambda *, a: 0)')


def test_nothing_is_put_into_the_modules():
    run('import numpy\nnumpy.float')
    assert not hasattr(np, 'float')
    with pytest.raises(AttributeError, match='float'):
        run('import numpy\nnumpy.float', removed=False)


@pytest.mark.parametrize(
    'line',
    ['import numpy\nnumpy.nonsense', 'class A: pass\nA.tostring', 'class A: pass\nA().float'],
)
def test_all_else_is_as_it_was(line):
    with pytest.raises(AttributeError):
        run(line)


def test_lines_stay_where_they_are():
    text = 'import numpy as np\n\nx = [np.float,\n     np.Inf, np.zeros(1).tostring()]\n'
    tree = rewriting.parse(text.encode(), 'file.py', lambda name: name)
    first, last = ast.parse(text).body[-1], tree.body[-1]
    assert (last.lineno, last.end_lineno) == (first.lineno, first.end_lineno) == (3, 4)
    assert {node.lineno for node in ast.walk(last) if hasattr(node, 'lineno')} == {3, 4}


def old_messages(package):
    """What protoc wrote until 2021, as far as it matters."""
    file = descriptor_pb2.FileDescriptorProto(name=f'{package}.proto', package=package)
    message = file.message_type.add(name='Settings')
    message.field.add(name='rate', number=1, type=2, label=1)
    message.nested_type.add(name='Inner')
    kind = message.enum_type.add(name='Kind')
    kind.value.add(name='SMALL', number=0)
    text = file.SerializeToString().decode('latin1')
    return f"""
        import sys
        _b=sys.version_info[0]<3 and (lambda x:x) or (lambda x:x.encode('latin1'))
        from google.protobuf import descriptor as _descriptor
        from google.protobuf import message as _message
        from google.protobuf import reflection as _reflection
        from google.protobuf import symbol_database as _symbol_database
        _sym_db = _symbol_database.Default()
        DESCRIPTOR = _descriptor.FileDescriptor(
          name='{package}.proto', package='{package}', serialized_pb=_b({text!r}))
        _SETTINGS = _descriptor.Descriptor(name='Settings', fields=[
          _descriptor.FieldDescriptor(name='rate', full_name='{package}.Settings.rate')])
        Settings = _reflection.GeneratedProtocolMessageType('Settings', (_message.Message,), dict(
          DESCRIPTOR = _SETTINGS, __module__ = 'settings_pb2'))
    """


def test_messages_of_an_old_protoc():
    found = run(old_messages('old_one'))
    message = found['Settings'](rate=0.5)
    assert found['Settings'].FromString(message.SerializeToString()).rate == 0.5
    assert found['Settings'].SMALL == 0
    assert found['Settings'].Inner.__name__ == 'Inner'
    assert found['_SETTINGS'] is found['Settings'].DESCRIPTOR
    assert found['DESCRIPTOR'].name == 'old_one.proto'


def test_the_runner_serves_the_program_alone(tmp_path):
    write(
        tmp_path,
        {
            'train': """
                import inspect, sys
                import numpy as np
                import helper, settings_pb2
                sys.path.append('site-packages')
                print(np.float, helper.Mapping.__name__, settings_pb2.Settings(rate=1).rate)
                import library
            """,
            'helper': 'from collections import Mapping',
            'settings_pb2': old_messages('old_two'),
            'site-packages/library': 'import numpy\nnumpy.float',
        },
    )
    done = python(tmp_path, *RUNNER, 'train.py')
    assert done.stdout == "<class 'float'> Mapping 1.0\n"
    assert 'library.py", line 2' in done.stderr
    assert "module 'numpy' has no attribute 'float'" in done.stderr
    done = python(tmp_path, *RUNNER, '--no-removed-names', 'train.py')
    assert "cannot import name 'Mapping'" in done.stderr


def test_tests_that_pytest_rewrites(tmp_path):
    write(tmp_path, {'test_it': 'import tensorflow as tf\ndef test(): assert tf.Session'})
    done = python(tmp_path, *RUNNER, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_it.py')
    assert '1 passed' in done.stdout
