"""Small cohorts of every domain that has a generator."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.activity.cohort import Cohort
from patternalarm.generator.activity.domain_model import DomainModel
from patternalarm.generator.activity.slice import Slice

# 2026-11-24T05:31:06Z
START_MS = 1_795_498_266_000
SECONDS = 120.0
EVENTS = 4_000
ACTORS = 400


@pytest.fixture(params=generated_domains(), scope="module")
def domain(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pack(domain: str) -> DomainPack:
    return load_pack(domain)


@pytest.fixture(scope="module")
def model(domain: str) -> type[DomainModel]:
    return load_activity(domain)


@pytest.fixture(scope="module")
def cohort(domain: str, model: type[DomainModel]) -> Cohort:
    return Cohort(domain, model, 7, 0, ACTORS)


@pytest.fixture(scope="module")
def piece(cohort: Cohort) -> Slice:
    """Two minutes in which the cohort is watched."""
    (only,) = cohort.measured(START_MS, SECONDS, EVENTS)
    return only
