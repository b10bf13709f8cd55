"""Names of the jobs and processes of a scope, by which they are found, watched and stopped, and modes of the scorer."""

import hashlib
from enum import StrEnum
from typing import Final

# Of a check of a file, which comes before there is a run.
CHECK_FILE: Final = "check-file"


class ProcessKind(StrEnum):
    """Long-running and batch processes of a scope."""

    SCORER = "scorer"
    ALERT_WRITER = "alert-writer"
    ONLINE_STORE = "online-store"
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


def flink_job_id(name: str) -> str:
    """Flink's id of the job of this name, 32 hex digits: of a name that is submitted twice, Flink takes one."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def flink_consumer_group(domain: str, scope: str) -> str:
    """Consumer group for which the Flink job of ``domain`` in ``scope`` commits the offsets that its checkpoints hold."""
    return f"flink.{domain}.{scope}"


def process_name(scope: str, kind: ProcessKind, shard: int | str | None = None) -> str:
    """Name of the process of ``kind`` in ``scope``; shards of one kind are numbered."""
    return f"{scope}.{kind}" if shard is None else f"{scope}.{kind}-{shard}"


def is_generator(name: str) -> bool:
    """Whether the process of this name plays the events of a run, be it its history or what is measured."""
    return name.partition(".")[2].startswith(ProcessKind.GENERATOR)
