"""Domains, models and runs, as they are told."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from patternalarm.api.models.base import Answer

_RUN = "load-test-gaming-20261127-053541-0bef4ff5"

_DOMAIN: JsonDict = {
    "name": "iot",
    "version": "1",
    "featureSet": "4c17bc342fdcb4cf",
    "currency": "EUR",
    "fraudTypes": ["botnet"],
    "generated": True,
    "fields": [
        {
            "name": "actor_id",
            "type": "string",
            "required": True,
            "personal": "pseudonym",
            "description": "Who acted: card, player, device owner.",
        }
    ],
    "features": [{"name": "events_2m", "description": "Events within 2 minutes.", "unit": "events", "op": "count"}],
}

_MODEL: JsonDict = {
    "domain": "iot",
    "version": "retrain-iot-20261127-053545-f8c8e031",
    "featureSet": "4c17bc342fdcb4cf",
    "packVersion": "1",
    "thresholds": {"botnet": 0.42, "suspicious_activity": 0.7},
    "metrics": {"all": {"average_precision": 0.93}},
    "trainedAt": "2026-11-27T05:38:02Z",
    "promotedAt": "2026-11-27T05:38:40Z",
}

_PAGE: JsonDict = {
    "runs": [
        {
            "runId": _RUN,
            "kind": "load-test",
            "domain": "gaming",
            "level": "normal",
            "seed": 7,
            "minutes": 2.0,
            "state": "passed",
            "reason": None,
            "modelVersion": "retrain-gaming-20261127-053545-f8c8e031",
            "requestedAt": "2026-11-27T05:35:41Z",
            "measuredFrom": "2026-11-27T05:39:19Z",
            "measuredUntil": "2026-11-27T05:41:19Z",
            "endedAt": "2026-11-27T05:42:31Z",
            "generated": 23104,
            "scored": 20000,
            "lost": 0,
            "duplicated": 0,
            "ledgerClosed": True,
            "metrics": {"recall": 0.94, "precision": 0.87},
        }
    ],
    "next": None,
}


class FieldOut(Answer):
    """A field of a domain's events."""

    name: str
    type: str
    required: bool
    personal: Annotated[str, Field(description="Personal-data class: none, pseudonym or direct.")]
    description: str


class FeatureOut(Answer):
    """A feature, in the place that a vector has it at."""

    name: str
    description: str
    unit: str
    op: str


class DomainOut(Answer):
    """A shipped domain."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DOMAIN]})

    name: str
    version: str
    feature_set: str
    currency: str | None
    fraud_types: list[str]
    generated: Annotated[bool, Field(description="Whether load tests can play it.")]
    fields: list[FieldOut]
    features: list[FeatureOut]


class ModelOut(Answer):
    """The model that serves a domain."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MODEL]})

    domain: str
    version: str
    feature_set: str
    pack_version: str
    thresholds: dict[str, float]
    metrics: dict[str, Any]
    trained_at: datetime
    promoted_at: datetime


class RunOut(Answer):
    """A run, with its ledger and its figures over all fraud types once it has them."""

    run_id: str
    kind: str
    domain: str
    level: str | None
    seed: int | None
    minutes: float | None
    state: str
    reason: str | None
    model_version: str | None
    requested_at: datetime
    measured_from: datetime | None
    measured_until: datetime | None
    ended_at: datetime | None
    generated: int | None
    scored: int | None
    lost: int | None
    duplicated: int | None
    ledger_closed: bool | None
    metrics: dict[str, float | None] | None


class RunPage(Answer):
    """Runs, the newest first; ``next`` is the cursor of the page after this one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAGE]})

    runs: list[RunOut]
    next: str | None
