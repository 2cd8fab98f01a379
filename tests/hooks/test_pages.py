"""The pages about more than one hook; those of a hook are tested beside it."""

import pathlib
import re

import pages
import pytest


def test_wrappers(tmp_path):
    output = pages.run_page('wrappers', tmp_path)
    losses = re.findall(r'loss = ([\d.]+)', output)
    # The read of the step in the loss may come before or after the increment.
    assert len(losses) == 3
    assert float(losses[0]) in (1.0, 0.5)
    assert float(losses[2]) == pytest.approx(1 / 100, rel=0.02)


def test_sleeping(tmp_path):
    output = pages.run_page('sleeping', tmp_path)
    halved = [int(step) for step in re.findall(r'halved at step (\d+)', output)]
    assert halved == [100, 200, 300]
    assert 'rate 0.125' in output


def test_testing(tmp_path):
    assert 'all is well' in pages.run_page('../testing', tmp_path)


def test_testing_says_what_happens_without_a_begin(tmp_path, monkeypatch):
    text = (pages.PAGES.parent / 'testing.md').read_text(encoding='utf-8')
    reset = '    def begin(self):\n        self._count = 0\n\n'
    assert text.count(reset) == 1
    broken = text.replace(reset, '    _count = 0\n\n')
    (tmp_path / 'broken.md').write_text(broken, encoding='utf-8')
    monkeypatch.setattr(pages, 'PAGES', pathlib.Path(tmp_path))
    output = pages.run_page('broken', tmp_path, returncode=1)
    assert 'it does not serve twice' in output
