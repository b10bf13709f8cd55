"""A pack and a whole model of it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alert_material import toll_pack, write_model

from patternalarm.contracts.domain_pack import DomainPack


@pytest.fixture
def pack(tmp_path: Path) -> DomainPack:
    """Toll roads."""
    return toll_pack(tmp_path)


@pytest.fixture
def model(tmp_path: Path, pack: DomainPack) -> Path:
    """The directory of a model of the pack."""
    return write_model(tmp_path / "model", pack)
