"""The checks of `python -m tfhooks.smoke`, beside all others."""

from __future__ import annotations

import pytest

from tfhooks.smoke import checks

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('check', [pytest.param(check, id=name) for name, check in checks.CHECKS])
def test_a_check_of_the_smoke_test(device, tmp_path, check):
    assert check(device, str(tmp_path))
