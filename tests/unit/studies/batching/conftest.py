from datetime import UTC, datetime

import pytest

from patternalarm.studies.batching.result import BatchingResult, Forest, Measurement, Split, Way
from patternalarm.studies.machine import Machine


@pytest.fixture
def measurement():
    def make(way, rows=1, p50_ms=100.0, rows_per_second=10.0, rows_per_cpu_second=5.0):
        split = Split(create_ms=p50_ms * 0.3, transform_ms=p50_ms * 0.1, collect_ms=p50_ms * 0.6)
        return Measurement(
            way=way,
            rows=rows,
            requests=50,
            p50_ms=p50_ms,
            p99_ms=p50_ms * 2,
            rows_per_second=rows_per_second,
            rows_per_cpu_second=rows_per_cpu_second,
            split=split if way is Way.SPARK_JOB else None,
        )

    return make


@pytest.fixture
def result(measurement):
    return BatchingResult(
        measured_at=datetime(2026, 11, 27, 12, tzinfo=UTC),
        machine=Machine(cores=2, cpu="a CPU", memory_gib=24, load=0.1),
        forest=Forest(domain="payments", version="v1", trees=60, nodes=9_000, features=30, classes=7),
        warm_up=30,
        paced_per_second=833,
        paced_seconds=60,
        paced_warm_up_seconds=15,
        full_topic=400_000,
        measurements=[
            measurement(Way.SPARK_JOB, 1, 100.0),
            measurement(Way.SPARK_JOB, 10, 101.0),
            measurement(Way.SPARK_JOB, 100, 110.0, rows_per_second=900, rows_per_cpu_second=500),
            measurement(Way.SPARK_JOB, 1_000, 200.0, rows_per_second=5_000),
            measurement(Way.MICROBATCH, 1, 400.0, 30_000, 20_000),
            measurement(Way.REALTIME, 1, 20.0, 40_000, 25_000),
            measurement(Way.IN_PROCESS, 1, 0.5, 2_000, 2_000),
        ],
        missing={Way.HTTP: "the API does not answer"},
    )
