"""All that is known of a run when it is graded, loaded from PostgreSQL in one place for measuring and for reporting."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.contracts.runs import RunKind
from patternalarm.grading.alert_store import load_alerts, load_truth
from patternalarm.grading.figures.delays import load_test_delays, replay_delays
from patternalarm.grading.figures.detection import Alerts, Detection, Truth, detect
from patternalarm.grading.figures.rates import ShardBooks
from patternalarm.grading.run_store import (
    Connection,
    StoredLedger,
    load_ledger,
    load_model_version,
    load_shards,
    load_velocity,
    measured_from_ms,
)
from patternalarm.runs.interruptions import Interruption, load_interruptions, touch_detection
from patternalarm.runs.registry import Run, get_run


@dataclass(frozen=True)
class GradedRun:
    """A run with its ledger, ground truth and alerts, and what interrupted it."""

    run: Run
    ledger: StoredLedger
    shards: list[ShardBooks]
    truth: Truth
    alerts: Alerts
    velocity: pd.DataFrame
    model_version: str | None
    interruptions: Sequence[Interruption] = ()

    @property
    def was_interrupted(self) -> bool:
        """Whether a part that detection needs was lost or hung on the way, by its name."""
        return touch_detection(self.interruptions)

    @property
    def is_replay(self) -> bool:
        """Whether events of long ago were replayed, whose event times say nothing about wall time."""
        return self.run.kind == RunKind.REPLAY

    @cached_property
    def detection(self) -> Detection:
        """Ground truth and alerts joined."""
        return detect(self.truth, self.alerts)

    def delays_ms(self, source: EvidenceSource) -> NDArray[np.float64]:
        """Delay of every alert of one source, in ms since the event was due, in a replay since it was sent."""
        since = measured_from_ms(self.run) or 0
        return (
            replay_delays(self.alerts, source, since)
            if self.is_replay
            else load_test_delays(self.alerts, source, since)
        )


def load_graded_run(connection: Connection, run_id: str) -> GradedRun:
    """Load a run that has been accounted for.

    Raises:
        RunError: there is no such run.
        NoLedgerError: it has no ledger.
        GradingError: PostgreSQL lacks the commit times of its alerts.
    """
    run = get_run(connection, run_id)
    return GradedRun(
        run=run,
        ledger=load_ledger(connection, run_id),
        shards=load_shards(connection, run_id),
        truth=load_truth(connection, run_id),
        alerts=load_alerts(connection, run_id, measured_from_ms(run)),
        velocity=load_velocity(connection, run_id),
        model_version=load_model_version(connection, run),
        interruptions=load_interruptions(connection, run_id),
    )
