"""Child processes of a program that the runner runs: what TensorFlow is to them."""

from __future__ import annotations

import json
import os
import sys
import textwrap

import pytest
import warm_python

PROGRAM = """
    import json, multiprocessing, os, sys

    if os.environ.get('AT_ONCE'):
        import tensorflow as tf

    class Made:
        def __init__(self, value):
            self.value = value

    def child(made, results):
        import tensorflow as tf
        import tensorflow
        from tensorflow.python.training import session_run_hook
        results.put({
            'value': made.value,
            'main': type(made).__module__,
            'argv': sys.argv[1:],
            'names': [tf.__name__, tensorflow.__name__],
            'hook': session_run_hook.SessionRunHook.__module__,
            'plans': os.environ.get('TFHOOKS_RUN_PLANS'),
        })

    if __name__ == '__main__':
        context = multiprocessing.get_context(sys.argv[1])
        results = context.Queue()
        process = context.Process(target=child, args=(Made(5), results))
        process.start()
        try:
            print(json.dumps(results.get(timeout=600)))
            process.join(240)
        finally:
            process.kill()
        sys.exit(process.exitcode)
"""

OURS = {
    'names': ['tfhooks.v1', 'tfhooks.v1'],
    'hook': 'tensorflow.python.training.session_run_hook',
}
THEIRS = {
    'names': ['tensorflow', 'tensorflow'],
    'hook': 'tensorflow.python.training.session_run_hook',
}


@pytest.mark.parametrize(
    ('options', 'method', 'at_once', 'expected'),
    [
        (['--no-run-plans', '--children'], 'spawn', '1', OURS),
        (['--children', '--trace', 'trace.json'], 'forkserver', '', OURS),
        ([], 'spawn', '', THEIRS),
        ([], 'fork', '', OURS),
    ],
)
def test_children(tmp_path, options, method, at_once, expected):
    script = tmp_path / 'program.py'
    script.write_text(textwrap.dedent(PROGRAM))
    environment = {k: v for k, v in os.environ.items() if k != 'TFHOOKS_RUN_PLANS'}
    done = warm_python.run(
        [sys.executable, '-m', 'tfhooks', *options, str(script), method, '--trace'],
        cwd=tmp_path,
        env={**environment, 'TF_CPP_MIN_LOG_LEVEL': '3', 'AT_ONCE': at_once},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert got['value'] == 5
    assert got['argv'] == [method, '--trace']
    assert got['main'] == ('__main__' if method == 'fork' else '__mp_main__')
    assert got['plans'] == ('0' if '--no-run-plans' in options else None)
    assert {name: got[name] for name in expected} == expected
    # A child's record would be written over its parent's, and this parent has no TensorFlow.
    assert not (tmp_path / 'trace.json').exists()
