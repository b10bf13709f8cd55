"""The pack that the alert writer's unit tests share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alert_material import toll_pack

from patternalarm.contracts.domain_pack import DomainPack


@pytest.fixture
def pack(tmp_path: Path) -> DomainPack:
    """Toll roads: three features, two fraud types, episodes of ten minutes."""
    return toll_pack(tmp_path)
