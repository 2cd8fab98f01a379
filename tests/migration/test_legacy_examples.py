"""Programs for TensorFlow 1 run by `python -m tfhooks` as they are, and leave what they left there.

The programs are those of examples/legacy; what they left on TensorFlow 1.15.5 is in tests/legacy:
lines printed and logged, files, checkpoints' variables, steps of summaries.
"""

from __future__ import annotations

import copy
import os
import sys

import legacy_programs
import pytest
import warm_python

from tfhooks._legacy import contrib_files


@pytest.mark.parametrize('name', sorted(legacy_programs.PROGRAMS))
def test_runs_unchanged(name: str) -> None:
    if name in legacy_programs.NEED_FILES and contrib_files.folder() is None:
        pytest.skip(f'needs the files of tf.contrib: {contrib_files.INSTALL}')
    legacy_programs.skip_without_packages(name)
    script = os.path.join(legacy_programs.EXAMPLES, f'{name}.py')
    left = legacy_programs.run_all(name, [sys.executable, '-m', 'tfhooks', script], warm_python.run)
    assert legacy_programs.differing(legacy_programs.recorded(name), left, 0.02) == []


def test_differences_are_seen() -> None:
    recorded = legacy_programs.recorded('hook_library')
    assert legacy_programs.differing(recorded, recorded, 0) == []

    def lines(change) -> list[str]:
        left = copy.deepcopy(recorded)
        change(left)
        return [line.split(':')[0] for line in legacy_programs.differing(recorded, left, 0.02)]

    def replace(where, old, new) -> None:
        (index,) = [i for i, line in enumerate(where) if old in line]
        where[index] = where[index].replace(old, new)

    assert lines(lambda left: left['checkpoint']['kept'].pop()) == ['/checkpoint/kept']
    assert lines(lambda left: left['files'].pop('metric.log')) == ['/files/metric.log']
    variables, printed = ['/checkpoint/variables/1'], ['/runs/0/printed/2']
    assert lines(lambda left: replace(left['checkpoint']['variables'], '1.35', '1.45')) == variables
    assert lines(lambda left: replace(left['checkpoint']['variables'], '1.35', '1.36')) == []
    assert (
        lines(lambda left: replace(left['runs'][0]['printed'], 'after 50', 'after 51')) == printed
    )
