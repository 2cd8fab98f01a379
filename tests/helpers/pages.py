"""The pages of the hooks' documentation, whose examples are run as a reader runs them."""

from __future__ import annotations

import os
import pathlib
import re
import sys

import warm_python

PAGES = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'hooks'


def blocks(name: str) -> list[str]:
    """The Python blocks of a page."""
    page = (PAGES / f'{name}.md').read_text(encoding='utf-8')
    found = re.findall(r'^```python\n(.*?)^```', page, flags=re.DOTALL | re.MULTILINE)
    assert found
    return found


def run_page(name: str, directory: pathlib.Path, *, returncode: int = 0) -> str:
    """Runs the Python blocks of a page, one after the other in one process in `directory`.

    Returns:
      What the process wrote, stderr after stdout.
    """
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3')
    environment['PYTHONPATH'] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    done = warm_python.run(
        [sys.executable, '-c', '\n'.join(blocks(name))],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == returncode, done.stderr
    return done.stdout + done.stderr
