"""What the batching study finds."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from statistics import median

import numpy as np
from pydantic import BaseModel

from patternalarm.studies.machine import Machine


class Way(StrEnum):
    """A way to get a score."""

    SPARK_JOB = "spark-job"
    """createDataFrame, transform and collect for each request."""
    MICROBATCH = "microbatch"
    """The scorer's stream in micro-batch mode."""
    REALTIME = "realtime"
    """The scorer's stream in real-time mode."""
    IN_PROCESS = "in-process"
    """The forest by numpy, as behind ``POST /api/predict``, without HTTP."""
    HTTP = "http"
    """``POST /api/predict``."""


class Split(BaseModel):
    """Where the time of a request to Spark goes, medians in milliseconds.

    Attributes:
        create_ms: rows of Python become a DataFrame.
        transform_ms: the model is put into the query's plan, which computes nothing yet.
        collect_ms: the plan is optimised, compiled, run, and its rows come back.
    """

    create_ms: float
    transform_ms: float
    collect_ms: float


class Measurement(BaseModel):
    """One way, at one number of rows a request.

    Attributes:
        way: how scores were got.
        rows: rows in a request; 1 in a stream, where each event is on its own.
        requests: how many were measured, after the warm-up.
        p50_ms: latency of a request; in a stream from Kafka's clock at the event's features to its clock at the score.
        p99_ms: the same.
        rows_per_second: one request after the other; in a stream from a topic that is full.
        rows_per_cpu_second: rows over the CPU time that who scores them took in all of its processes.
        split: of a request to Spark.
    """

    way: Way
    rows: int
    requests: int
    p50_ms: float
    p99_ms: float
    rows_per_second: float
    rows_per_cpu_second: float
    split: Split | None = None

    @property
    def ms_per_row(self) -> float:
        """Median latency over the rows of a request."""
        return self.p50_ms / self.rows

    @property
    def cpu_us_per_row(self) -> float:
        """CPU time of a row, microseconds."""
        return 1e6 / self.rows_per_cpu_second

    @classmethod
    def of_requests(
        cls, way: Way, rows: int, seconds: Sequence[float], cpu: float, split: Split | None = None
    ) -> "Measurement":
        """Of requests that followed one another.

        Args:
            way: how scores were got.
            rows: rows in each.
            seconds: what each took.
            cpu: CPU seconds that all of them took together.
            split: where a request's time went.
        """
        total = rows * len(seconds)
        return cls(
            way=way,
            rows=rows,
            requests=len(seconds),
            p50_ms=median(seconds) * 1_000,
            p99_ms=float(np.percentile(seconds, 99)) * 1_000,
            rows_per_second=total / sum(seconds),
            # The clocks of processes tick every 10 ms.
            rows_per_cpu_second=total / max(cpu, 0.01),
            split=split,
        )


class Forest(BaseModel):
    """The model that was measured."""

    domain: str
    version: str
    trees: int
    nodes: int
    features: int
    classes: int


class BatchingResult(BaseModel):
    """The study.

    Attributes:
        measured_at: when it began.
        machine: where.
        forest: of what.
        warm_up: requests of each kind before those that count.
        paced_per_second: events a second that streams were fed while latency was measured.
        paced_seconds: for how long, without the first ``paced_warm_up_seconds``.
        paced_warm_up_seconds: see there.
        full_topic: events in the topic from which throughput was measured, by its second half.
        measurements: all of them.
        missing: what could not be measured, each with the reason.
    """

    measured_at: datetime
    machine: Machine
    forest: Forest
    warm_up: int
    paced_per_second: float
    paced_seconds: float
    paced_warm_up_seconds: float
    full_topic: int
    measurements: list[Measurement]
    missing: dict[Way, str]

    def find(self, way: Way, rows: int = 1) -> Measurement | None:
        """The measurement of ``way`` at ``rows`` a request; None when there is none."""
        return next((one for one in self.measurements if (one.way, one.rows) == (way, rows)), None)
