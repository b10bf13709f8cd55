"""Ground truth against alerts: what was found, what was alerted wrongly, how fast.

A campaign is found when at least one alert of its type holds at least one of its events. An alert is right when it
holds at least one event of a fraud of its type. Recall counts campaigns, precision counts alerts; the pooled figure
(``all``) ignores the type, and ``suspicious_activity`` alerts count only there. An event, one of its actor's, is alerted
when an alert holds it. Times are milliseconds since 1970 UTC.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patternalarm.contracts.alerts import ALL_TYPES, SUSPICIOUS_ACTIVITY, EvidenceSource
from patternalarm.grading.figures.metrics import Metric, MetricName, percentile, proportion

CAMPAIGN_COLUMNS: Final = ("campaign_id", "kind", "fraud_type", "events", "first_event_ms", "amount")
EVENT_IDENTITY: Final = ("actor_id", "event_id")
TRUTH_EVENT_COLUMNS: Final = (*EVENT_IDENTITY, "campaign_id")
ALERT_COLUMNS: Final = ("alert_id", "fraud_type", "first_source", "trigger_event_ms", "trigger_sent_ms", "detected_ms")
ALERT_EVENT_COLUMNS: Final = ("alert_id", *EVENT_IDENTITY, "source", "event_ms", "committed_ms")

FRAUD: Final = "fraud"
LOOKALIKE: Final = "lookalike"


@dataclass(frozen=True)
class Truth:
    """Ground truth of a scope.

    ``campaigns`` has CAMPAIGN_COLUMNS, one row each: ``kind`` fraud or lookalike, ``fraud_type`` what it is or
    resembles. ``events`` has TRUTH_EVENT_COLUMNS; an event may belong to several campaigns.
    """

    campaigns: pd.DataFrame
    events: pd.DataFrame

    @cached_property
    def fraud_event_identities(self) -> frozenset[tuple[str, str]]:
        """(actor_id, event_id) of the events of fraud campaigns."""
        frauds = self.campaigns.loc[self.campaigns["kind"] == FRAUD, "campaign_id"]
        events = self.events[self.events["campaign_id"].isin(frauds)]
        return frozenset(zip(events["actor_id"], events["event_id"], strict=True))


@dataclass(frozen=True)
class Alerts:
    """Alerts of a scope that hold at least one measured event.

    ``alerts`` has ALERT_COLUMNS. ``events`` has ALERT_EVENT_COLUMNS, measured events only: ``committed_ms`` is the
    commit time of the row's transaction.
    """

    alerts: pd.DataFrame
    events: pd.DataFrame


@dataclass(frozen=True)
class Detection:
    """Truth and alerts joined.

    ``campaigns`` is the ground truth's with ``found`` and ``found_by_type`` and, per campaign, the earliest commit
    (``alerted_ms``, ``alerted_by_type_ms``) and event time (``alerted_event_ms``, ``alerted_by_type_event_ms``) at
    which it was; ``alerted_as`` lists the types of its alerts. ``alerts`` has ``right`` and ``right_by_type``.
    ``fraud_events`` has a row per fraud event and type of its campaign with ``alerted`` and ``alerted_by_type``;
    ``alerted_events`` a row per alerted event and alert type with ``right`` and ``right_by_type``.
    """

    campaigns: pd.DataFrame
    alerts: pd.DataFrame
    fraud_events: pd.DataFrame
    alerted_events: pd.DataFrame

    @cached_property
    def frauds(self) -> pd.DataFrame:
        """Fraud campaigns."""
        return self.campaigns[self.campaigns["kind"] == FRAUD]

    @cached_property
    def lookalikes(self) -> pd.DataFrame:
        """Look-alike campaigns."""
        return self.campaigns[self.campaigns["kind"] == LOOKALIKE]

    @cached_property
    def fraud_types(self) -> tuple[str, ...]:
        """Fraud types with a campaign or an alert, sorted; without ``suspicious_activity``."""
        types = set(self.campaigns["fraud_type"]) | set(self.alerts["fraud_type"])
        return tuple(sorted(types - {SUSPICIOUS_ACTIVITY}))

    def detection_seconds(self, fraud_type: str = ALL_TYPES, *, by_event_time: bool = False) -> NDArray[np.float64]:
        """Seconds from the first event of each found campaign to its first alert.

        The alert's time is when it was committed or, ``by_event_time``, the event time that raised it: what there is
        when events of long ago are replayed at any speed.
        """
        frauds, suffix = self.frauds, "_event_ms" if by_event_time else "_ms"
        column = "alerted" + suffix
        if fraud_type != ALL_TYPES:
            frauds = frauds[frauds["fraud_type"] == fraud_type]
            column = "alerted_by_type" + suffix
        return ((frauds[column] - frauds["first_event_ms"]) / 1_000).dropna().to_numpy(dtype=np.float64)


def detect(truth: Truth, alerts: Alerts) -> Detection:
    """Join ground truth and alerts."""
    membership = truth.events.merge(
        truth.campaigns[["campaign_id", "kind", "fraud_type"]].rename(columns={"fraud_type": "campaign_type"}),
        on="campaign_id",
    )
    held = alerts.events.merge(
        alerts.alerts[["alert_id", "fraud_type"]].rename(columns={"fraud_type": "alert_type"}), on="alert_id"
    )
    # A score alert's event raised it by itself; a pattern's events came together when the last one completed it.
    completed = held.groupby(["alert_id", "source", "committed_ms"])["event_ms"].transform("max")
    held["trigger_ms"] = held["event_ms"].where(held["source"] == EvidenceSource.SCORE, completed)
    hits = held.merge(membership, on=list(EVENT_IDENTITY))
    fraud_hits = hits[hits["kind"] == FRAUD]
    right_hits = fraud_hits[fraud_hits["campaign_type"] == fraud_hits["alert_type"]]

    campaigns = truth.campaigns.copy()
    campaigns["found"] = campaigns["campaign_id"].isin(hits["campaign_id"])
    campaigns["found_by_type"] = campaigns["campaign_id"].isin(right_hits["campaign_id"])
    for name, those in (("alerted", hits), ("alerted_by_type", right_hits)):
        earliest = those.groupby("campaign_id")[["committed_ms", "trigger_ms"]].min()
        campaigns[f"{name}_ms"] = campaigns["campaign_id"].map(earliest["committed_ms"])
        campaigns[f"{name}_event_ms"] = campaigns["campaign_id"].map(earliest["trigger_ms"])

    campaigns["alerted_as"] = campaigns["campaign_id"].map(
        hits.groupby("campaign_id")["alert_type"].agg(lambda types: ", ".join(sorted(set(types))))
    )

    graded = alerts.alerts.copy()
    graded["right"] = graded["alert_id"].isin(fraud_hits["alert_id"])
    graded["right_by_type"] = graded["alert_id"].isin(right_hits["alert_id"])

    fraud_events = membership.loc[membership["kind"] == FRAUD, [*EVENT_IDENTITY, "campaign_type"]].drop_duplicates()
    fraud_events["alerted"] = _keys(fraud_events).isin(_keys(held))
    fraud_events["alerted_by_type"] = _keys(fraud_events, "campaign_type").isin(_keys(held, "alert_type"))

    alerted_events = held[[*EVENT_IDENTITY, "alert_type"]].drop_duplicates()
    alerted_events["right"] = _keys(alerted_events).isin(_keys(fraud_events))
    alerted_events["right_by_type"] = _keys(alerted_events, "alert_type").isin(_keys(fraud_events, "campaign_type"))
    return Detection(campaigns, graded, fraud_events, alerted_events)


def detection_metrics(detection: Detection, *, by_event_time: bool = False) -> list[Metric]:
    """Recall, precision, look-alikes alerted and detection time: one row per fraud type and one pooled, each."""
    rows = _pooled(detection)
    for fraud_type in detection.fraud_types:
        rows += _of_type(detection, fraud_type)
    for fraud_type in (ALL_TYPES, *detection.fraud_types):
        seconds = detection.detection_seconds(fraud_type, by_event_time=by_event_time)
        for name, share in ((MetricName.DETECTION_TIME_P50, 0.5), (MetricName.DETECTION_TIME_P95, 0.95)):
            rows.append(Metric(name, "s", percentile(seconds, share), fraud_type, denominator=len(seconds)))
    return rows


def _pooled(detection: Detection) -> list[Metric]:
    events = detection.fraud_events.drop_duplicates(list(EVENT_IDENTITY))
    alerted = detection.alerted_events.drop_duplicates(list(EVENT_IDENTITY))
    return [
        _share(MetricName.CAMPAIGN_RECALL, detection.frauds["found"]),
        _share(MetricName.ALERT_PRECISION, detection.alerts["right"]),
        _share(MetricName.EVENT_RECALL, events["alerted"]),
        _share(MetricName.EVENT_PRECISION, alerted["right"]),
        _share(MetricName.LOOKALIKES_ALERTED, detection.lookalikes["found"]),
    ]


def _of_type(detection: Detection, fraud_type: str) -> list[Metric]:
    def of(frame: pd.DataFrame, type_column: str, flag: str) -> pd.Series:
        return frame.loc[frame[type_column] == fraud_type, flag]

    return [
        _share(MetricName.CAMPAIGN_RECALL, of(detection.frauds, "fraud_type", "found_by_type"), fraud_type),
        _share(MetricName.ALERT_PRECISION, of(detection.alerts, "fraud_type", "right_by_type"), fraud_type),
        _share(MetricName.EVENT_RECALL, of(detection.fraud_events, "campaign_type", "alerted_by_type"), fraud_type),
        _share(MetricName.EVENT_PRECISION, of(detection.alerted_events, "alert_type", "right_by_type"), fraud_type),
        _share(MetricName.LOOKALIKES_ALERTED, of(detection.lookalikes, "fraud_type", "found"), fraud_type),
    ]


def _share(metric: MetricName, flags: pd.Series, fraud_type: str = ALL_TYPES) -> Metric:
    return proportion(metric, int(flags.sum()), len(flags), fraud_type)


def _keys(frame: pd.DataFrame, *further: str) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[[*EVENT_IDENTITY, *further]])
