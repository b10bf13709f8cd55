"""A measured figure of a run: one row of ``platform.run_metric``."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from patternalarm.contracts.alerts import ALL_TYPES
from patternalarm.grading.figures.wilson import wilson_interval


class MetricName(StrEnum):
    """Every figure of a run; ``DESCRIPTIONS`` says what each means."""

    CAMPAIGN_RECALL = "campaign_recall"
    ALERT_PRECISION = "alert_precision"
    EVENT_RECALL = "event_recall"
    EVENT_PRECISION = "event_precision"
    LOOKALIKES_ALERTED = "lookalikes_alerted"
    DETECTION_TIME_P50 = "detection_time_p50"
    DETECTION_TIME_P95 = "detection_time_p95"
    SCORE_DELAY_P50 = "score_alert_delay_p50"
    SCORE_DELAY_P95 = "score_alert_delay_p95"
    SCORE_DELAY_P99 = "score_alert_delay_p99"
    PATTERN_DELAY_P50 = "pattern_alert_delay_p50"
    PATTERN_DELAY_P95 = "pattern_alert_delay_p95"
    PATTERN_DELAY_P99 = "pattern_alert_delay_p99"
    RATE_ASKED = "rate_asked"
    RATE_REACHED = "rate_reached"
    RATE_DEVIATION = "rate_deviation"
    PRODUCER_LATE_P99 = "producer_late_p99"
    LEDGER_CLOSED = "ledger_closed"
    EVENTS_LOST = "events_lost"
    EVENTS_DUPLICATED = "events_duplicated"
    EVENTS_ALTERED = "events_altered"
    EVENTS_SCORED = "events_scored"
    EVENTS_GENERATED = "events_generated"
    EVENTS_TO_SCORE = "events_to_score"
    EVENTS_GRADED = "events_graded"
    FRAUD_GRADED = "fraud_graded"
    HONEST_GRADED = "honest_graded"
    ALERTS_RAISED = "alerts_raised"
    EVENTS_BEHIND_WATERMARK = "events_behind_watermark"
    RECORDS_QUARANTINED = "records_quarantined"
    AVERAGE_PRECISION = "average_precision"
    ROC_AUC = "roc_auc"
    PRECISION_AT_BUDGET = "precision_at_1pct_budget"


DESCRIPTIONS: Final[dict[MetricName, str]] = {
    MetricName.CAMPAIGN_RECALL: "fraud campaigns found by an alert of their type (all: of any type)",
    MetricName.ALERT_PRECISION: "alerts that hold an event of a fraud of their type (all: of any fraud)",
    MetricName.EVENT_RECALL: "fraud events in an alert of their type (all: of any type)",
    MetricName.EVENT_PRECISION: "alerted events that belong to a fraud of the alert's type (all: to any fraud)",
    MetricName.LOOKALIKES_ALERTED: "look-alike campaigns with an event in any alert",
    MetricName.DETECTION_TIME_P50: "first event of a campaign to its first alert, median",
    MetricName.DETECTION_TIME_P95: "first event of a campaign to its first alert, 95th percentile",
    MetricName.SCORE_DELAY_P50: "triggering event to committed score alert, median",
    MetricName.SCORE_DELAY_P95: "triggering event to committed score alert, 95th percentile",
    MetricName.SCORE_DELAY_P99: "triggering event to committed score alert, 99th percentile",
    MetricName.PATTERN_DELAY_P50: "triggering event to committed pattern alert, median",
    MetricName.PATTERN_DELAY_P95: "triggering event to committed pattern alert, 95th percentile",
    MetricName.PATTERN_DELAY_P99: "triggering event to committed pattern alert, 99th percentile",
    MetricName.RATE_ASKED: "event rate asked for",
    MetricName.RATE_REACHED: "event rate reached in the measured phase",
    MetricName.RATE_DEVIATION: "distance of the rate reached from the rate asked for",
    MetricName.PRODUCER_LATE_P99: "scheduled time to handing an event to Kafka, worst shard's 99th percentile",
    MetricName.LEDGER_CLOSED: "whether the ledger of the run's events closes",
    MetricName.EVENTS_LOST: "events lost on the way",
    MetricName.EVENTS_DUPLICATED: "rows that users read more than once",
    MetricName.EVENTS_ALTERED: "events whose bytes changed on the way",
    MetricName.EVENTS_SCORED: "measured events that were scored",
    MetricName.EVENTS_GENERATED: "events that were generated",
    MetricName.EVENTS_TO_SCORE: "featurised events to be scored",
    MetricName.EVENTS_GRADED: "scored events that the truth is known of",
    MetricName.FRAUD_GRADED: "events of frauds among those graded",
    MetricName.HONEST_GRADED: "events of no fraud among those graded",
    MetricName.ALERTS_RAISED: "alerts of measured events",
    MetricName.EVENTS_BEHIND_WATERMARK: "events that patterns did not see because they came behind the watermark",
    MetricName.RECORDS_QUARANTINED: "records that a stage could not take and put aside",
    MetricName.AVERAGE_PRECISION: "average precision of the scores over labelled events",
    MetricName.ROC_AUC: "area under the ROC curve of the scores",
    MetricName.PRECISION_AT_BUDGET: "fraud among the 1 % of events with the highest scores",
}


@dataclass(frozen=True)
class Metric:
    """One figure; the fields are the columns of ``platform.run_metric``.

    ``value`` is None when there was nothing to measure. ``passed`` is None unless ``gated``: only gated figures decide
    the verdict; ``threshold`` alone is a target to compare with.
    """

    metric: MetricName
    unit: str
    value: float | None
    fraud_type: str = ALL_TYPES
    numerator: int | None = None
    denominator: int | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    threshold: float | None = None
    gated: bool = False
    passed: bool | None = None


def proportion(metric: MetricName, numerator: int, denominator: int, fraud_type: str = ALL_TYPES) -> Metric:
    """A share with its Wilson interval; no value of no cases."""
    interval = wilson_interval(numerator, denominator)
    low, high = interval or (None, None)
    value = numerator / denominator if denominator else None
    return Metric(metric, "ratio", value, fraud_type, numerator, denominator, low, high)


def with_interval(metric: Metric, cases: int) -> Metric:
    """``metric``, a mean share of ``cases`` independent cases, with its Wilson interval; unchanged without any."""
    if metric.value is None or not cases:
        return metric
    low, high = wilson_interval(metric.value * cases, cases) or (None, None)
    return replace(metric, ci_low=low, ci_high=high)


def percentile(values: NDArray[np.float64], share: float) -> float | None:
    """The smallest observed value that at least ``share`` of the values do not exceed (nearest rank); None of none."""
    if not len(values):
        return None
    return float(np.quantile(values, share, method="inverted_cdf"))
