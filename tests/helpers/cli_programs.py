"""Programs written and run in a folder, by Python or by `python -m tfhooks`."""

from __future__ import annotations

import os
import sys
import textwrap

import warm_python

RUNNER = ('-m', 'tfhooks')


def write(folder, files):
    """Writes Python files, by their names without .py."""
    for name, text in files.items():
        path = folder / f'{name}.py'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def python(folder, *arguments, run=warm_python.run, **environment):
    """Runs Python in a folder; `run=subprocess.run` for a test of how a process starts."""
    return run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
