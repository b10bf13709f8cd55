"""From the triggering event to the committed alert, for score alerts and pattern alerts apart."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.grading.figures.detection import Alerts
from patternalarm.grading.figures.metrics import Metric, MetricName, percentile

_METRICS: Final = {
    EvidenceSource.SCORE: (
        (MetricName.SCORE_DELAY_P50, 0.50),
        (MetricName.SCORE_DELAY_P95, 0.95),
        (MetricName.SCORE_DELAY_P99, 0.99),
    ),
    EvidenceSource.PATTERN: (
        (MetricName.PATTERN_DELAY_P50, 0.50),
        (MetricName.PATTERN_DELAY_P95, 0.95),
        (MetricName.PATTERN_DELAY_P99, 0.99),
    ),
}


def load_test_delays(alerts: Alerts, source: EvidenceSource, measured_from_ms: float) -> NDArray[np.float64]:
    """Milliseconds from the scheduled time of the triggering event to the commit of the alert's first ``source`` row.

    The alert's first row is the one of ``source`` that was committed first. Of several in one transaction a score
    alert was triggered by the oldest event, a pattern alert by the newest, which completed the pattern; when the
    alert itself was raised by this source it names its trigger. Alerts raised before the measured phase are left out.
    """
    raised = alerts.alerts[alerts.alerts["trigger_event_ms"] >= measured_from_ms]
    rows = alerts.events[(alerts.events["source"] == source) & alerts.events["alert_id"].isin(raised["alert_id"])]
    first = rows[rows["committed_ms"] == rows.groupby("alert_id")["committed_ms"].transform("min")]
    trigger = first.groupby("alert_id")["event_ms"].agg("max" if source is EvidenceSource.PATTERN else "min")
    committed = first.groupby("alert_id")["committed_ms"].min()
    named = raised[raised["first_source"] == source].set_index("alert_id")["trigger_event_ms"]
    trigger = named.reindex(trigger.index).fillna(trigger)
    return (committed - trigger).to_numpy(dtype=np.float64)


def replay_delays(alerts: Alerts, source: EvidenceSource, measured_from_ms: float) -> NDArray[np.float64]:
    """Milliseconds from sending the triggering event to the commit of the alert, of alerts first raised by ``source``.

    Event times of a replay are long past, so Kafka's timestamp of the event stands in. Alerts that do not know it, as
    those of pattern hits, are left out.
    """
    raised = alerts.alerts[
        (alerts.alerts["trigger_event_ms"] >= measured_from_ms) & (alerts.alerts["first_source"] == source)
    ]
    rows = alerts.events[alerts.events["source"] == source]
    committed = rows.groupby("alert_id")["committed_ms"].min()
    sent = raised.set_index("alert_id")["trigger_sent_ms"].astype("float64")
    return (committed.reindex(sent.index) - sent).dropna().to_numpy(dtype=np.float64)


def delay_metrics(source: EvidenceSource, delays_ms: NDArray[np.float64]) -> list[Metric]:
    """p50, p95 and p99 of the delays of one source; the denominator is the number of alerts measured."""
    return [
        Metric(name, "ms", percentile(delays_ms, share), denominator=len(delays_ms)) for name, share in _METRICS[source]
    ]
