"""What a report says, whatever its form: terminal, JSON and HTML are written from this alone."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from patternalarm.contracts.alerts import ALL_TYPES, EvidenceSource
from patternalarm.contracts.runs import RunKind
from patternalarm.grading.figures.metrics import Metric, MetricName
from patternalarm.grading.figures.wording import seconds
from patternalarm.grading.graded_run import GradedRun
from patternalarm.grading.ledger.ledger import ProblemKind
from patternalarm.grading.run_store import is_strict, measured_from_ms, planned_events, scheduled_window
from patternalarm.grading.verdict.judgement import GateResult, Judgement, describe, judge
from patternalarm.runs.interruptions import Interruption, causes, pauses
from patternalarm.runs.registry import RunState

# Widths of the velocity plot's buckets; the narrowest that keeps a run under MAX_BUCKETS is taken.
BUCKETS_MS: Final = {
    "10 s": 10_000,
    "minute": 60_000,
    "10 min": 600_000,
    "hour": 3_600_000,
    "6 h": 21_600_000,
    "day": 86_400_000,
}
MAX_BUCKETS: Final = 400

# Columns of the ledger: the way of the events, and what is wrong with it.
LEDGER_WAY: Final = (
    "generated",
    "acknowledged",
    "offset_span",
    "featurised",
    "dead_lettered",
    "to_score",
    "scored",
)
LEDGER_FAULTS: Final = ("lost", "duplicated", "altered", "overlapping", "redelivered")
LEDGER_LABELS: Final = {
    "generated": "generated",
    "acknowledged": "acknowledged by Kafka",
    "offset_span": "on the topic",
    "featurised": "featurised",
    "dead_lettered": "dead-lettered",
    "to_score": "to be scored",
    "scored": "scored",
    "lost": "lost",
    "duplicated": "duplicated",
    "altered": "altered",
    "overlapping": "featurised and dead-lettered",
    "redelivered": "redelivered (harmless)",
}

_PERCENTS: Final = (1, 5, 10, 25, 50, 75, 90, 95, 99, 100)


@dataclass(frozen=True)
class Velocity:
    """Events and alerts per bucket: ``frame`` has bucket_ms (epoch), events and alerts; ``width`` is of BUCKETS_MS."""

    frame: pd.DataFrame
    width: str


@dataclass(frozen=True)
class ReportData:
    """A graded run with its stored figures."""

    graded: GradedRun
    metrics: Sequence[Metric]

    @cached_property
    def judgement(self) -> Judgement:
        """The figures held against the run's thresholds."""
        run, interrupted = self.graded.run, self.graded.was_interrupted
        return judge(self.metrics, run.kind, run.level, strict=is_strict(run), interrupted=interrupted)

    @cached_property
    def verdict(self) -> str:
        """``passed``, ``missed``, or ``failed`` for a run that had failed before it was graded."""
        if self.graded.run.state is RunState.FAILED:
            return "failed"
        return "passed" if self.judgement.passed else "missed"

    @cached_property
    def interruptions(self) -> list[Interruption]:
        """Parts that were lost or hung on the way, by their begin."""
        return causes(self.graded.interruptions)

    @cached_property
    def pauses(self) -> list[tuple[datetime, timedelta]]:
        """When detection paused, and for how long."""
        return pauses(self.graded.interruptions)

    @cached_property
    def interruption_lines(self) -> list[str]:
        """What interrupted the run, and what that did to its detection and to its verdict; none of a run without."""
        lines = [one.told for one in self.interruptions]
        if self.pauses:
            lines.append(
                f"detection paused for {seconds(sum(length.total_seconds() for _, length in self.pauses))} in all, "
                f"at most {seconds(max(length.total_seconds() for _, length in self.pauses))} at a time"
            )
        elif lines:
            lines.append("detection did not pause")
        if self.graded.was_interrupted:
            lines.append("graded without delays and rate")
        return lines

    def metric(self, name: MetricName, fraud_type: str = ALL_TYPES) -> Metric | None:
        """One figure, if the run has it."""
        return self._by_name.get((name, fraud_type))

    @cached_property
    def _by_name(self) -> dict[tuple[MetricName, str], Metric]:
        return {(metric.metric, metric.fraud_type): metric for metric in self.metrics}

    @cached_property
    def fraud_types(self) -> tuple[str, ...]:
        """Fraud types with figures of their own."""
        return tuple(sorted({metric.fraud_type for metric in self.metrics} - {ALL_TYPES}))

    @cached_property
    def missed_campaigns(self) -> pd.DataFrame:
        """Fraud campaigns without an alert of their type, most money first."""
        frauds = self.graded.detection.frauds
        return frauds[~frauds["found_by_type"]].sort_values("amount", ascending=False, na_position="last")

    @cached_property
    def alerted_lookalikes(self) -> pd.DataFrame:
        """Look-alike campaigns with an event in an alert, most money first."""
        lookalikes = self.graded.detection.lookalikes
        return lookalikes[lookalikes["found"]].sort_values("amount", ascending=False, na_position="last")

    @cached_property
    def caught_amount(self) -> tuple[float, float] | None:
        """Money moved out by found fraud campaigns and by all of them; None when none moved any."""
        frauds = self.graded.detection.frauds
        total = float(frauds["amount"].sum())
        return (float(frauds.loc[frauds["found"], "amount"].sum()), total) if total else None

    @cached_property
    def velocity(self) -> Velocity | None:
        """Events and alerts over the measured time; None when the run kept no velocity.

        Alerts stand where they were committed; in a replay, whose events are long past, where their trigger was.
        """
        events, alerts = self.graded.velocity, self.graded.alerts.alerts
        events = events[events["bucket_ms"] >= (measured_from_ms(self.graded.run) or 0)]
        if events.empty:
            return None
        when = alerts["trigger_event_ms"] if self.graded.is_replay else alerts["detected_ms"]
        begin = float(events["bucket_ms"].min())
        end = max(float(events["bucket_ms"].max()), float(when.max()) if len(when) else begin)
        width = next((name for name, ms in BUCKETS_MS.items() if (end - begin) / ms < MAX_BUCKETS), "day")
        size = BUCKETS_MS[width]
        edges = np.arange(begin, end + size, size)
        frame = pd.DataFrame(
            {
                "bucket_ms": edges,
                "events": _histogram(events["bucket_ms"], begin, size, len(edges), events["events"]),
                "alerts": _histogram(when, begin, size, len(edges)),
            }
        )
        return Velocity(frame, width)

    @cached_property
    def window(self) -> tuple[datetime, datetime] | None:
        """When the measured events were due to begin and to end."""
        run = self.graded.run
        if run.measured_from is None or run.measured_until is None:
            return None
        return scheduled_window(run) or (run.measured_from, run.measured_until)

    @cached_property
    def phases(self) -> dict[str, float]:
        """Seconds of each phase of the run, from its parameter ``durations``."""
        return {str(name): float(seconds) for name, seconds in self.graded.run.params.get("durations", {}).items()}

    @cached_property
    def command(self) -> str:
        """Command that runs this again."""
        run = self.graded.run
        if run.kind is RunKind.REPLAY:
            file = shlex.quote(str(run.params.get("file", "FILE")))
            return f"make replay FILE={file} PACK={shlex.quote(str(run.params.get('pack', run.domain)))}"
        if run.kind is RunKind.LOAD_TEST:
            rate = run.params.get("events_per_minute")
            domain = shlex.quote(str(run.params.get("domain", run.domain)))
            options = f"DOMAIN={domain} LEVEL={run.level} MINUTES={run.minutes or 0:g} SEED={run.seed}"
            lenient = "" if run.params.get("strict", True) else " STRICT=false"
            return f"make load-test {options}" + (f" RATE={rate}" if rate else "") + lenient
        return f"airflow dags trigger {run.dag_id}"

    @cached_property
    def asides(self) -> dict[str, int]:
        """What the ledger tells apart from losses and faults, by its label; rows of a replay's file where it has one."""
        ledger = self.graded.ledger
        told = {
            "sent again by the producer": ledger.noted(ProblemKind.REPEATED_BY_PRODUCER),
            "behind the watermark": ledger.noted(ProblemKind.BEHIND_WATERMARK),
            "in quarantine": ledger.noted(ProblemKind.QUARANTINED),
        }
        planned = planned_events(self.graded.run)
        return told if planned is None else {"planned from the file": planned, **told}

    @cached_property
    def passport(self) -> dict[str, str]:
        """What the run was made of: versions, seed, DAG."""
        run = self.graded.run
        rate = self.metric(MetricName.RATE_ASKED)
        strict = "yes" if is_strict(run) else "no, speed is told beside its target and decides nothing"
        asked = f"{rate.value:,.0f} events a minute" if rate and rate.value else "as fast as it goes"
        named = {
            "Run": run.run_id,
            "Kind": str(run.kind),
            "Domain": run.domain,
            "Load": f"{run.level}, {asked}" if run.level else asked,
            "Minutes": f"{run.minutes:g}" if run.minutes else None,
            "Strict": strict if run.kind is RunKind.LOAD_TEST else None,
            "Seed": None if run.seed is None else str(run.seed),
            "Model": self.graded.model_version,
            "Pack": f"{run.domain} {run.pack_version}",
            "Feature set": run.feature_set,
            "Pattern set": run.pattern_set,
            "DAG": f"{run.dag_id} {run.dag_version or ''}".strip(),
            "Airflow run": run.airflow_run_id,
            "Requested": moment(run.requested_at),
            "Measured": f"{moment(self.window[0])} to {moment(self.window[1])}" if self.window else None,
        }
        return {name: value for name, value in named.items() if value}

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object; times in epoch milliseconds or ISO 8601, as the names say."""
        run = self.graded.run
        return {
            "run": {
                **asdict(run),
                "kind": str(run.kind),
                "state": str(run.state),
                "model_version": self.graded.model_version,
            },
            "verdict": self.verdict,
            "missed": [gate.miss for gate in self.judgement.misses],
            "interruptions": [
                {**asdict(one), "what": str(one.what), "seconds": one.seconds} for one in self.interruptions
            ],
            "detection_pauses": [
                {"began_at": began, "seconds": length.total_seconds()} for began, length in self.pauses
            ],
            "gates": [_gate(gate) for gate in self.judgement.gates],
            "command": self.command,
            "phase_seconds": self.phases,
            "metrics": [{**asdict(metric), "metric": str(metric.metric)} for metric in self.metrics],
            "ledger": asdict(self.graded.ledger),
            "ledger_asides": self.asides,
            "shards": [asdict(shard) for shard in self.graded.shards],
            "delay_percentiles_ms": {str(source): self._percentiles(source) for source in EvidenceSource},
            "missed_campaigns": campaign_records(self.missed_campaigns),
            "alerted_lookalikes": campaign_records(self.alerted_lookalikes),
            "velocity": None
            if self.velocity is None
            else {"per": self.velocity.width, "buckets": self.velocity.frame.to_dict("records")},
        }

    def _percentiles(self, source: EvidenceSource) -> dict[str, float]:
        delays = self.graded.delays_ms(source)
        if not len(delays):
            return {}
        values = np.quantile(delays, [percent / 100 for percent in _PERCENTS], method="inverted_cdf")
        return {f"p{percent}": float(value) for percent, value in zip(_PERCENTS, values, strict=True)}


def moment(at: datetime) -> str:
    """A time as ``2026-11-24 05:30:00 UTC``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _gate(gate: GateResult) -> dict[str, Any]:
    return {
        "metric": str(gate.metric.metric),
        "meaning": describe(gate),
        "asked": gate.asked,
        "reached": gate.reached,
        "gated": gate.metric.gated,
        "passed": gate.passed,
        "unjudged": gate.unjudged,
        "off_target": gate.off_target,
    }


def campaign_records(campaigns: pd.DataFrame) -> list[dict[str, Any]]:
    """Campaigns as plain objects, None where there is nothing."""
    columns = ["campaign_id", "fraud_type", "events", "amount", "first_event_ms", "found", "alerted_as"]
    records = campaigns[columns].astype("object")
    rows = records.where(records.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _histogram(
    at: "pd.Series[float]", begin: float, size: int, buckets: int, weights: "pd.Series[int] | None" = None
) -> np.ndarray[Any, np.dtype[np.int64]]:
    bucket = np.clip(((at.to_numpy() - begin) // size).astype(np.int64), 0, buckets - 1)
    return np.bincount(bucket, None if weights is None else weights.to_numpy(), buckets).astype(np.int64)
