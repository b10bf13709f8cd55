"""Write a model directory ``<models_dir>/<domain>/<version>/``, sealed by ``metadata.json``.

    pipeline/       Spark PipelineModel
    forest.npz      the same trees as arrays, for explanations
    metadata.json   what the model is, how good it was, and the SHA-256 of every other file

``metadata.json`` is written last: a directory without it was never finished. ``patternalarm.models`` reads it.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.models.metadata import METADATA_FILE

PIPELINE_DIR = "pipeline"


def digests_of(directory: Path) -> dict[str, str]:
    """SHA-256 (hex) of every file under ``directory`` but the metadata, by relative path."""
    digests = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path != directory / METADATA_FILE:
            with path.open("rb") as file:
                digests[path.relative_to(directory).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def seal(
    directory: Path,
    pack: DomainPack,
    *,
    version: str,
    scope: str,
    seed: int,
    as_of_ms: int,
    thresholds: Mapping[str, float],
    metrics: Mapping[str, Any],
    rows: Mapping[str, int],
    split: Mapping[str, int | None],
) -> None:
    """Write ``metadata.json`` over the finished files of ``directory``.

    ``as_of_ms`` is the time after which no label was known, ``metrics`` the report of the held-out block, ``rows``
    counts what training used and left out, ``split`` gives the edges of the time blocks in epoch milliseconds.
    """
    metadata = {
        "domain": pack.name,
        "version": version,
        "scope": scope,
        "feature_set": pack.feature_set,
        "pack_version": pack.version,
        "feature_names": pack.feature_names,
        "classes": pack.classes,
        "thresholds": dict(thresholds),
        "metrics": dict(metrics),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "as_of_ms": as_of_ms,
        "trees": pack.training.trees,
        "depth": pack.training.depth,
        "rows": dict(rows),
        "split": dict(split),
        "files": digests_of(directory),
    }
    partial = directory.parent / f".{directory.name}.{METADATA_FILE}"
    partial.write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    partial.rename(directory / METADATA_FILE)
