"""Columns of records as Flink and Spark read them, and what decides a feature set."""

from typing import Any

import pytest
import yaml

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.pack_folder import PACK_FILE, PACKS_DIR
from patternalarm.contracts.records import (
    EVIDENCE_COLUMNS,
    FEATURES_COLUMNS,
    HIT_EVENT_COLUMNS,
    PATTERN_HIT_COLUMNS,
    flink_ddl,
    spark_ddl,
)


def test_hits_carry_a_typed_array_in_both_dialects() -> None:
    flink = ", ".join(f"{name} {kind}" for name, kind in HIT_EVENT_COLUMNS.items())
    spark = ", ".join(f"{name}: {kind}" for name, kind in HIT_EVENT_COLUMNS.items())
    assert list(HIT_EVENT_COLUMNS)[:3] == ["actor_id", "event_id", "event_time_ms"]
    assert f"`events` ARRAY<ROW<{flink}>>" in flink_ddl(PATTERN_HIT_COLUMNS)
    assert f"`events` ARRAY<STRUCT<{spark}>>" in spark_ddl(PATTERN_HIT_COLUMNS)


def test_evidence_carries_what_features_carry() -> None:
    for column in ("amount_base", "behind_watermark", "identity_forgotten"):
        assert EVIDENCE_COLUMNS[column] == FEATURES_COLUMNS[column]
    names = list(FEATURES_COLUMNS)
    assert names.index("amount_base") == names.index("currency") + 1
    assert names.index("behind_watermark") == names.index("sent_at_ms") + 1


def pack_of(**changes: Any) -> DomainPack:
    """The shipped payments pack with ``changes``."""
    text = (PACKS_DIR / "payments" / PACK_FILE).read_text(encoding="utf-8")
    return DomainPack.model_validate({**yaml.safe_load(text), **changes})


def content() -> dict[str, Any]:
    """The shipped payments pack as YAML holds it."""
    text = (PACKS_DIR / "payments" / PACK_FILE).read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


UNUSED = {"name": "unused", "type": "number", "description": "Read by no feature."}


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": [*content()["fields"], UNUSED]},
        {"fields": [UNUSED, *content()["fields"]]},
        {"fields": list(reversed(content()["fields"]))},
        {"fields": [{**f, "description": "Other words.", "personal": "direct"} for f in content()["fields"]]},
        {"currency": {**content()["currency"], "rates": {"USD": "0.9"}, "as_of": "2026-11-02", "source": "another"}},
        {
            "features": [
                {k: "other words" if k.startswith("reason") or k == "description" else v for k, v in f.items()}
                for f in content()["features"]
            ]
        },
    ],
    ids=[
        "an unused field",
        "an unused field first",
        "order of fields",
        "words of fields",
        "rates",
        "words of features",
    ],
)
def test_what_no_feature_reads_retires_no_model(changes: dict[str, Any]) -> None:
    assert pack_of(**changes).feature_set == pack_of().feature_set


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": {**content()["currency"], "base": "USD", "rates": {"EUR": "1.16"}}},
        {"features": content()["features"][1:]},
        {"features": list(reversed(content()["features"]))},
        {"lateness": "61s"},
        {"shared_key_delay": "3s"},
        {"fields": [{**f, "type": "integer"} if f["name"] == "account_age_days" else f for f in content()["fields"]]},
    ],
    ids=["base currency", "a feature less", "order of features", "lateness", "delay", "type of a field that is read"],
)
def test_what_decides_a_feature_retires_the_model(changes: dict[str, Any]) -> None:
    assert pack_of(**changes).feature_set != pack_of().feature_set


def test_a_pack_without_amounts_does_not_follow_the_currency() -> None:
    features = [f for f in content()["features"] if f.get("field") != "amount"]
    other = {**content()["currency"], "base": "USD", "rates": {"EUR": "1.16"}}
    assert pack_of(features=features, currency=other).feature_set == pack_of(features=features).feature_set
