"""Requests for scores, and the answers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from patternalarm.api.models.base import Answer

MOST_ROWS = 1_000
# Far beyond any pack's; the pack's own count is checked, and named, afterwards.
MOST_FEATURES = 1_000

Value = Annotated[float | None, Field(allow_inf_nan=False)]
Row = Annotated[list[Value], Field(min_length=1, max_length=MOST_FEATURES)]

EXAMPLE: dict[str, JsonValue] = {"domain": "iot", "rows": [[12.5, None, 3]]}


_ANSWER: JsonDict = {
    "domain": "iot",
    "modelVersion": "retrain-iot-20261127-053545-f8c8e031",
    "featureSet": "4c17bc342fdcb4cf",
    "predictions": [
        {
            "score": 0.81,
            "scores": {"legitimate": 0.19, "botnet": 0.81},
            "fraudType": "botnet",
            "reasons": [{"code": "events_2m", "text": "412 events within 2 minutes", "contribution": 0.38}],
        }
    ],
}


class PredictRequest(BaseModel):
    """Feature vectors to score."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    domain: Annotated[str, Field(max_length=63)]
    feature_set: Annotated[
        str | None,
        Field(
            alias="featureSet",
            max_length=64,
            description="Hash of the feature set that the vectors were computed with; another than the model's is refused.",
        ),
    ] = None
    rows: Annotated[
        list[Row],
        Field(
            min_length=1,
            max_length=MOST_ROWS,
            description="Vectors, each in the order of /api/domains' features; null is a missing value.",
        ),
    ]


class PredictedReason(Answer):
    """What moved the score, strongest first; ``contribution`` is the change of the type's probability."""

    code: str
    text: str
    contribution: float


class Prediction(Answer):
    """What the model says of one row."""

    score: Annotated[float, Field(description="1 - P(legitimate)")]
    scores: Annotated[dict[str, float], Field(description="Probability by class.")]
    fraud_type: Annotated[str | None, Field(description="What it would alert as; null: no alert.")]
    reasons: list[PredictedReason]


class PredictResponse(Answer):
    """Scores of all rows, in their order."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    domain: str
    model_version: str
    feature_set: str
    predictions: list[Prediction]
