"""The command line of ``train_model`` for the planted history."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from history import DAY_MS, DAYS, START_MS
from train_model import arguments


def iso(ms: int) -> str:
    """An epoch millisecond as the command lines take it."""
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat()


def training_options(
    logs: tuple[Path, Path], output: Path, *more: str, as_of_ms: int = START_MS + (DAYS + 3) * DAY_MS
) -> argparse.Namespace:
    """Options of ``train_model`` for ``logs`` (features, labels); all of the planted history is settled by default."""
    features, labels = logs
    line = ["--pack", "shop", "--scope", "live", "--features", str(features), "--labels", str(labels)]
    line += ["--as-of", iso(as_of_ms), "--version", "v1", "--output", str(output), "--seed", "11", *more]
    return arguments(line)
