from dataclasses import replace
from datetime import UTC, datetime

import pytest

from patternalarm.models.registry import (
    ModelRegistryError,
    ModelVersion,
    get_model,
    promote,
    promoted,
    register,
)

MODEL = ModelVersion(
    domain="toll",
    version="m-1",
    scope="live",
    path="/models/toll/m-1",
    feature_set="abc",
    pack_version="7",
    metrics={"average_precision": 0.9},
    thresholds={"plate_swap": 0.5},
    trained_at=datetime(2026, 11, 1, tzinfo=UTC),
)


def test_a_registered_model_comes_back_as_it_was_and_is_not_promoted(platform):
    register(platform, MODEL)
    assert get_model(platform, "toll", "m-1") == MODEL
    with pytest.raises(ModelRegistryError, match="no model of toll is promoted; run retrain_model"):
        promoted(platform, "toll")


def test_the_model_promoted_last_serves_and_an_older_one_can_come_back(platform):
    for version in ("m-1", "m-2"):
        register(platform, replace(MODEL, version=version))
    register(platform, replace(MODEL, domain="rail", version="m-9"))
    promote(platform, "rail", "m-9")
    served = []
    for version in ("m-1", "m-2", "m-1"):
        promote(platform, "toll", version)
        served.append(promoted(platform, "toll").version)
    assert served == ["m-1", "m-2", "m-1"]


def test_a_retried_registration_wins_until_the_model_is_promoted(platform):
    register(platform, MODEL)
    register(platform, replace(MODEL, metrics={"average_precision": 0.95}))
    assert get_model(platform, "toll", "m-1").metrics == {"average_precision": 0.95}
    promote(platform, "toll", "m-1")
    with pytest.raises(ModelRegistryError, match="promoted, its record is frozen"):
        register(platform, MODEL)


def test_a_model_of_a_run_or_of_nobody_is_not_promoted(platform):
    register(platform, replace(MODEL, scope="replay-1"))
    with pytest.raises(ModelRegistryError, match="belongs to run replay-1 alone"):
        promote(platform, "toll", "m-1")
    with pytest.raises(ModelRegistryError, match="m-7 of toll is not registered"):
        promote(platform, "toll", "m-7")
