"""Packages for an earlier TensorFlow see what is served to them; nobody else does."""

from __future__ import annotations

import importlib
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from v1_processes import checked_in, main, prepares

PACKAGE = 'written_for_tensorflow_1'


@prepares('program')
def _():
    import tfhooks.v1 as tf

    assert tf is sys.modules['tfhooks.v1']


def load(text, served=None):
    """Loads a file as a module of a package whose import statements are served."""
    from tfhooks._legacy import aliases
    from tfhooks.v1 import _old_packages

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, PACKAGE)
        package.mkdir()
        (package / '__init__.py').touch()
        (package / 'file.py').write_text(textwrap.dedent(text))
        imports = _old_packages.Imports(served)
        finder = _old_packages.OriginalFinder(PACKAGE, lambda: imports, [folder])
        aliases.add_finder(finder)
        try:
            return importlib.import_module(f'{PACKAGE}.file')
        finally:
            sys.meta_path.remove(finder)
            for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
                del sys.modules[name]


@checked_in('program')
def test_hooks_and_sessions_are_tfhooks():
    import tfhooks

    module = load("""
        import tensorflow as tf
        import tensorflow.compat.v1.train as train
        from tensorflow.python.training import monitored_session
        from tensorflow.python.training.basic_session_run_hooks import StopAtStepHook
        from tensorflow.python.training import basic_session_run_hooks as hooks

        def later():
            from tensorflow.python.training.training import MonitoredTrainingSession
            return MonitoredTrainingSession
    """)
    assert module.StopAtStepHook is module.hooks.StopAtStepHook is tfhooks.StopAtStepHook
    assert module.tf.compat.v1.train.NanTensorHook is tfhooks.NanTensorHook
    assert module.train.Scaffold is tfhooks.Scaffold
    assert module.monitored_session.MonitoredSession is tfhooks.MonitoredSession
    assert module.later() is tfhooks.MonitoredTrainingSession


@checked_in('program')
def test_all_else_is_tensorflows():
    import tfhooks.v1 as tf
    from tfhooks._tensorflow import private_module

    module = load("""
        import tensorflow as tf
        import tensorflow.python.framework.ops
        from tensorflow.python.training import monitored_session, saver
        from tensorflow.python.training import checkpoint_utils as utils
        from tensorflow.python.framework import dtypes
        from tensorflow.python.ops.init_ops import *
    """)
    upstream = private_module('python.training')
    assert module.saver is upstream.saver
    assert module.utils is importlib.import_module(f'{upstream.__name__}.checkpoint_utils')
    assert module.monitored_session.USE_DEFAULT is upstream.monitored_session.USE_DEFAULT
    assert module.tensorflow.python.framework.ops.Graph is module.tf.Graph is tf.Graph
    assert module.dtypes.float32 is tf.float32
    assert module.Zeros is tf.zeros_initializer


@checked_in('program')
def test_nobody_else_sees_it():
    from tfhooks._tensorflow import private_module

    before = dict(vars(private_module('python.training.monitored_session')))
    load('from tensorflow.python.tpu import tpu_embedding')
    assert (
        private_module('python.training.monitored_session').MonitoredSession
        is before['MonitoredSession']
    )
    assert private_module('python.tpu.tpu_embedding') is None


@checked_in('program')
def test_a_copy_has_served_imports_too():
    import tfhooks
    from tfhooks._tensorflow import private_module

    module = load('from tensorflow.python.training import evaluation')
    upstream = private_module('python.training.evaluation')
    assert module.evaluation is not upstream
    assert module.evaluation.monitored_session.MonitoredSession is tfhooks.MonitoredSession
    assert upstream.monitored_session.MonitoredSession is not tfhooks.MonitoredSession
    # One for all packages: a hook of one is known to the functions of another.
    again = load('from tensorflow.python.training import evaluation')
    assert again is not module
    assert again.evaluation is module.evaluation
    with pytest.raises(ModuleNotFoundError, match='never'):
        importlib.import_module('tfhooks.v1._old_packages').copy_of('tensorflow.python.never')


@checked_in('program')
def test_what_is_gone_raises_when_it_is_used():
    module = load("""
        from tensorflow.python.tpu import tpu_embedding
        from tensorflow.python.tpu.tpu_embedding import AdagradParameters
    """)
    assert module.AdagradParameters is module.tpu_embedding.AdagradParameters
    assert not isinstance(1, module.AdagradParameters)
    with pytest.raises(NotImplementedError, match=r'tpu_embedding\.AdagradParameters is not in'):
        module.AdagradParameters(0.1)


@checked_in('program')
def test_a_package_adds_to_the_table():
    import tfhooks.v1 as tf

    module = load(
        """
        import json as fast
        import tensorflow as tf
        from tensorflow.old.inner import file
        from tensorflow.old import inner
        """,
        {
            'tensorflow': 'tfhooks.v1',
            'tensorflow.old': 'email',
            'tensorflow.old.inner': 'xml.sax',
            'tensorflow.old.inner.file': 'xml.dom',
            'json': 'csv',
        },
    )
    assert module.tf.train is tf.train
    assert module.tf.Session is tf.Session
    assert module.file.__name__ == 'xml.dom'
    assert module.inner.SAXException is importlib.import_module('xml.sax').SAXException
    assert module.fast.__name__ == 'csv'


@checked_in('program')
def test_what_nobody_has_is_said_as_python_says_it():
    with pytest.raises(ImportError, match=r'no_such_name'):
        load('from tensorflow.python.training import no_such_name')


if __name__ == '__main__':
    main(*sys.argv[1:])
