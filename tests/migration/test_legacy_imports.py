"""Programs for TensorFlow 1 run on tfhooks.v1 with their import lines changed, and nothing else.

The programs are those of examples/legacy; what they left on TensorFlow 1.15.5 is in tests/legacy.
"""

from __future__ import annotations

import pathlib
import sys

import legacy_programs
import pytest
import warm_python


@pytest.fixture(scope='module')
def changed(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder of the programs with changed imports, and of the module that one imports."""
    folder = tmp_path_factory.mktemp('changed')
    for path in pathlib.Path(legacy_programs.EXAMPLES).glob('*.py'):
        if path.stem in legacy_programs.NEED_FILES:
            continue
        text = path.read_text(encoding='utf-8')
        text = text.replace('import tensorflow as tf\n', 'import tfhooks.v1 as tf\n')
        text = text.replace('import tensorflow.contrib.', 'import tfhooks.v1.contrib.')
        text = text.replace('from tensorflow.contrib.', 'from tfhooks.v1.contrib.')
        assert 'tensorflow' not in text.replace('tfhooks', '')
        (folder / path.name).write_text(text, encoding='utf-8')
    return folder


@pytest.mark.parametrize(
    'name', sorted(set(legacy_programs.PROGRAMS) - set(legacy_programs.NEED_FILES))
)
def test_runs_with_changed_imports(name: str, changed: pathlib.Path) -> None:
    legacy_programs.skip_without_packages(name)
    left = legacy_programs.run_all(
        name, [sys.executable, str(changed / f'{name}.py')], warm_python.run
    )
    assert legacy_programs.differing(legacy_programs.recorded(name), left, 0.02) == []
