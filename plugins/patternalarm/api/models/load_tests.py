"""Requests for load tests, and what is told of them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator
from pydantic.config import JsonDict

from patternalarm.api.models.base import Answer
from patternalarm.contracts.jobs import ScorerMode
from patternalarm.contracts.runs import (
    EVENTS_PER_MINUTE,
    MAX_EVENTS_PER_MINUTE,
    MAX_MINUTES,
    MAX_SHARDS,
    MIN_EVENTS_PER_MINUTE,
    MIN_MINUTES,
    TRAINING_SEEDS_FROM,
    Level,
    why_too_small,
)
from patternalarm.did_you_mean import did_you_mean

EXAMPLE: dict[str, JsonValue] = {"domain": "gaming", "loadLevel": "normal"}


class LoadTestRequest(BaseModel):
    """A load test to run; everything but the domain has the default of the DAG's own form."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, json_schema_extra={"examples": [EXAMPLE]})

    domain: Annotated[str, Field(description="Domain whose events are generated, like payments.", max_length=63)]
    level: Annotated[
        Level,
        Field(validation_alias=AliasChoices("loadLevel", "level"), description="Load level; it sets the rate."),
    ] = Level.NORMAL
    minutes: Annotated[float, Field(ge=MIN_MINUTES, le=MAX_MINUTES, description="How long events flow.")] = 2
    seed: Annotated[
        int, Field(ge=0, lt=TRAINING_SEEDS_FROM, description="The same seed gives the same actors and campaigns.")
    ] = 7
    rate: Annotated[
        int | None,
        Field(
            ge=MIN_EVENTS_PER_MINUTE,
            le=MAX_EVENTS_PER_MINUTE,
            description="Events a minute in place of the level's.",
        ),
    ] = None
    shards: Annotated[int, Field(ge=1, le=MAX_SHARDS, description="Generator processes that share the load.")] = 1
    scorer_mode: Annotated[
        ScorerMode | None,
        Field(validation_alias=AliasChoices("scorerMode", "scorer_mode"), description="How Spark runs the scoring."),
    ] = None
    strict: Annotated[bool, Field(description="Whether delays and rate decide the verdict too.")] = True
    dry_run: Annotated[
        bool,
        Field(validation_alias=AliasChoices("dryRun", "dry_run"), description="Check all, start nothing."),
    ] = False

    @model_validator(mode="before")
    @classmethod
    def _name_unknown_fields(cls, given: Any) -> Any:
        known = ["domain", "loadLevel", "level", "minutes", "seed", "rate", "shards", "scorerMode", "strict", "dryRun"]
        if isinstance(given, dict):
            strange = [str(name) for name in given if name not in (*known, "scorer_mode", "dry_run")]
            if strange:
                raise ValueError(did_you_mean("parameter", strange[0], known))
        return given

    @field_validator("rate", mode="before")
    @classmethod
    def _empty_is_none(cls, given: Any) -> Any:
        return None if given == "" else given

    @model_validator(mode="after")
    def _holds_a_fraud(self) -> "LoadTestRequest":
        if why := why_too_small(self.events_per_minute, self.minutes):
            raise ValueError(why)
        return self

    @property
    def events_per_minute(self) -> int:
        """The rate that it will have."""
        return self.rate or EVENTS_PER_MINUTE[self.level]

    def conf(self) -> dict[str, Any]:
        """Parameters of the DAG."""
        values: dict[str, Any] = {
            "domain": self.domain,
            "level": self.level.value,
            "minutes": self.minutes,
            "seed": self.seed,
            "shards": self.shards,
            "strict": self.strict,
        }
        if self.rate is not None:
            values["events_per_minute"] = self.rate
        if self.scorer_mode is not None:
            values["scorer_mode"] = self.scorer_mode.value
        return values


_AT = "/api/test/load-test-gaming-20261127-053541-0bef4ff5"

_LINKS: JsonDict = {
    "self": _AT,
    "events": f"{_AT}/events",
    "report": f"{_AT}/report",
    "airflow": "http://airflow.example/dags/run_load_test/runs/api__2026-11-27T05:35:41_ac73d749",
}

_ACCEPTED: JsonDict = {
    "runId": "load-test-gaming-20261127-053541-0bef4ff5",
    "domain": "gaming",
    "level": "normal",
    "events": 20000,
    "seed": 7,
    "minutes": 2.0,
    "model": "retrain-gaming-20261127-053545-f8c8e031",
    "state": "queued",
    "links": _LINKS,
}

_PROGRESS: JsonDict = {
    "runId": "load-test-gaming-20261127-053541-0bef4ff5",
    "domain": "gaming",
    "state": "running",
    "step": "generate [0], watch_jobs",
    "steps": [
        {
            "name": "open_run",
            "state": "success",
            "startedAt": "2026-11-27T05:38:51Z",
            "endedAt": "2026-11-27T05:38:54Z",
        },
        {"name": "generate [0]", "state": "deferred", "startedAt": "2026-11-27T05:39:20Z", "endedAt": None},
        {"name": "watch_jobs", "state": "running", "startedAt": "2026-11-27T05:39:20Z", "endedAt": None},
    ],
    "verdict": None,
    "requestedAt": "2026-11-27T05:35:41Z",
    "requestedBy": "local",
    "measuredFrom": "2026-11-27T05:39:19Z",
    "measuredUntil": "2026-11-27T05:41:19Z",
    "endedAt": None,
    "links": _LINKS,
}


class Links(Answer):
    """Where to go on."""

    self: str
    events: str
    report: str
    airflow: str


class Accepted(Answer):
    """A load test that will run, or with ``dryRun`` would."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACCEPTED]})

    run_id: str | None
    domain: str
    level: Level
    events: Annotated[int, Field(description="Events that it generates, its history not counted.")]
    seed: int
    minutes: float
    model: Annotated[str | None, Field(description="The promoted model; null: one is trained first.")]
    state: str
    links: Links | None


class StepState(Answer):
    """One task of the run."""

    name: str
    state: str
    started_at: str | None
    ended_at: str | None


class Verdict(Answer):
    """How the run ended: passed, missed (under a threshold) or failed, and why."""

    state: str
    reason: str | None


class RunProgress(Answer):
    """How far a run is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROGRESS]})

    run_id: str
    domain: str
    state: Annotated[str, Field(description="queued, running, passed, missed or failed")]
    step: Annotated[str | None, Field(description="The task at work; several are told with a comma.")]
    steps: Annotated[list[StepState] | None, Field(description="Null while Airflow is away.")]
    verdict: Verdict | None
    requested_at: datetime
    requested_by: str | None
    measured_from: datetime | None
    measured_until: datetime | None
    ended_at: datetime | None
    links: Links
