"""Names of the jobs and processes of a scope, by which they are found, watched and stopped, and modes of the scorer."""

from enum import StrEnum


class ProcessKind(StrEnum):
    """Long-running and batch processes of a scope."""

    SCORER = "scorer"
    ALERT_WRITER = "alert-writer"
    GENERATOR = "generator"
    WATCHER = "watcher"
    REPLAY = "replay"
    TRAINING_HISTORY = "training-history"
    EXTRACT_FEATURES = "extract-features"
    TRAIN_MODEL = "train-model"
    VALIDATE_MODEL = "validate-model"


class ScorerMode(StrEnum):
    """How Spark runs the scoring query; both give identical scores."""

    REALTIME = "realtime"
    """One long task per partition, each record passed on at once."""
    MICROBATCH = "microbatch"
    """Small batches, the fallback."""


def flink_job_name(domain: str, scope: str) -> str:
    """Name of the Flink job of ``domain`` in ``scope``."""
    return f"detect-{domain}-{scope}"


def process_name(scope: str, kind: ProcessKind, shard: int | str | None = None) -> str:
    """Name of the process of ``kind`` in ``scope``; shards of one kind are numbered."""
    return f"{scope}.{kind}" if shard is None else f"{scope}.{kind}-{shard}"
