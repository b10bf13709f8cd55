"""Rows in, scores with reasons out."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from patternalarm.alerts.reasons import LEAST_CONTRIBUTION, MOST_REASONS, sentence_of, unknown_fields
from patternalarm.api.models.prediction import PredictedReason, Prediction, PredictRequest, PredictResponse
from patternalarm.api.prediction.decision import decide
from patternalarm.api.prediction.served import Served
from patternalarm.api.problems import ProblemError
from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY

_DIGITS: Final = 6


def predict(served: Served, request: PredictRequest) -> PredictResponse:
    """Scores of the request's rows.

    Raises:
        ProblemError: the rows are of another feature set, or of another length.
    """
    metadata = served.metadata
    if request.feature_set is not None and request.feature_set != metadata.feature_set:
        raise ProblemError(
            409,
            "another feature set",
            f"model {metadata.version} reads feature set {metadata.feature_set}, these rows are of {request.feature_set}",
            remedy=f"compute the features of pack {served.pack.name} {metadata.pack_version}, or retrain",
            featureSet=metadata.feature_set,
        )
    wrong = next((n for n, row in enumerate(request.rows) if len(row) != len(metadata.feature_names)), None)
    if wrong is not None:
        raise ProblemError(
            422,
            "invalid request",
            f"rows.{wrong} has {len(request.rows[wrong])} values, the model reads {len(metadata.feature_names)}",
            remedy="give one value for each of the features, null where it is missing",
            features=list(metadata.feature_names),
        )
    values = np.array(request.rows, dtype=np.float64)
    scored = served.scorer.score(values)
    decisions = [decide(row, metadata.classes, metadata.thresholds) for row in scored.probabilities.tolist()]
    targets = np.array(
        [_target(served, decision, row) for decision, row in zip(decisions, scored.probabilities, strict=True)]
    )
    moved = served.scorer.contributions(scored, targets)
    return PredictResponse(
        domain=served.pack.name,
        model_version=metadata.version,
        feature_set=metadata.feature_set,
        predictions=[
            Prediction(
                score=round(1.0 - float(probabilities[0]), _DIGITS),
                scores={
                    name: round(float(value), _DIGITS)
                    for name, value in zip(metadata.classes, probabilities, strict=True)
                },
                fraud_type=decision[0] if decision else None,
                reasons=_reasons(served, row, contributions),
            )
            for probabilities, decision, row, contributions in zip(
                scored.probabilities, decisions, values, moved, strict=True
            )
        ],
    )


def _target(served: Served, decision: tuple[str, float] | None, probabilities: NDArray[np.float64]) -> int:
    """The class that the reasons speak of: what it alerts as, else the likeliest fraud type."""
    if decision is None:
        return int(probabilities[1:].argmax()) + 1
    return 0 if decision[0] == SUSPICIOUS_ACTIVITY else served.metadata.classes.index(decision[0])


def _reasons(served: Served, values: NDArray[np.float64], contributions: NDArray[np.float64]) -> list[PredictedReason]:
    told = np.where(np.isnan(values), 0.0, contributions)
    order = [int(i) for i in np.argsort(-told, kind="stable")[:MOST_REASONS] if told[i] >= LEAST_CONTRIBUTION]
    fields = unknown_fields(values, served.pack) if order else {}
    return [
        PredictedReason(
            code=served.pack.features[i].name,
            text=sentence_of(served.pack.features[i], float(values[i]), fields),
            contribution=round(float(told[i]), 4),
        )
        for i in order
    ]
