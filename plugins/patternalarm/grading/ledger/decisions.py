"""Which scores alert, by the thresholds frozen into their model: the scorer's rule once more, apart from it.

The rule is ``spark_jobs/scoring/decision.py``'s: the type of the largest probability among those that reach their thresholds, the
first in the pack's order on a tie, else ``suspicious_activity`` when 1 - P(legitimate) reaches that threshold. Nothing of
its code is used here, so that the ledger does not take the scorer's word for what should be evidence.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY, SubjectType
from patternalarm.grading.ledger.ledger import Finding, identities
from patternalarm.grading.ledger.score_log import read_score_log
from patternalarm.models.metadata import ModelMetadata


class ScoresOfAnotherModelError(ValueError):
    """The scores were not made by the model whose thresholds they are held against."""


def decide(scores: NDArray[np.float64], classes: Sequence[str], thresholds: Mapping[str, float]) -> list[str | None]:
    """Fraud type that each row of ``scores`` (one probability per class, legitimate first) alerts as; None as none."""
    types = classes[1:]
    reaches = scores[:, 1:] >= [thresholds[name] for name in types]
    leading = np.where(reaches, scores[:, 1:], -1.0).argmax(axis=1)
    suspicious = 1.0 - scores[:, 0] >= thresholds[SUSPICIOUS_ACTIVITY]
    return [
        types[first] if any_type else SUSPICIOUS_ACTIVITY if suspect else None
        for first, any_type, suspect in zip(leading, reaches.any(axis=1), suspicious, strict=True)
    ]


def decided_findings(log_path: Path, model: ModelMetadata) -> dict[int, Finding]:
    """By identity, what every score in a log that alerts by the thresholds of ``model`` alerts as.

    Raises:
        GradingError: there is no such log.
        ScoresOfAnotherModelError: a score is of another model, or not one probability per class.
    """
    log = read_score_log(
        log_path, ["source_partition", "source_offset", "event_id", "actor_id", "scores", "model_version"]
    )
    others = sorted({str(version) for version in pc.unique(log["model_version"]).to_pylist()} - {model.version})
    if others:
        raise ScoresOfAnotherModelError(f"scores were made by {', '.join(others)}, the run's model is {model.version}")
    lengths = set(pc.unique(pc.list_value_length(log["scores"])).to_pylist())
    if lengths - {len(model.classes)}:
        raise ScoresOfAnotherModelError(f"scores hold {lengths} probabilities for the {len(model.classes)} classes")
    matrix = log["scores"].combine_chunks().flatten().to_numpy().reshape(-1, len(model.classes))
    kinds = np.array(decide(matrix, model.classes, model.thresholds), dtype=object)
    alerting = np.flatnonzero(kinds)
    rows = log.take(alerting)
    keys = identities(rows["source_partition"].to_numpy(), rows["source_offset"].to_numpy()).tolist()
    told = zip(keys, kinds[alerting], rows["actor_id"].to_pylist(), rows["event_id"].to_pylist(), strict=True)
    return {key: Finding(kind, SubjectType.ACTOR, actor, actor, event) for key, kind, actor, event in told}
