"""Every promise of the platform, after every fault."""

import pytest
from faults.checks.all import CHECKS
from faults.checks.check import Check
from faults.play import Played


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_promise(played: Played, check: Check) -> None:
    if not check.applies_to(played.run):
        pytest.skip("the run was closed, as it may be")
    assert not played.broken.get(check.id)
