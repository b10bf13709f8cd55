"""Measure a run: ``python -m patternalarm.grading.figures.measure --run-id R``.

Needs the run's ledger and score log (``patternalarm.grading.ledger.account``). Replaces the run's rows in
``platform.run_metric``: detection, delays, rates and the ledger's sums, each with its threshold. It only measures: the
exit code is 0 whatever the figures are.
"""

import sys
from pathlib import Path
from typing import Final

from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.grading.command_line import run_command
from patternalarm.grading.figures.delays import delay_metrics
from patternalarm.grading.figures.detection import detection_metrics
from patternalarm.grading.figures.metrics import Metric, MetricName, with_interval
from patternalarm.grading.figures.ranking import average_precision, precision_at_budget, roc_auc
from patternalarm.grading.figures.rates import measured_generated, rate_metrics
from patternalarm.grading.graded_run import GradedRun, load_graded_run
from patternalarm.grading.ledger.ledger import ProblemKind
from patternalarm.grading.ledger.score_log import labelled_scores, score_log_path
from patternalarm.grading.run_store import (
    connect,
    events_per_minute_asked,
    is_strict,
    measured_from_ms,
    save_metrics,
    scheduled_window,
)
from patternalarm.grading.verdict.thresholds import gate, thresholds_of
from patternalarm.settings import get_settings

# Share of events that an analyst can look at.
ALERT_BUDGET: Final = 0.01


def ledger_metrics(graded: GradedRun) -> list[Metric]:
    """The ledger's verdict and sums as figures."""
    ledger = graded.ledger
    behind, quarantined = (ledger.noted(kind) for kind in (ProblemKind.BEHIND_WATERMARK, ProblemKind.QUARANTINED))
    return [
        Metric(MetricName.LEDGER_CLOSED, "yes/no", float(ledger.closed)),
        Metric(MetricName.EVENTS_LOST, "events", float(ledger.lost), denominator=ledger.generated),
        Metric(MetricName.EVENTS_DUPLICATED, "rows", float(ledger.duplicated)),
        Metric(MetricName.EVENTS_ALTERED, "events", float(ledger.altered), denominator=ledger.generated),
        Metric(MetricName.EVENTS_GENERATED, "events", float(ledger.generated)),
        Metric(MetricName.EVENTS_TO_SCORE, "events", float(ledger.to_score)),
        Metric(MetricName.EVENTS_BEHIND_WATERMARK, "events", float(behind), denominator=ledger.featurised),
        Metric(MetricName.RECORDS_QUARANTINED, "records", float(quarantined)),
    ]


def scored_metric(graded: GradedRun, in_log: int) -> Metric:
    """Share of the measured phase's events that were scored; without an interval, as nothing was sampled.

    ``in_log`` is how many measured scores are graded: rows that the score log lost since it was accounted for are none.

    In a replay the measured phase also holds the gap before the graded rows, so there it is of those to be scored.
    """
    ledger = graded.ledger
    events = ledger.to_score if graded.is_replay else measured_generated(graded.shards)
    scored = min(ledger.scored, in_log)
    return Metric(
        MetricName.EVENTS_SCORED, "ratio", scored / events if events else None, numerator=scored, denominator=events
    )


def graded_metrics(graded: GradedRun, score_log_dir: Path) -> list[Metric]:
    """How many scores of the measured phase there are and could be graded, and how they rank its labelled events.

    The interval of average precision takes it for a share of the fraud campaigns, whose events are not independent.
    Source: K. Boyd, K. H. Eng, C. D. Page, Area under the precision-recall curve: point estimates and confidence
    intervals, ECML PKDD 2013 (their binomial interval, here with Wilson's score instead of the normal approximation).

    Raises:
        GradingError: the run has no score log.
    """
    log = score_log_path(score_log_dir, graded.run.domain, graded.run.run_id)
    scores, fraud = labelled_scores(log, graded.truth.fraud_event_identities, measured_from_ms(graded.run) or 0)
    frauds, events = int(fraud.sum()), len(fraud)
    ranking = Metric(MetricName.AVERAGE_PRECISION, "ratio", average_precision(scores, fraud), "all", frauds, events)
    return [
        scored_metric(graded, events),
        Metric(MetricName.EVENTS_GRADED, "events", float(events)),
        Metric(MetricName.FRAUD_GRADED, "events", float(frauds)),
        Metric(MetricName.HONEST_GRADED, "events", float(events - frauds)),
        Metric(MetricName.ALERTS_RAISED, "alerts", float(len(graded.detection.alerts))),
        with_interval(ranking, cases=len(graded.detection.frauds)),
        Metric(MetricName.ROC_AUC, "ratio", roc_auc(scores, fraud), numerator=frauds, denominator=events),
        Metric(
            MetricName.PRECISION_AT_BUDGET,
            "ratio",
            precision_at_budget(scores, fraud, ALERT_BUDGET),
            numerator=frauds,
            denominator=events,
        ),
    ]


def measure_run(graded: GradedRun, score_log_dir: Path) -> list[Metric]:
    """Every figure of a run, gated by the thresholds of its kind and level.

    Raises:
        GradingError: the run has no score log.
    """
    run = graded.run
    metrics = [
        *detection_metrics(graded.detection, by_event_time=graded.is_replay),
        *(row for source in EvidenceSource for row in delay_metrics(source, graded.delays_ms(source))),
        *rate_metrics(graded.shards, events_per_minute_asked(run), scheduled_window(run)),
        *ledger_metrics(graded),
        *graded_metrics(graded, score_log_dir),
    ]
    thresholds = thresholds_of(run.kind, run.level, strict=is_strict(run))
    return gate(metrics, thresholds, campaigns=len(graded.detection.frauds))


def measure(run_id: str) -> int:
    """Measure and store the figures of ``run_id``; the command's exit code."""
    settings = get_settings()
    with connect(settings) as connection:
        metrics = measure_run(load_graded_run(connection, run_id), settings.score_log_dir)
        save_metrics(connection, run_id, metrics)
    gates = [metric for metric in metrics if metric.gated]
    passed = sum(bool(metric.passed) for metric in gates)
    sys.stdout.write(f"{len(metrics)} figures of {run_id} stored; {passed} of {len(gates)} gates passed\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(str(__doc__), measure))
