"""Programs for TensorFlow 1 run by `python -m tfhooks` as they are, and leave what they left there.

The programs are those of examples/legacy; what they left on TensorFlow 1.15.5 is in tests/legacy:
lines printed and logged, files, checkpoints' variables, steps of summaries.
"""

from __future__ import annotations

import os
import sys

import legacy_programs
import pytest


@pytest.mark.parametrize('name', sorted(legacy_programs.PROGRAMS))
def test_runs_unchanged(name: str) -> None:
    script = os.path.join(legacy_programs.EXAMPLES, f'{name}.py')
    left = legacy_programs.run_all(name, [sys.executable, '-m', 'tfhooks', script])
    assert legacy_programs.differing(legacy_programs.recorded(name), left, 0.02) == []
