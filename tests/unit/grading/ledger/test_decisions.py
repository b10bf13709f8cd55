"""The ledger's own rule of what alerts, against a loop that says it in words."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY
from patternalarm.grading.ledger.decisions import ScoresOfAnotherModelError, decide, decided_findings
from patternalarm.grading.ledger.ledger import Finding, identity_of
from patternalarm.grading.ledger.score_log import SCORE_SCHEMA, ScoreLogWriter
from patternalarm.models.metadata import ModelMetadata

CLASSES = ("legitimate", "card_testing", "account_takeover")
THRESHOLDS = {"card_testing": 0.5, "account_takeover": 0.4, SUSPICIOUS_ACTIVITY: 0.7}


@pytest.mark.parametrize(
    ("scores", "kind"),
    [
        ((0.5, 0.5, 0.0), "card_testing"),
        ((0.51, 0.49, 0.0), None),
        ((0.1, 0.49, 0.41), "account_takeover"),
        ((0.0, 0.5, 0.5), "card_testing"),
        ((0.3, 0.35, 0.35), SUSPICIOUS_ACTIVITY),
        ((0.31, 0.35, 0.34), None),
        ((1.0, 0.0, 0.0), None),
    ],
)
def test_the_largest_type_over_its_threshold_decides(scores: tuple[float, ...], kind: str | None) -> None:
    assert decide(np.array([scores]), CLASSES, THRESHOLDS) == [kind]


def in_words(scores: list[float]) -> str | None:
    reached = [(score, -place) for place, score in enumerate(scores) if place and score >= THRESHOLDS[CLASSES[place]]]
    if reached:
        return CLASSES[-max(reached)[1]]
    return SUSPICIOUS_ACTIVITY if 1.0 - scores[0] >= THRESHOLDS[SUSPICIOUS_ACTIVITY] else None


def test_many_scores_decide_as_one_by_one() -> None:
    scores = np.random.default_rng(7).dirichlet((1.0, 0.7, 0.7), 5_000)
    decided = decide(scores, CLASSES, THRESHOLDS)
    assert decided == [in_words(row) for row in scores.tolist()]
    assert {*CLASSES[1:], SUSPICIOUS_ACTIVITY, None} == set(decided)


def model(version: str = "m-1") -> ModelMetadata:
    return ModelMetadata(
        domain="payments",
        version=version,
        scope="live",
        feature_set="fs",
        pack_version="1",
        feature_names=("f",),
        classes=CLASSES,
        thresholds=THRESHOLDS,
        metrics={},
        trained_at=datetime(2026, 1, 1, tzinfo=UTC),
        files={},
    )


def test_a_score_log_is_read_by_its_own_models_thresholds(tmp_path) -> None:
    about = {"event_id": "e-1", "actor_id": "a-1", "model_version": "m-1"}
    rows = [{**about, "source_partition": 1, "source_offset": 4, "scores": [0.2, 0.8, 0.0]}]
    rows.append({**about, "source_partition": 0, "source_offset": 5, "scores": [0.9, 0.1, 0.0]})
    path = tmp_path / "scores.parquet"
    with ScoreLogWriter(path, dict.fromkeys(("scope", "domain", "pack_version", "pattern_set"), "x")) as log:
        log.write(SCORE_SCHEMA.empty_table())
        log.write(pa.Table.from_pylist(rows, SCORE_SCHEMA))
    assert decided_findings(path, model()) == {identity_of(1, 4): Finding("card_testing", "actor", "a-1", "a-1", "e-1")}
    with pytest.raises(ScoresOfAnotherModelError, match="made by m-1, the run's model is m-2"):
        decided_findings(path, model("m-2"))
